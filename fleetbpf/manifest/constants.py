"""Constants as a manifest writes them: what is wrong with them, and the values in them."""

from collections.abc import Iterator

from fleetbpf.documents.composing import Location, Mistake
from fleetbpf.documents.source import Document
from fleetbpf.documents.templating import Renderer, is_template
from fleetbpf.model.target import Part, Scalar
from fleetbpf.model.values import IDENTIFIER
from fleetbpf.wording import MisunderstoodError, kind, quoted

LARGEST = range(-(2**63), 2**64)  # what fits into 64 bits, signed or not
WANTED = "a constant is a boolean, a whole number, a string, or a list or mapping of them"


def mistakes(document: Document, location: Location) -> Iterator[Mistake]:
    """Everything wrong with the constant at `location`, whatever its type in the program is."""
    node = document.find(*location)
    if node is None:
        return
    try:
        check(node.value)
    except MisunderstoodError as error:
        yield Mistake(place=node.place, what=error.what, hint=error.hint)
    for part in node.children:
        if isinstance(part, str) and not IDENTIFIER.fullmatch(part):
            what, place = f"{quoted(part)} is not the name of a field", node.keys[part]
            yield Mistake(place=place, what=what, hint="it is a C identifier")
        yield from mistakes(document, (*location, part))


def check(value: object) -> None:
    """Raise MisunderstoodError for what no constant can be; not for what is in it."""
    match value:
        case bool():
            return
        case int():
            if value not in LARGEST:
                raise MisunderstoodError(f"{quoted(str(value))} does not fit into 64 bits")
        case str():
            Renderer().check(value)
            if "\0" in value:
                raise MisunderstoodError("a constant cannot hold a NUL character")
        case list() | tuple() | dict():
            if not value:
                raise MisunderstoodError(f"{kind(value)} without anything in it sets nothing")
        case float():
            hint = "BPF does not compute with fractions: give a whole number of a smaller unit"
            raise MisunderstoodError(f"{WANTED}, found {kind(value)}", hint)
        case _:
            raise MisunderstoodError(f"{WANTED}, found {kind(value)}")


def leaves(path: tuple[Part, ...], value: object) -> Iterator[tuple[tuple[Part, ...], Scalar]]:
    """Each single value in a rendered one, with the way to it; raises MisunderstoodError."""
    check(value)
    match value:
        case bool() | int() | str():
            yield path, value
        case dict():
            for name, inner in value.items():
                yield from leaves((*path, str(name)), inner)
        case list() | tuple():
            for index, inner in enumerate(value):
                yield from leaves((*path, index), inner)


def holds_template(value: object) -> bool:
    """Whether a string in it is to be rendered."""
    match value:
        case str():
            return is_template(value)
        case dict():
            return any(map(holds_template, value.values()))
        case list() | tuple():
            return any(map(holds_template, value))
        case _:
            return False
