"""Frozen dataclasses that cost little to define: each command defines two hundred of them."""

from collections.abc import Callable
from dataclasses import MISSING, FrozenInstanceError, dataclass, field, fields
from operator import attrgetter
from typing import Protocol, TypeVar, dataclass_transform

T = TypeVar("T")
SET = object.__setattr__


class Frozen(Protocol):
    """What `frozen` makes."""

    @property
    def field_values(self) -> object:
        """The values of the fields that two of them are compared by."""
        ...


@dataclass_transform(frozen_default=True, kw_only_default=True, field_specifiers=(field,))
def frozen(cls: type[T]) -> type[T]:
    """`dataclass(frozen=True, slots=True, kw_only=True)`, in a tenth of the time.

    dataclasses writes and compiles six methods for every class, which took a third of the start
    of each command. Here all classes share theirs, and nothing is compiled.
    """
    for name, method in SHARED.items():
        if name not in vars(cls):
            setattr(cls, name, method)
    made = dataclass(slots=True, kw_only=True, init=False, eq=False, repr=False)(cls)
    made.__init__ = initializer(made)  # type: ignore[method-assign]
    names = [each.name for each in fields(made) if each.compare]  # type: ignore[arg-type]
    made.field_values = property(attrgetter(*names) if names else none)  # type: ignore[attr-defined]
    return made


def none(_: object) -> tuple[()]:
    """The values where there are no fields."""
    return ()


def initializer(cls: type) -> Callable[..., None]:
    """The `__init__` of a class: it takes its fields by name, those with a default or without."""
    known = fields(cls)
    names = {each.name for each in known}
    defaults = {each.name: each.default for each in known if each.default is not MISSING}
    factories = [
        (each.name, each.default_factory) for each in known if each.default_factory is not MISSING
    ]

    def initialize(self: object, **given: object) -> None:
        values = {**defaults, **given}
        for name, make in factories:
            if name not in values:
                values[name] = make()
        if values.keys() != names:
            raise TypeError(misfit(type(self), names, set(values)))
        for name, value in values.items():
            SET(self, name, value)

    initialize.__qualname__ = f"{cls.__qualname__}.__init__"  # as Python's own errors name it
    return initialize


def misfit(cls: type, names: set[str], given: set[str]) -> str:
    """What is wrong with the arguments for a new object."""
    unknown, left_out = sorted(given - names), sorted(names - given)
    what = f"has no {', '.join(unknown)}" if unknown else f"needs {', '.join(left_out)}"
    return f"{cls.__qualname__} {what}"


def set_once(self: object, name: str, value: object) -> None:
    """Take a field's value when a copy is made, and no other one afterwards."""
    if hasattr(self, name):
        raise FrozenInstanceError(f"cannot assign to field {name!r}")
    SET(self, name, value)


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
