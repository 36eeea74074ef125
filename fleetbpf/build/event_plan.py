"""What becomes of a ring's records: the manifest's wish, or the ring's definition, against BTF."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import field
from functools import partial

from fleetbpf.build import encoders
from fleetbpf.build.encoders import Hints
from fleetbpf.errors import Problem
from fleetbpf.frozen import frozen
from fleetbpf.model import btf, hints
from fleetbpf.model.description import Description, EventStruct, Ring
from fleetbpf.model.hints import Hint
from fleetbpf.model.recipe import DesiredEvent, EventCase, FieldHint, Recipe
from fleetbpf.objects import fields
from fleetbpf.objects.fields import Field
from fleetbpf.wording import MisunderstoodError, counted, did_you_mean, quoted


@frozen
class Case:
    """One struct that a ring's record may be."""

    struct: EventStruct
    hints: Hints
    value: int | None = None  # of the ring's field that tells, as many bits as it has

    @property
    def tail_hint(self) -> Hint | None:
        """What the flexible array at the struct's end is said to be."""
        return self.hints.get(self.struct.tail) if self.struct.tail else None


@frozen
class Plan:
    """A ring with the structs that it may hold; none where nobody says what is in it."""

    ring: str
    cases: tuple[Case, ...]
    perf: bool = False
    by: Field | None = None  # where the cases' values lie; None: there is one case
    by_size: int = 0  # bytes
    problems: tuple[Problem, ...] = field(default=(), compare=False)  # in the manifest's wish


def problems(descriptions: Mapping[Recipe, Description]) -> tuple[Problem, ...]:
    """What is wrong with the events that recipes ask for."""
    found = (
        problem
        for recipe, description in descriptions.items()
        for event in recipe.events
        for problem in _Planner(description, event).plan().problems
    )
    return tuple(dict.fromkeys(found))


def plans(description: Description, wanted: Iterable[DesiredEvent]) -> tuple[Plan, ...]:
    """The plan of each ring, in the object's order."""
    wishes = {event.ring: event for event in wanted}
    return tuple(
        _Planner(description, wishes.get(ring.name, DesiredEvent(ring=ring.name))).plan()
        for ring in description.rings
    )


