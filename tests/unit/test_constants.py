"""Constants of a manifest against the types that the program gives them."""

from dataclasses import replace
from typing import Any

import pytest

from fleetbpf.manifest import constant_types, constants
from fleetbpf.model import btf
from fleetbpf.model.description import Constant, ConstantKind, Description
from fleetbpf.model.target import DesiredConstant, Scalar
from tests.unit import samples


def integer(name: str, size: int, *, signed: bool = False, boolean: bool = False) -> btf.Integer:
    return btf.Integer(name=name, size=size, bits=8 * size, signed=signed, boolean=boolean)


def member(name: str, kind: int, *, bits: int = 0) -> btf.Member:
    return btf.Member(name=name, type=kind, bit_offset=0, bit_size=bits)


def structure(name: str, *members: btf.Member) -> btf.Struct:
    return btf.Struct(name=name, size=8, union=False, members=members)


TYPES: btf.Types = {
    0: btf.Void(),
    1: integer("unsigned int", 4),
    2: integer("signed char", 1, signed=True),
    3: integer("_Bool", 1, boolean=True),
    4: integer("char", 1, signed=True),
    5: integer("__int128", 16),
    6: btf.Floating(name="float", size=4),
    7: btf.Pointer(target=0),
    8: btf.Enumeration(name="colour", size=4, signed=False, values=(("RED", 1), ("GREEN", 2))),
    9: btf.Array(element=4, count=4),
    10: btf.Array(element=1, count=2),
    11: btf.Alias(name="__u32", target=1),
    12: structure("", member("port", 11)),
    13: structure("limits", member("low", 2, bits=3), member("", 12), member("name", 9)),
    14: btf.Array(element=13, count=2),
}
NAMES = ("number", "small", "loud", "letter", "wide", "ratio", "pointer", "colour", "text", "sizes")
KNOWN = {**{name: id_ for id_, name in enumerate(NAMES, 1)}, "typed": 11, "limits": 13, "all": 14}
DESCRIPTION = Description(
    program="demo",
    functions=(),
    constants=tuple(
        Constant(
            name=name, section=".rodata", c_type="", size=4, kind=ConstantKind.OTHER, type=type_
        )
        for name, type_ in KNOWN.items()
    ),
    maps=(),
    prints=False,
    needs_btf=False,
    types=TYPES,
)


def told(path: tuple[Any, ...], value: Scalar) -> list[str]:
    """What is wrong with one constant of a program that two hosts run."""
    constant = DesiredConstant(path=path, value=value, where="m.yml:6:7")
    target = samples.target()
    target = replace(target, programs=(samples.program(constants=(constant,)),))
    descriptions = {target.programs[0].recipe: DESCRIPTION}
    return [str(found) for found in constant_types.problems((target, target), descriptions)]


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("number",), 2**32 - 1),
        (("small",), -128),
        (("loud",), True),
        (("letter",), 65),
        (("colour",), "GREEN"),
        (("colour",), 7),
        (("text",), "abc"),
        (("text", 3), 0),
        (("sizes", 1), 1),
        (("limits", "low"), -4),
        (("limits", "port"), 443),
        (("all", 1, "name"), ""),
    ],
)
def test_a_value_of_its_type_is_no_problem(path: tuple[Any, ...], value: Scalar) -> None:
    assert told(path, value) == []


@pytest.mark.parametrize(
    ("path", "value", "what"),
    [
        (("nummer",), 1, "demo has no constant `nummer`\n  hint: did you mean `number`?"),
        (("number",), 2**32, "`number` is 0 to 4294967295 (unsigned int), found 4294967296"),
        (("typed",), -1, "`typed` is 0 to 4294967295 (__u32), found -1"),
        (("small",), 128, "`small` is -128 to 127 (signed char), found 128"),
        (("number",), "1", "`number` is a whole number (unsigned int), found a string"),
        (("number",), True, "`number` is a whole number (unsigned int), found a boolean"),
        (("number", "x"), 1, "`number` is a whole number (unsigned int), found a mapping"),
        (("number", 0), 1, "`number` is a whole number (unsigned int), found a list"),
        (("loud",), 1, "`loud` is true or false (_Bool), found a number"),
        (("text",), "abcd", "`text` is at most 3 bytes (char[4]), found 4"),
        (("text",), 1, "`text` is a string (char[4]), found a number"),
        (("sizes",), 1, "`sizes` is a list (unsigned int[2]), found a number"),
        (("sizes", 2), 1, "too many elements: `sizes` has 2"),
        (("colour",), "RAD", "`colour`: enum colour has no `RAD`\n  hint: did you mean `RED`?"),
        (("colour",), True, "`colour` is a name of the enum or a number (enum colour), found a bo"),
        (("limits",), 1, "`limits` is a mapping (struct limits), found a number"),
        (("limits", "prt"), 1, "`limits` has no field `prt`\n  hint: did you mean `port`?"),
        (("limits", "low"), 4, "`limits.low` is -4 to 3 (signed char), found 4"),
        (("all", 1, "port"), -1, "`all[1].port` is 0 to 4294967295 (__u32), found -1"),
        (("ratio",), 1, "`ratio` is of a type that cannot be set (float)\n  hint: integers, bool,"),
        (("pointer",), 1, "`pointer` is of a type that cannot be set (void *)"),
        (("wide",), 1, "`wide` is of a type that cannot be set (__int128)"),
    ],
)
def test_a_value_that_does_not_fit_is_told_once_with_its_place(
    path: tuple[Any, ...], value: Scalar, what: str
) -> None:
    (problem,) = told(path, value)
    assert problem.startswith(f"m.yml:6:7: {what}")


def test_a_structure_is_taken_apart_into_its_values() -> None:
    found = constants.leaves(("a",), {"x": [1, {"y": True}], "z": "t"})
    assert list(found) == [(("a", "x", 0), 1), (("a", "x", 1, "y"), True), (("a", "z"), "t")]


def test_a_path_is_spelled_as_the_loader_takes_it() -> None:
    constant = DesiredConstant(path=("all", 1, "inner", "names", 0), value=1)
    assert constant.name == "all[1].inner.names[0]"
