"""The command line as a tree: every command's parser, for what is made from all of them."""

import argparse
from collections.abc import Iterator


def commands(parser: argparse.ArgumentParser) -> Iterator[argparse.ArgumentParser]:
    """The parsers right below `parser`, each with its own words as `prog`."""
    for action in actions(parser):
        if isinstance(action, argparse._SubParsersAction):  # noqa: SLF001 — no public name
            yield from dict.fromkeys(action.choices.values())


def by_name(parser: argparse.ArgumentParser) -> dict[str, argparse.ArgumentParser]:
    """The parsers right below `parser` by the word that chooses each."""
    return {found.prog.split()[-1]: found for found in commands(parser)}


def actions(parser: argparse.ArgumentParser) -> Iterator[argparse.Action]:
    """What a parser takes itself."""
    yield from parser._actions  # noqa: SLF001 — argparse tells it in no other way


def group(parser: argparse.ArgumentParser, title: str) -> argparse._ArgumentGroup:
    """The group of that title, which is made when there is none."""
    for found in parser._action_groups:  # noqa: SLF001
        if found.title == title:
            return found
    return parser.add_argument_group(title)


def groups(
    parser: argparse.ArgumentParser,
) -> Iterator[tuple[str, tuple[argparse.Action, ...]]]:
    """What a parser takes, as `--help` groups it; without subcommands and what is not told."""
    for group in parser._action_groups:  # noqa: SLF001
        told = (
            action
            for action in group._group_actions  # noqa: SLF001
            if action.help != argparse.SUPPRESS
            and not isinstance(action, argparse._SubParsersAction)  # noqa: SLF001
        )
        if found := tuple(told):
            yield group.title or "options", found


def summaries(parser: argparse.ArgumentParser) -> Iterator[tuple[str, str]]:
    """The commands right below a parser with the line that `--help` has for each."""
    for action in actions(parser):
        if isinstance(action, argparse._SubParsersAction):  # noqa: SLF001
            for choice in action._get_subactions():  # noqa: SLF001
                yield choice.dest, choice.help or ""
