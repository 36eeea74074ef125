"""When a host that is followed is tried again after it was lost, and what is told of that."""

import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from fleetbpf.errors import FleetbpfError, Problem, RefusedError, UnreachableError
from fleetbpf.frozen import frozen

FIRST_PAUSE = (
    3.0  # seconds until a host that was lost is tried again; each further one is twice that
)
LONGEST_PAUSE = 30.0  # seconds
# Seconds between two attempts on a host that lets nobody in or on which something failed: sshd
# punishes addresses whose logins fail again and again.
LONGEST_REFUSED = 60.0
STEADY = (
    60.0  # seconds of following, after which a host that is lost is as one lost for the first time
)


@frozen
class News:
    """Something became of a host."""

    host: str
    lost: Problem | None = None  # None: it is followed again
    away: float = 0.0  # seconds, for which it was not followed

    @property
    def problem(self) -> Problem:
        """Why it is not followed; ValueError where it is."""
        if self.lost is None:
            raise ValueError(f"{self.host} is followed")
        return self.lost


@dataclass(kw_only=True)
class Standing:
    """What is known of a host while it is followed."""

    since: float | None = None  # when it began to be followed; None: it is not
    lost_at: float | None = None  # when it was lost; None: it is followed, or never was lost
    told: type[FleetbpfError] | None = None  # the kind of the last error that was told
    pause: float = FIRST_PAUSE


class Following:
    """Decides for each host by itself; called from many threads."""

    def __init__(
        self,
        tell: Callable[[News], None],
        *,
        now: Callable[[], float] = time.monotonic,
        jitter: Callable[[float, float], float] = random.uniform,
    ) -> None:
        self._tell = tell
        self._now = now
        self._jitter = jitter
        self._hosts: dict[str, Standing] = {}
        self._reached: set[str] = set()  # followed at least once
        self._lock = threading.Lock()

    def begin(self, host: str) -> None:
        """A host is followed now: told where people know that it was not."""
        with self._lock:
            known = self._hosts.setdefault(host, Standing())
            now = self._now()
            away = now - (now if known.lost_at is None else known.lost_at)
            told = known.told
            known.since, known.lost_at, known.told = now, None, None
            self._reached.add(host)
        if told:
            self._tell(News(host=host, away=away))

    def again(self, host: str, error: FleetbpfError) -> float | None:
        """Seconds until a host is tried again after an error; None: that would not help.

        It would not where nothing has ever come from the host and a person has to change something:
        it refuses the login, or something failed on it. The first error is told at once; further
        ones only when such a person is needed all of a sudden.
        """
        with self._lock:
            known = self._hosts.setdefault(host, Standing())
            now = self._now()
            if known.since is not None and now - known.since >= STEADY:
                known.pause = FIRST_PAUSE
            known.lost_at = now if known.lost_at is None else known.lost_at
            known.since = None
            passes = is_passing(error)
            hopeless = not passes and host not in self._reached
            new = known.told is None or (not passes and known.told is not type(error))
            if new:
                known.told = type(error)
            pause = known.pause
            known.pause = min(2 * pause, LONGEST_PAUSE if passes else LONGEST_REFUSED)
        if new:
            self._tell(News(host=host, lost=explain(error, host, is_final=hopeless)))
        return None if hopeless else pause * self._jitter(0.75, 1.25)


def is_passing(error: FleetbpfError) -> bool:
    """Whether an error may go away without anybody's doing."""
    return isinstance(error, UnreachableError) and not isinstance(error, RefusedError)


def explain(error: FleetbpfError, host: str, *, is_final: bool) -> Problem:
    """What people are told of a host that is not followed."""
    problem = error.problems[0] if error.problems else Problem(where=host, what="lost")
    word = "not followed" if is_final else "not followed for now, it is tried again"
    return replace(
        problem,
        where=host,
        what=f"{word}: {problem.what}",
        reason=f"{word}: {problem.reason or problem.what}",
    )
