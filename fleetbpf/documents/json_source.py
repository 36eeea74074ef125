"""JSON texts as documents: plain values, each with the line and column where it was written."""

import json
import re
from bisect import bisect_right
from collections.abc import Mapping
from pathlib import Path

from fleetbpf.documents.composing import (
    DEEPEST,
    UNFIT,
    Mistake,
    Node,
    Part,
    Place,
    Tag,
    integer,
    is_unfit,
)
from fleetbpf.documents.source import Document
from fleetbpf.errors import InputError

SPACE = re.compile(r"[ \t\r\n]*")
# How Ansible's JSON writes what has a tag in YAML.
TAGS = {"__ansible_vault": "!vault", "__ansible_unsafe": "!unsafe"}


def parse(text: str, path: Path, tags: Mapping[str, Tag]) -> Document:
    """The document in `text`; InputError with its place when it is not JSON."""
    scanner = Scanner(text, tags)
    try:
        root = scanner.root()
    except json.JSONDecodeError as error:
        place = Place(line=error.lineno, column=error.colno)
        document = Document(path=path, root=Node(place=place, value=None))
        mistake = Mistake(place=place, what=f"not JSON: {error.msg[:1].lower()}{error.msg[1:]}")
        raise InputError(document.problem(mistake)) from error
    return Document(path=path, root=root, mistakes=tuple(scanner.mistakes))


class Scanner:
    """Reads one JSON text; `mistakes` holds keys that come twice."""

    def __init__(self, text: str, tags: Mapping[str, Tag]) -> None:
        self.mistakes: list[Mistake] = []
        self._text = text
        self._tags = tags
        self._lines = [0, *(match.end() for match in re.finditer("\n", text))]
        # Digits that Python refuses to read as a number stay text, as in YAML.
        self._decoder = json.JSONDecoder(strict=False, parse_int=integer)

    def root(self) -> Node:
        """The whole text; raises json.JSONDecodeError."""
        node, end = self._value(0, 1)
        if self._skip(end) != len(self._text):
            raise self._error("more text behind the end", self._skip(end))
        return node

    def _value(self, start: int, depth: int) -> tuple[Node, int]:
        """The value that begins behind the spaces at `start`, and where it ends."""
        start = self._skip(start)
        if depth > DEEPEST:
            raise self._error(f"more than {DEEPEST} levels deep", start)
        match self._text[start : start + 1]:
            case "{":
                return self._object(start, depth)
            case "[":
                return self._array(start, depth)
            case _:
                value, end = self._decoder.raw_decode(self._text, start)
                node = Node(place=self._place(start), value=value, text=self._text[start:end])
                if isinstance(value, str) and is_unfit(value):
                    self.mistakes.append(Mistake(place=node.place, what=UNFIT))
                return node, end

    def _object(self, start: int, depth: int) -> tuple[Node, int]:
        children: dict[Part, Node] = {}
        keys: dict[Part, Place] = {}
        position = self._skip(start + 1)
        while self._text[position : position + 1] != "}":
            if children:
                position = self._expect(",", position)
            key, end = self._value(position, depth + 1)
            if not isinstance(key.value, str):
                raise self._error("a key must be a string", position)
            child, end = self._value(self._expect(":", end), depth + 1)
            if key.value in keys:
                self.mistakes.append(Mistake(place=key.place, what=f"duplicate key `{key.value}`"))
            children[key.value], keys[key.value] = child, key.place
            position = self._skip(end)
        node = Node(place=self._place(start), value=None, children=children, keys=keys)
        return self._tagged(node), position + 1

    def _array(self, start: int, depth: int) -> tuple[Node, int]:
        items: list[Node] = []
        position = self._skip(start + 1)
        while self._text[position : position + 1] != "]":
            if items:
                position = self._expect(",", position)
            item, end = self._value(position, depth + 1)
            items.append(item)
            position = self._skip(end)
        node = Node(
            place=self._place(start),
            value=[item.value for item in items],
            children=dict(enumerate(items)),
        )
        return node, position + 1

    def _tagged(self, node: Node) -> Node:
        """The mapping, or the value that Ansible wraps in one: what has a tag in YAML."""
        for key, tag in TAGS.items():
            child = node.children.get(key)
            if tag in self._tags and child is not None and isinstance(child.value, str):
                return Node(place=node.place, value=self._tags[tag](child.value, node.place))
        value = {str(name): child.value for name, child in node.children.items()}
        return Node(place=node.place, value=value, children=node.children, keys=node.keys)

    def _skip(self, position: int) -> int:
        """The position behind spaces."""
        match = SPACE.match(self._text, position)
        return match.end() if match else position

    def _expect(self, character: str, position: int) -> int:
        """The position behind `character`, which must come next."""
        position = self._skip(position)
        if self._text[position : position + 1] != character:
            raise self._error(f"expected `{character}`", position)
        return position + 1

    def _place(self, position: int) -> Place:
        line = bisect_right(self._lines, position)
        return Place(line=line, column=position - self._lines[line - 1] + 1)

    def _error(self, what: str, position: int) -> json.JSONDecodeError:
        return json.JSONDecodeError(what, self._text, position)
