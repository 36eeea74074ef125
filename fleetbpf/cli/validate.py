"""`fleetbpf validate`: is the manifest right, and does it fit the inventory? Contacts nothing."""

import argparse
from dataclasses import asdict

from fleetbpf.cli.options import add_inventory, add_manifest, load_manifest, load_targets
from fleetbpf.cli.output import Output
from fleetbpf.errors import ExitCode, InputError
from fleetbpf.frozen import frozen
from fleetbpf.wording import counted

SUMMARY = "check a manifest, and with -i or --limit that it fits the inventory; contact nothing"


@frozen
class Valid:
    """What a manifest that is right declares; `hosts` is None when no inventory was asked for."""

    manifest: str
    name: str
    programs: tuple[str, ...]
    plays: int
    hosts: tuple[str, ...] | None


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    add_manifest(parser)
    add_inventory(parser)


def run(options: argparse.Namespace, output: Output) -> ExitCode:
    """Check; every mistake is raised as one InputError."""
    valid = validated(options)
    counts = [counted(len(valid.programs), "program"), counted(valid.plays, "play")]
    if valid.hosts is not None:
        counts.append(counted(len(valid.hosts), "host"))
    output.line(f"{valid.manifest}: {', '.join(counts)}")
    hosts = [{"host": name} for name in valid.hosts or ()]
    output.document({**asdict(valid), "hosts": hosts})
    return ExitCode.DONE


def validated(options: argparse.Namespace) -> Valid:
    """What the manifest declares; InputError with all that is wrong."""
    from fleetbpf.manifest import missing_sources

    hosts = None
    if not options.inventory and options.limit is None:
        manifest = load_manifest(options)
        InputError.raise_if_any(missing_sources(manifest))
    else:
        manifest, targets = load_targets(options)
        hosts = tuple(target.host.name for target in targets)
    return Valid(
        manifest=str(options.manifest),
        name=manifest.name,
        programs=tuple(manifest.programs),
        plays=len(manifest.plays),
        hosts=hosts,
    )
