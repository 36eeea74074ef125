"""Whether a host can hold and start loaders at all: its mounts, and where fleetbpf's folder is."""

from collections.abc import Iterator
from typing import assert_never

from fleetbpf.errors import Problem
from fleetbpf.model.facts import HostFacts, Unfit
from fleetbpf.model.layout import HostLayout

MOUNTED = {Unfit.NO_TRACEFS: "tracefs", Unfit.NO_BPFFS: "bpffs"}
ROOT = "or set `fleetbpf_root` for the host to a folder on another file system, as /opt/fleetbpf"


def obstacles(where: str, layout: HostLayout, facts: HostFacts) -> Iterator[Problem]:
    """What keeps a loader from being placed or started."""
    for kind, place in facts.unfit.items():
        match kind:
            case Unfit.NOEXEC:
                what = f"no loader can be executed in {layout.root}: {place} is mounted noexec"
                yield Problem(where=where, what=what, hint=f"mount -o remount,exec {place}; {ROOT}")
            case Unfit.READ_ONLY:
                what = f"nothing can be placed in {layout.root}: {place} is mounted read-only"
                yield Problem(where=where, what=what, hint=f"mount -o remount,rw {place}; {ROOT}")
            case Unfit.READ_ONLY_UNITS:
                what = f"no unit can be placed in {layout.units}: {place} is mounted read-only"
                yield Problem(where=where, what=what, hint=f"mount -o remount,rw {place}")
            case Unfit.READ_ONLY_RUN:
                what = f"no loader can tell its state in {layout.run}: {place} is mounted read-only"
                yield Problem(where=where, what=what, hint=f"mount -o remount,rw {place}")
            case Unfit.NO_PARENT:
                what = f"{layout.root} cannot be made: there is no {place}"
                hint = "make it there (root's, mode 0755), or correct fleetbpf_root"
                yield Problem(where=where, what=what, hint=hint)
            case Unfit.ELSEWHERE:
                what = f"fleetbpf is in {place} there, and {layout.root} is asked for"
                hint = f"first `fleetbpf destroy` with fleetbpf_root={place}: it collects the logs"
                yield Problem(where=where, what=what, hint=hint)
            case Unfit.NO_TRACEFS | Unfit.NO_BPFFS:
                pass  # they are mounted
            case _:
                assert_never(kind)


def remarks(facts: HostFacts) -> Iterator[str]:
    """What is done there for loaders, beside placing them."""
    for kind, name in MOUNTED.items():
        if kind in facts.unfit:
            yield f"{name} is not mounted: a program that needs it mounts it at {facts.unfit[kind]}"
