"""The shape by which releases share a map: another where its bytes would mean something else."""

import pytest

from fleetbpf.model import btf
from fleetbpf.objects import pinned_maps

INT = btf.Integer(name="int", size=4, bits=32, signed=True, boolean=False)
UNSIGNED = btf.Integer(name="unsigned int", size=4, bits=32, signed=False, boolean=False)
LONG = btf.Integer(name="long", size=8, bits=64, signed=True, boolean=False)


def member(name: str, kind: int, offset: int) -> btf.Member:
    return btf.Member(name=name, type=kind, bit_offset=offset, bit_size=0)


def shape(*members: btf.Member, name: str = "s", numbers: tuple[int, ...] = (1, 4, 8, 16)) -> str:
    struct = btf.Struct(name=name, size=8, union=False, members=members)
    named = btf.Alias(name="renamed_t", target=4)
    types: btf.Types = {0: btf.Void(), 1: INT, 2: UNSIGNED, 3: LONG, 4: struct, 5: named}
    return pinned_maps.shape(types, 1, 5, *numbers)


PLAIN = (member("a", 1, 0), member("b", 1, 32))


def test_the_names_of_types_do_not_matter() -> None:
    assert shape(*PLAIN) == shape(*PLAIN, name="other")
    assert len(shape(*PLAIN)) == pinned_maps.DIGITS


@pytest.mark.parametrize(
    "members",
    [
        pytest.param((member("b", 1, 0), member("a", 1, 32)), id="exchanged"),
        pytest.param((member("a", 1, 0), member("c", 1, 32)), id="renamed"),
        pytest.param((member("a", 1, 0), member("b", 2, 32)), id="of another sign"),
        pytest.param((member("a", 3, 0),), id="wider"),
    ],
)
def test_each_field_matters(members: tuple[btf.Member, ...]) -> None:
    assert shape(*members) != shape(*PLAIN)


@pytest.mark.parametrize("numbers", [(2, 4, 8, 16), (1, 4, 8, 17), (1, 4, 8, 16, 1)])
def test_type_size_and_flags_matter(numbers: tuple[int, ...]) -> None:
    assert shape(*PLAIN, numbers=numbers) != shape(*PLAIN)
