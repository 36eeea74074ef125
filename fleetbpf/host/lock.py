"""The lock of a host: who asks for it and why, and what is told of who has it."""

import re
import socket
import time
from collections.abc import Callable
from datetime import UTC, datetime

from fleetbpf.errors import Problem
from fleetbpf.files import homes
from fleetbpf.frozen import frozen
from fleetbpf.model.facts import HostFacts, Lock
from fleetbpf.terminal_text import printable

PAUSE = 1.0  # seconds between two looks
STATES = ("held", "stale")
PID = re.compile(r"[0-9]{1,10}")
LONGEST = 4096  # characters of who and why
AGES = (("d", 86400), ("h", 3600), ("min", 60), ("s", 1))


@frozen
class Claim:
    """What others read while this run has a host locked, and how long it waits for them."""

    who: str  # user@machine
    why: str  # the command
    patience: float  # seconds

    @property
    def words(self) -> tuple[str, str, str]:
        """Who, why, and whole seconds, as the host's script takes them: one line each."""
        return (printable(self.who), printable(self.why), str(-int(-self.patience // 1)))


def operator() -> str:
    """Who runs this, as other operators know them: user@machine."""
    return f"{homes.user()}@{socket.gethostname()}"


def when_free(
    ask: Callable[[], HostFacts],
    *,
    patience: float,
    tell: Callable[[str], None] = lambda _: None,
) -> HostFacts:
    """What a host says when nobody works there, or when `patience` seconds are over.

    tell: who is waited for, said once.
    """
    deadline = time.monotonic() + patience
    waited_for = ""
    while (seen := ask()).lock and not seen.lock.stale and time.monotonic() < deadline:
        if seen.lock.who != waited_for:
            waited_for = seen.lock.who
            tell(f"waiting for {told(seen.lock)}")
        time.sleep(PAUSE)
    return seen


def read_line(text: str) -> Lock | None:
    """What `tell_lock` of lock.sh says; None when the lock had gone already.

    The file of an owner may be torn. ValueError for what the script cannot have said.
    """
    if not text:
        return None
    pid, state, who, when, now, why = text.split("\t")
    if state not in STATES:
        raise ValueError("it is neither held nor stale")
    since, here = moment(when), moment(now)
    return Lock(
        pid=int(pid) if PID.fullmatch(pid) else 0,
        stale=state == "stale",
        who=who[:LONGEST],
        why=why[:LONGEST],
        since=since.isoformat() if since else "",
        age_s=int((here - since).total_seconds()) if since and here else None,
    )


def moment(text: str) -> datetime | None:
    """A time as hosts write it, `2026-11-24T12:00:00Z`; None for anything else."""
    try:
        return datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
    except ValueError:
        return None


def told(lock: Lock) -> str:
    """A lock in words: ann@desk, for 3 min (since …): apply hello.yml; pid 4711 there."""
    age = f", for {told_age(lock.age_s)}" if lock.age_s is not None and lock.age_s >= 0 else ""
    since = f" (since {lock.since})" if lock.since else ""
    why = f": {lock.why}" if lock.why else ""
    return f"{lock.who or 'nobody knows who'}{age}{since}{why}; pid {lock.pid} there"


def told_age(seconds: int) -> str:
    """An age in its two largest units: 3 min 20 s."""
    parts: list[str] = []
    for unit, length in AGES:
        count, seconds = divmod(seconds, length)
        if count or (unit == "s" and not parts):
            parts.append(f"{count} {unit}")
    return " ".join(parts[:2])


def problem(host: str, lock: Lock) -> Problem:
    """Why nothing can be changed on a host now."""
    return Problem(
        where=host,
        what=f"another fleetbpf is at work on this host: {told(lock)}",
        hint=f"wait for it with `--lock-timeout 10m`, or see `fleetbpf unlock {host}`",
    )


def remark(lock: Lock | None) -> tuple[str, ...]:
    """What a person who only looks should know of a lock."""
    if lock is None:
        return ()
    kind = "a stale lock, which the next apply takes over" if lock.stale else "locked"
    return (f"{kind}: {told(lock)}",)
