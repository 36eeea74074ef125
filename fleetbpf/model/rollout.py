"""How a change goes over the hosts of a play: how many at once, and what ends it early."""

from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field, PlainValidator, StrictInt

from fleetbpf.frozen import frozen
from fleetbpf.model.values import Expected, at_least, at_most, schema
from fleetbpf.quantities import PERCENT
from fleetbpf.wording import MisunderstoodError, kind, quoted

ALL = 100  # percent
LARGEST = 2**63 - 1  # number that a shell on a host compares
SIZE_SCHEMA = [
    {"type": "integer", "minimum": 1},
    {"type": "string", "pattern": f"^{PERCENT.pattern}$"},
]


@frozen
class BatchSize:
    """How many hosts a batch has: a number, or a share of all the hosts of its play."""

    hosts: int = 0
    percent: int = 0

    def of(self, hosts: int) -> int:
        """The number of hosts, of so many: a share is rounded down, and at least 1."""
        return self.hosts or max(hosts * self.percent // ALL, 1)


@frozen
class Health:
    """What a new release must keep to, on its host, before the old one stops; None = no rule."""

    soak: int = 0  # seconds that both run; 0 = it is not judged
    max_lost: int | None = None  # records
    min_records: int | None = None
    max_restarts: int = 0
    max_cpu: int | None = None  # percent of one CPU


@frozen
class Rollout:
    """What one play says of it."""

    play: int = 0  # its index
    serial: tuple[BatchSize, ...] = ()  # () = all hosts at once; the last one repeats
    max_fail_percentage: int | None = None  # of a batch; None = none may fail where there is serial
    pause: float = 0  # seconds between batches
    rollback: bool = False  # a rollout that is stopped is taken back
    health: Health = Health()
    where: str = ""  # "hello.yml:4:5": the play's line

    @property
    def tolerance(self) -> int:
        """The percentage of a batch's hosts that may fail without ending the rollout."""
        if self.max_fail_percentage is not None:
            return self.max_fail_percentage
        return 0 if self.serial else ALL


def batch_size(value: object) -> BatchSize:
    """A number of hosts or a share like "25%"; raises MisunderstoodError."""
    share = PERCENT.fullmatch(value.strip()) if isinstance(value, str) else None
    if share and 1 <= int(share[1]) <= ALL:
        return BatchSize(percent=int(share[1]))
    if isinstance(value, int) and not isinstance(value, bool) and value >= 1:
        return BatchSize(hosts=value)
    shown = isinstance(value, int | str) and not isinstance(value, bool)
    found = quoted(str(value)) if shown else kind(value)
    hint = "a number of hosts or a share of the play's: 1, 25%, [1, 10%, 50%]"
    raise MisunderstoodError(f"{found} is no size of a batch", hint)


def batch_sizes(value: object) -> object:
    """One size stands for a list of one."""
    return value if isinstance(value, list) else (value,)


def not_above_all(percentage: int) -> int:
    """Refuse what no batch can reach."""
    if percentage > ALL:
        raise MisunderstoodError(f"too much: it must be at most {ALL}")
    return percentage


Serial = Annotated[
    Annotated[
        tuple[Annotated[BatchSize, PlainValidator(batch_size)], ...],
        Field(min_length=1),
    ],
    BeforeValidator(batch_sizes),
    schema(anyOf=[*SIZE_SCHEMA, {"type": "array", "minItems": 1, "items": {"anyOf": SIZE_SCHEMA}}]),
    Expected("a number of hosts, a share like 25%, or a list of them"),
]
Count = Annotated[
    StrictInt,
    at_least(0, "0"),
    at_most(LARGEST, f"{LARGEST}"),
    Expected("a whole number"),
]
Percentage = Annotated[Count, AfterValidator(not_above_all), Expected("a number like 10")]
