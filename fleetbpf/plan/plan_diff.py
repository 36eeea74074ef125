"""The unified diff of what a change replaces on a host: arguments and unit."""

import difflib
from collections.abc import Iterator, Sequence

from fleetbpf.model.facts import ProgramFacts
from fleetbpf.plan import moves
from fleetbpf.plan.plan import Change
from fleetbpf.plan.release import Release, escaped

NOTHING = "/dev/null"  # as git and diff(1) call a file that is not there


def of(change: Change, placed: ProgramFacts | None, *, systemd: bool) -> str:
    """What differs between a host's files and the declared ones; "" = nothing."""
    current = placed.find(placed.current) if placed else None
    unit = placed.unit if placed else None
    release = change.release
    files = [("args", arguments(current.args if current else ()), declared(release))]
    if systemd:
        text = release.unit.decode().splitlines() if release else []
        files.append(("unit", list(unit or ()), text))
    return "\n".join(
        line for name, was, now in files for line in unified(f"{change.program}/{name}", was, now)
    )


def declared(release: Release | None) -> list[str]:
    """The arguments of what shall run."""
    return arguments([escaped(word) for word in release.settings()]) if release else []


def arguments(words: Sequence[str]) -> list[str]:
    """Options, each with its values; without those that follow from the release's id."""
    return [" ".join(words) for words in moves.options(words) if words[0] not in moves.PLACE]


def unified(name: str, was: Sequence[str], now: Sequence[str]) -> Iterator[str]:
    """The diff of one file."""
    before = f"{name} (on the host)" if was else NOTHING
    after = f"{name} (declared)" if now else NOTHING
    return difflib.unified_diff(was, now, fromfile=before, tofile=after, lineterm="")
