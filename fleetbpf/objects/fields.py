"""The fields of a struct by their paths, as manifests and records name them: `inner.port`."""

from collections.abc import Iterator

from fleetbpf.frozen import frozen
from fleetbpf.model import btf
from fleetbpf.model.btf import Member, Types
from fleetbpf.wording import MisunderstoodError, did_you_mean, quoted

# Fields that only the kernel can use: they hold nothing to read.
KERNEL_ONLY = {"bpf_spin_lock", "bpf_timer", "bpf_wq", "bpf_list_head", "bpf_list_node"}


@frozen
class Field:
    """A field somewhere inside a struct."""

    type: int  # BTF type id
    bit_offset: int  # from the struct's start
    bit_size: int = 0  # 0: not a bit field
    repeated: bool = False  # an array is on the way to it: there are several


def members(types: Types, struct: btf.Struct, base: int = 0) -> Iterator[tuple[Member, int]]:
    """The named members with their bit offsets; those of anonymous structs and unions as ours."""
    for member in struct.members:
        inner = btf.resolve(types, member.type)
        offset = base + member.bit_offset
        if isinstance(inner, btf.Struct) and not member.name:
            yield from members(types, inner, offset)
        elif member.name and not (isinstance(inner, btf.Struct) and inner.name in KERNEL_ONLY):
            yield member, offset


def find(types: Types, identifier: int, path: str) -> Field:
    """The field at `path`, which leads through the elements of arrays; MisunderstoodError."""
    field = Field(type=identifier, bit_offset=0)
    for name in path.split("."):
        field = _inside(types, field, name)
    return field


def _inside(types: Types, field: Field, name: str) -> Field:
    """The member `name` of the struct, or of each struct of the array, that `field` is."""
    shape, repeated = btf.resolve(types, field.type), field.repeated
    while isinstance(shape, btf.Array):
        shape, repeated = btf.resolve(types, shape.element), True
    if not isinstance(shape, btf.Struct):
        what = f"{btf.c_name(types, field.type)} has no field {quoted(name)}: it is no struct"
        raise MisunderstoodError(what)
    known = {member.name: (member, offset) for member, offset in members(types, shape)}
    if name not in known:
        what = f"{btf.c_name(types, field.type)} has no field {quoted(name)}"
        raise MisunderstoodError(what, did_you_mean(name, known, noun="its fields"))
    member, offset = known[name]
    return Field(
        type=member.type,
        bit_offset=field.bit_offset + offset,
        bit_size=member.bit_size,
        repeated=repeated,
    )
