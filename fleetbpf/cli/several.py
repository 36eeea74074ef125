"""A command that is given several manifests: one after the other, as ansible-playbook does it."""

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import field, fields
from pathlib import Path
from typing import Any

from fleetbpf.cli import envelope
from fleetbpf.cli.options import load_hosts, load_manifest, load_targets
from fleetbpf.cli.output import Output
from fleetbpf.errors import (
    ExitCode,
    FleetbpfError,
    InputError,
    InterruptedHostError,
    Problem,
)
from fleetbpf.frozen import frozen
from fleetbpf.wording import listed

ALONE = ("out", "start_at", "to")  # options that are about one manifest
WITHOUT_SOURCES = ("destroy", "rollback", "facts", "unlock")
CHANGING = ("apply", "destroy", "rollback")  # after a failure there the next one is not begun
GRAVEST = (
    ExitCode.INTERRUPTED,
    ExitCode.BUG,
    ExitCode.USAGE,
    ExitCode.FAILED,
    ExitCode.UNREACHABLE,
    ExitCode.DRIFT,
    ExitCode.DONE,
)


@frozen
class Kept(Output):
    """An output whose documents are kept for the one that is written at the end."""

    documents: list[Mapping[str, object]] = field(default_factory=list)

    def document(self, value: Mapping[str, object]) -> None:
        """Keep the document of one manifest."""
        self.documents.append(envelope.enveloped(self.command, value))


def run(options: argparse.Namespace, output: Output) -> ExitCode:
    """Run the command for each manifest, once the input of all is right."""
    each = [of_one(options, path) for path in options.manifests]
    check(options, each)
    same = {name.name: getattr(output, name.name) for name in fields(Output)}
    kept = Kept(**same)
    codes: list[ExitCode] = []
    for path, one in zip(options.manifests, each, strict=True):
        if options.command != "validate":
            output.line(f"{path}:")
        codes.append(ended(one, kept))
        if goes_no_further(options.command, codes[-1]):
            tell_left(options.manifests[len(codes) :], path, output)
            break
    code = min(codes, key=GRAVEST.index)
    output.document(document(kept.documents, code))
    return code


def of_one(options: argparse.Namespace, path: Path) -> argparse.Namespace:
    """The command line as if it named this manifest alone."""
    named: dict[str, Any] = {"manifest": path, "manifests": [path]}
    if "hosts" in vars(options):
        named = {"hosts": str(path), "manifests": [path]}
    return argparse.Namespace(**{**vars(options), **named})


def check(options: argparse.Namespace, each: Sequence[argparse.Namespace]) -> None:
    """Raise InputError with all that is wrong in any manifest; nothing is contacted before."""
    found: list[Problem] = []
    for name in ALONE:
        if vars(options).get(name) is not None:
            where = f"--{name.replace('_', '-')}"
            found.append(Problem(where=where, what="it is for one manifest", hint="name one"))
    names: dict[str, list[str]] = {}
    for one in each:
        try:
            names.setdefault(load(one), []).append(str(one.manifest))
        except InputError as error:
            found += error.problems
    for name, paths in names.items():
        if len(paths) > 1:
            what = f"the deployment {name} is what all of these are called: {listed(paths)}"
            found.append(Problem(where="manifests", what=what, hint="give each another `name`"))
    InputError.raise_if_any(dict.fromkeys(found))


def load(one: argparse.Namespace) -> str:
    """The name of a manifest, all of its input being right; InputError with what is not."""
    from fleetbpf.deploy import saved_plan

    path = Path(one.hosts) if "hosts" in vars(one) else one.manifest
    one.manifest = path
    if saved_plan.is_one(path):
        what = "a saved plan is applied alone"
        raise InputError(Problem(where=str(path), what=what, hint=f"fleetbpf apply {path}"))
    if one.command == "validate" and not one.inventory and one.limit is None:
        return load_manifest(one).name
    if one.command in WITHOUT_SOURCES:
        return load_hosts(one)[0].name
    return load_targets(one)[0].name


def ended(one: argparse.Namespace, kept: Kept) -> ExitCode:
    """Run the command for one manifest; an error is that manifest's end."""
    try:
        return ExitCode(one.run(one, kept))
    except FleetbpfError as error:
        return kept.report(error)
    except KeyboardInterrupt:
        return kept.report(InterruptedHostError(Problem(where="", what="interrupted")))


def goes_no_further(command: str, code: ExitCode) -> bool:
    """Whether the manifests after one that ended so are left alone."""
    failed = code in {ExitCode.FAILED, ExitCode.USAGE, ExitCode.BUG}
    return code is ExitCode.INTERRUPTED or (failed and command in CHANGING)


def tell_left(left: Sequence[Path], failed: Path, output: Output) -> None:
    """Say what was not begun."""
    if left:
        names = listed([str(path) for path in left])
        output.warning(f"not begun, as {failed} failed: {names}")


def document(documents: Sequence[Mapping[str, Any]], code: ExitCode) -> dict[str, object]:
    """The document of all: what each would have written, and their hosts and problems together."""
    return {
        "hosts": [row for each in documents for row in each["hosts"]],
        "problems": [row for each in documents for row in each["problems"]],
        "documents": list(documents),
        "exit_code": int(code),
    }
