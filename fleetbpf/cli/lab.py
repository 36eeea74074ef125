"""`fleetbpf lab`: virtual machines on this machine as hosts to try things on."""

import argparse
from collections.abc import Container
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from fleetbpf.cli import preflight
from fleetbpf.cli.options import OWN_INVENTORY, add_common
from fleetbpf.cli.output import Output
from fleetbpf.errors import ExitCode, InputError, Problem

if TYPE_CHECKING:
    from fleetbpf.lab.folder import LabFolder
    from fleetbpf.lab.status import HostStatus

SUMMARY = "boot virtual machines as hosts: up, down, status, ssh, test"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's subcommands."""
    commands = parser.add_subparsers(title="subcommands", metavar="COMMAND", required=True)

    def add(name: str, summary: str) -> argparse.ArgumentParser:
        command = commands.add_parser(name, help=summary, description=summary)
        command.set_defaults(subcommand=name)
        if name != "ssh":  # a flag among the words of another command would be its own
            add_common(command, nested=True)
        return command

    add_up(add("up", "boot the hosts that are missing and write inventories/lab.yml"))
    add("down", "end all hosts and leave nothing but the cache")
    add("status", "say of each host whether it runs and answers")
    preflight.arguments(add("test", "apply a manifest to a throw-away host per kernel series"))
    shell = add("ssh", "open a shell on a host, or run a command there")
    shell.add_argument("host", metavar="HOST", help="its name")
    shell.add_argument(
        "words",
        nargs=argparse.REMAINDER,
        metavar="COMMAND",
        help="what to run there: its words, or one command line for the shell there",
    )


def add_up(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `lab up`."""
    parser.add_argument(
        "--hosts", type=int, metavar="N", help="how many hosts of both kinds (default: 3)"
    )
    parser.add_argument(
        "--kernel", metavar="SERIES", help="one kernel series for all of these, such as 6.1"
    )
    parser.add_argument(
        "--host",
        action="append",
        default=[],
        metavar="NAME=KIND:SERIES[:ARCH]",
        help="a host of your own choice: web1=debian:6.1, arm1=micro:6.1:arm64; repeatable",
    )
    parser.add_argument("--memory", type=int, metavar="MB", help="memory of each new host")


def run(options: argparse.Namespace, output: Output) -> ExitCode:
    """Run the subcommand."""
    match options.subcommand:
        case "up":
            return up(options, output)
        case "down":
            return down(output)
        case "status":
            return status(output)
        case "test":
            check_memory(options.memory)
            return preflight.run(options, output)
        case _:
            return ssh(options)


def here() -> "LabFolder":
    """The lab of the working directory."""
    from fleetbpf.lab.folder import LabFolder

    return LabFolder.at(Path.cwd())


def up(options: argparse.Namespace, output: Output) -> ExitCode:
    """Boot what is missing."""
    from fleetbpf.lab import hosts
    from fleetbpf.lab.folder import default_cache
    from fleetbpf.lab.up import Up

    check_memory(options.memory)
    check_count(options.hosts)
    lab = here()
    series = hosts.parse_series(options.kernel) if options.kernel else None
    named = [hosts.parse(text) for text in options.host]
    up = Up(lab=lab, cache=default_cache(), say=output.progress, memory=options.memory).to(
        lambda existing: hosts.choose(
            existing=existing, named=named, count=options.hosts, series=series
        )
    )
    inventory = lab.inventory.relative_to(lab.root)
    output.progress(f"inventory: {inventory}{hint_of(inventory, options)}")
    return status(output, entered={placed.host.name for placed in up})


def hint_of(inventory: Path, options: argparse.Namespace) -> str:
    """How to name the lab's inventory where commands without `-i` take another one."""
    usual = (str(OWN_INVENTORY),) if OWN_INVENTORY.exists() else ()
    used: tuple[str, ...] = options.settings.inventory or usual
    if not used or inventory.absolute() in [Path(name).absolute() for name in used]:
        return ""
    return f", which commands take by -i {inventory}: {used[0]} comes before it"


def check_count(hosts: int | None) -> None:
    """Raise InputError for a number of hosts that makes no lab."""
    if hosts is not None and not 1 <= hosts <= 64:
        raise InputError(Problem(where="--hosts", what=f"{hosts} is not between 1 and 64"))


def check_memory(memory: int | None) -> None:
    """Raise InputError for too little memory, in MiB."""
    if memory is not None and memory < 64:
        hint = "a debian host needs about 384 MiB, a micro host 128"
        what = f"no kernel boots in {memory} MiB"
        raise InputError(Problem(where="--memory", what=what, hint=hint))


def down(output: Output) -> ExitCode:
    """End everything."""
    from fleetbpf.lab import down as stage

    names = stage.down(here(), output.progress)
    output.document({"removed": names})
    if not names:
        output.line("no lab here")
    return ExitCode.DONE


def status(output: Output, *, entered: Container[str] = ()) -> ExitCode:
    """Show every host; those that were `entered` just now are not asked again."""
    from fleetbpf.lab import status as stage

    hosts = stage.status(here(), entered=entered)
    rows = [
        (host.name, host.kind, host.kernel, str(host.port), f"{host.memory_mib} MiB", host.state)
        for host in hosts
    ]
    if rows:
        output.table(("host", "kind", "kernel", "port", "memory", "state"), rows)
    else:
        output.line("no hosts here: fleetbpf lab up")
    output.document({"hosts": [row(host) for host in hosts]})
    return ExitCode.DONE


def row(host: "HostStatus") -> dict[str, object]:
    """A host for the JSON document."""
    fields = {name: value for name, value in asdict(host).items() if name != "name"}
    return {"host": host.name, **fields, "state": host.state}


def ssh(options: argparse.Namespace) -> ExitCode:
    """Become the ssh that talks to the host."""
    from fleetbpf.execution.local import LocalConnection
    from fleetbpf.lab import status as stage
    from fleetbpf.lab.login import ssh as command

    lab = here()
    LocalConnection().replace(command(lab, stage.find(lab, options.host), options.words))
