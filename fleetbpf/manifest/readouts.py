"""Map readouts of a manifest against the program's maps: whether they can be read out so."""

from collections.abc import Iterable, Iterator, Mapping

from fleetbpf.errors import Problem
from fleetbpf.manifest import metrics
from fleetbpf.model import btf
from fleetbpf.model.description import Description, Map
from fleetbpf.model.recipe import Recipe
from fleetbpf.model.target import DesiredReadout, Target
from fleetbpf.objects import map_shapes
from fleetbpf.objects.map_shapes import SlotsPlace
from fleetbpf.wording import MisunderstoodError, did_you_mean, quoted


def problems(
    targets: Iterable[Target], descriptions: Mapping[Recipe, Description]
) -> tuple[Problem, ...]:
    """What is wrong with the map readouts that programs ask for, once for all hosts."""
    wanted = {
        (readout, program.recipe): readout.where or program.where
        for target in targets
        for program in target.programs
        for readout in program.readouts
    }
    return tuple(
        Problem(where=where, what=error.what, hint=error.hint)
        for (readout, recipe), where in wanted.items()
        for error in mistakes(readout, descriptions[recipe])
    )


def mistakes(readout: DesiredReadout, description: Description) -> Iterator[MisunderstoodError]:
    """What is wrong with one."""
    try:
        found = named(readout.map, description)
        check(readout, found, description)
    except MisunderstoodError as error:
        yield error
        return
    for place, stacks in readout.stacks:
        try:
            check_stack(place, found, stacks, description)
        except MisunderstoodError as error:
            yield error
    yield from metrics.mistakes(readout, found, description)


def named(name: str, description: Description) -> Map:
    """The map that is called so."""
    known = {item.name: item for item in description.maps}
    if name not in known:
        what = f"{description.program} has no map {quoted(name)}"
        raise MisunderstoodError(what, did_you_mean(name, known, noun="its maps") or "it has none")
    return known[name]


def check(readout: DesiredReadout, found: Map, description: Description) -> None:
    """Raise MisunderstoodError when the map cannot be read out so."""
    types, name, kind = description.types, quoted(found.name), map_shapes.type_of(found)
    if kind not in map_shapes.READABLE:
        hint = "hash, array, LRU, per-CPU and stack trace maps, and LPM tries, can"
        if kind == "ringbuf":
            hint = "a ring buffer is read by `events:`"
        raise MisunderstoodError(f"{name} is a map that cannot be read out ({kind})", hint)
    if readout.sum and not map_shapes.is_per_cpu(found):
        raise MisunderstoodError(f"{name} is no per-CPU map: there is nothing to sum")
    if readout.sum and not map_shapes.runs(types, found):
        what = f"the values of {name} cannot be added up"
        raise MisunderstoodError(what, "integers, and structs and arrays of them, can")
    if readout.clear and kind not in map_shapes.HASHES:
        what = f"{name} is no hash: it cannot be cleared without losing counts"
        raise MisunderstoodError(what, "leave `clear` out")
    if readout.histogram and map_shapes.slots(types, found).place is SlotsPlace.NONE:
        hint = (
            "a slot is the key, a field `slot` in the key, or an index of an array of counts: "
            "the value, or a field `slots` in it"
        )
        raise MisunderstoodError(f"{name} has no slots", hint)
    if readout.histogram and readout.stacks:
        raise MisunderstoodError(f"{name} is read as histograms, which show no stacks")


def check_stack(place: str, found: Map, stacks: str, description: Description) -> None:
    """Raise MisunderstoodError unless `place` holds numbers, and `stacks` stacks."""
    if map_shapes.type_of(named(stacks, description)) != "stack_trace":
        raise MisunderstoodError(f"{quoted(stacks)} is no stack trace map")
    spot = metrics.spot_of(place, found, description)
    if spot is not None and not isinstance(spot.shape, btf.Integer):
        raise MisunderstoodError(f"{quoted(place)} is no number ({spot.c_type})")
