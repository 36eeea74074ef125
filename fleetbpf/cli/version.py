"""`fleetbpf version`: which fleetbpf this is, and what it runs on."""

import argparse
import platform

from fleetbpf import __version__
from fleetbpf.cli.output import Output
from fleetbpf.errors import ExitCode

SUMMARY = "show the version of fleetbpf, and of the Python it runs on"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Take no arguments but the common ones."""


def run(_options: argparse.Namespace, output: Output) -> ExitCode:
    """Print the versions."""
    python = platform.python_version()
    output.line(f"fleetbpf {__version__}, Python {python}")
    output.document({"python": python})
    return ExitCode.DONE
