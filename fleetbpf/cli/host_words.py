"""Hosts as words of the command line: several host patterns come to one."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from fleetbpf.files import named_files


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


class Manifests(argparse.Action):
    """Keeps one manifest as `manifest`, and several as `manifests` as well."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,  # noqa: ARG002 — what argparse calls it with
        namespace: argparse.Namespace,
        values: str | Sequence[object] | None,
        option_string: str | None = None,  # noqa: ARG002
    ) -> None:
        """Keep the paths."""
        paths = [] if values is None or isinstance(values, str) else list(values)
        namespace.manifest = paths[0] if paths else None
        namespace.manifests = paths


class Patterns(argparse.Action):
    """Makes one host pattern of several: what any of them adds, narrows or takes away, counts.

    Where all of several words are manifests, they are `manifests`, and the first one is the word.
    """

    def __call__(
        self,
        parser: argparse.ArgumentParser,  # noqa: ARG002 — what argparse calls it with
        namespace: argparse.Namespace,
        values: str | Sequence[object] | None,
        option_string: str | None = None,  # noqa: ARG002
    ) -> None:
        """Keep the pattern as a text."""
        words = [values] if isinstance(values, str) else [str(value) for value in values or ()]
        manifests = [word for word in words if is_manifest(word)]
        if len(words) > 1 and manifests:
            if manifests != words:
                raise argparse.ArgumentError(self, "hosts and manifests are not taken together")
            namespace.manifests = [Path(word) for word in words]
            words = words[:1]
        setattr(namespace, self.dest, in_one(words))


def in_one(words: Sequence[str]) -> str:
    """Several host patterns as one; a single one stays as it was written."""
    from fleetbpf.inventory import patterns

    if len(words) == 1:
        return words[0]
    return ",".join(piece for word in words for piece in patterns.cut(word))


def is_manifest(word: str) -> bool:
    """Whether a word is the file of a manifest; one without a suffix is told by its folder."""
    return word.endswith((".yml", ".yaml")) or ("/" in word and named_files.is_file(Path(word)))
