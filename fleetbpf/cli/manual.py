"""`fleetbpf manual`: the man pages, made from the same tree of commands as `--help`."""

import argparse
import shutil
from pathlib import Path

from fleetbpf.cli.output import Output
from fleetbpf.errors import ExitCode, InputError, Problem
from fleetbpf.files import homes
from fleetbpf.wording import counted

SUMMARY = "write the man pages, fleetbpf(1) and one for each command"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument(
        "folder",
        metavar="DIR",
        nargs="?",
        type=Path,
        help="where they are written (default: where man looks for those of this program)",
    )


def run(options: argparse.Namespace, output: Output) -> ExitCode:
    """Write every page."""
    from fleetbpf.cli import man_pages, parser
    from fleetbpf.files.private_files import write_whole

    folder: Path = options.folder or beside_the_program()
    pages = man_pages.pages(parser())
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in pages.items():
            write_whole(folder / name, text.encode(), mode=0o644)
    except OSError as error:
        raise InputError(Problem(where=str(folder), what=str(error.strerror))) from error
    output.line(f"{counted(len(pages), 'page')} in {folder}")
    output.document({"folder": folder, "pages": list(pages)})
    return ExitCode.DONE


def beside_the_program() -> Path:
    """Where man-db looks for what is on the PATH: the folder share/man beside the program's own."""
    program = shutil.which("fleetbpf")
    prefix = Path(program).parent.parent if program else homes.home() / ".local"
    return prefix / "share" / "man" / "man1"
