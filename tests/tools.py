"""What a test needs of the machine: a missing tool skips on a laptop and fails in CI."""

import os
import shutil

import pytest


def need(*tools: str) -> None:
    """Skip the calling test (fail it in CI) unless every one of `tools` is on the PATH."""
    path = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"
    missing = [tool for tool in tools if shutil.which(tool, path=path) is None]
    if missing:
        absent(f"missing here: {', '.join(missing)} (./dev setup installs them)")


def need_root() -> None:
    """Skip the calling test (fail it in CI) unless it runs as root."""
    if os.geteuid() != 0:
        absent("needs root")


def absent(what: str) -> None:
    """What this machine lacks: a failure in CI, a skip elsewhere."""
    if os.environ.get("CI"):
        pytest.fail(what)
    pytest.skip(what)
