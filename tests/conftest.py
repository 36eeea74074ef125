"""What all tests share: nothing of the person's own settings, and nothing left in their home."""

import os
from collections.abc import Iterator

import pytest


@pytest.fixture(scope="session", autouse=True)
def no_settings_of_a_person(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Give the commands that tests run folders of their own for settings and the log."""
    with pytest.MonkeyPatch.context() as patch:
        for name in filter(lambda name: name.startswith("FLEETBPF_"), tuple(os.environ)):
            patch.delenv(name)
        patch.setenv("XDG_CONFIG_HOME", str(tmp_path_factory.mktemp("config")))
        patch.setenv("XDG_STATE_HOME", str(tmp_path_factory.mktemp("state")))
        yield
