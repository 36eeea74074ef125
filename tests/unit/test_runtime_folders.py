"""The runtime's folders: each includes only what lies below it, and headers in no circle."""

import re
from graphlib import TopologicalSorter
from pathlib import Path

RUNTIME = Path(__file__).parents[2] / "fleetbpf" / "runtime"
LOWEST_FIRST = (
    *("base", "json", "asked", "spool", "trace", "events", "maps", "attach", "handoff"),
    *("loader", "inspector"),
)


def included(file: Path) -> list[str]:
    """The runtime's files that one of them includes, as they are written there."""
    return re.findall(r'^#include "([^"]+)"', file.read_text(), re.MULTILINE)


def test_all_lies_in_a_folder_of_the_order() -> None:
    assert {path.name for path in RUNTIME.iterdir()} == set(LOWEST_FIRST)


def test_nothing_includes_what_lies_above_it() -> None:
    above = [
        f"{file.relative_to(RUNTIME)} includes {name}"
        for file in sorted(RUNTIME.rglob("*.[ch]"))
        for name in included(file)
        if LOWEST_FIRST.index(name.partition("/")[0]) > LOWEST_FIRST.index(file.parent.name)
    ]
    assert above == []


def test_headers_include_in_no_circle() -> None:
    headers = {str(path.relative_to(RUNTIME)): included(path) for path in RUNTIME.rglob("*.h")}
    assert set(TopologicalSorter(headers).static_order()) == set(headers)
