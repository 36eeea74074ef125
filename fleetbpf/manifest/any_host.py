"""A manifest's programs for no host in particular: all that can be judged without an inventory."""

from collections.abc import Iterator
from pathlib import Path

from fleetbpf.manifest import constants
from fleetbpf.manifest import manifest as manifests
from fleetbpf.manifest.targets import desired_readouts, holds_template
from fleetbpf.model.inventory import Host
from fleetbpf.model.manifest import Manifest
from fleetbpf.model.target import DesiredConstant, DesiredHook, DesiredProgram, Target

NOBODY = Host(name="any host", address="any host")


def target(manifest: Manifest) -> Target:
    """The programs as they are on any host: what is a template is left out of their constants."""
    programs = (program(manifest, name) for name in manifest.programs)
    return Target(host=NOBODY, become=False, programs=tuple(programs))


def templated(manifest: Manifest) -> tuple[str, ...]:
    """The programs with values that only a host's variables settle."""
    return tuple(name for name, each in manifest.programs.items() if holds_template(each))


def program(manifest: Manifest, name: str, source: Path | None = None) -> DesiredProgram:
    """One program, its hooks as they are written."""
    declared = manifest.programs[name]
    found = source or manifests.locate(manifest, name) or Path(declared.file)
    return DesiredProgram(
        name=name,
        source=found,
        hooks=tuple(hooks(manifest, name)),
        allow=declared.allow,
        constants=tuple(settled_constants(manifest, name)),
        readouts=tuple(desired_readouts(manifest, name)),
        events=manifests.events(manifest, name),
        where=manifest.place("programs", name),
        project=manifest.folder,
    )


def hooks(manifest: Manifest, name: str) -> Iterator[DesiredHook]:
    """Each function with each of its hooks, templates as they are."""
    for function, entries in manifest.programs[name].hooks.items():
        for index, entry in enumerate(entries):
            yield DesiredHook(
                function=function,
                first_of=entry.first_of,
                load=entry.load,
                optional=entry.optional,
                unless=entry.unless,
                where=manifest.value_place("programs", name, "hooks", function, index),
            )


def settled_constants(manifest: Manifest, name: str) -> Iterator[DesiredConstant]:
    """Each value of each constant that holds no template."""
    for each, value in manifest.programs[name].constants.items():
        if constants.holds_template(value):
            continue
        for path, single in constants.leaves((each,), value):
            where = manifest.value_place("programs", name, "constants", *path)
            yield DesiredConstant(path=path, value=single, where=where)
