"""A map's entries as people read them: lines, stacks, and histograms drawn with characters."""

import json
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any

WIDTH = 40  # characters of the longest bar
LONGEST_GAP = 8  # empty buckets that are drawn one by one
Bucket = tuple[int, int, int]  # least value, greatest value, count


def lines(fields: Mapping[str, Any]) -> Iterator[str]:
    """The entries of a `map` record."""
    name = fields.get("map")
    for entry in fields.get("entries", ()):
        if "buckets" in entry:
            yield f"{name}" if entry["key"] is None else f"{name}[{brief(entry['key'])}]"
            yield from drawn(entry["buckets"], step(fields))
        else:
            yield f"{name}[{brief(entry['key'])}] = {brief(entry['value'])}"
            yield from stack_lines(entry.get("stacks", {}))
    if "failed" in fields:
        yield f"-- {name} could not be read whole: {fields['failed']}"


def table(fields: Mapping[str, Any]) -> tuple[list[str], list[list[str]]]:
    """The headers and rows of a map's plain entries; the greatest values first."""
    found = sorted(fields.get("entries", ()), key=lambda entry: magnitude(entry["value"]))
    cells = [{**columns("KEY", e["key"]), **columns("VALUE", e["value"])} for e in found]
    headers = list(dict.fromkeys(header for row in cells for header in row))
    return headers, [[row.get(header, "") for header in headers] for row in cells]


def columns(name: str, value: object) -> dict[str, str]:
    """A key or value as cells: a struct has one for each field."""
    if isinstance(value, dict):
        return {f"{name}.{field}": brief(inner) for field, inner in value.items()}
    return {name: brief(value)}


def magnitude(value: object) -> float:
    """What entries are sorted by: a greater number comes first, what is none stays in its place."""
    return -value if isinstance(value, int | float) and not isinstance(value, bool) else 0


def brief(value: object) -> str:
    """A map's key or value: text as it is, the rest as JSON."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def stack_lines(stacks: Mapping[str, Sequence[str] | None]) -> Iterator[str]:
    """The frames of each stack of an entry, the innermost first."""
    for place, frames in stacks.items():
        yield f"    {place}:" if frames else f"    {place}: no stack"
        yield from (f"        {frame}" for frame in frames or ())


def step(fields: Mapping[str, Any]) -> int:
    """The width of a linear histogram's slots; 0 where they double."""
    scale = fields.get("histogram")
    return int(scale.get("linear", 0)) if isinstance(scale, dict) else 0


def drawn(buckets: Sequence[Sequence[int]], step: int) -> list[str]:
    """A line for each bucket with its bounds, its count and a bar; empty ones between them too."""
    whole = list(filled([(first, last, count) for first, last, count in buckets], step))
    left = max((len(str(first)) for first, _, _ in whole), default=0)
    right = max((len(str(last)) for _, last, _ in whole), default=0)
    counts = max((len(str(count)) for _, _, count in whole), default=0)
    most = max((count for _, _, count in whole), default=0)
    return [
        f"  {first:>{left}} .. {last:<{right}}  {count:>{counts}} |{bar(count, most):<{WIDTH}}|"
        for first, last, count in whole
    ]


def filled(buckets: Sequence[Bucket], step: int) -> Iterator[Bucket]:
    """The buckets with those between them that have no count; of a long gap one for all."""
    for (first, last, count), (following, _, _) in pairwise(buckets):
        yield first, last, count
        yield from gap(last + 1, following, step)
    yield from buckets[-1:]


def gap(first: int, following: int, step: int) -> Iterator[Bucket]:
    """The empty buckets from `first` to the one before `following`."""
    ends: list[int] = []
    end = first
    while end < following and len(ends) <= LONGEST_GAP:
        end = end + step if step else 2 * end
        ends.append(end)
    if len(ends) > LONGEST_GAP:
        ends = [following]
    for begin, end in pairwise([first, *ends]):
        yield begin, end - 1, 0


def bar(count: int, most: int) -> str:
    """A bar that is as long as `count` is of `most`; what is not nothing is not invisible."""
    return "@" * max(count * WIDTH // most, 1 if count else 0) if most else ""
