"""What all tests share: nothing of the person's own settings, and nothing left in their home."""

import os
from collections.abc import Iterator

import pytest

# With several processes (`pytest -n`, as in ./dev test) each of these runs in one: its tests share
# the lab's hosts, or see what others load into this machine's kernel.
TOGETHER = {"e2e": "lab", "kernel": "machine", "integration": "machine"}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Say which tests run in the same process; the others are divided by file."""
    for item in items:
        folder = item.path.parent.name
        group = TOGETHER.get(folder) or f"{folder}/{item.path.stem}"
        item.add_marker(pytest.mark.xdist_group(group))


@pytest.fixture(scope="session", autouse=True)
def no_settings_of_a_person(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Give the commands that tests run folders of their own for settings and the log."""
    with pytest.MonkeyPatch.context() as patch:
        for name in filter(lambda name: name.startswith("FLEETBPF_"), tuple(os.environ)):
            patch.delenv(name)
        patch.setenv("XDG_CONFIG_HOME", str(tmp_path_factory.mktemp("config")))
        patch.setenv("XDG_STATE_HOME", str(tmp_path_factory.mktemp("state")))
        yield
