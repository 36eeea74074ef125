"""What Debian says of a suite in its signed Release file: which it is, of when, and its files."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

from fleetbpf.frozen import frozen

CHECKSUM = re.compile(r" ([0-9a-f]{64}) +([0-9]+) (\S+)")
FIELD = re.compile(r"^(Suite|Codename|Date|Valid-Until): (.*)$", re.MULTILINE)
AHEAD = timedelta(minutes=10)  # that the archive's clock may be in front of ours
NEVER = datetime.min.replace(tzinfo=UTC)
FALSE = {"0", "no", "false", "without", "off", "disable"}  # in apt's words


@frozen
class Listed:
    """A file of the suite."""

    sha256: str
    size: int  # bytes


@frozen
class Release:
    """A Release file."""

    names: frozenset[str]  # its suite and its code name
    date: datetime  # when it was made
    valid_until: datetime | None  # those of suites that no longer change say none
    files: dict[str, Listed]  # by path


@frozen
class Checks:
    """Which dates are looked at, as apt is told on this machine."""

    valid_until: bool = True
    date: bool = True


def parse(text: str) -> Release:
    """The text of a Release file; raises ValueError for dates that are none."""
    head, _, section = text.partition("\nSHA256:\n")
    said = dict(FIELD.findall(head))
    until = said.get("Valid-Until")
    return Release(
        names=frozenset({said.get("Suite", ""), said.get("Codename", "")}),
        date=moment(said["Date"]) if "Date" in said else NEVER,
        valid_until=None if until is None else moment(until),
        files=dict(files(section)),
    )


def moment(text: str) -> datetime:
    """A date as in mails; without a zone it is UTC."""
    found = parsedate_to_datetime(text)
    return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)


def files(section: str) -> Iterator[tuple[str, Listed]]:
    """The files that a section lists, up to the next section."""
    for line in section.splitlines():
        match = CHECKSUM.fullmatch(line)
        if match is None:
            break
        yield match[3], Listed(sha256=match[1], size=int(match[2]))


def faults(
    release: Release, suite: str, *, now: datetime, newest: datetime, checks: Checks
) -> Iterator[str]:
    """Why it is not what was asked for, or not of now; `newest` is the date of the last one."""
    if suite not in release.names:
        names = " or ".join(sorted(filter(None, release.names)))
        yield f"it is of another suite: {names or 'none'}"
    if release.date == NEVER:
        yield "it does not say when it was made"
    if checks.date and release.date > now + AHEAD:
        yield f"it was made in the future: {release.date:%F %R} UTC"
    if checks.valid_until and release.valid_until is not None and release.valid_until < now:
        yield f"it was valid until {release.valid_until:%F %R} UTC only"
    if release.date < newest:
        yield f"it is of {release.date:%F %R} UTC, older than the last one ({newest:%F %R})"


def checks_of_apt(dump: str) -> Checks:
    """What `apt-config dump` says about dates."""

    def wanted(name: str) -> bool:
        found = re.findall(rf'^Acquire::{name} "([^"]*)";$', dump, re.MULTILINE)
        return not found or found[-1].lower() not in FALSE

    return Checks(valid_until=wanted("Check-Valid-Until"), date=wanted("Check-Date"))
