"""How soon `logs --follow` comes back to hosts that it has lost."""

import pytest

from fleetbpf.cli.logs import LONGEST_PAUSE, RECONNECT_AFTER, next_pause
from fleetbpf.errors import FleetbpfError, Problem, RefusedError, UnreachableError
from fleetbpf.fleet import Outcome
from fleetbpf.model.inventory import Host

PENALTY = 5.0  # seconds, of OpenSSH for a login that fails


def after(pause: float, *kinds: type[FleetbpfError]) -> float:
    """The pause after one of `pause` seconds, when hosts ended with these errors."""
    host = Host(name="web1", address="192.0.2.1")
    problem = Problem(where="web1", what="lost")
    return next_pause(pause, [Outcome(host=host, error=kind(problem)) for kind in kinds])


def test_a_lost_link_is_looked_after_soon_every_time() -> None:
    assert after(RECONNECT_AFTER, UnreachableError) == RECONNECT_AFTER
    assert after(LONGEST_PAUSE, UnreachableError) == RECONNECT_AFTER


@pytest.mark.parametrize("kinds", [(RefusedError,), (UnreachableError, RefusedError)])
def test_refused_logins_do_not_add_up_to_a_penalty(kinds: tuple[type[FleetbpfError], ...]) -> None:
    pause = RECONNECT_AFTER
    for _ in range(10):
        pause = after(pause, *kinds)
        assert pause > PENALTY
    assert pause == LONGEST_PAUSE
