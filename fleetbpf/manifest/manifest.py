"""Reads manifests: from YAML to a checked Manifest, or to all that is wrong with it at once."""

import math
from collections.abc import Iterator
from pathlib import Path

from pydantic import ValidationError

from fleetbpf.documents import source
from fleetbpf.documents.composing import Location, Mistake, Place
from fleetbpf.documents.source import Document
from fleetbpf.errors import Problem
from fleetbpf.files import named_files
from fleetbpf.manifest import constants
from fleetbpf.model import complaints
from fleetbpf.model.manifest import Events, Manifest
from fleetbpf.model.recipe import DesiredEvent, EventCase, FieldHint
from fleetbpf.model.rollout import Health, Rollout
from fleetbpf.wording import did_you_mean, quoted


def read(path: Path) -> Manifest:
    """The manifest at `path`; InputError with all that is wrong, in the file's order."""
    return from_document(source.read(path))


def read_text(text: str, path: Path) -> Manifest:
    """The manifest in `text`; `path` is where it stands, or would stand."""
    return from_document(source.parse(text, path))


def from_document(document: Document) -> Manifest:
    """The manifest that the document holds; InputError with all that is wrong."""
    found = [*document.ambiguous, *cross_check(document)]
    try:
        manifest = Manifest.model_validate(document.value, context=document)
    except ValidationError as error:
        document.refuse_if_any([*found, *complaints.mistakes(error, Manifest, document)])
        raise
    document.refuse_if_any(found)
    return manifest


def cross_check(document: Document) -> Iterator[Mistake]:
    """What no single value shows: names that nothing has, and things said twice."""
    known = document.keys_of("programs")
    for play in document.items("plays"):
        for index in document.items("plays", play, "programs"):
            yield from unknown_program(document, ("plays", play, "programs", index), known)
        yield from repetitions(document, "program", ("plays", play, "programs"))
        yield from idle_rollout_keys(document, ("plays", play))
    for name in known:
        yield from source_or_object(document, name)
        for function in document.keys_of("programs", name, "hooks"):
            yield from repetitions(document, "hook", ("programs", name, "hooks", function))
        for ring in document.keys_of("programs", name, "events"):
            yield from one_way_to_tell(document, ("programs", name, "events", ring))
        yield from metrics_without_a_file(document, name)
        for constant in document.keys_of("programs", name, "constants"):
            yield from constants.mistakes(document, ("programs", name, "constants", constant))


def metrics_without_a_file(document: Document, program: str) -> Iterator[Mistake]:
    """Metrics that no file is named for, and two of the same name."""
    first: dict[str, Place] = {}
    for name in document.keys_of("programs", program, "maps"):
        location = ("programs", program, "maps", name, "prometheus")
        for metric in document.keys_of(*location):
            place = document.key_place(*location, metric)
            if "textfile" not in document.keys_of() and not first:
                hint = "textfile: /var/lib/node_exporter/textfile_collector, beside `programs`"
                what = f"the manifest does not say where {quoted(metric)} is to be written"
                yield Mistake(place=place, what=what, hint=hint)
            if metric in first:
                what = f"the program has two metrics {quoted(metric)}"
                yield Mistake(place=place, what=what, hint=f"see line {first[metric].line}")
            first.setdefault(metric, place)


def unknown_program(
    document: Document, location: Location, known: tuple[str, ...]
) -> Iterator[Mistake]:
    """A play names a program that the manifest does not have."""
    node = document.find(*location)
    if node and isinstance(node.value, str) and node.value not in known:
        yield Mistake(
            place=node.place,
            what=f"no program is called {quoted(node.value)}",
            hint=did_you_mean(node.value, known, noun="programs"),
        )


NEEDED = {  # key of a play: one of these must be there, or it never acts
    "pause": ("serial",),
    "rollback": ("serial", "max_fail_percentage"),
    "health": ("soak",),
}
NEEDED_HINTS = {
    "serial": "serial: [1, 25%] begins with one host",
    "soak": "soak: 10s lets old and new run side by side so long",
}


def idle_rollout_keys(document: Document, play: Location) -> Iterator[Mistake]:
    """Keys of a rollout that would never act."""
    keys = document.keys_of(*play)
    for key, needed in NEEDED.items():
        if key in keys and not set(needed) & set(keys):
            yield Mistake(
                place=document.key_place(*play, key),
                what=f"`{key}` does nothing without {' or '.join(f'`{n}`' for n in needed)}",
                hint=NEEDED_HINTS[needed[0]],
            )


def source_or_object(document: Document, name: str) -> Iterator[Mistake]:
    """A program is made from a source or from an object: never from both or from nothing."""
    node = document.find("programs", name)
    if node is None or not isinstance(node.value, dict):
        return
    match [key for key in node.children if key in {"source", "object"}]:
        case []:
            yield Mistake(
                place=document.key_place("programs", name),
                what=f"the program {quoted(name)} has neither a `source` nor an `object`",
                hint="name a C file, source: hello.bpf.c, or a compiled one, object: hello.bpf.o",
            )
        case [_, second]:
            yield Mistake(
                place=document.key_place("programs", name, second),
                what=f"the program {quoted(name)} has a `source` and an `object`",
                hint="leave one out",
            )


