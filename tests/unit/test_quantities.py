"""Sizes, durations, percentages, kernel versions."""

from collections.abc import Callable

import pytest

from fleetbpf import quantities
from fleetbpf.wording import MisunderstoodError


@pytest.mark.parametrize(
    ("parse", "text", "value"),
    [
        (quantities.size, "4MiB", 4 * 1024 * 1024),
        (quantities.size, "1.5 GiB", 1536 * 1024 * 1024),
        (quantities.size, "10MB", 10_000_000),
        (quantities.size, "512B", 512),
        (quantities.duration, "10s", 10.0),
        (quantities.duration, "500ms", 0.5),
        (quantities.duration, "1h1m1.5s", 3661.5),
        (quantities.percent, "250%", 250),
        (quantities.kernel, ">= 5.10", ">=5.10"),
        (quantities.kernel, ">=6.1.119", ">=6.1.119"),
    ],
)
def test_a_quantity_is_understood(parse: Callable[[str], object], text: str, value: object) -> None:
    assert parse(text) == value


@pytest.mark.parametrize(
    ("parse", "texts"),
    [
        (quantities.size, ["", "4", "4Mb", "-1MiB", "MiB", "4 MiB MiB", "٤MiB"]),
        (quantities.duration, ["", "10", "s", "10 s", "-1s", "10sm", "1s "[:-1] + "x"]),
        (quantities.percent, ["20", "0%", "%", "2.5%"]),
        (quantities.kernel, ["5.10", ">5.10", "<=6.1", ">=6", ">=6.1-rc1"]),
    ],
)
def test_what_is_no_quantity_is_refused(parse: Callable[[str], object], texts: list[str]) -> None:
    for text in texts:
        with pytest.raises(MisunderstoodError):
            parse(text)


@pytest.mark.parametrize(
    ("nanoseconds", "text"),
    [(0, "0 ns"), (999, "999 ns"), (12_340, "12.3 µs"), (1_500_000, "1.5 ms"), (10**10, "10.0 s")],
)
def test_a_duration_is_told(nanoseconds: int, text: str) -> None:
    assert quantities.told_duration(nanoseconds) == text


@pytest.mark.parametrize(
    ("count", "text"),
    [(0, "0 B"), (1023, "1023 B"), (4096, "4.0 KiB"), (3 * 2**30 // 2, "1.5 GiB")],
)
def test_a_size_is_told(count: int, text: str) -> None:
    assert quantities.told_size(count) == text


def test_a_rate_is_a_number_a_second() -> None:
    assert quantities.rate("10000/s") == 10_000


@pytest.mark.parametrize("text", ["10000", "0/s", "10/m", "-1/s"])
def test_what_is_not_a_rate_is_refused(text: str) -> None:
    with pytest.raises(MisunderstoodError, match="is not a rate"):
        quantities.rate(text)
