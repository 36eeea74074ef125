"""Metrics of a manifest against the maps that they are made of: labels, values, histograms."""

from collections.abc import Iterator

from fleetbpf.manifest.constant_types import Spot
from fleetbpf.model import btf, hints
from fleetbpf.model.description import Description, Map
from fleetbpf.model.hints import Hint
from fleetbpf.model.target import DesiredMetric, DesiredReadout
from fleetbpf.objects import map_shapes
from fleetbpf.objects.map_shapes import SlotsPlace
from fleetbpf.wording import MisunderstoodError, quoted

NUMBERS = {*hints.UNITS, Hint.UID, Hint.GID, Hint.PORT}  # hints that leave numbers
RESERVED_LABEL = "le"


def mistakes(
    readout: DesiredReadout, found: Map, description: Description
) -> Iterator[MisunderstoodError]:
    """What is wrong with the metrics of a map that can be read out so."""
    for metric in readout.metrics:
        try:
            check(metric, readout, found, description)
        except MisunderstoodError as error:
            yield MisunderstoodError(f"{quoted(metric.name)}: {error.what}", error.hint)


def check(
    metric: DesiredMetric, readout: DesiredReadout, found: Map, description: Description
) -> None:
    """Raise MisunderstoodError when the map cannot be such a metric."""
    name, histogram = quoted(found.name), metric.type == "histogram"
    if histogram != bool(readout.histogram):
        what = f"{name} is read as {'' if readout.histogram else 'no '}histogram"
        raise MisunderstoodError(f"{what}, the metric is a {metric.type}")
    if readout.clear and metric.type != "gauge":
        what = f"a {metric.type} never goes back, and {name} is cleared"
        raise MisunderstoodError(what, "`type: gauge`, or no `clear`")
    if map_shapes.is_per_cpu(found) and not histogram and not readout.sum:
        what = f"{name} has a value for each processor"
        raise MisunderstoodError(what, "set `per_cpu: sum`")
    if map_shapes.type_of(found) == "stack_trace":
        raise MisunderstoodError(f"{name} holds stacks, which are no numbers")
    if not histogram:
        check_value(metric.value, found, description)
    for label, place in metric.labels:
        check_label(label, place, readout, found, description)


def check_value(place: str, found: Map, description: Description) -> None:
    """Raise MisunderstoodError unless `place` holds a number."""
    spot = spot_of(place, found, description)
    if spot is None:
        return
    hint = map_shapes.hint_of(spot.types, spot.type)
    if hint not in {None, *NUMBERS} or not isinstance(spot.shape, btf.Integer | btf.Floating):
        raise MisunderstoodError(f"{quoted(place)} is no number ({spot.c_type})")


def check_label(
    label: str, place: str, readout: DesiredReadout, found: Map, description: Description
) -> None:
    """Raise MisunderstoodError unless `place` holds what fits on one line, and is still there."""
    if readout.histogram:
        check_group(label, place, found, description)
    if place == "key" and map_shapes.is_prefix(description.types, found):
        return
    spot = spot_of(place, found, description)
    if spot is None or map_shapes.hint_of(spot.types, spot.type) is not None:
        return
    shape = spot.shape
    if isinstance(shape, btf.Array) and btf.is_text(spot.types, shape):
        return
    if isinstance(shape, btf.Struct | btf.Array):
        what = f"{quoted(place)} is no single value ({spot.c_type})"
        raise MisunderstoodError(what, "name a field of it")


def check_group(label: str, place: str, found: Map, description: Description) -> None:
    """Raise MisunderstoodError unless `place` tells one histogram from another."""
    slots = map_shapes.slots(description.types, found)
    known = [f"key.{member.name}" for member in slots.group]
    if label == RESERVED_LABEL:
        raise MisunderstoodError(f"a histogram's label {quoted(label)} is its buckets'")
    in_value = slots.place is SlotsPlace.IN_VALUE and place.startswith("key")
    if not in_value and not any(place == k or place.startswith((f"{k}.", f"{k}[")) for k in known):
        what = f"{quoted(place)} does not tell histograms apart"
        raise MisunderstoodError(what, f"these do: {', '.join(known)}" if known else "")


def spot_of(place: str, found: Map, description: Description) -> Spot | None:
    """Where `key.field` leads to; None where the map does not say its type."""
    part, *way = btf.steps(place)
    identifier = found.key_type if part == "key" else found.value_type
    if identifier is None:
        if way:
            raise MisunderstoodError(f"{quoted(found.name)} does not say the type of its {part}s")
        return None
    spot = Spot(types=description.types, type=identifier, name=str(part))
    for step in way:
        spot = spot.inside(step)
    return spot
