"""YAML files as plain values, each with the line and column where it was written.

The dialect is YAML 1.1 as Ansible reads it, without its traps: keys are always text (`on:` stays
"on"), `22:30` and dates stay text, and a number with a leading zero is reported as ambiguous.
"""

import difflib
import re
from collections.abc import Iterable, Mapping
from dataclasses import field
from pathlib import Path

import yaml

from fleetbpf.documents.composing import Composer, Mistake, Node, Part, Place, Tag, TooMuchError
from fleetbpf.errors import InputError, Problem
from fleetbpf.frozen import frozen
from fleetbpf.wording import LIKENESS, quoted

START = Place(line=1, column=1)
NO_TAGS: Mapping[str, Tag] = {}
SUFFIXES = frozenset({".yml", ".yaml", ".ini", ".json"})
LARGEST_FILE = 16 * 1024 * 1024  # bytes

# What YAML 1.1 does not allow in a file, not even in quotes.
CONTROL_CHARACTER = re.compile(
    "[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]"
)


@frozen
class Document:
    """A YAML file's one document."""

    path: Path
    root: Node
    mistakes: tuple[Mistake, ...] = field(default=())  # that do not hinder further reading
    ambiguous: tuple[Mistake, ...] = field(default=())  # numbers that YAML's versions read apart

    @property
    def value(self) -> object:
        """The whole document as plain dicts, lists, text, numbers, booleans and None."""
        return self.root.value

    def find(self, *location: Part) -> Node | None:
        """The node at `location`, if there is one."""
        node: Node | None = self.root
        for part in location:
            node = inside(node, part) if node else None
        return node

    def keys_of(self, *location: Part) -> tuple[str, ...]:
        """The keys of the mapping at `location`; none when there is no mapping."""
        node = self.find(*location)
        return tuple(map(str, node.children)) if node and isinstance(node.value, dict) else ()

    def items(self, *location: Part) -> range:
        """The indices of the list at `location`; none when there is no list."""
        node = self.find(*location)
        return range(len(node.children) if node and isinstance(node.value, list) else 0)

    def value_place(self, *location: Part) -> Place:
        """Where the value at `location` begins; of its nearest known ancestor otherwise."""
        node = self.root
        for part in location:
            found = inside(node, part)
            if found is None:
                break
            node = found
        return node.place

    def key_place(self, *location: Part) -> Place:
        """Where the key at `location` begins; a list's item has none, so its value's place."""
        node, place = self.root, self.root.place
        for part in location:
            if part not in node.children:
                break
            place = node.keys.get(part, node.children[part].place)
            node = node.children[part]
        return place

    def where(self, place: Place) -> str:
        """The place as messages name it: "hello.yml:4:5"."""
        return f"{self.path}:{place}"

    def problem(self, mistake: Mistake) -> Problem:
        """The mistake with this file's name."""
        return Problem(where=self.where(mistake.place), what=mistake.what, hint=mistake.hint)

    def refuse_if_any(self, mistakes: Iterable[Mistake]) -> None:
        """Raise one InputError with the document's own and these mistakes, in their order.

        What follows from a mistake in the YAML itself is not told again for the same line.
        """
        told = {mistake.place.line for mistake in self.mistakes}
        further = (mistake for mistake in mistakes if mistake.place.line not in told)
        everything = dict.fromkeys((*self.mistakes, *further))
        ordered = sorted(everything, key=lambda mistake: mistake.place)
        InputError.raise_if_any(map(self.problem, ordered))


def inside(node: Node, part: Part) -> Node | None:
    """The child of a node; one value that stands for a list of one is its own first item."""
    if part == 0 and not isinstance(part, str) and not isinstance(node.value, list):
        return node
    return node.children.get(part)


def read(path: Path) -> Document:
    """The YAML file at `path`; InputError when it cannot be read or is not YAML."""
    return parse(read_text(path), path)


