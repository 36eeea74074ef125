"""Times of a crontab, and what systemd makes of them."""

import subprocess

import pytest

from fleetbpf.model import cron
from fleetbpf.wording import MisunderstoodError
from tests.tools import need

EXPRESSIONS = {
    "17 * * * *": ("*-*-* *:17:00",),
    "@daily": ("*-*-* 00:00:00",),
    "*/15 0-5,22 * * *": ("*-*-* 00..05,22:00,15,30,45:00",),
    "0 4 * JAN-mar,12 mon-fri": ("Mon,Tue,Wed,Thu,Fri *-01..03,12-* 04:00:00",),
    "0 0 * * 7": ("Sun *-*-* 00:00:00",),
    "0 0 * * fri-sun": ("Sun,Fri,Sat *-*-* 00:00:00",),
    "10-50/20 * * * *": ("*-*-* *:10,30,50:00",),
    "* * * * 0-6": ("*-*-* *:*:00",),
}


@pytest.mark.parametrize(("text", "expressions"), EXPRESSIONS.items())
def test_a_cron_time_becomes_an_expression_of_systemd(
    text: str, expressions: tuple[str, ...]
) -> None:
    assert cron.to_systemd(cron.parse(text)) == expressions


def test_either_the_day_of_the_month_or_the_weekday_suffices_as_in_cron() -> None:
    assert cron.to_systemd(cron.parse("0 0 1,15 * mon")) == (
        "*-*-01,15 00:00:00",
        "Mon *-*-* 00:00:00",
    )


def test_a_day_field_that_begins_with_a_star_must_match_too_as_in_cron() -> None:
    assert cron.to_systemd(cron.parse("0 0 */10 * mon")) == ("Mon *-*-01,11,21,31 00:00:00",)


@pytest.mark.parametrize("text", EXPRESSIONS)
def test_systemd_understands_the_expressions(text: str) -> None:
    need("systemd-analyze")

    for expression in cron.to_systemd(cron.parse(text)):
        subprocess.run(["systemd-analyze", "calendar", expression], check=True, capture_output=True)


def test_the_five_fields_come_out_for_a_crontab() -> None:
    assert cron.parse(" @Weekly ").text == "0 0 * * 0"
    assert cron.parse("1  2\t3 4\n5").text == "1 2 3 4 5"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "* * * *",
        "* * * * * *",
        "60 * * * *",
        "* 24 * * *",
        "* * 0 * *",
        "* * * 13 *",
        "* * * * 8",
        "5/10 * * * *",
        "*/0 * * * *",
        "* 22-2 * * *",
        "1,,2 * * * *",
        "x * * * *",
        "* * * * moon",
        "0 0 30 2 *",
        "0 0 31 4,6 *",
        "@reboot",
        "²² * * * *",
        "$(reboot) * * * *",
    ],
)
def test_what_is_not_a_cron_time_or_never_comes_is_refused(text: str) -> None:
    with pytest.raises(MisunderstoodError):
        cron.parse(text)


def test_a_range_that_runs_backwards_is_told_how_to_write_it() -> None:
    with pytest.raises(MisunderstoodError) as caught:
        cron.parse("* 22-2 * * *")

    assert caught.value.hint == "write 22-23,0-2"
