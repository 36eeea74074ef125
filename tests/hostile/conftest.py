"""What the attacks share: the runtime's parts as a program, shells, and folders of a test's own."""

from pathlib import Path

import pytest

from tests.integration.conftest import layout, run
from tests.unit.sanitized import compile_objects, link_driver

__all__ = ["layout", "run"]


@pytest.fixture(scope="session")
def driver(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("driver")
    return link_driver(folder, compile_objects(folder))
