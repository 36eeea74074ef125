"""Times of a crontab: five fields as sets of numbers, and as systemd's OnCalendar expressions."""

import re
from collections.abc import Iterable, Sequence
from itertools import groupby

from fleetbpf.frozen import frozen
from fleetbpf.wording import MisunderstoodError, did_you_mean, quoted

MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
WEEKDAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat", "sun")
LONGEST_MONTHS = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)

SHORTCUTS = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}

ITEM = re.compile(r"(?:(?P<star>\*)|(?P<first>\w+)(?:-(?P<last>\w+))?)(?:/(?P<step>[0-9]{1,3}))?")


@frozen
class Field:
    """One of a crontab's five fields: its name, its range, and names for its numbers."""

    name: str
    lowest: int
    highest: int
    names: tuple[str, ...] = ()  # the first one stands for `lowest`


FIELDS = (
    Field(name="minute", lowest=0, highest=59),
    Field(name="hour", lowest=0, highest=23),
    Field(name="day of the month", lowest=1, highest=31),
    Field(name="month", lowest=1, highest=12, names=MONTHS),
    Field(name="day of the week", lowest=0, highest=7, names=WEEKDAYS),
)


@frozen
class Cron:
    """When something happens, in the host's local time."""

    text: str  # five fields, as a crontab takes them
    minutes: tuple[int, ...]
    hours: tuple[int, ...]
    days: tuple[int, ...]
    months: tuple[int, ...]
    weekdays: tuple[int, ...]  # 0 is Sunday
    either_day: bool  # the day of the month or the day of the week suffices, as crontab(5) says


def parse(text: str) -> Cron:
    """The five fields, or @daily and its like, in `text`; raises MisunderstoodError."""
    line = SHORTCUTS.get(text.strip().lower(), text.strip())
    if line.startswith("@"):
        hint = did_you_mean(line, SHORTCUTS)
        raise MisunderstoodError(f"{quoted(line)} is not a time that cron knows", hint)
    parts = line.split()
    if len(parts) != len(FIELDS):
        raise MisunderstoodError(
            f"cron has five fields, found {len(parts)} in {quoted(text)}",
            'minute, hour, day of the month, month, day of the week: "17 * * * *"',
        )
    minutes, hours, days, months, weekdays = map(numbers, parts, FIELDS)
    cron = Cron(
        text=" ".join(parts),
        minutes=minutes,
        hours=hours,
        days=days,
        months=months,
        weekdays=tuple(sorted({weekday % 7 for weekday in weekdays})),
        # Vixie cron: a day field that begins with a star, `*/2` too, does not count as given.
        either_day=not parts[2].startswith("*") and not parts[4].startswith("*"),
    )
    _refuse_never(cron)
    return cron


def _refuse_never(cron: Cron) -> None:
    """Refuse a day that no calendar has, like the 30th of February."""
    shortest = min(cron.days)
    if not cron.either_day and all(shortest > LONGEST_MONTHS[month - 1] for month in cron.months):
        raise MisunderstoodError(f"{quoted(cron.text)} never comes: no such day in that month")


def numbers(text: str, field: Field) -> tuple[int, ...]:
    """The numbers that one field's text stands for, in order; raises MisunderstoodError."""
    found: set[int] = set()
    for item in text.split(","):
        match = ITEM.fullmatch(item)
        if match is None:
            what = f"{quoted(item)} is not a {field.name} that cron knows"
            raise MisunderstoodError(what, "write 5, 1-5, */15, 10-50/20, or several with commas")
        found.update(_expanded(match, field))
    return tuple(sorted(found))


def _expanded(match: re.Match[str], field: Field) -> Iterable[int]:
    """The numbers of one item: `*`, `5`, `1-5`, each range with a step."""
    first_text, last_text, step_text = match["first"], match["last"], match["step"]
    first, last = field.lowest, field.highest
    if first_text:
        first = last = number(first_text, field)
    if last_text:
        last = number(last_text, field)
        last = 7 if (last_text.lower(), field.names) == ("sun", WEEKDAYS) and first else last
    if first > last:
        what = f"the {field.name} {quoted(match[0])} runs backwards"
        hint = f"write {first_text}-{field.highest},{field.lowest}-{last_text}"
        raise MisunderstoodError(what, hint)
    step = int(step_text or 1)
    if step_text and (step == 0 or (first_text and not last_text)):
        what = f"{quoted(match[0])} is not a step that cron knows"
        raise MisunderstoodError(
            what, f"write */{step or 2} or {first}-{field.highest}/{step or 2}"
        )
    return range(first, last + 1, step)


def number(text: str, field: Field) -> int:
    """One number or name of a field; raises MisunderstoodError."""
    if text.lower() in field.names:
        return field.lowest + field.names.index(text.lower())
    if re.fullmatch(r"[0-9]{1,9}", text) and field.lowest <= int(text) <= field.highest:
        return int(text)
    names = f", or {field.names[0]}-{field.names[-1]}" if field.names == MONTHS else ""
    names = ", or sun-sat" if field.names == WEEKDAYS else names
    what = f"{quoted(text)} is not a {field.name}: it goes from {field.lowest} to {field.highest}"
    raise MisunderstoodError(what + names)


def to_systemd(cron: Cron) -> tuple[str, ...]:
    """OnCalendar expressions that together elapse when the cron time does.

    systemd wants the weekday and the date to match both; where cron takes either, there are two.
    """
    hours = spans(cron.hours, range(24), "{:02}")
    minutes = spans(cron.minutes, range(60), "{:02}")
    months = spans(cron.months, range(1, 13), "{:02}")
    days = spans(cron.days, range(1, 32), "{:02}")
    week = ",".join(WEEKDAYS[weekday].capitalize() for weekday in cron.weekdays)
    weekdays = "" if len(cron.weekdays) == 7 else f"{week} "
    clock = f"{hours}:{minutes}:00"
    if cron.either_day:
        return (f"*-{months}-{days} {clock}", f"{weekdays}*-{months}-* {clock}")
    return (f"{weekdays}*-{months}-{days} {clock}",)


def spans(chosen: Sequence[int], whole: Sequence[int], form: str) -> str:
    """Numbers as systemd writes them: `*` for all, `01..05` for a run, commas between."""
    if len(chosen) == len(whole):
        return "*"
    runs = [
        [value for _, value in run]
        for _, run in groupby(enumerate(chosen), lambda pair: pair[1] - pair[0])
    ]
    return ",".join(
        form.format(run[0]) if len(run) == 1 else f"{form}..{form}".format(run[0], run[-1])
        for run in runs
    )
