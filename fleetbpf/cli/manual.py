"""`fleetbpf manual`: the man pages, made from the same tree of commands as `--help`."""

import argparse
from pathlib import Path

from fleetbpf.cli.output import Output
from fleetbpf.errors import ExitCode, InputError, Problem

SUMMARY = "write the man pages, fleetbpf(1) and one for each command"
DEFAULT_FOLDER = Path("~/.local/share/man/man1")


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument(
        "folder",
        metavar="DIR",
        nargs="?",
        type=Path,
        default=DEFAULT_FOLDER,
        help=f"where they are written (default: {DEFAULT_FOLDER})",
    )


def run(options: argparse.Namespace, output: Output) -> ExitCode:
    """Write every page."""
    from fleetbpf import man_pages
    from fleetbpf.cache import write_whole
    from fleetbpf.cli import parser

    folder: Path = options.folder.expanduser()
    pages = man_pages.pages(parser())
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in pages.items():
            write_whole(folder / name, text.encode(), mode=0o644)
    except OSError as error:
        raise InputError(Problem(where=str(folder), what=str(error.strerror))) from error
    output.line(f"{len(pages)} pages in {folder}; read them with `man -M {folder.parent} fleetbpf`")
    output.document({"folder": folder, "pages": list(pages)})
    return ExitCode.DONE
