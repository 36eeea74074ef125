"""Functions that a map of programs holds from the start (`.values`), and who calls them there."""

import bisect
from collections.abc import Iterable, Iterator, Mapping

from fleetbpf.frozen import frozen
from fleetbpf.model.hook_kinds import Shape, split
from fleetbpf.objects.calls import Functions
from fleetbpf.objects.elf import Elf

MAPS = ".maps"


@frozen
class TailCalls:
    """Which function is in which map, and which function uses which map."""

    held: Mapping[str, frozenset[str]]  # functions by their map
    used: Mapping[str, frozenset[str]]  # maps by their function

    @classmethod
    def of(cls, parts: Elf, entries: Iterable[str]) -> "TailCalls":
        """Those of an object; entries: the functions that the kernel can attach."""
        names = frozenset(entries)
        held = _grouped((place, name) for place, name in _held(parts) if name in names)
        used = _grouped(_used(parts)) if held else {}
        # Whoever calls a function that is no entry uses what that uses: taken for all.
        shared = frozenset().union(*(used[name] for name in used.keys() - names))
        return cls(held=held, used={name: used.get(name, frozenset()) | shared for name in names})

    @property
    def targets(self) -> frozenset[str]:
        """All functions that are in a map."""
        return frozenset().union(*self.held.values())

    @property
    def reached(self) -> frozenset[str]:
        """Those that are called from one that is in no map, by however many others."""
        found: set[str] = set()
        waiting = list(self.used.keys() - self.targets)
        while waiting:
            for place in self.used[waiting.pop()]:
                more = self.held.get(place, frozenset()) - found
                found |= more
                waiting += more
        return frozenset(found)


def waits(section: str) -> bool:
    """Whether a section attaches nothing by itself: SEC("?…"), or a type without a place."""
    kind, place = split(section.removeprefix("?"))
    turned = kind is not None and kind.shape is Shape.DIRECTION and place in {"ingress", "egress"}
    return section.startswith("?") or turned or (kind is not None and place is None)


def _held(parts: Elf) -> Iterator[tuple[str, str]]:
    """Each map with each function in it."""
    maps = _maps(parts)
    for each in parts.relocations:
        if not 0 <= each.section < len(parts.sections) or each.symbol >= len(parts.symbols):
            continue
        symbol = parts.symbols[each.symbol]
        before = bisect.bisect_right(maps, each.offset, key=lambda begin: begin[0])
        if parts.sections[each.section].name == MAPS and symbol.function and before:
            yield maps[before - 1][1], symbol.name


def _maps(parts: Elf) -> list[tuple[int, str]]:
    """Where each map begins in its section."""
    return sorted(
        (symbol.offset, symbol.name)
        for symbol in parts.symbols
        if 0 < symbol.section < len(parts.sections)
        and parts.sections[symbol.section].name == MAPS
        and symbol.name
    )


def _used(parts: Elf) -> Iterator[tuple[str, str]]:
    """Each function with each map that it names."""
    functions = Functions.of(parts)
    maps = {name for _, name in _maps(parts)}
    for each in parts.relocations:
        if each.symbol < len(parts.symbols) and parts.symbols[each.symbol].name in maps:
            yield functions.around(each.section, each.offset), parts.symbols[each.symbol].name


def _grouped(pairs: Iterable[tuple[str, str]]) -> dict[str, frozenset[str]]:
    found: dict[str, set[str]] = {}
    for first, second in pairs:
        found.setdefault(first, set()).add(second)
    return {first: frozenset(each) for first, each in found.items()}
