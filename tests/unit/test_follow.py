"""When `logs --follow` comes back to hosts that it has lost, and what people are told of them."""

from collections.abc import Sequence
from itertools import pairwise

import pytest

from fleetbpf.cli.newscast import Newscast, told
from fleetbpf.cli.output import Output
from fleetbpf.connections.crew import Slot
from fleetbpf.connections.recording import RecordingConnection
from fleetbpf.errors import FleetbpfError, HostError, Problem, RefusedError, UnreachableError
from fleetbpf.execution import Connection
from fleetbpf.fleet.fleet import on_each
from fleetbpf.fleet.following import LONGEST_PAUSE, LONGEST_REFUSED, STEADY, Following, News
from fleetbpf.model.inventory import Host

LOST = UnreachableError(Problem(where="web1", what="1.2.3.4:22: reset", reason="reset"))
REFUSED = RefusedError(Problem(where="web1", what="permission denied"))
BROKEN = HostError(Problem(where="web1", what="no command was run as root"))


class Story:
    """What becomes of web1, by a clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.now = 0.0
        self.news: list[News] = []
        self.following = Following(
            self.news.append, now=lambda: self.now, jitter=lambda _least, _most: 1.0
        )

    def begin(self) -> None:
        self.following.begin("web1")

    def fail(self, *errors: FleetbpfError) -> list[float | None]:
        """The pauses after these errors, which follow one another."""
        return [self.following.again("web1", error) for error in errors]

    @property
    def lines(self) -> Sequence[str]:
        return [line for news in self.news for line in told([news])]


def test_a_host_that_is_lost_is_told_once_and_tried_after_longer_and_longer_pauses() -> None:
    story = Story()
    story.begin()
    pauses = story.fail(*[LOST] * 8)
    assert pauses[0] == 3.0
    assert all(None not in {one, other} for one, other in pairwise(pauses))
    assert max(pause for pause in pauses if pause) == LONGEST_PAUSE
    assert story.lines == [
        "web1: not followed for now, it is tried again: 1.2.3.4:22: reset",
    ]


def test_it_is_told_that_it_is_back_and_for_how_long_it_was_away() -> None:
    story = Story()
    story.begin()
    story.fail(LOST)
    story.now = 72.0
    story.fail(LOST)
    story.begin()
    assert story.lines[1:] == ["web1: followed again after 1 min 12 s"]


def test_a_host_that_was_never_reached_is_tried_again_as_well() -> None:
    story = Story()
    assert story.fail(LOST) == [3.0]
    story.begin()
    assert [news.lost is None for news in story.news] == [False, True]


def test_a_host_that_is_followed_from_the_beginning_is_not_told() -> None:
    story = Story()
    story.begin()
    assert story.news == []


@pytest.mark.parametrize("error", [REFUSED, BROKEN])
def test_where_a_person_has_to_do_something_first_nothing_is_tried_again(
    error: FleetbpfError,
) -> None:
    story = Story()
    assert story.fail(error) == [None]
    (line,) = story.lines
    assert line.startswith("web1: not followed: ")


@pytest.mark.parametrize("error", [REFUSED, BROKEN])
def test_a_host_that_was_followed_is_waited_for_whatever_it_does(error: FleetbpfError) -> None:
    story = Story()
    story.begin()
    pauses = story.fail(LOST, *[error] * 10)
    assert pauses[-1] == LONGEST_REFUSED
    assert len(story.news) == 2  # lost; then what only a person can change


def test_a_host_that_comes_and_goes_does_not_flood_anybody() -> None:
    story = Story()
    pauses = []
    for _ in range(8):
        story.begin()
        pauses += story.fail(LOST)
    assert pauses[-1] == LONGEST_PAUSE
    story.begin()
    story.now += STEADY
    assert story.fail(LOST) == [3.0]


def test_hosts_that_are_lost_and_back_together_are_told_together(
    capsys: pytest.CaptureFixture[str],
) -> None:
    names = [f"h{number:03}" for number in range(1, 501)]
    cast = Newscast(Output())
    following = Following(cast.take)
    for name in names:
        following.again(name, UnreachableError(Problem(where=name, what="", reason="link lost")))
    cast.end()
    cast = Newscast(Output())
    for name in names:
        cast.take(News(host=name, away=3.0))
    cast.end()
    assert capsys.readouterr().err.splitlines() == [
        "h[001:500]: not followed for now, it is tried again: link lost (500 hosts)",
        "h[001:500]: followed again after 3 s (500 hosts)",
    ]


def test_only_the_host_that_is_lost_waits() -> None:
    hosts = [Host(name="lost", address=""), Host(name="well", address="")]
    opened: list[str] = []

    def open_connection(host: Host, _: Slot) -> Connection:
        opened.append(host.name)
        if host.name == "lost" and opened.count("lost") < 3:
            raise LOST
        return RecordingConnection()

    outcomes = on_each(
        hosts,
        lambda host, _: host.name,
        open_connection=open_connection,
        forks=2,
        again=lambda _host, _error: 0.01,
    )
    assert [outcome.value for outcome in outcomes] == ["lost", "well"]
    assert (opened.count("lost"), opened.count("well")) == (3, 1)
