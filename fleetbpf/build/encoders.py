"""C functions that write a map's keys and values as JSON, generated from their BTF types."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import replace

from fleetbpf.frozen import frozen
from fleetbpf.model import btf, hints
from fleetbpf.model.btf import Member, Types
from fleetbpf.model.description import EventStruct
from fleetbpf.model.hints import Hint
from fleetbpf.objects import fields

Hints = Mapping[str, Hint]  # by the path of a field: "inner.port"
NO_HINTS: Hints = {}

_OCTAL = tuple(f"\\{byte:03o}" for byte in range(256))


@frozen
class Encoder:
    """One C function `static void name(struct fb_text *out, const unsigned char *at)`."""

    name: str
    code: str


def for_type(types: Types, identifier: int, wanted: Hints = NO_HINTS) -> tuple[Encoder, ...]:
    """The encoder of a type, last, after those of the types inside it.

    wanted: hints by the paths of fields inside it; "" is the value itself.
    """
    found: dict[str, Encoder] = {}
    for inner, hinted in _inside(types, identifier, wanted):
        encoder = _function(name_of(types, inner, hinted), _body(types, inner, hinted))
        found.setdefault(encoder.name, encoder)
    return tuple(found.values())


def for_event(types: Types, event: EventStruct, wanted: Hints = NO_HINTS) -> tuple[Encoder, ...]:
    """The encoder of an event, last; without its tail, which only the record's length tells."""
    whole = btf.resolve(types, event.type)
    if not event.tail or not isinstance(whole, btf.Struct):
        return for_type(types, event.type, wanted)
    inner = (
        encoder
        for member in whole.members[:-1]
        for encoder in for_type(types, member.type, below(wanted, member.name))
    )
    body = "\n".join(_struct(types, replace(whole, members=whole.members[:-1]), wanted))
    return (*inner, _function(f"{name_of(types, event.type, wanted)}_without_tail", body))


def of_tail(types: Types, event: EventStruct, hint: Hint | None) -> str:
    """The C function that writes an event's tail, of which the record tells the length."""
    whole = btf.resolve(types, event.type)
    last = whole.members[-1].type if isinstance(whole, btf.Struct) and event.tail else 0
    text = hint is Hint.STRING or (hint is None and _is_text(types, last))
    return "fb_encode_chars" if text else "fb_encode_bytes"


def hinted_fields(
    types: Types, identifier: int, wanted: Hints = NO_HINTS
) -> Iterator[tuple[str, Hint]]:
    """The paths of all fields with a hint, from `wanted` or their type's name."""
    shape = btf.resolve(types, identifier)
    hint = wanted.get("") or hints.of_typedef(types, identifier)
    if hint is not None:
        yield "", hint
    elif isinstance(shape, btf.Array):
        yield from hinted_fields(types, shape.element, wanted)
    elif isinstance(shape, btf.Struct):
        for member, _ in fields.members(types, shape):
            inner = hinted_fields(types, member.type, below(wanted, member.name))
            yield from ((f"{member.name}.{path}".rstrip("."), found) for path, found in inner)


def below(wanted: Hints, member: str) -> Hints:
    """The hints for what is inside a member; an anonymous one's fields count as its struct's."""
    if not member:
        return wanted
    inside = {path.partition(".") for path in wanted}
    return {rest: wanted[f"{first}{dot}{rest}"] for first, dot, rest in inside if first == member}


def for_size(size: int) -> Encoder:
    """The encoder of a key or value of which only the size is known: a number, or hex digits."""
    kind = "integer" if size in {1, 2, 4, 8} else "bytes"
    last = ", false" if kind == "integer" else ""
    return _function(f"encode_{size}_bytes", f"fb_encode_{kind}(out, at, {size}{last});")


def for_prefix(address_size: int) -> Encoder:
    """The encoder of an LPM trie's key of a prefix length and an IP address: "10.0.0.0/8"."""
    return _function(f"encode_prefix_{address_size}", f"fb_encode_prefix(out, at, {address_size});")


def for_members(types: Types, identifier: int, members: tuple[Member, ...]) -> tuple[Encoder, ...]:
    """The encoder of some members of a struct, last."""
    whole = btf.resolve(types, identifier)
    if not isinstance(whole, btf.Struct):
        return for_type(types, identifier)
    inner = (encoder for member in members for encoder in for_type(types, member.type))
    body = "\n".join(_struct(types, replace(whole, members=members), NO_HINTS))
    return (*inner, _function(f"{name_of(types, identifier)}_group", body))


def name_of(types: Types, identifier: int, wanted: Hints = NO_HINTS) -> str:
    """The name of the encoder of a type; the same for a typedef and what is behind it."""
    name = f"encode_{_behind(types, identifier)}"
    if not wanted:
        return name
    if wanted.keys() == {""}:
        return f"{name}_as_{wanted['']}"
    told = ",".join(f"{path}={wanted[path]}" for path in sorted(wanted))
    return f"{name}_with_{hashlib.sha256(told.encode()).hexdigest()[:8]}"


def c_string(text: str) -> str:
    """A C string literal; bytes outside of printable ASCII, and `?` of trigraphs, as octal."""
    plain = {'"': '\\"', "\\": "\\\\", "\n": "\\n"}
    return '"' + "".join(plain.get(c, c if _is_plain(c) else _octal(c)) for c in text) + '"'