def read_text(path: Path) -> str:
    """The file's text; InputError when it cannot be read, is too large or not UTF-8."""
    try:
        with path.open("rb") as file:
            content = file.read(LARGEST_FILE + 1)
    except IsADirectoryError as error:
        raise InputError(Problem(where=str(path), what="is a directory, not a file")) from error
    except (OSError, ValueError) as error:
        what = f"cannot read it: {getattr(error, 'strerror', None) or error}"
        hint = meant(path) if isinstance(error, FileNotFoundError) else ""
        raise InputError(Problem(where=str(path), what=what, hint=hint)) from error
    if len(content) > LARGEST_FILE:
        limit = LARGEST_FILE // (1024 * 1024)
        raise InputError(Problem(where=str(path), what=f"the file is larger than {limit} MiB"))
    return decoded(content, path)


def meant(path: Path) -> str:
    """The hint for a file that is not there: the one beside that is called almost so."""
    beside = sorted(file for file in path.parent.glob("*") if file.suffix in SUFFIXES)
    names = {file.stem: file.name for file in beside}
    found = difflib.get_close_matches(path.stem, names, n=1, cutoff=LIKENESS)
    return f"did you mean {quoted(names[found[0]])}?" if found else ""


def decoded(content: bytes, path: Path) -> str:
    """The bytes as text, without a byte order mark."""
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = content[: error.start].decode("utf-8", "replace")
        raise InputError(
            Problem(
                where=f"{path}:{place_after(before)}",
                what=f"the byte 0x{content[error.start]:02x} is not UTF-8",
                hint="save the file as UTF-8",
            )
        ) from error


def place_after(text: str) -> Place:
    """The place of the character that follows `text`."""
    return Place(line=text.count("\n") + 1, column=len(text) - text.rfind("\n"))


def parse(text: str, path: Path, *, tags: Mapping[str, Tag] = NO_TAGS) -> Document:
    """The document in `text`; `path` names it in errors. InputError when it is not YAML."""
    composer = Composer(tags)
    root = None
    mistakes = list(control_characters(text))
    try:
        root = composer.compose(text) if not mistakes else None
    except yaml.MarkedYAMLError as error:
        mistakes.append(syntax_mistake(error, text))
    except TooMuchError as error:
        mistakes.append(error.mistake)
    if root is None and not mistakes:
        mistakes.append(Mistake(place=START, what="the file is empty"))
    document = Document(
        path=path,
        root=root or Node(place=START, value=None),
        mistakes=tuple(composer.mistakes),
        ambiguous=tuple(composer.ambiguous),
    )
    if mistakes:
        document.refuse_if_any(mistakes)
    return document


def control_characters(text: str) -> Iterable[Mistake]:
    """The first character that no YAML file may hold."""
    match = CONTROL_CHARACTER.search(text)
    if match:
        yield Mistake(
            place=place_after(text[: match.start()]),
            what=f"the control character U+{ord(match[0]):04X} cannot stand in a YAML file",
            hint='in double quotes it can be written as an escape: "\\x1b"',
        )


SYNTAX_HINTS: Mapping[str, str] = {
    "\t": "YAML is indented with spaces, never with tabs",
    ":": 'text that holds ": " needs quotes around it',
    "%": "text that begins with % needs quotes around it",
    "@": "text that begins with @ needs quotes around it",
    "`": "text that begins with ` needs quotes around it",
}


def syntax_mistake(error: yaml.MarkedYAMLError, text: str) -> Mistake:
    """What the YAML parser said, with a hint from the character it stopped at."""
    mark = error.problem_mark or error.context_mark
    if mark is None:
        return Mistake(place=Place(line=1, column=1), what=f"not YAML: {error}")
    lines = text.splitlines()
    line = lines[mark.line] if mark.line < len(lines) else ""
    context = f", {error.context}" if error.context else ""
    if error.context and error.context_mark and error.context_mark.line != mark.line:
        context += f" that begins in line {error.context_mark.line + 1}"
    return Mistake(
        place=Place(line=mark.line + 1, column=mark.column + 1),
        what=f"not YAML: {error.problem or 'syntax error'}{context}",
        hint=SYNTAX_HINTS.get(line[mark.column : mark.column + 1], ""),
    )
