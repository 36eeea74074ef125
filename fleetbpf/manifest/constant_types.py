"""Constants against their BTF types: whether a program has them, and whether the values fit."""

from collections.abc import Iterable, Mapping
from dataclasses import replace

from fleetbpf.errors import Problem
from fleetbpf.frozen import frozen
from fleetbpf.model import btf
from fleetbpf.model.btf import Types
from fleetbpf.model.description import Description
from fleetbpf.model.recipe import Recipe
from fleetbpf.model.target import DesiredConstant, Part, Scalar, Target
from fleetbpf.objects import fields
from fleetbpf.wording import MisunderstoodError, counted, did_you_mean, kind, quoted

LARGEST_BITS = 64


def problems(
    targets: Iterable[Target], descriptions: Mapping[Recipe, Description]
) -> tuple[Problem, ...]:
    """What is wrong with the constants that programs set, each once for all hosts."""
    found: dict[Problem, None] = {}
    for target in targets:
        for program in target.programs:
            for constant in program.constants:
                try:
                    check(constant, descriptions[program.recipe])
                except MisunderstoodError as error:
                    where = constant.where or program.where
                    found[Problem(where=where, what=error.what, hint=error.hint)] = None
    return tuple(found)


def check(constant: DesiredConstant, description: Description) -> None:
    """Raise MisunderstoodError when the program has no such constant, or one of another type."""
    known = {found.name: found.type for found in description.constants}
    name, *way = constant.path
    if name not in known:
        what = f"{description.program} has no constant {quoted(str(name))}"
        hint = did_you_mean(str(name), known, noun="its constants")
        raise MisunderstoodError(what, hint or "a constant is a `const volatile` global")
    spot = Spot(types=description.types, type=known[str(name)], name=str(name))
    for part in way:
        spot = spot.inside(part)
    spot.check(constant.value)


@frozen
class Spot:
    """A place in a constant: the whole of it, a field or an element."""

    types: Types
    type: int  # BTF type id
    name: str  # as the loader takes it: "limits.ports[2]"
    bits: int = 0  # of a bit field

    @property
    def shape(self) -> btf.Type:
        """What is behind its typedefs."""
        return btf.resolve(self.types, self.type)

    @property
    def told(self) -> str:
        """Its name as messages show it."""
        return quoted(self.name)

    @property
    def c_type(self) -> str:
        """Its type as the author wrote it."""
        return btf.c_name(self.types, self.type)

    def inside(self, part: Part) -> "Spot":
        """The field or the element that `part` names."""
        match self.shape, part:
            case btf.Struct() as struct, str():
                return self.field(struct, part)
            case btf.Array(element=element, count=count), int():
                if part >= count:
                    raise MisunderstoodError(f"too many elements: {self.told} has {count}")
                return replace(self, type=element, name=f"{self.name}[{part}]")
            case _:
                raise self.mistaken("a mapping" if isinstance(part, str) else "a list")

    def field(self, struct: btf.Struct, name: str) -> "Spot":
        """The field called `name`."""
        found = {member.name: member for member, _ in fields.members(self.types, struct)}
        if name not in found:
            what = f"{self.told} has no field {quoted(name)}"
            raise MisunderstoodError(what, did_you_mean(name, found, noun="its fields"))
        member = found[name]
        return replace(self, type=member.type, bits=member.bit_size, name=f"{self.name}.{name}")

    def check(self, value: Scalar) -> None:
        """Raise MisunderstoodError when the value does not belong here."""
        match self.shape, value:
            case btf.Integer(boolean=True), bool():
                return
            case _, bool():
                raise self.mistaken("a boolean")
            case (btf.Integer(boolean=False) | btf.Enumeration()) as number, int():
                self.check_range(number, value)
            case btf.Enumeration(values=values), str():
                self.check_enumerator(value, [name for name, _ in values])
            case btf.Array(count=count) as array, str() if btf.is_text(self.types, array):
                if len(value.encode()) >= count:
                    what = f"{self.told} is at most {counted(count - 1, 'byte')} ({self.c_type})"
                    raise MisunderstoodError(f"{what}, found {len(value.encode())}")
            case _:
                raise self.mistaken(kind(value))

    def check_range(self, number: btf.Integer | btf.Enumeration, value: int) -> None:
        """Raise MisunderstoodError for a number that does not fit."""
        bits = self.bits or 8 * number.size
        if bits > LARGEST_BITS:
            raise self.mistaken("a number")
        least = -(1 << bits - 1) if number.signed else 0
        most = least + (1 << bits) - 1
        if not least <= value <= most:
            what = f"{self.told} is {least} to {most} ({self.c_type}), found {value}"
            raise MisunderstoodError(what)

    def check_enumerator(self, value: str, names: list[str]) -> None:
        """Raise MisunderstoodError for a name that the enum does not have."""
        if value not in names:
            what = f"{self.told}: {self.c_type} has no {quoted(value)}"
            raise MisunderstoodError(what, did_you_mean(value, names, noun="it has"))

    def mistaken(self, found: str) -> MisunderstoodError:
        """A value of another kind than the type wants."""
        if not self.wanted:
            what = f"{self.told} is of a type that cannot be set ({self.c_type})"
            hint = "integers, bool, enums, char arrays, and arrays and structs of them can"
            return MisunderstoodError(what, hint)
        return MisunderstoodError(f"{self.told} is {self.wanted} ({self.c_type}), found {found}")

    @property
    def wanted(self) -> str:
        """What a manifest must write here; empty where it can write nothing."""
        match self.shape:
            case btf.Integer(boolean=True):
                return "true or false"
            case btf.Integer(size=size):
                return "a whole number" if size * 8 <= LARGEST_BITS else ""
            case btf.Enumeration():
                return "a name of the enum or a number"
            case btf.Array() as array:
                return "a string" if btf.is_text(self.types, array) else "a list"
            case btf.Struct():
                return "a mapping"
            case _:
                return ""
