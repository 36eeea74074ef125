"""The page of the shipped programs is made from their header comments."""

import runpy
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_the_page_of_programs_says_what_their_header_comments_say() -> None:
    page = runpy.run_path(str(ROOT / "docs" / "programs.py"))
    written = (ROOT / "docs" / "programs.md").read_text(encoding="utf-8")
    assert written == page["page"](page["headers"]()), "run `python docs/programs.py`"


def test_an_example_names_each_shipped_program() -> None:
    examples = "\n".join(path.read_text() for path in (ROOT / "examples").glob("*.yml"))
    names = {path.name for path in (ROOT / "programs").glob("*.bpf.c")}
    assert {name for name in names if f"source: {name}" not in examples} == set()


def test_each_header_comment_says_what_the_program_needs_and_costs() -> None:
    page = runpy.run_path(str(ROOT / "docs" / "programs.py"))
    for header in page["headers"]():
        assert {"Needs", "Overhead"} <= set(header.entries), header.name
        assert {"Hook", "Hooks"} & set(header.entries), header.name
