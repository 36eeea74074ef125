"""The text of a program's loader.c: a skeleton, tables of what is in it, and a main."""

import re

from fleetbpf.model.description import Description


def render(description: Description, skeleton_header_name: str, build_key: str) -> str:
    """The loader's source; the skeleton header must have gone through `trimmed`."""
    raise NotImplementedError


def trimmed(skeleton: str) -> str:
    """The skeleton of bpftool without the structs that mirror the program's data sections.

    They name the program's own types (`u64`, `struct event`), which user space does not have;
    the loader reaches constants through libbpf instead.
    """
    sections = re.compile(r"^\tstruct \w+ \{\n(?:\t\t.*\n|\n)*\t\} \*(\w+);$", re.MULTILINE)
    checks = re.compile(
        r"^__attribute__\(\(unused\)\) static void\n\w+__assert\(.*?^\}\n", re.MULTILINE | re.DOTALL
    )
    return checks.sub("", sections.sub(r"\tvoid *\1;", skeleton))
