"""Batches as Ansible counts them, and when a batch is the last one."""

from collections.abc import Sequence
from importlib.util import find_spec
from types import SimpleNamespace

import pytest

from fleetbpf.deploy import rollout
from fleetbpf.deploy.rollout import Batch
from fleetbpf.errors import InputError
from fleetbpf.model.inventory import Host
from fleetbpf.model.rollout import BatchSize, Rollout, batch_size
from fleetbpf.model.target import Target
from tests.tools import absent

PLAIN = Rollout()


def hosts(count: int, settings: Rollout = PLAIN, first: int = 1) -> list[Target]:
    return [
        Target(
            host=Host(name=f"h{n}", address="127.0.0.1"),
            become=True,
            programs=(),
            rollout=settings,
        )
        for n in range(first, first + count)
    ]


def serial(*sizes: int | str) -> tuple[BatchSize, ...]:
    return tuple(map(batch_size, sizes))


def names(batches: Sequence[Batch]) -> list[str]:
    return [" ".join(batch.hosts) for batch in batches]


SIZES: list[tuple[list[int | str], int, list[int]]] = [
    ([1], 3, [1, 1, 1]),
    ([2], 5, [2, 2, 1]),
    ([7], 5, [5]),
    (["30%"], 10, [3, 3, 3, 1]),
    (["10%"], 3, [1, 1, 1]),
    (["100%"], 4, [4]),
    ([1, "25%"], 10, [1, 2, 2, 2, 2, 1]),
    ([1, 5, "50%"], 20, [1, 5, 10, 4]),
    ([1, "20%", 100], 12, [1, 2, 9]),
    ([], 6, [6]),
    ([3], 0, []),
]


@pytest.mark.parametrize(("entries", "count", "expected"), SIZES)
def test_batches_have_these_sizes(
    entries: list[int | str], count: int, expected: list[int]
) -> None:
    assert list(rollout.sizes(serial(*entries), count)) == expected


def test_ansible_makes_the_same_batches() -> None:
    if find_spec("ansible") is None:
        absent("missing here: ansible-core (./dev setup installs it)")
    from ansible.executor.playbook_executor import PlaybookExecutor

    def ansible(entries: list[int | str], count: int) -> list[int]:
        inventory = SimpleNamespace(get_hosts=lambda _, order: list(range(count)))
        play = SimpleNamespace(hosts="all", order=None, serial=entries)
        executor = SimpleNamespace(_inventory=inventory)
        return list(map(len, PlaybookExecutor._get_serialized_batches(executor, play)))

    # 29 % of 100 hosts are 28 there: it counts in fractions.
    cases = [(entries, count) for entries, _, _ in SIZES for count in (0, 1, 2, 9, 40, 101)]
    assert [list(rollout.sizes(serial(*entries), count)) for entries, count in cases] == [
        ansible(entries, count) for entries, count in cases
    ]


def test_without_serial_all_hosts_of_all_plays_are_changed_at_once() -> None:
    targets = [*hosts(2), *hosts(1, Rollout(play=1), first=3)]
    assert names(rollout.batches(targets)) == ["h1 h2 h3"]
    assert rollout.batches([]) == ()


def test_plays_follow_one_another_each_in_its_own_batches() -> None:
    second = hosts(3, Rollout(play=1, serial=serial(1, 2)))
    first = hosts(2, Rollout(play=0), first=4)
    assert names(rollout.batches([*second, *first])) == ["h4 h5", "h1", "h2 h3"]


CANARY = Rollout(serial=serial(1))
VERDICTS = [
    (CANARY, 4, 0, ""),
    (CANARY, 4, 1, "1 of 4 hosts failed (h1), max_fail_percentage is 0"),
    (Rollout(serial=serial(4), max_fail_percentage=50), 4, 2, ""),
    (
        Rollout(serial=serial(4), max_fail_percentage=50),
        4,
        3,
        "3 of 4 hosts failed (h1, h2, h3), max_fail_percentage is 50",
    ),
    (Rollout(serial=serial(3), max_fail_percentage=33), 3, 1, "1 of 3 hosts failed (h1), max"),
    (Rollout(serial=serial(2), max_fail_percentage=100), 2, 1, ""),
    (Rollout(serial=serial(2), max_fail_percentage=100), 2, 2, "2 of 2 hosts failed (h1, h2)"),
    (Rollout(), 3, 2, ""),
    (Rollout(), 1, 1, "1 of 1 host failed (h1)"),
]


@pytest.mark.parametrize(("settings", "count", "failing", "expected"), VERDICTS)
def test_a_batch_ends_the_rollout_when_too_many_failed(
    settings: Rollout, count: int, failing: int, expected: str
) -> None:
    batch = Batch(rollout=settings, targets=tuple(hosts(count)))
    found = rollout.verdict(batch, batch.hosts[:failing])
    assert found.startswith(expected)
    assert bool(found) == bool(expected)


def test_a_stopped_rollout_names_who_was_not_touched_and_where_to_go_on() -> None:
    first, *rest = rollout.batches(hosts(3, Rollout(serial=serial(1), where="m.yml:5:5")))
    said = rollout.stopped(first, "1 of 1 host failed (h1)", rest)
    assert str(said) == (
        "m.yml:5:5: the rollout stops here: 1 of 1 host failed (h1); not touched: h2, h3\n"
        "  hint: when it is mended, apply again; --start-at h2 goes on where it stopped"
    )


def test_a_rollout_can_start_at_a_host_in_the_order_of_its_batches() -> None:
    batches = rollout.batches(
        [*hosts(2, Rollout(play=1, serial=serial(1))), *hosts(2, Rollout(play=0), first=3)]
    )
    assert [target.host.name for target in rollout.since(batches, "h4")] == ["h4", "h1", "h2"]
    assert len(rollout.since(batches, None)) == 4


def test_starting_at_a_host_that_is_not_there_is_refused() -> None:
    with pytest.raises(InputError, match=r"`h22` is none of the hosts") as caught:
        rollout.since(rollout.batches(hosts(2)), "h22")
    assert "did you mean" in str(caught.value)
