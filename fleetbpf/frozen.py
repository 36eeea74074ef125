"""Frozen dataclasses that cost little to define: each command defines two hundred of them."""

from dataclasses import FrozenInstanceError, dataclass, field, fields
from operator import attrgetter
from typing import Protocol, TypeVar, dataclass_transform

T = TypeVar("T")


class Frozen(Protocol):
    """What `frozen` makes."""

    @property
    def field_values(self) -> object:
        """The values of the fields that two of them are compared by."""
        ...


@dataclass_transform(frozen_default=True, kw_only_default=True, field_specifiers=(field,))
def frozen(cls: type[T]) -> type[T]:
    """`dataclass(frozen=True, slots=True, kw_only=True)`, in a third of the time.

    dataclasses compiles six methods for every class, which took a third of the start of each
    command. Here `__init__` alone is compiled, and all classes share the others.
    """
    for name, method in SHARED.items():
        if name not in vars(cls):
            setattr(cls, name, method)
    made = dataclass(slots=True, kw_only=True, eq=False, repr=False)(cls)
    names = [each.name for each in fields(made) if each.compare]  # type: ignore[arg-type]
    made.field_values = property(attrgetter(*names) if names else none)  # type: ignore[attr-defined]
    return made


def none(_: object) -> tuple[()]:
    """The values where there are no fields."""
    return ()


def set_once(self: object, name: str, value: object) -> None:
    """Take a field's value from `__init__`, and no other one afterwards."""
    if hasattr(self, name):
        raise FrozenInstanceError(f"cannot assign to field {name!r}")
    object.__setattr__(self, name, value)


def keep(_: object, name: str) -> None:
    """Refuse to delete a field."""
    raise FrozenInstanceError(f"cannot delete field {name!r}")


def equal(self: Frozen, other: Frozen) -> bool:
    """Of one class, and their fields are equal."""
    return self.field_values == other.field_values if type(other) is type(self) else NotImplemented


def hashed(self: Frozen) -> int:
    """The hash of all fields; TypeError where one has none."""
    return hash(self.field_values)


def told(self: object) -> str:
    """As it would be written: Name(field=value, …)."""
    shown = (each.name for each in fields(self) if each.repr)  # type: ignore[arg-type]
    pairs = ", ".join(f"{name}={getattr(self, name)!r}" for name in shown)
    return f"{type(self).__qualname__}({pairs})"


SHARED = {
    "__setattr__": set_once,
    "__delattr__": keep,
    "__eq__": equal,
    "__hash__": hashed,
    "__repr__": told,
}
