"""pydantic's errors about a document as sentences for people, each with its place and cure."""

from collections.abc import Iterator
from inspect import isclass
from types import UnionType
from typing import Annotated, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from fleetbpf.documents.composing import Location, Mistake, Part
from fleetbpf.documents.source import Document
from fleetbpf.model.values import Expected
from fleetbpf.wording import MisunderstoodError, did_you_mean, kind, quoted


def mistakes(
    error: ValidationError, model: type[BaseModel], document: Document
) -> Iterator[Mistake]:
    """Everything that pydantic found wrong in the document."""
    for details in error.errors(include_url=False):
        # pydantic calls a list too short when its only item is wrong: that item is told already.
        node = document.find(*details["loc"])
        if details["type"] != "too_short" or (node and node.value in ([], {})):
            yield mistake(details, model, document)


def mistake(details: ErrorDetails, model: type[BaseModel], document: Document) -> Mistake:
    """One of pydantic's errors."""
    location = tuple(part for part in details["loc"] if part != "[key]")
    match details["type"]:
        case "missing":
            return missing(location, model, document)
        case "extra_forbidden":
            return unknown_key(location, model, document)
        case "value_error":
            return misunderstood(details, document)
        case "too_short":
            expected = expectation(model, location)
            what = f"expected {expected}, found an empty one"
            return Mistake(place=document.value_place(*location), what=what)
        case _:
            return wrong_type(location, model, document)


def missing(location: Location, model: type[BaseModel], document: Document) -> Mistake:
    """A key that must be there is not."""
    *parent, key = location
    owner = f" of {quoted(str(parent[-1]))}" if parent and isinstance(parent[-1], str) else ""
    return Mistake(
        place=document.key_place(*parent),
        what=f"the key {quoted(str(key))}{owner} is missing",
        hint=f"it holds {expectation(model, location)}",
    )


def unknown_key(location: Location, model: type[BaseModel], document: Document) -> Mistake:
    """A key that nothing reads."""
    *parent, key = location
    owners = unwrapped(field_at(model, tuple(parent))[0])
    models = (owner for owner in owners if isclass(owner) and issubclass(owner, BaseModel))
    known = [name for owner in models for name in owner.model_fields]
    return Mistake(
        place=document.key_place(*location),
        what=f"unknown key {quoted(str(key))}",
        hint=did_you_mean(str(key), known, noun="known keys"),
    )


def misunderstood(details: ErrorDetails, document: Document) -> Mistake:
    """A text that one of our own parsers refused."""
    reason = details.get("ctx", {}).get("error")
    hint = reason.hint if isinstance(reason, MisunderstoodError) else ""
    location = tuple(part for part in details["loc"] if part != "[key]")
    is_key = details["loc"][-1:] == ("[key]",)
    place = document.key_place(*location) if is_key else document.value_place(*location)
    return Mistake(place=place, what=str(reason), hint=hint)


def wrong_type(location: Location, model: type[BaseModel], document: Document) -> Mistake:
    """A value of another kind than what belongs there."""
    node = document.find(*location)
    value = node.value if node else document.value
    found = kind(value)
    hint = ""
    if node and node.text and not isinstance(value, str):
        found = f"{found} {quoted(node.text)}"
        hint = f'for a string, put it in quotes: "{node.text}"' if is_text(model, location) else ""
    return Mistake(
        place=document.value_place(*location),
        what=f"expected {expectation(model, location)}, found {found}",
        hint=hint,
    )


def expectation(model: type[BaseModel], location: Location) -> str:
    """What belongs at `location`."""
    annotation, expected = field_at(model, location)
    if expected:
        return expected.what
    return "true or false" if bool in unwrapped(annotation) else "a mapping"


def is_text(model: type[BaseModel], location: Location) -> bool:
    """Whether the value at `location` is kept as the text that was written."""
    return str in unwrapped(field_at(model, location)[0])


def field_at(model: type[BaseModel], location: Location) -> tuple[object, Expected | None]:
    """The type at `location` inside the model, and what it expects."""
    annotation: object = model
    expected: Expected | None = Expected(
        f"a mapping with the keys of {model.model_config.get('title') or 'a manifest'}"
    )
    for part in location:
        annotation, expected = step(annotation, part)
    return annotation, expected


def step(annotation: object, part: Part) -> tuple[object, Expected | None]:
    """The type one key or index further inside."""
    for option in unwrapped(annotation):
        if isclass(option) and issubclass(option, BaseModel):
            field = option.model_fields.get(str(part))
            if field is None:
                return object, None
            metadata = [*field.metadata, *metadata_of(field.annotation)]
            return field.annotation, last_expected(metadata)
        arguments = get_args(option)
        if arguments:
            inner = arguments[-1] if get_origin(option) is dict else arguments[0]
            return inner, last_expected(metadata_of(inner))
    return object, None


def unwrapped(annotation: object) -> tuple[object, ...]:
    """The types that a type may be, without `Annotated`, `Optional` and `None`."""
    origin = get_origin(annotation)
    if origin is Annotated:
        return unwrapped(get_args(annotation)[0])
    if origin in (Union, UnionType):
        options = (option for option in get_args(annotation) if option is not type(None))
        return tuple(inner for option in options for inner in unwrapped(option))
    return (annotation,)


def metadata_of(annotation: object) -> list[object]:
    """The metadata of a type, of its only real option too."""
    if get_origin(annotation) is Annotated:
        inner, *metadata = get_args(annotation)
        return [*metadata_of(inner), *metadata]
    if get_origin(annotation) in (Union, UnionType):
        return [item for option in get_args(annotation) for item in metadata_of(option)]
    return []


def last_expected(metadata: list[object]) -> Expected | None:
    """The outermost expectation."""
    found = [item for item in metadata if isinstance(item, Expected)]
    return found[-1] if found else None
