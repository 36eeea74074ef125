"""Hooks named by a manifest, and hooks that are not there."""

import os
import platform
import subprocess
from pathlib import Path

import pytest

from tests.kernel.conftest import Build, Start
from tests.kernel.running import ping

PID = f"pid={os.getpid()}"
RELEASE = platform.release()


@pytest.mark.parametrize(
    ("attach", "text"),
    [
        ("on_call=raw_tp/sys_enter", "raw"),
        ("on_call=raw_tracepoint/sys_enter", "raw"),
        ("on_typed=tp_btf/sys_enter", "typed"),
        ("on_tracepoint=tracepoint/syscalls/sys_enter_getppid", "tracepoint 110"),
        ("on_tracepoint=tp/syscalls/sys_enter_getppid", "tracepoint 110"),
    ],
)
def test_a_function_goes_where_the_manifest_says(start: Start, attach: str, text: str) -> None:
    loader = start("anywhere", "--set", PID, "--attach", attach)
    ping()
    loader.stop()
    assert loader.texts() == [text]


def test_a_function_may_go_to_several_hooks(start: Start) -> None:
    where = "on_tracepoint=tracepoint/syscalls"
    loader = start(
        "anywhere",
        *("--set", PID),
        *("--attach", f"{where}/sys_enter_getppid"),
        *("--attach", f"{where}/sys_enter_getpgid"),
    )
    ping()
    os.getpgid(0)
    loader.stop()
    assert loader.texts() == ["tracepoint 110", "tracepoint 121"]
    assert [item["hook"] for item in loader.records("start")[0]["attached"]] == [
        "tracepoint/syscalls/sys_enter_getppid",
        "tracepoint/syscalls/sys_enter_getpgid",
    ]


@pytest.fixture
def called(tmp_path: Path) -> Path:
    """A program with a function `called`, in a place whose name is a trap."""
    folder = tmp_path / 'it\'s a "path" with $(everything):\n;'
    folder.mkdir()
    source = tmp_path / "called.c"
    source.write_text(
        '__attribute__((noinline)) void called(void) { __asm__(""); }\n'
        "int main(void) { called(); return 0; }\n"
    )
    subprocess.run(["gcc", "-g", "-o", folder / "called", source], check=True)
    return folder / "called"


def test_a_uprobe_path_may_hold_anything(start: Start, called: Path, tmp_path: Path) -> None:
    arguments = tmp_path / "arguments"
    word = f"on_function=uprobe/{called}:called"
    escaped = word.replace("\\", "\\\\").replace("\n", "\\n")
    arguments.write_text(f"--attach\n{escaped}\n")
    loader = start("anywhere", "--args", str(arguments))
    subprocess.run([called], check=True)
    loader.stop()
    assert loader.texts() == ["called"]
    assert loader.records("start")[0]["attached"][0]["hook"] == word.split("=", 1)[1]


@pytest.mark.parametrize(
    ("attach", "reason"),
    [
        ("on_tracepoint=tracepoint/syscalls/no_such", "it has no such tracepoint"),
        ("on_call=raw_tp/no_such", "it has no such raw tracepoint"),
        ("on_typed=tp_btf/no_such", "its BTF has no such tracepoint"),
        ("on_entry=fentry/no_such", "its BTF has no such function"),
        ("on_function=uprobe/usr/bin/env:no_such", "the file has no such symbol"),
        ("on_function=uprobe/no/such/file:x", "/no/such/file: No such file or directory"),
    ],
)
def test_a_hook_that_is_not_there_is_named(start: Start, attach: str, reason: str) -> None:
    function, hook = attach.split("=")
    loader = start("anywhere", "--attach", attach, ready=False)
    assert loader.process is not None
    _, err = loader.process.communicate(timeout=120)
    text = err.decode()
    assert loader.process.returncode == 1
    assert f"cannot attach {function} to {hook} on kernel {RELEASE}: " in text
    assert reason in text
    failure = (loader.run / "failure").read_text()
    assert f'"function":"{function}","hook":"{hook}"' in failure


def test_a_kernel_without_kprobes_says_so(build: Build) -> None:
    if Path("/sys/bus/event_source/devices/kprobe").exists():
        pytest.skip("this kernel has kprobes")
    command = [str(build("anywhere")), "--attach", "on_kernel=kprobe/do_unlinkat"]
    done = subprocess.run(command, capture_output=True, check=False, text=True)
    assert "it was built without kprobes" in done.stderr


@pytest.mark.parametrize(
    ("words", "what"),
    [
        (["--attach", "nobody=raw_tp/x"], "anywhere has no such function"),
        (["--attach", "on_call=nowhere/x"], "hook nowhere/x: unknown kind of hook"),
        (["--attach", "on_call=tracepoint/x"], "hint: want tracepoint/SYSTEM/NAME"),
        (["--attach", "on_call=raw_tp"], "hint: want raw_tp/NAME"),
        (["--attach", "on_call"], "--attach on_call: want NAME=VALUE"),
        (["--attach", "on_typed=raw_tp/sys_enter"], 'it was compiled for "tp_btf"'),
        (
            ["--attach", "on_typed=tp_btf/sys_enter", "--attach", "on_typed=tp_btf/sys_exit"],
            "it goes to tp_btf/sys_enter already",
        ),
        ([], "there is no function to attach"),
    ],
)
def test_a_wrong_hook_is_refused(build: Build, words: list[str], what: str) -> None:
    done = subprocess.run([build("anywhere"), *words], capture_output=True, check=False, text=True)
    assert done.returncode in {1, 2}
    assert what in done.stderr
