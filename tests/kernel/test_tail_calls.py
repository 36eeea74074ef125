"""Functions that are loaded and attached nowhere: tail calls go there."""

import os
import subprocess
from pathlib import Path

from tests.kernel.conftest import Build, Start
from tests.kernel.running import Loader, ping

PID = f"pid={os.getpid()}"


def attached(loader: Loader) -> set[str]:
    return {each["function"] for each in loader.state()["attached"]}


def test_what_a_map_of_programs_holds_is_loaded_and_called_only(start: Start) -> None:
    loader = start("stages", "--set", PID)
    assert attached(loader) == {"first", "typed"}
    ping()
    loader.stop()
    texts = loader.texts()
    assert [text for text in texts if "typed" not in text] == ["first", "second", "third", "fourth"]
    assert texts.count("typed 110") == 1


def test_a_hook_that_is_asked_for_attaches_it_as_well(start: Start) -> None:
    loader = start("stages", "--set", PID, "--attach", "fourth=raw_tp/sys_enter")
    ping()
    loader.stop()
    assert loader.texts().count("fourth") == 2


def test_a_function_that_only_calls_itself_is_attached(start: Start) -> None:
    loader = start("looping", "--set", PID)
    assert attached(loader) == {"again"}
    ping()
    loader.stop()
    assert loader.texts() == ["time 1", "time 2", "time 3"]


def loaded(loader: Loader) -> str:
    """The programs that the loader holds, as bpftool tells them."""
    held = [path.read_text().split() for path in Path(f"/proc/{loader.pid}/fdinfo").iterdir()]
    ids = {words[words.index("prog_id:") + 1] for words in held if "prog_id:" in words}
    command = ["bpftool", "prog", "show", "id"]
    return "".join(
        subprocess.run([*command, each], capture_output=True, check=True, text=True).stdout
        for each in ids
    )


def test_a_function_is_loaded_on_request_and_attached_nowhere(start: Start) -> None:
    loader = start("looping", "--set", PID, "--load", "aside")
    assert attached(loader) == {"again"}
    assert "name aside" in loaded(loader)
    assert "name aside" not in loaded(start("looping", "--set", PID))


def test_an_unknown_function_to_load_is_told(build: Build) -> None:
    command = [str(build("looping")), "--load", "asides"]
    done = subprocess.run(command, capture_output=True, check=False, text=True)
    assert done.returncode == 1
    assert "--load asides: looping has no such function" in done.stderr
