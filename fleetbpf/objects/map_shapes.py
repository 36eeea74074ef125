"""What the keys and values of a map are made of: integers to add up, slots, network prefixes."""

from collections.abc import Iterator
from enum import StrEnum
from itertools import islice

from fleetbpf.frozen import frozen
from fleetbpf.model import btf, hints
from fleetbpf.model.btf import Types
from fleetbpf.model.description import Map

MOST_RUNS = 1000  # of integers in one value: a table of more would be larger than it is useful
INTEGER_SIZES = (1, 2, 4, 8)

# enum bpf_map_type: all that can be read out, and others that people try
TYPES = {
    1: "hash",
    2: "array",
    4: "perf_event_array",
    5: "percpu_hash",
    6: "percpu_array",
    7: "stack_trace",
    9: "lru_hash",
    10: "lru_percpu_hash",
    11: "lpm_trie",
    12: "array_of_maps",
    13: "hash_of_maps",
    22: "queue",
    23: "stack",
    27: "ringbuf",
}
PER_CPU = {"percpu_hash", "percpu_array", "lru_percpu_hash"}
HASHES = {"hash", "percpu_hash", "lru_hash", "lru_percpu_hash"}
READABLE = {"array", "lpm_trie", "stack_trace", *PER_CPU, *HASHES}


def type_of(item: Map) -> str:
    """The map's type: "lru_hash"."""
    return TYPES.get(item.type, f"type {item.type}")


def is_per_cpu(item: Map) -> bool:
    """Whether it has a value for each processor."""
    return type_of(item) in PER_CPU


@frozen
class Run:
    """`count` integers of `size` bytes each, one behind the other."""

    offset: int = 0
    size: int
    count: int = 1


class SlotsPlace(StrEnum):
    """Where a histogram's slots are; the words of the C enum."""

    NONE = "NONE"
    IN_KEY = "IN_KEY"
    IN_VALUE = "IN_VALUE"


@frozen
class Slots:
    """Where in a map the slots of a histogram are."""

    place: SlotsPlace = SlotsPlace.NONE
    run: Run = Run(size=0, count=0)  # the number of the slot in a key, or the counts in a value
    group: tuple[btf.Member, ...] = ()  # the fields of a key beside the slot's


def runs(types: Types, item: Map) -> tuple[Run, ...]:
    """The integers that a value is made of; none where it holds anything else."""
    if item.value_type is None:
        return (Run(size=item.value_size),) if item.value_size in INTEGER_SIZES else ()
    try:
        found = tuple(islice(_runs(types, item.value_type, 0), MOST_RUNS + 1))
    except TypeError:
        return ()
    return found if len(found) <= MOST_RUNS else ()


def slots(types: Types, item: Map) -> Slots:
    """The slots of a histogram: a key's number, its field `slot`, or the counts in a value."""
    counts = _counts(types, item.value_type)
    if counts is not None:
        return Slots(place=SlotsPlace.IN_VALUE, run=counts)
    value = runs(types, item)
    if len(value) != 1 or value[0].count != 1:
        return Slots()
    number = _number(types, item.key_type)
    if number is not None or (item.key_type is None and item.key_size in INTEGER_SIZES):
        return Slots(place=SlotsPlace.IN_KEY, run=number or Run(size=item.key_size))
    return _slot_field(types, item.key_type)


def is_prefix(types: Types, item: Map) -> bool:
    """Whether the keys of an LPM trie are {prefixlen, address} with an IPv4 or IPv6 address."""
    key = None if item.key_type is None else btf.resolve(types, item.key_type)
    return (
        type_of(item) == "lpm_trie"
        and isinstance(key, btf.Struct)
        and [member.bit_offset for member in key.members] == [0, 32]
        and btf.size(types, key.members[0].type) == 4
        and btf.size(types, key.members[1].type) in {4, 16}
        and key.size in {8, 20}
    )


def _runs(types: Types, identifier: int, offset: int) -> Iterator[Run]:
    """The integers of a type; TypeError for one that holds anything else."""
    if hint_of(types, identifier) not in {None, *hints.UNITS}:
        raise TypeError
    match btf.resolve(types, identifier):
        case btf.Integer(boolean=False, character=False, size=size) if size in INTEGER_SIZES:
            yield Run(offset=offset, size=size)
        case btf.Struct(union=False, members=members) if not any(m.bit_size for m in members):
            for member in members:
                yield from _runs(types, member.type, offset + member.bit_offset // 8)
        case btf.Array(element=element, count=count):
            number = _number(types, element)
            if number is not None and count:
                yield Run(offset=offset, size=number.size, count=count)
                return
            step = btf.size(types, element)
            if not step:
                raise TypeError
            for index in range(count):
                yield from _runs(types, element, offset + index * step)
        case _:
            raise TypeError


def hint_of(types: Types, identifier: int) -> hints.Hint | None:
    """The hint of the type's outermost typedef that has one."""
    hint = hints.of_typedef(types, identifier)
    while hint is None and isinstance(found := types[identifier], btf.Alias):
        identifier = found.target
        hint = hints.of_typedef(types, identifier)
    return hint


def _number(types: Types, identifier: int | None) -> Run | None:
    """An integer as a run of one."""
    match None if identifier is None else btf.resolve(types, identifier):
        case btf.Integer(boolean=False, character=False, size=size) if size in INTEGER_SIZES:
            return Run(size=size)
        case _:
            return None


def _counts(types: Types, identifier: int | None) -> Run | None:
    """The counts of all slots: an array of integers, or a struct's field `slots`."""
    match None if identifier is None else btf.resolve(types, identifier):
        case btf.Array(element=element, count=count):
            number = _number(types, element)
            return None if number is None else Run(size=number.size, count=count)
        case btf.Struct(members=members):
            for member in members:
                inner = _counts(types, member.type) if member.name == "slots" else None
                if inner is not None:
                    return Run(
                        offset=member.bit_offset // 8 + inner.offset,
                        size=inner.size,
                        count=inner.count,
                    )
    return None


def _slot_field(types: Types, identifier: int | None) -> Slots:
    """A key with a field `slot` beside what tells its group."""
    key = None if identifier is None else btf.resolve(types, identifier)
    if not isinstance(key, btf.Struct):
        return Slots()
    for member in key.members:
        number = _number(types, member.type)
        if member.name == "slot" and number is not None and not member.bit_size:
            run = Run(offset=member.bit_offset // 8, size=number.size)
            rest = tuple(other for other in key.members if other is not member)
            return Slots(place=SlotsPlace.IN_KEY, run=run, group=rest)
    return Slots()
