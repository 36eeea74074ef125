"""C functions that write a map's keys and values as JSON, generated from their BTF types."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace

from fleetbpf import btf, hints
from fleetbpf.btf import Member, Types
from fleetbpf.model.description import EventStruct

# Fields that only the kernel can use: they hold nothing to read.
KERNEL_ONLY = {"bpf_spin_lock", "bpf_timer", "bpf_wq", "bpf_list_head", "bpf_list_node"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Encoder:
    """One C function `static void name(struct fb_text *out, const unsigned char *at)`."""

    name: str
    code: str


def for_type(types: Types, identifier: int) -> tuple[Encoder, ...]:
    """The encoder of a type, last, after those of the types inside it."""
    found: dict[str, Encoder] = {}
    for inner in _inside(types, identifier):
        encoder = _encoder(types, inner)
        found.setdefault(encoder.name, encoder)
    return tuple(found.values())


def for_event(types: Types, event: EventStruct) -> tuple[Encoder, ...]:
    """The encoder of an event, last; without its tail, which only the record's length tells."""
    whole = btf.resolve(types, event.type)
    if not event.tail or not isinstance(whole, btf.Struct):
        return for_type(types, event.type)
    members = whole.members[:-1]
    inner = (encoder for member in members for encoder in for_type(types, member.type))
    body = "\n".join(_struct(types, replace(whole, members=members)))
    return (*inner, _function(f"{name_of(types, event.type)}_without_tail", body))


def for_size(size: int) -> Encoder:
    """The encoder of a key or value of which only the size is known: a number, or hex digits."""
    kind = "integer" if size in {1, 2, 4, 8} else "bytes"
    last = ", false" if kind == "integer" else ""
    return _function(f"encode_{size}_bytes", f"fb_encode_{kind}(out, at, {size}{last});")


def name_of(types: Types, identifier: int) -> str:
    """The name of the encoder of a type; the same for a typedef and what is behind it."""
    return f"encode_{_behind(types, identifier)}"


def c_string(text: str) -> str:
    """A C string literal; bytes outside of printable ASCII, and `?` of trigraphs, as octal."""
    plain = {'"': '\\"', "\\": "\\\\", "\n": "\\n"}
    return '"' + "".join(plain.get(c, c if _is_plain(c) else _octal(c)) for c in text) + '"'


def _is_plain(character: str) -> bool:
    return " " <= character <= "~" and character != "?"


def _octal(character: str) -> str:
    """Three digits each: what follows cannot become a part of it."""
    return "".join(f"\\{byte:03o}" for byte in character.encode("utf-8", "surrogateescape"))


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


def _inside(types: Types, identifier: int) -> Iterator[int]:
    """The types inside a type that get a function of their own, innermost first; itself last."""
    identifier = _behind(types, identifier)
    match types[identifier]:
        case btf.Array(element=element) if not _is_text(types, identifier):
            yield from _inside(types, element)
        case btf.Struct(members=members):
            for member in members:
                yield from _inside(types, member.type)
    yield identifier


def _is_text(types: Types, identifier: int) -> bool:
    shape = btf.resolve(types, identifier)
    return isinstance(shape, btf.Array) and btf.is_text(types, shape)


def _encoder(types: Types, identifier: int) -> Encoder:
    return _function(f"encode_{identifier}", _body(types, identifier))


def _body(types: Types, identifier: int) -> str:
    """The statements that write a value of the type that lies at `at`."""
    hint = hints.of_typedef(types, identifier)
    hinted = None if hint is None else hints.call(types, identifier, hint)
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
            return _array(types, array)
        case btf.Struct() as struct:
            return "\n".join(_struct(types, struct))
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


def _array(types: Types, array: btf.Array) -> str:
    if not array.count:
        return '(void)at;\nFB_LITERAL(out, "[]");'
    step = btf.size(types, array.element)
    return (
        'FB_LITERAL(out, "[");\n'
        f"for (size_t i = 0; i < {array.count}; i++) {{\n"
        "\tif (i)\n"
        '\t\tFB_LITERAL(out, ",");\n'
        f"\t{name_of(types, array.element)}(out, at + i * {step});\n"
        "}\n"
        'FB_LITERAL(out, "]");'
    )


def _struct(types: Types, struct: btf.Struct) -> Iterator[str]:
    before = "{"
    for member, offset in _members(types, struct, 0):
        yield _literal(f"{before}{json.dumps(member.name)}:")
        yield _member(types, member, offset)
        before = ","
    if before == "{":
        yield "(void)at;"
        yield _literal(before)
    yield _literal("}")


def _literal(text: str) -> str:
    return f"FB_LITERAL(out, {c_string(text)});"


def _members(types: Types, struct: btf.Struct, base: int) -> Iterator[tuple[Member, int]]:
    """The named members with their bit offsets; those of anonymous structs and unions as ours."""
    for member in struct.members:
        inner = btf.resolve(types, member.type)
        offset = base + member.bit_offset
        if isinstance(inner, btf.Struct) and not member.name:
            yield from _members(types, inner, offset)
        elif member.name and not (isinstance(inner, btf.Struct) and inner.name in KERNEL_ONLY):
            yield member, offset


def _member(types: Types, member: Member, offset: int) -> str:
    if not member.bit_size:
        return f"{name_of(types, member.type)}(out, at + {offset // 8});"
    shape = btf.resolve(types, member.type)
    signed = isinstance(shape, btf.Integer | btf.Enumeration) and shape.signed
    return (
        f"fb_encode_bits(out, at + {offset // 8}, {offset % 8}, {member.bit_size}, "
        f"{c_bool(signed)});"
    )
