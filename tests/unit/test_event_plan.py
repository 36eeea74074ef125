"""What a manifest asks of a ring's records, fitted to what an object has."""

from pathlib import Path

import pytest

from fleetbpf.build import event_plan
from fleetbpf.build.build import NOTES, Notes, brief
from fleetbpf.build.event_plan import Case
from fleetbpf.errors import Problem
from fleetbpf.model import btf
from fleetbpf.model.description import Description, EventStruct, Map
from fleetbpf.model.hints import Hint
from fleetbpf.model.recipe import DesiredEvent, EventCase, FieldHint, Recipe
from fleetbpf.objects import events


def member(name: str, kind: int, byte: int = 0) -> btf.Member:
    return btf.Member(name=name, type=kind, bit_offset=byte * 8, bit_size=0)


def structure(name: str, size: int, *members: btf.Member) -> btf.Struct:
    return btf.Struct(name=name, size=size, union=False, members=members)


def ring(name: str, value: int | None) -> Map:
    return Map(
        name=name,
        type=events.RINGBUF,
        key_type=None,
        value_type=value,
        key_size=0,
        value_size=0,
        max_entries=1,
    )


# struct exec {enum kind kind; u32 address; struct inner {u32 port;} inner[2]; char path[];};
# struct exit {enum kind kind; int code;}; struct late {u32 code; enum kind kind;}
TYPES: btf.Types = {
    0: btf.Void(),
    1: btf.Integer(name="u32", size=4, bits=32, signed=False, boolean=False),
    2: btf.Integer(name="char", size=1, bits=8, signed=True, boolean=False),
    3: btf.Enumeration(name="kind", size=4, signed=False, values=(("EXEC", 1), ("EXIT", 2))),
    4: structure("inner", 4, member("port", 1)),
    5: btf.Array(element=4, count=2),
    6: btf.Array(element=2, count=0),
    7: structure(
        "exec", 16, member("kind", 3), member("address", 1, 4), member("inner", 5, 8),
        member("path", 6, 16),
    ),
    8: structure("exit", 8, member("kind", 3), member("took", 11, 4)),
    9: structure("late", 8, member("code", 1), member("kind", 3, 4)),
    10: btf.Variable(name="late", type=9, static=False),
    11: btf.Alias(name="fleetbpf_duration", target=1),
    12: btf.Pointer(target=8),
    13: btf.Variable(name="unused", type=12, static=False),
    14: structure("not_spoken_of", 4, member("pid", 1)),
}  # fmt: skip
MAPS = (ring("events", 7), ring("raw", None))
EXEC, EXIT, LATE = (
    EventStruct(name="exec", type=7, size=16, tail="path"),
    EventStruct(name="exit", type=8, size=8),
    EventStruct(name="late", type=9, size=8),
)
DESCRIPTION = Description(
    program="execs",
    functions=(),
    constants=(),
    maps=MAPS,
    prints=False,
    needs_btf=False,
    types=TYPES,
    rings=events.rings(TYPES, MAPS),
    events=events.structs(TYPES, MAPS),
)


def hinted(**fields: str) -> tuple[FieldHint, ...]:
    return tuple(
        FieldHint(path=path.replace("__", "."), hint=hint, where=f"line of {path}")
        for path, hint in fields.items()
    )


def several(by: str = "kind", **cases: str) -> DesiredEvent:
    return DesiredEvent(
        ring="raw",
        by=by,
        cases=tuple(
            EventCase(value=value.removeprefix("_"), struct=struct, where=f"line of {value}")
            for value, struct in cases.items()
        ),
        where="line of raw",
    )


def told(*wanted: DesiredEvent) -> tuple[Problem, ...]:
    recipe = Recipe(source=Path("/m/execs.bpf.c"), events=wanted)
    return event_plan.problems({recipe: DESCRIPTION})


def test_a_ring_holds_the_struct_of_its_definition() -> None:
    events_plan, raw = event_plan.plans(DESCRIPTION, ())
    assert events_plan.cases == (Case(struct=EXEC, hints={}),)
    assert raw.cases == ()


def test_a_manifest_names_the_struct_of_a_ring() -> None:
    _, raw = event_plan.plans(DESCRIPTION, [DesiredEvent(ring="raw", struct="exit")])
    assert raw.cases == (Case(struct=EXIT, hints={}),)


def test_a_field_gets_what_the_manifest_says_of_it() -> None:
    wish = DesiredEvent(
        ring="events", fields=hinted(address="ipv4", inner__port="hex", path="string")
    )
    (case,) = event_plan.plans(DESCRIPTION, [wish])[0].cases
    assert case.hints == {"address": Hint.IPV4, "inner.port": Hint.HEX, "path": Hint.STRING}
    assert case.tail_hint is Hint.STRING
    assert told(wish) == ()


