"""`fleetbpf completion`: what a shell needs to complete fleetbpf's commands, options and hosts."""

import argparse
from typing import TYPE_CHECKING, Any

from fleetbpf.cli import tree
from fleetbpf.cli.output import Output
from fleetbpf.errors import ExitCode

if TYPE_CHECKING:
    from collections.abc import Mapping

SUMMARY = "print the completions for a shell: bash, zsh or fish"
HOSTS = "fleetbpf inventory list --names 2>/dev/null"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("shell", choices=("bash", "zsh", "fish"), help="whose completions")


def run(options: argparse.Namespace, output: Output) -> ExitCode:
    """Print the script that the shell is to read."""
    import shtab

    from fleetbpf.cli import parser

    root = parser()
    complete(root, by_metavar())
    script = shtab.complete(root, shell=options.shell)
    output.lines(script)
    output.document({"shell": options.shell, "script": script})
    return ExitCode.DONE


def by_metavar() -> "Mapping[str, Any]":
    """How a value is completed, by the word that stands for it in `--help`."""
    import shtab

    hosts, manifests = shtab.cmd(HOSTS), shtab.glob("*.yml", "*.yaml")
    return {
        "MANIFEST": manifests,
        "HOST": hosts,
        "HOSTS": hosts,
        "PATTERN": hosts,
        "SOURCE": shtab.FILE,
        "FILE": shtab.FILE,
        "MANIFEST|SOURCE.bpf.c|OBJECT": shtab.FILE,
        "DIR": shtab.DIRECTORY,
    }


def complete(parser: argparse.ArgumentParser, ways: "Mapping[str, Any]") -> None:
    """Say of everything that `parser` and those below it take how it is completed."""
    for action in tree.actions(parser):
        if isinstance(action.metavar, str) and action.metavar in ways:
            action.complete = ways[action.metavar]  # type: ignore[attr-defined]
    for command in tree.commands(parser):
        complete(command, ways)
