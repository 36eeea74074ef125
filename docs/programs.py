"""Writes docs/programs.md from the header comments of programs/*.bpf.c: `python docs/programs.py`.

A header comment says in its first line what the program tells, then has entries like

    Hook     tracepoint/sched/sched_process_exec

whose further lines are indented as far as their text.
"""

import re
from dataclasses import dataclass
from pathlib import Path

PROGRAMS = Path(__file__).parent.parent / "programs"
PAGE = Path(__file__).with_suffix(".md")
HEAD = """\
# Programs

What is in `programs/`, ready to be named by a manifest's `source`; `examples/` has a manifest for
each. The fields of events are explained in the sources, which are there to be read and copied. This
page is made from their header comments, by `python docs/programs.py`.

Each was seen to tell what happened on Debian's kernels 5.10, 6.1, 6.12 and 7.3
(`tests/e2e/test_programs.py`).

Programs on system calls see neither those of 32-bit processes on a 64-bit kernel nor what io_uring
does. Where a path is told, it is as the process gave it: relative ones are not completed.

**Overhead** is what a program adds to the call that it tells, its event included, as
`bench/programs.py` measures it: the least of many rounds, on 2 virtual CPUs (AMD EPYC, Linux 6.18).
Besides, the kernel sends every system call of a host through a slower path as long as any
tracepoint of a system call is in use, by one program or many: there some 50 ns each. And the first
event after a pause wakes the loader, which may take as long as ten events.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """What a program's header comment says."""

    name: str
    summary: str
    entries: dict[str, str]


def header(source: str) -> Header:
    """Read the comment that follows the SPDX line."""
    comment = source.partition("/*\n")[2].partition("*/")[0]
    lines = [re.sub(r"^ \* ?", "", line) for line in comment.splitlines()]
    first, _, rest = "\n".join(lines).partition("\n\n")
    name, _, summary = " ".join(first.split()).partition(": ")
    return Header(name=name, summary=summary, entries=entries(rest))


def entries(text: str) -> dict[str, str]:
    """Each entry's name and text; a line that goes on is joined, one that names a thing is not."""
    found: dict[str, list[str]] = {}
    label = ""
    for line in text.splitlines():
        begins, words = re.match(r"(\S*) *(.*)", line, re.DOTALL).groups()
        label = begins or label
        found.setdefault(label, [])
        is_another = label == "Constant" and re.match(r"[a-z_]+: ", words) and found[label]
        found[label].append(f"; {words}" if is_another else f" {words}")
    return {label: "".join(pieces).strip() for label, pieces in found.items()}


def page(headers: list[Header]) -> str:
    """The whole page."""
    rows = [f"| [{each.name}](#{each.name}) | {each.summary} |" for each in headers]
    table = "\n".join(["| program | what it tells |", "|---|---|", *rows])
    return "\n".join([HEAD, table, "", *(section(each) for each in headers)])


def section(each: Header) -> str:
    """One program."""
    items = "\n".join(f"- **{label}** {text}" for label, text in each.entries.items())
    return f"## {each.name}\n\n{each.summary[0].upper()}{each.summary[1:]}\n\n{items}\n"


def headers() -> list[Header]:
    """Those of all programs, by name."""
    return [header(path.read_text(encoding="utf-8")) for path in sorted(PROGRAMS.glob("*.bpf.c"))]


if __name__ == "__main__":
    PAGE.write_text(page(headers()), encoding="utf-8")
