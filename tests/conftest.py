"""What all tests share: nothing of the person's own settings, and nothing left in their home."""

import os
import signal
from collections.abc import Iterator
from pathlib import PurePosixPath

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

# With several processes (`pytest -n`, as in ./dev test) each of these runs in one: its tests share
# the lab's hosts, or see what others load into this machine's kernel.
TOGETHER = {"tests/e2e": "lab", "tests/kernel": "machine"}
TOGETHER |= {
    f"tests/integration/test_{name}.py": "machine"
    for name in ("activation", "orphans", "plan_command", "rollout_command")
}

# A shell has what it runs in the background ignore Ctrl-C, and so would all that tests start.
signal.signal(signal.SIGINT, signal.default_int_handler)


class Divided(LoadScopeScheduling):  # type: ignore[misc]
    """Tests as they are divided among processes: by folder where they must, else by file."""

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        folder = str(PurePosixPath(file).parent)
        return TOGETHER.get(folder) or TOGETHER.get(file, file)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> Divided:
    """Tell xdist so; its own groups do nothing with pytest 9.2 (xdist 3.8)."""
    return Divided(config, log)


@pytest.fixture(scope="session", autouse=True)
def no_settings_of_a_person(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Give the commands that tests run folders of their own for settings and the log."""
    with pytest.MonkeyPatch.context() as patch:
        for name in filter(lambda name: name.startswith("FLEETBPF_"), tuple(os.environ)):
            patch.delenv(name)
        for name in ("NO_COLOR", "FORCE_COLOR", "CLICOLOR_FORCE"):
            patch.delenv(name, raising=False)
        patch.setenv("TERM", "xterm-256color")
        patch.setenv("XDG_CONFIG_HOME", str(tmp_path_factory.mktemp("config")))
        patch.setenv("XDG_STATE_HOME", str(tmp_path_factory.mktemp("state")))
        yield
