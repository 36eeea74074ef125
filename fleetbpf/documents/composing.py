"""From YAML's events to nodes that know their place; bounded in depth and in size."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace

import yaml
from yaml import events

from fleetbpf.documents import digits
from fleetbpf.frozen import frozen
from fleetbpf.wording import kind, quoted

# libyaml's parser is ten times faster; a PyYAML without it works as well.
LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

DEEPEST = 64  # collections inside collections
LARGEST = 1_000_000  # values, aliases counted as what they stand for
LONG = 100  # characters of a text that count as one more value

UNFIT = "a text cannot hold a NUL character or half a surrogate pair"
CORE_TAGS = {f"tag:yaml.org,2002:{name}" for name in ("str", "int", "float", "bool", "null")}
COLLECTION_TAGS = {"tag:yaml.org,2002:map", "tag:yaml.org,2002:seq"}

TRUE = {"yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON"}
FALSE = {"no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF"}
NULL = {"", "~", "null", "Null", "NULL"}
LEADING_ZERO = re.compile(r"[-+]?0[0-9_]+")
# Longer ones stay text (digits.MOST_BITS).
INTEGER = re.compile(r"[-+]?(?:0b[01_]+|0o?[0-7_]+|0x[0-9a-fA-F_]+|0|[1-9][0-9_]{0,999})")
FLOAT = re.compile(
    r"[-+]?[0-9][0-9_]*\.[0-9_]*(?:[eE][-+][0-9]+)?|\.[0-9][0-9_]*(?:[eE][-+][0-9]+)?"
)
SPECIAL_FLOAT = re.compile(r"[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)")

Part = str | int  # one step of a location: a mapping's key or a list's index
Location = tuple[Part, ...]


@dataclass(frozen=True, slots=True, order=True, kw_only=True)
class Place:
    """A line and a column in a file, both from 1."""

    line: int
    column: int

    def __str__(self) -> str:
        return f"{self.line}:{self.column}"


@frozen
class Mistake:
    """One thing that is wrong at one place of a file."""

    place: Place
    what: str
    hint: str = ""


@frozen
class Node:
    """A value and where it, its keys and all that is in it were written."""

    place: Place
    value: object
    text: str = ""  # a scalar as written
    children: Mapping[Part, "Node"] = field(default_factory=dict)
    keys: Mapping[Part, Place] = field(default_factory=dict)
    size: int = 1  # values in it, aliases counted as what they stand for
    height: int = 0  # collections inside each other in it, aliases counted likewise


# What a tagged text stands for, from the text and its place.
Tag = Callable[[str, Place], object]


class TooMuchError(Exception):
    """The document is deeper or larger than any file a person writes."""

    def __init__(self, mistake: Mistake) -> None:
        super().__init__(mistake)
        self.mistake = mistake


class Composer:
    """Turns a text's YAML events into one Node; `mistakes` holds what is wrong beside syntax."""

    def __init__(self, tags: Mapping[str, Tag]) -> None:
        """`tags` are those known beside YAML's own: "!vault"."""
        self.mistakes: list[Mistake] = []
        self.ambiguous: list[Mistake] = []
        self._tags = tags
        self._anchors: dict[str | None, Node | None] = {}  # None: begun, not yet ended

    def compose(self, text: str) -> Node | None:
        """The only document of `text`, or None; raises yaml.MarkedYAMLError, TooMuchError."""
        stream = yaml.parse(text, Loader=LOADER)
        root = None
        for event in stream:
            if isinstance(event, events.DocumentStartEvent):
                if root is not None:
                    self._mistake(event, "a second document begins here", "one file, one document")
                    break
                root = self._node(next(stream), stream, 1)
        if root and root.value is None and not root.text and root.size == 1:
            return None
        return root

    def _node(self, event: events.Event, stream: Iterator[events.Event], depth: int) -> Node:
        """The node that begins with `event`."""
        if isinstance(event, events.AliasEvent):
            return self._alias(event, depth)
        anchor = event.anchor if isinstance(event, events.NodeEvent) else None
        if anchor is not None:
            self._anchors[anchor] = None
        node = self._collection_or_scalar(event, stream, depth)
        if anchor is not None:
            self._anchors[anchor] = node
        return node

    def _collection_or_scalar(
        self, event: events.Event, stream: Iterator[events.Event], depth: int
    ) -> Node:
        if isinstance(event, events.ScalarEvent):
            return self._scalar(event)
        refuse_too_deep(event, depth)
        if isinstance(event, events.SequenceStartEvent):
            node = self._sequence(event, stream, depth)
        else:
            node = self._mapping(event, stream, depth)
        if node.size > LARGEST:
            what = f"with its aliases written out, more than {LARGEST} values"
            hint = f"a text counts once more for each {LONG} characters: use fewer aliases"
            raise TooMuchError(Mistake(place=place_of(event), what=what, hint=hint))
        self._check_tag(event, COLLECTION_TAGS)
        return node

    def _alias(self, event: events.AliasEvent, depth: int) -> Node:
        """What the alias stands for, at the alias's own place."""
        node = self._anchors.get(event.anchor)
        if node is None:
            inside = event.anchor in self._anchors
            self._mistake(
                event,
                f"the alias *{event.anchor} "
                + ("stands inside what it stands for" if inside else "has no anchor before it"),
            )
            return Node(place=place_of(event), value=None)
        refuse_too_deep(event, depth - 1 + node.height)
        return replace(node, place=place_of(event))

    def _scalar(self, event: events.ScalarEvent) -> Node:
        text: str = event.value
        if is_unfit(text):
            self._mistake(event, UNFIT)
        if event.tag is not None and event.tag in self._tags:
            value = self._tags[event.tag](text, place_of(event))
            size = 1 + len(text) // LONG
            return Node(place=place_of(event), value=value, text=text, size=size)
        self._check_tag(event, CORE_TAGS)
        plain = event.implicit[0] or event.tag in CORE_TAGS - {"tag:yaml.org,2002:str"}
        if plain and LEADING_ZERO.fullmatch(text):
            self.ambiguous.append(leading_zero(text, place_of(event)))
        value = resolved(text) if plain else text
        size = 1 + len(text) // LONG
        return Node(place=place_of(event), value=value, text=text, size=size)

    def _sequence(self, event: events.Event, stream: Iterator[events.Event], depth: int) -> Node:
        items: list[Node] = []
        while not isinstance(item := next(stream), events.SequenceEndEvent):
            items.append(self._node(item, stream, depth + 1))
        return Node(
            place=place_of(event),
            value=[item.value for item in items],
            children=dict(enumerate(items)),
            size=1 + sum(item.size for item in items),
            height=1 + max((item.height for item in items), default=0),
        )

    def _mapping(self, event: events.Event, stream: Iterator[events.Event], depth: int) -> Node:
        children: dict[Part, Node] = {}
        keys: dict[Part, Place] = {}
        merged: Node | None = None
        size, height = 1, 0
        while not isinstance(key_event := next(stream), events.MappingEndEvent):
            before = len(self.mistakes)
            key = self._node(key_event, stream, depth + 1)
            sound = len(self.mistakes) == before
            child = self._node(next(stream), stream, depth + 1)
            size, height = size + child.size, max(height, child.height)
            name = self._name(key_event, key) if sound else None
            if name == "<<" and isinstance(key_event, events.ScalarEvent) and key_event.implicit[0]:
                merged = self._merged(key_event, child)
            elif name in keys:
                first = keys[name]
                hint = f"the first one is in line {first.line}"
                self._mistake(key_event, f"duplicate key {quoted(name)}", hint)
            elif name is not None:
                children[name], keys[name] = child, key.place
        if merged is not None:
            children = {**merged.children, **children}
            keys = {**merged.keys, **keys}
        value = {name: child.value for name, child in children.items()}
        return Node(
            place=place_of(event),
            value=value,
            children=children,
            keys=keys,
            size=size,
            height=1 + height,
        )

    def _name(self, event: events.Event, key: Node) -> str | None:
        """The key as text, exactly as written; None (and a mistake) when it cannot be one."""
        if isinstance(key.value, list | dict):
            template = isinstance(key.value, dict)
            hint = 'a template needs quotes: "{{ … }}"' if template else ""
            self._mistake(event, f"a key must be text, found {kind(key.value)}", hint)
            return None
        if isinstance(event, events.ScalarEvent) and event.implicit[0] and not key.text:
            self._mistake(event, "a key is missing here")
            return None
        return key.text

    def _merged(self, event: events.Event, child: Node) -> Node | None:
        """What `<<: …` brings in: a mapping, or a list of them, the earlier ones winning."""
        parts = list(child.children.values()) if isinstance(child.value, list) else [child]
        if not all(isinstance(part.value, dict) for part in parts):
            self._mistake(event, f"`<<` merges mappings, found {kind(child.value)}")
            return None
        children: dict[Part, Node] = {}
        keys: dict[Part, Place] = {}
        for part in reversed(parts):
            children |= part.children
            keys |= part.keys
        return replace(child, children=children, keys=keys)

    def _check_tag(self, event: events.Event, known: set[str]) -> None:
        tag = getattr(event, "tag", None)
        if tag is None or tag == "!" or tag in known:
            return
        hint = "encrypted values belong in an inventory" if tag == "!vault" else "leave it out"
        self._mistake(
            event,
            f"the tag {quoted(tag.replace('tag:yaml.org,2002:', '!!'))} is not supported",
            hint,
        )

    def _mistake(self, event: events.Event, what: str, hint: str = "") -> None:
        self.mistakes.append(Mistake(place=place_of(event), what=what, hint=hint))


