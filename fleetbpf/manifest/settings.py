"""Settings: fleetbpf.yml of the user and of the working directory, and FLEETBPF_* variables."""

import difflib
import stat
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from fleetbpf.documents import source
from fleetbpf.documents.composing import Mistake, Node, resolved
from fleetbpf.documents.source import START, Document
from fleetbpf.errors import InputError, Problem
from fleetbpf.files import homes
from fleetbpf.frozen import frozen
from fleetbpf.model import complaints
from fleetbpf.model.settings import LOG_OFF, Settings

FILE = "fleetbpf.yml"
PREFIX = "FLEETBPF_"
NAMED = "FLEETBPF_SETTINGS"  # a file to read instead of the working directory's
BUILT_IN = "built in"


@frozen
class Layer:
    """What one file, or the environment, says, and where it says it."""

    values: Mapping[str, object]
    origins: Mapping[str, str]  # "fleetbpf.yml:3:8", "FLEETBPF_FORKS"


@frozen
class Loaded:
    """The settings that hold, and where each was said."""

    settings: Settings
    origins: Mapping[str, str]
    warnings: tuple[str, ...] = ()

    def origin(self, name: str) -> str:
        """Where a setting's value is from."""
        return self.origins.get(name, BUILT_IN)


def load(environment: Mapping[str, str], *, folder: Path) -> Loaded:
    """The settings of a run in `folder`; InputError with all that is wrong in them.

    The environment wins over the working directory's file, and that over the user's own.
    """
    own, named = user_file(environment), environment.get(NAMED)
    beside = Path(named) if named else folder / FILE
    warnings = () if named else tuple(distrusted(beside))
    files = (own, *(() if warnings else (beside,)))
    reads: list[Callable[[], Layer]] = [
        *(
            partial(from_file, file, folder)
            for file in files
            if named == str(file) or file.exists()
        ),
        partial(from_environment, environment),
    ]
    layers = tuple(all_of(reads))
    values: dict[str, Any] = {n: value for layer in layers for n, value in layer.values.items()}
    origins = {name: origin for layer in layers for name, origin in layer.origins.items()}
    settings = Settings.model_construct(None, **values)
    return Loaded(settings=settings, origins=origins, warnings=(*warnings, *misspelt(environment)))


def all_of(reads: list[Callable[[], Layer]]) -> Iterator[Layer]:
    """What each of them reads; one InputError with all that is wrong in any."""
    problems: list[Problem] = []
    for read in reads:
        try:
            yield read()
        except InputError as error:
            problems += error.problems
    InputError.raise_if_any(problems)


def user_file(environment: Mapping[str, str]) -> Path:
    """The user's own file, by the XDG Base Directory Specification."""
    base = environment.get("XDG_CONFIG_HOME") or homes.home() / ".config"
    return Path(base, "fleetbpf", FILE)


def distrusted(file: Path) -> Iterator[str]:
    """Why a file is passed over: anybody could have put it there, and it may name scripts."""
    try:
        writable = [path for path in (file.parent, file) if path.stat().st_mode & stat.S_IWOTH]
    except OSError:
        return
    if writable:
        what = f"{file} is passed over: everybody may write to {writable[0]}"
        yield f"{what}; set {NAMED} to trust it"


def from_file(path: Path, folder: Path) -> Layer:
    """What a file says; its relative paths begin at its own folder."""
    text = source.read_text(path)
    if not any(line.strip() and not line.lstrip().startswith("#") for line in text.splitlines()):
        return Layer(values={}, origins={})
    shown = path.relative_to(folder) if path.is_relative_to(folder) else path
    document = source.parse(text, shown)
    settings = validated(document)
    return Layer(
        values=values(settings, folder=Path() if path.parent == folder else path.parent),
        origins={
            name: document.where(document.value_place(name)) for name in settings.model_fields_set
        },
    )


def validated(document: Document) -> Settings:
    """The settings in a document; InputError with all that is wrong."""
    try:
        settings = Settings.model_validate(document.value)
    except ValidationError as error:
        found = complaints.mistakes(error, Settings, document)
        document.refuse_if_any([*document.ambiguous, *found])
        raise
    document.refuse_if_any(document.ambiguous)
    return settings


def from_environment(environment: Mapping[str, str]) -> Layer:
    """What the variables say, each read as a value of fleetbpf.yml would be."""
    given = {name: environment.get(variable(name), "") for name in Settings.model_fields}
    texts = {name: text for name, text in given.items() if text}
    if not texts:
        return Layer(values={}, origins={})
    problems = [problem for name, text in texts.items() for problem in wrong(name, text)]
    InputError.raise_if_any(problems)
    settings = Settings.model_validate({name: value_of(text) for name, text in texts.items()})
    return Layer(
        values=values(settings, folder=Path()), origins={name: variable(name) for name in texts}
    )


def misspelt(environment: Mapping[str, str]) -> Iterator[str]:
    """Variables that are no setting's, and most likely meant to be."""
    known = [variable(name) for name in Settings.model_fields]
    for name in environment:
        if name.startswith(PREFIX) and name not in known:
            for meant in difflib.get_close_matches(name, known, n=1, cutoff=0.9):
                yield f"{name} is no setting: did you mean {meant}?"


def variable(name: str) -> str:
    """The variable of a setting."""
    return f"{PREFIX}{name.upper()}"


def value_of(text: str) -> object:
    """A variable's value; nothing but a plain YAML scalar."""
    return resolved(text)


def wrong(name: str, text: str) -> Iterator[Problem]:
    """What is wrong with one variable."""
    node = Node(place=START, value=value_of(text), text=text)
    root = Node(place=START, value={name: node.value}, children={name: node})
    document = Document(path=Path(variable(name)), root=root)
    try:
        Settings.model_validate(root.value)
    except ValidationError as error:
        found: Iterator[Mistake] = complaints.mistakes(error, Settings, document)
        for mistake in found:
            yield Problem(where=variable(name), what=mistake.what, hint=mistake.hint)


def values(settings: Settings, *, folder: Path) -> dict[str, object]:
    """What was said, with paths that begin at `folder`."""
    said = {name: getattr(settings, name) for name in settings.model_fields_set}
    if "inventory" in said:
        said["inventory"] = tuple(anchored(item, folder) for item in settings.inventory)
    if "header_folders" in said:
        said["header_folders"] = tuple(anchored(item, folder) for item in settings.header_folders)
    if said.get("log", LOG_OFF) != LOG_OFF:
        said["log"] = anchored(settings.log, folder)
    return said


def anchored(text: str, folder: Path) -> str:
    """A path from `folder` on; a list of hosts (`web1,web2`) is none."""
    return text if "," in text else str(folder / homes.expanded(text))