def test_a_field_tells_which_struct_a_record_is() -> None:
    wish = several(EXEC="exec", _2="exit")
    _, raw = event_plan.plans(DESCRIPTION, [wish])
    assert [(case.value, case.struct.name) for case in raw.cases] == [(1, "exec"), (2, "exit")]
    assert (raw.by_size, told(wish)) == (4, ())


def test_a_hint_goes_to_the_structs_that_have_the_field() -> None:
    wish = several(EXEC="exec", EXIT="exit")
    wish = DesiredEvent(ring="raw", by="kind", cases=wish.cases, fields=hinted(address="ipv4"))
    _, raw = event_plan.plans(DESCRIPTION, [wish])
    assert [case.hints for case in raw.cases] == [{"address": Hint.IPV4}, {}]
    assert told(wish) == ()


def test_units_are_those_of_types_and_of_hints() -> None:
    wish = DesiredEvent(ring="raw", struct="exit", fields=hinted(kind="bytes"))
    _, raw = event_plan.plans(DESCRIPTION, [wish])
    assert event_plan.units(DESCRIPTION, raw) == {"took": "duration", "kind": "bytes"}


@pytest.mark.parametrize(
    ("wish", "where", "what", "hint"),
    [
        (
            DesiredEvent(ring="event", where="w"),
            "w",
            "execs has no ring buffer `event`",
            "did you mean `events`?",
        ),
        (
            DesiredEvent(ring="raw", where="w"),
            "w",
            "the ring buffer `raw` does not say what is in it",
            "name one: exec, late, exit",
        ),
        (
            DesiredEvent(ring="raw", struct="not_spoken_of", where="w"),
            "w",
            "the object's BTF has no struct `not_spoken_of` for events",
            (
                "it has exec, late, exit; a struct gets there by `__type(value, struct "
                "not_spoken_of)` in the ring buffer's definition, or by a global like "
                "`const struct not_spoken_of *unused;`"
            ),
        ),
        (
            DesiredEvent(ring="events", fields=hinted(adress="ipv4")),
            "line of adress",
            "struct exec has no field `adress`",
            "did you mean `address`?",
        ),
        (
            DesiredEvent(ring="events", fields=hinted(address__x="ipv4")),
            "line of address__x",
            "u32 has no field `x`: it is no struct",
            "",
        ),
        (
            DesiredEvent(ring="events", fields=hinted(address="ipv6")),
            "line of address",
            "exec.address cannot be ipv6: it is u32",
            "",
        ),
        (
            DesiredEvent(ring="events", fields=hinted(path="ipv4")),
            "line of path",
            "exec.path cannot be ipv4: it is char[0]",
            "",
        ),
        (
            several(EXEC="exec", LATE="exit"),
            "line of LATE",
            "enum kind has no `LATE`",
            "it has: EXEC, EXIT",
        ),
        (
            several(EXEC="exec", EXIT="late"),
            "line of raw",
            "`kind` is not at the same place in exec, late",
            "put it first in each of them",
        ),
        (
            several(by="inner", EXEC="exec"),
            "line of raw",
            "exec.inner is not a whole number or an enum",
            "",
        ),
        (
            several(EXEC="exec", _1="exit"),
            "line of _1",
            "`1` is the same value as `EXEC`",
            "",
        ),
        (
            several(EXEC="exec", _4294967296="exit"),
            "line of _4294967296",
            "4294967296 does not fit into 4 bytes",
            "",
        ),
    ],
)
def test_what_an_object_does_not_have_is_told_with_its_place(
    wish: DesiredEvent, where: str, what: str, hint: str
) -> None:
    (problem,) = told(wish)
    assert (problem.where, problem.what, problem.hint) == (where, what, hint)


def test_the_types_that_checks_need_are_kept_with_the_artifact() -> None:
    kept = brief(DESCRIPTION)
    assert 14 not in kept.types
    notes = Notes(description=kept, warnings="")
    again = NOTES.validate_json(NOTES.dump_json(notes)).description
    assert again.types == kept.types
    wish = DesiredEvent(ring="events", fields=hinted(address="ipv6"))
    recipe = Recipe(source=Path("/m/execs.bpf.c"), events=(wish,))
    assert len(event_plan.problems({recipe: again})) == 1


def test_of_what_a_pointer_leads_to_the_name_is_kept() -> None:
    kept = btf.part(TYPES, [12])
    assert kept == {0: btf.Void(), 12: btf.Pointer(target=8), 8: structure("exit", 8)}
