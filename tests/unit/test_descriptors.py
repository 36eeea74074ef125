"""Room for the connections of a run among the files that a process may have open."""

import pytest

from fleetbpf.errors import InputError
from fleetbpf.fleet import descriptors


def changed(hosts: int, soft: int, hard: int) -> list[tuple[int, int]]:
    """The limits that are set for that many hosts."""
    made: list[tuple[int, int]] = []
    descriptors.allow(
        hosts, limits=lambda _: (soft, hard), change=lambda _, limits: made.append(limits)
    )
    return made


def test_a_limit_that_is_high_enough_is_left_alone() -> None:
    assert changed(50, soft=1024, hard=4096) == []


def test_a_soft_limit_is_raised_as_far_as_it_must() -> None:
    assert changed(500, soft=1024, hard=4096) == [(2100, 4096)]


def test_too_many_forks_for_the_hard_limit_are_refused_with_the_most_that_go() -> None:
    with pytest.raises(InputError, match=r"2000 hosts at once take 8100 .* and 4096 are allowed"):
        changed(2000, soft=1024, hard=4096)
    with pytest.raises(InputError, match="--forks 999"):
        changed(2000, soft=1024, hard=4096)
