"""The `fleetbpf` command: find the subcommand, run it, turn errors into exit codes."""

import argparse
import importlib
import io
import os
import sys
import traceback
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import NoReturn

from fleetbpf import __version__
from fleetbpf.cli import examples, tree
from fleetbpf.cli.options import add_common
from fleetbpf.cli.output import Output, command_of
from fleetbpf.cli.terminal.terminal import ended_like_ctrl_c, left_as_it_was
from fleetbpf.cli.usage import Parser, WrongUsageError
from fleetbpf.errors import (
    BugError,
    ExitCode,
    FleetbpfError,
    InterruptedHostError,
    OutputError,
    Problem,
)
from fleetbpf.secret import Secrets

COMMANDS = (
    "plan",
    "check",
    "apply",
    "run",
    "status",
    "logs",
    "maps",
    "rollback",
    "history",
    "destroy",
    "unlock",
    "facts",
    "audit",
    "schedule",
    "validate",
    "schema",
    "settings",
    "inventory",
    "build",
    "doctor",
    "lab",
    "completion",
    "manual",
    "help",
    "version",
)


Run = Callable[[argparse.Namespace, Output], int]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line `arguments` (default: the process's own); return the exit code."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # … in a locale that has no such sign
    options = parsed(sys.argv[1:] if arguments is None else arguments)
    output = Output(json=options.json, command=command_of(options))
    try:
        output = settled(options)
        with left_as_it_was(), ended_like_ctrl_c():
            return int(chosen(options)(options, output))
    except OutputError as error:
        say_no_more()
        return replace(output, json=False).report(error)
    except FleetbpfError as error:
        return output.report(error)
    except KeyboardInterrupt:
        problem = Problem(where="", what="interrupted")
        return output.report(InterruptedHostError(problem))
    except BrokenPipeError:
        say_no_more()  # the reader (`| head`) has gone: that is no error
        return ExitCode.DONE
    except Exception:  # the one boundary: a bug becomes a report file
        return report_bug(output)


def chosen(options: argparse.Namespace) -> Run:
    """What runs the command: itself, or once for each of several manifests."""
    if len(vars(options).get("manifests", ())) < 2:
        run: Run = options.run
        return run
    from fleetbpf.cli import several

    return several.run


def say_no_more() -> None:
    """Let what is left of standard output, which nobody takes, go nowhere."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def parsed(arguments: Sequence[str]) -> argparse.Namespace:
    """What the command line says; SystemExit after wrong usage or `--help`, as argparse has it."""
    try:
        return understood(arguments)
    except WrongUsageError as error:
        output = Output(json="--json" in arguments, command=error.command)
        output.document({"problems": error.problems, "exit_code": int(ExitCode.USAGE)})
        raise
    except OutputError as error:
        say_no_more()
        raise SystemExit(int(Output().report(error))) from error
    except BrokenPipeError as error:
        say_no_more()
        raise SystemExit(int(ExitCode.DONE)) from error


def understood(arguments: Sequence[str]) -> argparse.Namespace:
    """The command line, taken apart; SystemExit with what was meant where a word is none."""
    # One command's own arguments are enough, unless the first word is none of them.
    named = tuple(name for name in COMMANDS if arguments[:1] == [name])
    root = parser(named or COMMANDS)
    refuse_unknown_commands(root, arguments)
    options, rest = root.parse_known_args(arguments)
    if rest:
        refuse_words(root, options, rest)
    return options


def refuse_unknown_commands(root: argparse.ArgumentParser, words: Sequence[str]) -> None:
    """End with the usage where a command or a subcommand is none; argparse does not say which."""
    from fleetbpf.wording import did_you_mean, quoted

    for word in words:
        below = tree.by_name(root)
        if not below or word.startswith("-"):
            return
        if word not in below:
            known = COMMANDS if root.prog == "fleetbpf" else below
            hint = did_you_mean(word, known, noun="commands")
            root.error(f"there is no command {quoted(word)}\n  hint: {hint}")
        root = below[word]


def refuse_words(
    root: argparse.ArgumentParser, options: argparse.Namespace, words: Sequence[str]
) -> NoReturn:
    """End with the usage: the command takes none of these words."""
    from fleetbpf.wording import did_you_mean, quoted

    command = tree.by_name(root)[options.command]
    chosen = vars(options).get("subcommand") or vars(options).get("verb")
    command = tree.by_name(command).get(chosen or "", command)
    flags = [word.partition("=")[0] for word in words if word.startswith("-")]
    if not flags:
        command.error(f"one word too many: {quoted(words[0])}")
    known = [name for action in tree.actions(command) for name in action.option_strings]
    hint = did_you_mean(flags[0], known, noun="options")
    command.error(f"there is no option {quoted(flags[0])}\n  hint: {hint}")


def parser(names: Sequence[str] = COMMANDS) -> argparse.ArgumentParser:
    """The command line of fleetbpf; the module of each command adds its own arguments."""
    root = Parser(
        prog="fleetbpf",
        description="Declarative deployment of BPF programs to fleets of Linux hosts over SSH.",
        epilog="exit codes: 0 done, 1 a host or build failed, 2 bad input (nothing contacted), "
        "3 drift (or a plan has changes), 4 hosts unreachable, 70 bug, 130 interrupted",
    )
    root.add_argument("--version", action="version", version=f"fleetbpf {__version__}")
    commands = root.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for name in names:
        module = importlib.import_module(f"fleetbpf.cli.{name}")
        command = commands.add_parser(
            name,
            help=module.SUMMARY,
            description=module.SUMMARY,
            epilog=examples.epilog(name),
            formatter_class=argparse.RawDescriptionHelpFormatter,  # or examples are wrapped
        )
        module.arguments(command)
        add_common(command)
        command.set_defaults(run=module.run, command=name, secrets=Secrets())
    return root


def settled(options: argparse.Namespace) -> Output:
    """Give options that were left out the values of their settings; how to say things."""
    from fleetbpf.cli import settings

    loaded = settings.load()
    settings.settle(options, loaded)
    output = Output.of(options)
    for text in loaded.warnings:
        output.warning(text)
    return output


def report_bug(output: Output) -> ExitCode:
    """Write the traceback of the current exception into a file and say where it is."""
    from fleetbpf.fleet import bug_report

    file = bug_report.write(output.mask(traceback.format_exc()))
    what, hint = f"a bug: {sys.exception()!r}", f"please report {file}"
    return output.report(BugError(Problem(where="fleetbpf", what=what, hint=hint)))
