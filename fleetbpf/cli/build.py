"""`fleetbpf build`: from programs to loaders, without any host."""

import argparse
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from fleetbpf.cli.output import Output
from fleetbpf.errors import BuildError, ExitCode, InputError, Problem
from fleetbpf.files import named_files
from fleetbpf.frozen import frozen
from fleetbpf.model.architecture import Architecture
from fleetbpf.model.recipe import OBJECT_SUFFIXES, SUFFIX, Recipe

if TYPE_CHECKING:
    from fleetbpf.build.build import Artifact
    from fleetbpf.model.target import DesiredProgram

SUMMARY = "compile programs into loaders, or find them in the cache"


@frozen
class Wanted:
    """One loader that the command line asks for."""

    name: str
    recipe: Recipe
    program: "DesiredProgram | None" = None  # what a manifest says of it, its templates as they are


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument(
        "inputs",
        nargs="+",
        type=Path,
        metavar="MANIFEST|SOURCE.bpf.c|OBJECT",
        help="a manifest, for all of its programs, or a program's source or object",
    )
    parser.add_argument(
        "--output", type=Path, metavar="DIR", help="copy each loader there, called as its program"
    )
    parser.add_argument(
        "--arch",
        type=architectures,
        action="extend",
        default=[],
        metavar="|".join((*Architecture, "all")),
        help="build for this architecture (default: this machine's); repeatable",
    )
    parser.add_argument("--jobs", type=int, metavar="N", help="builds at once (default: CPUs)")


def run(options: argparse.Namespace, output: Output) -> ExitCode:
    """Build everything that is asked for, and say where it is."""
    from fleetbpf.build import event_plan
    from fleetbpf.build.builders import Builders
    from fleetbpf.manifest import hook_checks

    inputs = [item for path in options.inputs for item in wanted_by(path)]
    refuse_double(inputs)
    wanted = for_architectures(inputs, tuple(dict.fromkeys(options.arch)))
    builders = Builders(
        header_folders=tuple(map(Path, options.settings.header_folders)),
        colour=output.colours(sys.stderr),
        jobs=options.jobs,
        say=output.progress,
    )
    artifacts = builders.build_all(item.recipe for item in wanted)
    described = {recipe: artifact.description for recipe, artifact in artifacts.items()}
    declared = [(item.program, described[item.recipe]) for item in wanted if item.program]
    hooks = (each for program, inside in declared for each in hook_checks.of(program, inside))
    InputError.raise_if_any((*dict.fromkeys(hooks), *event_plan.problems(described)))
    loaders = {item.name: artifacts[item.recipe].loader for item in wanted}
    if options.output is not None:
        loaders = {name: deliver(path, options.output / name) for name, path in loaders.items()}
    tell(wanted, artifacts, loaders, output)
    return ExitCode.DONE


def architectures(text: str) -> tuple[Architecture, ...]:
    """The architectures that `--arch` names."""
    found = tuple(Architecture) if text == "all" else (Architecture.of_machine(text),)
    known = tuple(each for each in found if each is not None)
    if not known:
        names = ", ".join(Architecture)
        raise argparse.ArgumentTypeError(f"{text!r} is not one of {names} and all")
    return known


def for_architectures(
    inputs: Sequence[Wanted], asked: Sequence[Architecture]
) -> tuple[Wanted, ...]:
    """The loaders for each architecture; with several of them, their names tell it."""
    return tuple(
        replace(
            item,
            name=f"{item.name}.{each}" if len(asked) > 1 else item.name,
            recipe=replace(item.recipe, architecture=each),
        )
        for item in inputs
        for each in asked or (Architecture.usual(),)
    )


def wanted_by(path: Path) -> Iterator[Wanted]:
    """The loaders that one word of the command line stands for."""
    from fleetbpf.manifest import any_host, manifest

    if path.name.endswith((SUFFIX, *OBJECT_SUFFIXES)) or is_elf(path):
        if not named_files.is_file(path):
            raise InputError(Problem(where=str(path), what="no such file"))
        recipe = Recipe(source=path.absolute())
        yield Wanted(name=recipe.program, recipe=recipe)
        return
    declared = manifest.read(path)
    InputError.raise_if_any(manifest.missing_sources(declared))
    for name in declared.programs:
        source = manifest.locate(declared, name)
        if source is not None:
            where = declared.place("programs", name)
            yield Wanted(
                name=name,
                recipe=Recipe(
                    source=source,
                    where=where,
                    project=declared.folder,
                    events=manifest.events(declared, name),
                ),
                program=any_host.program(declared, name, source),
            )


def is_elf(path: Path) -> bool:
    """Whether it is an object, whatever it is called: other languages' have no suffix."""
    try:
        with path.open("rb") as file:
            return file.read(4) == b"\x7fELF"
    except OSError:
        return False


def refuse_double(wanted: Iterable[Wanted]) -> None:
    """Raise InputError when two sources would become loaders of one name."""
    first: dict[str, Wanted] = {}
    for item in wanted:
        recipe, other = item.recipe, first.setdefault(item.name, item).recipe
        if other != recipe:
            what = f"two programs are called {item.name}: {other.source}, {recipe.source}"
            raise InputError(Problem(where=recipe.where, what=what, hint="build them one by one"))


def deliver(loader: Path, target: Path) -> Path:
    """Copy a loader out of the cache, as an executable that appears whole."""
    from fleetbpf.files.private_files import write_whole

    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        write_whole(target, loader.read_bytes(), mode=0o755)
    except OSError as error:
        raise BuildError(Problem(where=str(target), what=f"{error.strerror}")) from error
    return target


def tell(
    wanted: Sequence[Wanted],
    artifacts: Mapping[Recipe, "Artifact"],
    loaders: Mapping[str, Path],
    output: Output,
) -> None:
    """Say what was built, what was there already, and where."""
    rows = {item.name: artifacts[item.recipe] for item in wanted}
    for artifact in artifacts.values():
        if not artifact.cached:
            output.compiler(artifact.warnings)
    output.table(
        ("program", "build", "key", "size", "loader"),
        [
            (name, word(artifact), artifact.key[:12], size(loaders[name]), str(loaders[name]))
            for name, artifact in rows.items()
        ],
    )
    architectures = {item.name: item.recipe.architecture for item in wanted}
    output.document(
        {
            "programs": [
                {"architecture": architectures[name], **row(name, artifact, loaders[name])}
                for name, artifact in rows.items()
            ]
        }
    )


def word(artifact: "Artifact") -> str:
    """How long the build took, if there was one."""
    return "cached" if artifact.cached else f"built {artifact.seconds:.2f} s"


def size(path: Path) -> str:
    """A file's size for people."""
    return f"{path.stat().st_size / 1e6:.1f} MB"


def row(name: str, artifact: "Artifact", loader: Path) -> dict[str, object]:
    """One program for the JSON document."""
    return {
        "name": name,
        "key": artifact.key,
        "cached": artifact.cached,
        "seconds": round(artifact.seconds, 3),
        "loader": loader,
        "sha256": artifact.loader_sha256,
        "bytes": loader.stat().st_size,
        "object": artifact.object,
        "warnings": artifact.warnings,
    }
