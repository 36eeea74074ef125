"""`fleetbpf help`: what --help prints, as people of git and systemctl ask for it."""

import argparse

from fleetbpf.cli import tree
from fleetbpf.cli.output import Output
from fleetbpf.errors import ExitCode, InputError, Problem

SUMMARY = "show the help of a command"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument(
        "topic", nargs="*", metavar="COMMAND", help="a command and its subcommand: lab up"
    )


def run(options: argparse.Namespace, output: Output) -> ExitCode:
    """Print the help of the command that the words lead to."""
    from fleetbpf.cli import parser

    text = find(parser(), options.topic).format_help()
    output.lines(text.rstrip("\n"))
    output.document({"help": text})
    return ExitCode.DONE


def find(parser: argparse.ArgumentParser, words: list[str]) -> argparse.ArgumentParser:
    """The parser of the command that `words` name; InputError names the most similar one."""
    from fleetbpf.wording import did_you_mean, quoted

    for word in words:
        below = tree.by_name(parser)
        if word not in below:
            what = f"{parser.prog} has no command {quoted(word)}"
            hint = did_you_mean(word, below, noun="it has")
            raise InputError(Problem(where="help", what=what, hint=hint))
        parser = below[word]
    return parser
