"""Values that many unit tests begin with; each test changes what it is about."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from fleetbpf.model.description import Description, Function
from fleetbpf.model.facts import HostFacts, ProgramFacts, ReleaseFacts
from fleetbpf.model.inventory import Host
from fleetbpf.model.target import DesiredProgram, Target
from fleetbpf.plan.release import Release, sha256

OBJECT = "a" * 64


def program(name: str = "hello", **changes: object) -> DesiredProgram:
    base = DesiredProgram(name=name, source=Path("/m/hello.bpf.c"), where="hello.yml:3:3")
    return replace(base, **changes)  # type: ignore[arg-type]


def description(section: str = "kprobe/do_unlinkat", **changes: object) -> Description:
    """An object with two functions, `f` in `section` and `g`."""
    functions = (Function(name="f", section=section), Function(name="g", section="?kprobe/x"))
    base = Description(
        program="hello",
        functions=functions,
        constants=(),
        maps=(),
        prints=False,
        needs_btf=False,
        types={},
    )
    return replace(base, **changes)  # type: ignore[arg-type]


def release(key: str = "k1", inputs: Mapping[str, str] | None = None, **changes: Any) -> Release:
    desired = program(**changes)
    return Release(deployment="demo", program=desired, build_key=key, inputs=inputs or {})


def target(name: str = "web1", *, become: bool = False) -> Target:
    return Target(host=Host(name=name, address="127.0.0.1"), become=become, programs=(program(),))


def running(of: Release, **changes: object) -> ReleaseFacts:
    """The release as a host reports it when all is well."""
    base = ReleaseFacts(
        release=of.id,
        object=OBJECT,
        loader_sha256=OBJECT,
        args=of.lines,
        spool_bytes=10,
        build_key=of.build_key,
        inputs=of.inputs,
        limits=of.limits(),
        types=of.types(),
        enabled=True,
        running_object=OBJECT,
    )
    return replace(base, **changes)  # type: ignore[arg-type]


def placed(of: Release, *releases: ReleaseFacts, **changes: object) -> ProgramFacts:
    base = ProgramFacts(
        deployment="demo",
        program=of.program.name,
        current=of.id,
        unit_sha256=sha256(of.unit),
        releases=releases or (running(of),),
    )
    return replace(base, **changes)  # type: ignore[arg-type]


def host_facts(*programs: ProgramFacts, **changes: object) -> HostFacts:
    base = HostFacts(
        uid=0,
        kernel="6.1.0-32-cloud-amd64",
        arch="x86_64",
        boot_id="b",
        btf=True,
        tracefs="/sys/kernel/tracing",
        systemd=True,
        zstd=False,
        missing=(),
        objects=frozenset({OBJECT}),
        programs=programs,
    )
    return replace(base, **changes)  # type: ignore[arg-type]