def is_unfit(text: str) -> bool:
    """Whether no file, argument or terminal could hold the text."""
    return "\0" in text or any("\ud800" <= character <= "\udfff" for character in text)


def refuse_too_deep(event: events.Event, depth: int) -> None:
    """Raise TooMuchError for collections inside too many others."""
    if depth > DEEPEST:
        what = f"more than {DEEPEST} levels deep"
        hint = "write it flatter; an alias is as deep as what it stands for"
        raise TooMuchError(Mistake(place=place_of(event), what=what, hint=hint))


def place_of(event: events.Event) -> Place:
    """Where the event begins, counted from 1 as editors do."""
    mark = event.start_mark
    return Place(line=mark.line + 1, column=mark.column + 1) if mark else Place(line=1, column=1)


def resolved(text: str) -> object:
    """The value of a plain scalar: YAML 1.1, but no base 60, no dates and no `=`."""
    if text in NULL:
        return None
    if text in TRUE or text in FALSE:
        return text in TRUE
    if INTEGER.fullmatch(text):
        return integer(text)
    if FLOAT.fullmatch(text):
        return float(text.replace("_", ""))
    if SPECIAL_FLOAT.fullmatch(text):
        return float(text.replace(".", ""))
    return text


def integer(text: str) -> int | str:
    """The number in `text`; one that is too long to be written out stays text."""
    plain = text.replace("_", "")
    try:
        number = int(plain, 8) if LEADING_ZERO.fullmatch(text) else int(plain, 0)
    except ValueError:
        return text
    return number if digits.is_short(number) else text


def leading_zero(text: str, place: Place) -> Mistake:
    """Why `0644` is refused where a mistake would be costly."""
    digits = text.lstrip("+-0_") or "0"
    octal = "" if set(digits) & {"8", "9"} else f"0o{digits} or "
    return Mistake(
        place=place,
        what=f"{quoted(text)}: some readers of YAML take a leading zero for octal, some do not",
        hint=f'write {octal}{digits}, or "{text}" for a string',
    )