class _Planner:
    """Fits one wish to one object; what does not fit is left out, and told."""

    def __init__(self, description: Description, event: DesiredEvent) -> None:
        self._description = description
        self._types = description.types
        self._event = event
        self._problems: list[Problem] = []

    def plan(self) -> Plan:
        """The plan, with all that is wrong."""
        ring = self._ring()
        chosen = [] if ring is None else [*self._chosen(ring)]
        by = self._discriminator([struct for _, struct in chosen]) if self._event.by else None
        hinted = self._hinted([struct for _, struct in chosen])
        cases = [
            Case(struct=struct, hints=hinted[struct.name], value=self._value(case, by))
            for case, struct in chosen
        ]
        self._refuse_double(cases)
        return Plan(
            ring=self._event.ring,
            cases=tuple(cases),
            perf=ring is not None and ring.perf,
            by=by,
            by_size=0 if by is None else btf.size(self._types, by.type),
            problems=tuple(self._problems),
        )

    def _wrong(self, where: str, what: str, hint: str = "") -> None:
        self._problems.append(Problem(where=where or self._event.where, what=what, hint=hint))

    def _attempt(self, where: str, work: Callable[[], Field | int]) -> Field | int | None:
        """What `work` finds; None, and a problem, when it understands something wrong."""
        try:
            return work()
        except MisunderstoodError as error:
            self._wrong(where, error.what, error.hint)
            return None

    def _ring(self) -> Ring | None:
        known = {ring.name: ring for ring in self._description.rings}
        if self._event.ring not in known:
            what = f"{self._description.program} has no ring buffer {quoted(self._event.ring)}"
            hint = did_you_mean(self._event.ring, known, noun="its ring buffers")
            self._wrong("", what, hint or "it has none at all")
        return known.get(self._event.ring)

    def _chosen(self, ring: Ring) -> Iterator[tuple[EventCase | None, EventStruct]]:
        """The structs that the wish names, or else the ring's own."""
        for case in self._event.cases:
            struct = self._struct(case.struct, case.where)
            if struct is not None:
                yield case, struct
        name = self._event.struct or ring.struct
        if self._event.cases:
            return
        if not name:
            what = f"the ring buffer {quoted(ring.name)} does not say what is in it"
            self._wrong("", what, f"name one: {self._known()}")
            return
        struct = self._struct(name, "")
        if struct is not None:
            yield None, struct

    def _struct(self, name: str, where: str) -> EventStruct | None:
        found = next((each for each in self._description.events if each.name == name), None)
        if found is None:
            hint = (
                f"it has {self._known()}; a struct gets there by "
                f"`__type(value, struct {name})` in the ring buffer's definition, or by a global "
                f"like `const struct {name} *unused;`"
            )
            self._wrong(where, f"the object's BTF has no struct {quoted(name)} for events", hint)
        return found

    def _known(self) -> str:
        return ", ".join(each.name for each in self._description.events) or "none"

    def _discriminator(self, structs: list[EventStruct]) -> Field | None:
        """The field that tells the structs apart, which all of them have at the same place."""
        found: dict[Field, EventStruct] = {}
        for struct in structs:
            place = self._attempt("", partial(self._number, struct, self._event.by))
            if isinstance(place, Field):
                found.setdefault(place, struct)
        places = {(each.bit_offset, btf.size(self._types, each.type)) for each in found}
        if len(places) > 1:
            names = ", ".join(struct.name for struct in found.values())
            what = f"{quoted(self._event.by)} is not at the same place in {names}"
            self._wrong("", what, "put it first in each of them")
        return next(iter(found), None)

    def _number(self, struct: EventStruct, path: str) -> Field:
        """The field of a struct, if it can be compared."""
        place = fields.find(self._types, struct.type, path)
        shape = btf.resolve(self._types, place.type)
        whole = place.bit_size == 0 and place.bit_offset % 8 == 0 and not place.repeated
        if not hints.is_integer(shape) or not whole or btf.size(self._types, place.type) > 8:
            raise MisunderstoodError(f"{struct.name}.{path} is not a whole number or an enum")
        return place

    def _value(self, case: EventCase | None, by: Field | None) -> int | None:
        """The value that stands for a case."""
        if case is None or by is None:
            return None
        found = self._attempt(case.where, partial(self._understood, case.value, by))
        return found if isinstance(found, int) else None

    def _understood(self, text: str, by: Field) -> int:
        """An enum's name or a number, reduced to the field's bits."""
        shape, size = btf.resolve(self._types, by.type), btf.size(self._types, by.type)
        known = dict(shape.values) if isinstance(shape, btf.Enumeration) else {}
        if text in known:
            return known[text]
        if text.isidentifier():
            what = f"{btf.c_name(self._types, by.type)} has no {quoted(text)}"
            raise MisunderstoodError(
                what, did_you_mean(text, known, noun="it has") or "write a number"
            )
        number = int(text, 16 if "x" in text else 10)
        if not -(1 << 8 * size - 1) <= number < 1 << 8 * size:
            raise MisunderstoodError(f"{text} does not fit into {counted(size, 'byte')}")
        return number % (1 << 8 * size)

    def _refuse_double(self, cases: list[Case]) -> None:
        """One value cannot mean two structs."""
        first: dict[int, str] = {}
        for case, wish in zip(cases, self._event.cases, strict=False):
            if case.value is not None and first.setdefault(case.value, wish.value) != wish.value:
                what = f"{quoted(wish.value)} is the same value as {quoted(first[case.value])}"
                self._wrong(wish.where, what)

    def _hinted(self, structs: list[EventStruct]) -> Mapping[str, Hints]:
        """The hints that each struct can use; one that none can use is wrong."""
        found: dict[str, dict[str, Hint]] = {struct.name: {} for struct in structs}
        for wish in self._event.fields:
            refused: MisunderstoodError | None = None
            for struct in structs:
                try:
                    self._check(struct, wish)
                    found[struct.name][wish.path] = Hint(wish.hint)
                except MisunderstoodError as error:
                    refused = refused or error
            if refused and not any(wish.path in each for each in found.values()):
                self._wrong(wish.where, refused.what, refused.hint)
        return found

    def _check(self, struct: EventStruct, wish: FieldHint) -> None:
        """Raise MisunderstoodError when a field of the struct cannot be what the wish says."""
        place = fields.find(self._types, struct.type, wish.path)
        shape, hint = btf.resolve(self._types, place.type), Hint(wish.hint)
        if wish.path == struct.tail and isinstance(shape, btf.Array):
            fits = hints.fits_tail(self._types, shape, hint)
        else:
            fits = place.bit_size == 0 and hints.fits(self._types, place.type, hint)
        if not fits:
            c_type = btf.c_name(self._types, place.type)
            raise MisunderstoodError(f"{struct.name}.{wish.path} cannot be {hint}: it is {c_type}")


def units(description: Description, plan: Plan) -> dict[str, str]:
    """The fields that are numbers of a unit: for people, whom a bare number tells too little."""
    found: dict[str, set[str]] = {}
    for case in plan.cases:
        for path, hint in encoders.hinted_fields(description.types, case.struct.type, case.hints):
            if hint in hints.UNITS:
                found.setdefault(path, set()).add(str(hint))
    # A name that means one thing in one struct and another in the next is left alone.
    return {path: unit for path, (unit, *others) in found.items() if not others}
