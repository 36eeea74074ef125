"""Frozen values are what `dataclass(frozen=True, slots=True, kw_only=True)` makes."""

import copy
import pickle
from collections.abc import Callable
from dataclasses import FrozenInstanceError, asdict, dataclass, field, fields, replace

import pytest

from fleetbpf.frozen import frozen


@frozen
class Point:
    """Where."""

    x: int
    y: int = 0
    tags: list[str] = field(default_factory=list, compare=False)
    secret: str = field(default="", repr=False)

    @property
    def sum(self) -> int:
        """Of both."""
        return self.x + self.y


@dataclass(frozen=True, slots=True, kw_only=True)
class Same:
    """The same by the standard library."""

    x: int
    y: int = 0
    tags: list[str] = field(default_factory=list, compare=False)
    secret: str = field(default="", repr=False)


@frozen
class Nothing:
    """No fields."""


def test_it_is_made_shown_and_taken_apart_as_a_dataclass_is() -> None:
    ours, theirs = Point(x=1, secret="s"), Same(x=1, secret="s")
    assert repr(ours) == repr(theirs).replace("Same", "Point")
    assert asdict(ours) == asdict(theirs)
    assert [each.name for each in fields(Point)] == [each.name for each in fields(Same)]
    assert replace(ours, y=2) == Point(x=1, y=2, secret="s")
    assert (ours.sum, ours.tags is not Point(x=1).tags) == (1, True)
    assert not hasattr(ours, "__dict__")
    assert repr(Nothing()) == "Nothing()"


def test_it_is_equal_to_its_like_and_hashed_with_it() -> None:
    assert Point(x=1, tags=["a"]) == Point(x=1)
    assert hash(Point(x=1, tags=["a"])) == hash(Point(x=1))
    assert Point(x=1) != Point(x=2)
    others: list[object] = [Same(x=1), 1]
    assert Point(x=1) not in others
    assert len({Nothing(), Nothing()}) == 1


@pytest.mark.parametrize(
    "copied", [copy.copy, copy.deepcopy, lambda p: pickle.loads(pickle.dumps(p))]
)
def test_a_copy_is_equal(copied: Callable[[Point], Point]) -> None:
    point = Point(x=1, y=2, tags=["a"])
    assert copied(point) == point


def test_it_does_not_change() -> None:
    point = Point(x=1)
    with pytest.raises(FrozenInstanceError, match="'x'"):
        point.x = 2  # type: ignore[misc]
    with pytest.raises(FrozenInstanceError, match="'x'"):
        del point.x
    with pytest.raises(AttributeError):
        point.z = 2  # type: ignore[attr-defined]
    assert point == Point(x=1)


@pytest.mark.parametrize("arguments", [{}, {"x": 1, "z": 2}])
def test_wrong_arguments_are_refused(arguments: dict[str, int]) -> None:
    with pytest.raises(TypeError, match=r"Point (needs x|has no z)$"):
        Point(**arguments)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match=r"^Point\.__init__\(\) takes 1 positional argument"):
        Point(1)  # type: ignore[call-arg]
