"""Hosts as words of the command line: several host patterns come to one."""

import argparse
from collections.abc import Sequence


def add_hosts(
    parser: argparse.ArgumentParser,
    *,
    metavar: str = "HOST",
    default: str | None = None,
    what: str = "hosts, or host patterns",
) -> None:
    """Add the positional HOST, which may come several times: together they are one pattern."""
    parser.add_argument(
        "hosts",
        metavar=metavar,
        nargs="+" if default is None else "*",
        default=default,
        action=Patterns,
        help=what,
    )


class Patterns(argparse.Action):
    """Makes one host pattern of several: what any of them adds, narrows or takes away, counts."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,  # noqa: ARG002 — what argparse calls it with
        namespace: argparse.Namespace,
        values: str | Sequence[object] | None,
        option_string: str | None = None,  # noqa: ARG002
    ) -> None:
        """Keep the pattern as a text."""
        words = [values] if isinstance(values, str) else [str(value) for value in values or ()]
        setattr(namespace, self.dest, in_one(words))


def in_one(words: Sequence[str]) -> str:
    """Several host patterns as one; a single one stays as it was written."""
    from fleetbpf import patterns

    if len(words) == 1:
        return words[0]
    return ",".join(piece for word in words for piece in patterns.cut(word))
