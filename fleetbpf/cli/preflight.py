"""`fleetbpf lab test`: apply a manifest to a throw-away host per kernel series."""

import argparse
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from fleetbpf.cli.output import Output
from fleetbpf.errors import ExitCode

if TYPE_CHECKING:
    from fleetbpf.lab.hosts import LabHost
    from fleetbpf.model.inventory import Inventory
    from fleetbpf.model.manifest import Manifest

DEFAULT_KERNELS = "5.10,6.1,6.12,7.3"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `lab test`."""
    from fleetbpf.cli.options import add_manifest

    add_manifest(parser)
    parser.add_argument(
        "--kernels",
        metavar="SERIES,…",
        default=DEFAULT_KERNELS,
        help="a host is booted for each of these (default: %(default)s)",
    )
    parser.add_argument("--memory", type=int, metavar="MB", help="memory of each host")


def run(options: argparse.Namespace, output: Output) -> ExitCode:
    """Boot the hosts, apply everything that the manifest declares to each, end them.

    Errors in the manifest and in the programs are found before anything is booted.
    """
    from fleetbpf.cli.apply import carry_out
    from fleetbpf.cli.options import load_manifest
    from fleetbpf.cli.session import Session, claim
    from fleetbpf.cli.terminal.progress import progress
    from fleetbpf.cli.watching import Watching
    from fleetbpf.lab import hosts
    from fleetbpf.manifest import targets
    from fleetbpf.model.layout import Workspace

    chosen = hosts.one_of_each(options.kernels.split(","))
    manifest = on_all_hosts(load_manifest(options))
    with tempfile.TemporaryDirectory(prefix="fleetbpf-lab-") as name:
        session = Session(
            workspace=Workspace(folder=Path(name)),
            forks=options.settings.forks,
            watching=Watching.of(options, progress(output)),
            claim=claim(options),
        )
        session.build(targets.resolve(manifest, expected(chosen)), output)
        with booted(chosen, Path(name), options.memory, output) as inventory:
            ready = targets.resolve(manifest, inventory)
            return carry_out(manifest, ready, session, output)


def on_all_hosts(manifest: "Manifest") -> "Manifest":
    """The manifest with every play on every host: its own patterns name other hosts."""
    plays = tuple(play.model_copy(update={"hosts": "all"}) for play in manifest.plays)
    return manifest.model_copy(update={"plays": plays})


def expected(chosen: "tuple[LabHost, ...]") -> "Inventory":
    """The inventory as it will be, to find errors with before there are hosts."""
    from pathlib import PurePosixPath

    from fleetbpf.inventory import inventory
    from fleetbpf.lab import roster
    from fleetbpf.lab.folder import Placed

    placed = [Placed(host=host, port=22, memory=0, release=host.series) for host in chosen]
    text = roster.inventory(placed, state=PurePosixPath("lab"))
    return inventory.read_text(text, Path("inventories", "lab.yml"))


@contextmanager
def booted(
    chosen: "tuple[LabHost, ...]", folder: Path, memory: int | None, output: Output
) -> "Iterator[Inventory]":
    """A lab in `folder` with the hosts `chosen`, taken down at the end whatever happens."""
    from fleetbpf.inventory import inventory
    from fleetbpf.lab.down import down
    from fleetbpf.lab.folder import LabFolder, default_cache
    from fleetbpf.lab.up import Up

    lab = LabFolder.at(folder)
    up = Up(lab=lab, cache=default_cache(), say=output.progress, memory=memory)
    try:
        up.to(lambda _: chosen)
        yield inventory.read(lab.inventory)
    finally:
        down(lab, lambda _: None)