def c_bytes(content: bytes) -> str:
    """A C string literal of any bytes; an array of exactly their number has no NUL behind them."""
    return '"' + "".join(map(_OCTAL.__getitem__, content)) + '"'


def _is_plain(character: str) -> bool:
    return " " <= character <= "~" and character != "?"


def _octal(character: str) -> str:
    """Three digits each: what follows cannot become a part of it."""
    return "".join(map(_OCTAL.__getitem__, character.encode("utf-8", "surrogateescape")))


def _function(name: str, body: str) -> Encoder:
    lines = "\n".join(f"\t{line}" if line else "" for line in body.splitlines())
    head = f"static void {name}(struct fb_text *out, const unsigned char *at)"
    return Encoder(name=name, code=f"{head}\n{{\n{lines}\n}}\n")


def _behind(types: Types, identifier: int) -> int:
    """The id of what is behind all typedefs and qualifiers; a typedef with a hint stays."""
    while (
        isinstance(found := types[identifier], btf.Alias)
        and hints.of_typedef(types, identifier) is None
    ):
        identifier = found.target
    return identifier


def _inside(types: Types, identifier: int, wanted: Hints) -> Iterator[tuple[int, Hints]]:
    """The types inside a type that get a function of their own, innermost first; itself last."""
    identifier = _behind(types, identifier)
    if _hinted(types, identifier, wanted) is None:
        match types[identifier]:
            case btf.Array(element=element) if not _is_text(types, identifier):
                yield from _inside(types, element, wanted)
            case btf.Struct(members=members):
                for member in members:
                    yield from _inside(types, member.type, below(wanted, member.name))
    yield identifier, wanted


def _hinted(types: Types, identifier: int, wanted: Hints) -> str | None:
    """The statement that a hint asks for; None without one, or where it does not fit."""
    hint = wanted.get("") or hints.of_typedef(types, identifier)
    return None if hint is None else hints.call(types, identifier, hint)


def _is_text(types: Types, identifier: int) -> bool:
    shape = btf.resolve(types, identifier)
    return isinstance(shape, btf.Array) and btf.is_text(types, shape)


def _body(types: Types, identifier: int, wanted: Hints) -> str:
    """The statements that write a value of the type that lies at `at`."""
    hinted = _hinted(types, identifier, wanted)
    if hinted is not None:
        return hinted
    match btf.resolve(types, identifier):
        case btf.Integer(boolean=True):
            return "fb_encode_boolean(out, at);"
        case btf.Integer(size=size, signed=signed):
            return f"fb_encode_integer(out, at, {size}, {c_bool(signed)});"
        case btf.Floating(size=size):
            return f"fb_encode_floating(out, at, {size});"
        case btf.Enumeration() as enumeration:
            return _enumeration(enumeration)
        case btf.Pointer():
            return "fb_encode_pointer(out, at);"
        case btf.Array(count=count) if _is_text(types, identifier):
            return f"fb_encode_chars(out, at, {count});"
        case btf.Array() as array:
            return _array(types, array, wanted)
        case btf.Struct() as struct:
            return "\n".join(_struct(types, struct, wanted))
        case _:
            return '(void)at;\nFB_LITERAL(out, "null");'


def c_bool(value: object) -> str:
    """`true` or `false`."""
    return "true" if value else "false"


def _enumeration(enumeration: btf.Enumeration) -> str:
    call = f"fb_encode_enum(out, at, {enumeration.size}, {c_bool(enumeration.signed)}"
    if not enumeration.values:
        return f"{call}, NULL, 0);"
    # Each value once: of two names for it the first.
    first = {value: name for name, value in reversed(enumeration.values)}
    pairs = ((name, value) for name, value in enumeration.values if first[value] == name)
    names = "\n".join(f"\t{{{value}ull, {c_string(name)}}}," for name, value in pairs)
    return (
        f"static const struct fb_enumerator names[] = {{\n{names}\n}};\n\n"
        f"{call}, names, sizeof(names) / sizeof(*names));"
    )


def _array(types: Types, array: btf.Array, wanted: Hints) -> str:
    if not array.count:
        return '(void)at;\nFB_LITERAL(out, "[]");'
    step = btf.size(types, array.element)
    return (
        'FB_LITERAL(out, "[");\n'
        f"for (size_t i = 0; i < {array.count}; i++) {{\n"
        "\tif (i)\n"
        '\t\tFB_LITERAL(out, ",");\n'
        f"\t{name_of(types, array.element, wanted)}(out, at + i * {step});\n"
        "}\n"
        'FB_LITERAL(out, "]");'
    )


def _struct(types: Types, struct: btf.Struct, wanted: Hints) -> Iterator[str]:
    before = "{"
    for member, offset in fields.members(types, struct):
        yield _literal(f"{before}{json.dumps(member.name)}:")
        yield _member(types, member, offset, below(wanted, member.name))
        before = ","
    if before == "{":
        yield "(void)at;"
        yield _literal(before)
    yield _literal("}")


def _literal(text: str) -> str:
    return f"FB_LITERAL(out, {c_string(text)});"


def _member(types: Types, member: Member, offset: int, wanted: Hints) -> str:
    if not member.bit_size:
        return f"{name_of(types, member.type, wanted)}(out, at + {offset // 8});"
    shape = btf.resolve(types, member.type)
    signed = isinstance(shape, btf.Integer | btf.Enumeration) and shape.signed
    return (
        f"fb_encode_bits(out, at + {offset // 8}, {offset % 8}, {member.bit_size}, "
        f"{c_bool(signed)});"
    )
