"""`fleetbpf facts`: what hosts say of themselves."""

import argparse
from collections.abc import Mapping
from typing import TYPE_CHECKING

from fleetbpf.cli import recap
from fleetbpf.cli.options import add_chosen, load_chosen
from fleetbpf.cli.output import Output
from fleetbpf.errors import ExitCode, InputError

if TYPE_CHECKING:
    from fleetbpf.fleet.fleet import Outcome
    from fleetbpf.host.survey import Facts

SUMMARY = "show what hosts are: kernel, BTF, hooks, memory, disk, settings"
BYTES = ("memory_total", "memory_available", "disk_total", "disk_free", "bpf_jit_limit")
STATES = {True: "yes", False: "no", None: "unknown"}


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    add_chosen(parser, default="all")
    parser.add_argument(
        "--filter",
        metavar="GLOB",
        action="append",
        default=[],
        help="only facts of such names: 'kernel*'; may come several times",
    )


def run(options: argparse.Namespace, output: Output) -> ExitCode:
    """Ask all hosts, `forks` at a time, each in one exec."""
    from fleetbpf.cli.session import Session
    from fleetbpf.host import survey
    from fleetbpf.model.layout import HostLayout

    InputError.raise_if_any(survey.unknown(options.filter))
    targets = load_chosen(options)
    outcomes = Session.of(options).on_each(
        targets, lambda target, link: survey.of(target, link, HostLayout().at(target.host.root))
    )
    shown = {
        outcome.host.name: survey.filtered(outcome.value, options.filter)
        for outcome in outcomes
        if outcome.value is not None
    }
    for host, facts in shown.items():
        tell(output, host, facts)
    recaps = [of(outcome) for outcome in outcomes]
    recap.tell_remarks(output, recaps)
    rows = {host: {"facts": facts} for host, facts in shown.items()}
    output.document(recap.document(recaps, rows))
    return recap.exit_code(recaps)


def of(outcome: "Outcome[Facts]") -> recap.HostRecap:
    """The recap of one host."""
    from fleetbpf.host import lock

    if outcome.value is None:
        return recap.of_error(outcome.host.name, outcome.error)
    return recap.HostRecap(
        host=outcome.host.name, ok=1, warnings=lock.remark(outcome.value["lock"])
    )


def tell(output: Output, host: str, facts: "Facts") -> None:
    """A host's facts, a line each; what the host did not tell is left out."""
    output.line(host)
    told = {name: text(name, value) for name, value in facts.items() if name != "lock"}
    width = max(map(len, told), default=0)
    for name, words in told.items():
        if words:
            output.line(f"  {name.ljust(width)}  {words}")


def text(name: str, value: object) -> str:
    """One fact as people read it; "" where nothing was told."""
    from fleetbpf import quantities
    from fleetbpf.host import lock

    match value:
        case None:
            return ""
        case bool():
            return STATES[value]
        case int() if name in BYTES:
            return quantities.told_size(value)
        case int() if name == "uptime":
            return lock.told_age(value)
        case tuple():
            return " ".join(map(str, value))
        case Mapping() if name == "hooks":
            return grouped(value)
        case Mapping():
            return " ".join(f"{key}={setting}" for key, setting in value.items())
        case _:
            return str(value)


def grouped(hooks: Mapping[str, bool | None]) -> str:
    """Which types of hooks there are, which not, and of which nothing is known."""
    parts = {
        word: " ".join(name for name, has in hooks.items() if has is state)
        for state, word in STATES.items()
    }
    return "; ".join(f"{word}: {names}" for word, names in parts.items() if names)
