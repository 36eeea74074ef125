"""Man pages from argparse's parsers: pure texts in the man(7) macros."""

import argparse
from collections.abc import Iterable, Mapping, Sequence

from fleetbpf import __version__
from fleetbpf.cli import tree
from fleetbpf.cli.examples import EXAMPLES
from fleetbpf.documents.templates import rendered
from fleetbpf.errors import ExitCode
from fleetbpf.frozen import frozen

MEANINGS: Mapping[ExitCode, str] = {
    ExitCode.DONE: "all is done; an audit has no findings",
    ExitCode.FAILED: "a host or a build failed",
    ExitCode.USAGE: "usage, settings, manifest or inventory are wrong; nothing was contacted",
    ExitCode.DRIFT: "an audit has findings, or a plan with --detailed-exitcode has changes",
    ExitCode.UNREACHABLE: "some hosts could not be reached; the rest is done",
    ExitCode.BUG: "a bug, with a report file",
    ExitCode.INTERRUPTED: "interrupted",
}


@frozen
class Entry:
    """Something that can be written on a command line, and what it does."""

    words: str  # roff: \fB\-i\fR \fISOURCE\fR
    text: str


@frozen
class Section:
    """A command with all that it takes."""

    words: str  # fleetbpf lab up
    summary: str
    synopsis: str
    groups: Sequence[tuple[str, Sequence[Entry]]]


def pages(root: argparse.ArgumentParser) -> dict[str, str]:
    """Each page's text by its file name: fleetbpf.1, fleetbpf-apply.1, …"""
    commands = {command.prog: command for command in tree.commands(root)}
    names = [name.replace(" ", "-") for name in commands]
    found = {"fleetbpf.1": page(root, also=names)}
    for name, command in zip(names, commands.values(), strict=True):
        found[f"{name}.1"] = page(command, also=["fleetbpf"])
    return found


def page(parser: argparse.ArgumentParser, *, also: Sequence[str]) -> str:
    """The page of one command; those below it are sections of it, unless they have their own."""
    top = parser.prog == "fleetbpf"
    return rendered(
        "man.1.j2",
        name=roff(parser.prog.replace(" ", "-")),
        version=roff(__version__),
        section=section(parser),
        commands=[Entry(words=bold(n), text=roff(t)) for n, t in tree.summaries(parser)],
        subsections=[] if top else [section(command) for command in tree.commands(parser)],
        examples=[
            Entry(words=bold(typed), text=roff(does))
            for typed, does in EXAMPLES.get(parser.prog.removeprefix("fleetbpf "), ())
        ],
        exit_codes=[Entry(words=str(int(code)), text=roff(MEANINGS[code])) for code in ExitCode],
        settings=list(settings()) if top else [],
        also=[roff(name) for name in also],
    )


def section(parser: argparse.ArgumentParser) -> Section:
    """All of one parser, escaped for roff."""
    usage = " ".join(parser.format_usage().removeprefix("usage: ").split())
    return Section(
        words=roff(parser.prog),
        summary=roff(parser.description or ""),
        synopsis=roff(usage.removeprefix(parser.prog).strip()),
        groups=[
            (roff(title.removeprefix("positional ").upper()), [entry(action) for action in found])
            for title, found in tree.groups(parser)
        ],
    )


def entry(action: argparse.Action) -> Entry:
    """An option or an argument."""
    value = italic(value_of(action)) if action.nargs != 0 else ""
    names = ", ".join(bold(name) for name in action.option_strings)
    text = (action.help or "") % {**vars(action), "prog": ""}
    return Entry(words=" ".join(filter(None, (names, value))), text=roff(text))


def value_of(action: argparse.Action) -> str:
    """The word for a value, as `--help` has it."""
    if isinstance(action.metavar, str):
        return action.metavar
    if action.choices is not None:
        return "{" + ",".join(map(str, action.choices)) + "}"
    return action.dest.upper() if action.option_strings else action.dest


def settings() -> Iterable[Entry]:
    """The variables, as the model of fleetbpf.yml describes them."""
    from fleetbpf.manifest.settings import variable
    from fleetbpf.model.settings import Settings

    for name, field in Settings.model_fields.items():
        yield Entry(words=bold(variable(name)), text=roff(field.description or ""))


def bold(text: str) -> str:
    """Text to be written as it is."""
    return rf"\fB{roff(text)}\fR"


def italic(text: str) -> str:
    """Text that stands for another."""
    return rf"\fI{roff(text)}\fR"


def roff(text: str) -> str:
    r"""Text that roff prints as it is: `\`, `-` and a line's first `.` or `'` are its own."""
    escaped = text.replace("\\", r"\e").replace("-", r"\-").replace("…", "...")
    lines = (rf"\&{line}" if line.startswith((".", "'")) else line for line in escaped.split("\n"))
    return "\n".join(lines)
