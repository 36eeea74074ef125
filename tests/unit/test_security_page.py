"""SECURITY.md: each sentence about a defence names a test, and the test is there."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "SECURITY.md").read_text(encoding="utf-8")
TESTS = dict(re.findall(r"^\[([^\]]+)\]: (\S+)$", PAGE, re.MULTILINE))
DEFENCES = re.findall(r"^- (.*)$", PAGE.split("## What is ")[1], re.MULTILINE)


@pytest.mark.parametrize("sentence", DEFENCES)
def test_a_defence_names_the_tests_that_show_it(sentence: str) -> None:
    named = re.findall(r"\[([^\]]+)\]", sentence)
    assert named
    for name in named:
        assert (ROOT / TESTS[name]).is_file()


def test_no_test_is_named_for_nothing() -> None:
    assert set(TESTS) == {name for each in DEFENCES for name in re.findall(r"\[([^\]]+)\]", each)}