def one_way_to_tell(document: Document, ring: Location) -> Iterator[Mistake]:
    """Half of a choice between structs, or a choice beside the one struct."""
    keys = set(document.keys_of(*ring))
    for key, other in (("by", "structs"), ("structs", "by")):
        if key in keys and other not in keys:
            what, hint = f"`{key}` needs `{other}`", "{by: kind, structs: {1: exec_event}}"
            yield Mistake(place=document.key_place(*ring, key), what=what, hint=hint)
    if {"struct", "structs"} <= keys:
        what = "`struct` and `structs` are both there: a record is one or the other"
        yield Mistake(place=document.key_place(*ring, "struct"), what=what)


def repetitions(document: Document, noun: str, location: Location) -> Iterator[Mistake]:
    """The same text twice in one list."""
    first: dict[object, Place] = {}
    for index in document.items(*location):
        node = document.find(*location, index)
        if node is None or not isinstance(node.value, str):
            continue
        if node.value in first:
            yield Mistake(
                place=node.place,
                what=f"the {noun} {quoted(node.value)} stands here twice",
                hint=f"the first one is in line {first[node.value].line}",
            )
        first.setdefault(node.value, node.place)


def events(manifest: Manifest, program: str) -> tuple[DesiredEvent, ...]:
    """Each ring buffer with what is in it; whether the object has that, the build says."""
    return tuple(
        desired_event(manifest, ("programs", program, "events", ring), ring, event)
        for ring, event in manifest.programs[program].events.items()
    )


def desired_event(manifest: Manifest, at: Location, ring: str, event: Events) -> DesiredEvent:
    """One of them, each part with its line."""
    return DesiredEvent(
        ring=ring,
        struct=event.struct or "",
        by=event.by or "",
        cases=tuple(
            EventCase(value=value, struct=struct, where=manifest.place(*at, "structs", value))
            for value, struct in event.structs.items()
        ),
        fields=tuple(
            FieldHint(path=path, hint=hint, where=manifest.place(*at, "fields", path))
            for path, hint in event.fields.items()
        ),
        where=manifest.place(*at),
    )


def rollout(manifest: Manifest, index: int) -> Rollout:
    """How a change goes over the hosts of one play."""
    play = manifest.plays[index]
    return Rollout(
        play=index,
        serial=play.serial,
        max_fail_percentage=play.max_fail_percentage,
        pause=play.pause or 0,
        rollback=play.rollback,
        where=manifest.value_place("plays", index),
        health=Health(
            # In whole seconds: not every host's sleep knows fractions.
            soak=math.ceil(play.soak or 0),
            max_lost=play.health.max_lost,
            min_records=play.health.min_records,
            max_restarts=play.health.max_restarts,
            max_cpu=play.health.max_cpu,
        ),
    )


def locate(manifest: Manifest, program: str) -> Path | None:
    """The source or object of a program, absolute; None when it is in none of the `search_path`."""
    found = (path for path in candidates(manifest, program) if named_files.is_file(path))
    return next((path.absolute() for path in found), None)


def candidates(manifest: Manifest, program: str) -> tuple[Path, ...]:
    """Where a program's source or object may lie, in the order in which it is looked for."""
    name = manifest.programs[program].file
    folders = (manifest.path.parent, Path("programs"), shipped())
    return tuple(dict.fromkeys((folder / name).absolute() for folder in folders))


def shipped() -> Path:
    """The programs that come along: in the package as it was installed, or beside it in a clone."""
    installed = Path(__file__).parents[1] / "programs"
    return installed if installed.is_dir() else installed.parent.parent / "programs"


def missing_sources(manifest: Manifest) -> tuple[Problem, ...]:
    """The programs whose file is nowhere, each with the places where it was looked for."""
    return tuple(
        missing_source(manifest, name)
        for name in manifest.programs
        if locate(manifest, name) is None
    )


def missing_btf(manifest: Manifest) -> tuple[Problem, ...]:
    """A folder of BTF that is none."""
    if manifest.btf_folder is None or named_files.is_folder(manifest.btf_folder):
        return ()
    what = f"the folder {quoted(str(manifest.btf))} does not exist"
    hint = f"looked for {manifest.btf_folder.absolute()}"
    return (Problem(where=manifest.value_place("btf"), what=what, hint=hint),)


def missing_source(manifest: Manifest, program: str) -> Problem:
    """What a source or object that is nowhere is told as."""
    searched = [str(path) for path in candidates(manifest, program)]
    key = "source" if manifest.programs[program].source else "object"
    return Problem(
        where=manifest.value_place("programs", program, key),
        what=f"the {key} file {quoted(manifest.programs[program].file)} does not exist",
        hint=f"looked for {', '.join(searched)}",
    )
