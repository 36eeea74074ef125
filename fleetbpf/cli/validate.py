"""`fleetbpf validate`: is the manifest right, and does it fit the inventory? Contacts nothing."""

import argparse
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from fleetbpf.cli.options import add_inventory, add_manifest, load_manifest, load_targets
from fleetbpf.cli.output import Output
from fleetbpf.errors import ExitCode, InputError
from fleetbpf.frozen import frozen
from fleetbpf.wording import counted, listed

if TYPE_CHECKING:
    from fleetbpf.model.manifest import Manifest
    from fleetbpf.model.target import Target

SUMMARY = "check a manifest, and with -i or --limit that it fits the inventory; contact nothing"
NOT_BUILT = (
    "not looked at: whether the programs compile, and have the functions, constants, maps and "
    "events that are named; --build does"
)


@frozen
class Valid:
    """What a manifest that is right declares; `hosts` is None when no inventory was asked for."""

    manifest: str
    name: str
    programs: tuple[str, ...]
    plays: int
    hosts: tuple[str, ...] | None
    built: bool


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    add_manifest(parser, what="the manifest's file; or several manifests", nargs="+")
    parser.add_argument(
        "--build",
        action="store_true",
        help="compile the programs, too, and see whether they have what the manifest names",
    )
    add_inventory(parser)


def run(options: argparse.Namespace, output: Output) -> ExitCode:
    """Check; every mistake is raised as one InputError."""
    valid = validated(options, output)
    counts = [counted(len(valid.programs), "program"), counted(valid.plays, "play")]
    if valid.hosts is not None:
        counts.append(counted(len(valid.hosts), "host"))
    output.line(f"{valid.manifest}: {', '.join(counts)}{', built' if valid.built else ''}")
    if not valid.built:
        output.progress(NOT_BUILT)
    hosts = [{"host": name} for name in valid.hosts or ()]
    output.document({**asdict(valid), "hosts": hosts})
    return ExitCode.DONE


def validated(options: argparse.Namespace, output: Output) -> Valid:
    """What the manifest declares; InputError with all that is wrong."""
    from fleetbpf.manifest.manifest import missing_sources

    hosts: tuple[str, ...] | None = None
    targets: Sequence[Target] = ()
    if not options.inventory and options.limit is None:
        manifest = load_manifest(options)
        InputError.raise_if_any(missing_sources(manifest))
    else:
        manifest, targets = load_targets(options)
        hosts = tuple(target.host.name for target in targets)
    if options.build:
        build(manifest, targets, options, output)
    return Valid(
        manifest=str(options.manifest),
        name=manifest.name,
        programs=tuple(manifest.programs),
        plays=len(manifest.plays),
        hosts=hosts,
        built=options.build,
    )


def build(
    manifest: "Manifest",
    targets: "Sequence[Target]",
    options: argparse.Namespace,
    output: Output,
) -> None:
    """Build all programs; BuildError and InputError with all that is wrong in them.

    targets: the hosts with what they run; without any, what holds a template is not looked at.
    """
    from fleetbpf.build.builders import Builders
    from fleetbpf.manifest import any_host, program_checks

    builders = Builders(
        header_folders=tuple(map(Path, options.settings.header_folders)),
        colour=output.colours(sys.stderr),
        say=output.progress,
    )
    wanted = targets or (any_host.target(manifest),)
    artifacts = builders.build_all(each.recipe for one in wanted for each in one.programs)
    for artifact in artifacts.values():
        if not artifact.cached:
            output.compiler(artifact.warnings)
    described = {recipe: artifact.description for recipe, artifact in artifacts.items()}
    InputError.raise_if_any(program_checks.problems(wanted, described))
    if not targets and (names := any_host.templated(manifest)):
        what = f"constants with templates, of {listed(names)}"
        output.progress(f"not looked at: {what}: -i names the inventory that they depend on")
