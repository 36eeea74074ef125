"""The examples of `--help`: each is a command line that fleetbpf understands."""

import shlex

import pytest

from fleetbpf import cli
from fleetbpf.cli.examples import EXAMPLES

TYPED = [typed for examples in EXAMPLES.values() for typed, _ in examples]


@pytest.mark.parametrize("typed", TYPED)
def test_an_example_is_understood(typed: str) -> None:
    words = shlex.split(typed.split(" > ", maxsplit=1)[0])
    cli.parser().parse_args(words[words.index("fleetbpf") + 1 :])


def test_examples_are_of_commands_that_there_are() -> None:
    assert set(EXAMPLES) <= set(cli.COMMANDS)
    wrong = [typed for name, found in EXAMPLES.items() for typed, _ in found if name not in typed]
    assert wrong == []
