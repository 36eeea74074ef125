"""In which batches a change goes over the hosts, and what a batch's end means for the next."""

from collections.abc import Collection, Iterable, Iterator, Sequence

from fleetbpf.errors import InputError, Problem
from fleetbpf.frozen import frozen
from fleetbpf.model.rollout import ALL, BatchSize, Rollout
from fleetbpf.model.target import Target
from fleetbpf.wording import counted, did_you_mean, listed, quoted

START_AT = "--start-at"


@frozen
class Batch:
    """Hosts that are changed at once, as far as there are forks."""

    rollout: Rollout
    targets: tuple[Target, ...]

    @property
    def hosts(self) -> tuple[str, ...]:
        """Their names."""
        return tuple(target.host.name for target in self.targets)


def batches(targets: Sequence[Target]) -> tuple[Batch, ...]:
    """The hosts in the order in which they are changed.

    Play after play, each in the batches that it asks for; all at once where no play asks for any
    order. A host belongs to the first play that names it.
    """
    if not any(orders(target.rollout) for target in targets):
        everything = Batch(rollout=Rollout(), targets=tuple(targets))
        return (everything,) if targets else ()
    plays: dict[int, list[Target]] = {}
    for target in targets:
        plays.setdefault(target.rollout.play, []).append(target)
    return tuple(batch for play in sorted(plays) for batch in split(plays[play]))


def orders(rollout: Rollout) -> bool:
    """Whether some host must wait for others."""
    return bool(rollout.serial) or rollout.max_fail_percentage is not None


def split(targets: Sequence[Target]) -> Iterator[Batch]:
    """The batches of one play."""
    rollout, begin = targets[0].rollout, 0
    for size in sizes(rollout.serial, len(targets)):
        yield Batch(rollout=rollout, targets=tuple(targets[begin : begin + size]))
        begin += size


def sizes(serial: Sequence[BatchSize], hosts: int) -> Iterator[int]:
    """How many hosts each batch has, as Ansible counts: the last size repeats."""
    left, entries = hosts, iter(serial)
    size = next(entries, BatchSize(percent=ALL))
    while left > 0:
        yield min(size.of(hosts), left)
        left -= size.of(hosts)
        size = next(entries, size)


def since(found: Sequence[Batch], host: str | None) -> tuple[Target, ...]:
    """The hosts that are left when all before `host` are; all of them for None.

    Raises InputError when it is none of them.
    """
    targets = [target for batch in found for target in batch.targets]
    names = [target.host.name for target in targets]
    if host is None:
        return tuple(targets)
    if host not in names:
        what = f"{quoted(host)} is none of the hosts of this rollout"
        hint = did_you_mean(host, names, noun="there are")
        raise InputError(Problem(where=START_AT, what=what, hint=hint))
    return tuple(targets[names.index(host) :])


def verdict(batch: Batch, failed: Collection[str]) -> str:
    """Why nothing may follow this batch; "" = the next one may begin.

    More than max_fail_percentage of its hosts have failed, or all of them, as Ansible has it.
    `failed` are those that are not as declared; unreachable ones count too, which Ansible spares.
    """
    hosts, allowed = len(batch.targets), batch.rollout.tolerance
    if len(failed) < hosts and len(failed) * ALL <= allowed * hosts:
        return ""
    names = listed([name for name in batch.hosts if name in failed])
    limit = f", max_fail_percentage is {allowed}" if allowed < ALL else ""
    return f"{len(failed)} of {counted(hosts, 'host')} failed ({names}){limit}"


def stopped(batch: Batch, why: str, left: Iterable[Batch]) -> Problem:
    """The end of a rollout before its last batch, in words."""
    rest = [name for following in left for name in following.hosts]
    what = f"the rollout stops here: {why}"
    if not rest:
        return Problem(where=batch.rollout.where, what=what)
    return Problem(
        where=batch.rollout.where,
        what=f"{what}; not touched: {listed(rest)}",
        hint=f"when it is mended, apply again; {START_AT} {rest[0]} goes on where it stopped",
    )


def interrupted(first: str, left: Iterable[Batch]) -> Problem:
    """A rollout that its operator ended, in words; `first` is the first host that is not done."""
    rest = [name for following in left for name in following.hosts]
    what = "the rollout was interrupted" + (f"; not touched: {listed(rest)}" if rest else "")
    hint = f"{START_AT} {first} goes on where it stopped"
    return Problem(where="", what=what, hint=hint)
