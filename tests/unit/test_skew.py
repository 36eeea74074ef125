"""How far a host's clock is off, with what the way there and back leaves open."""

import time
from pathlib import Path

import pytest

from fleetbpf.host import facts, skew
from fleetbpf.host.protocol import OddAnswerError
from fleetbpf.host.skew import Skew
from fleetbpf.records.collect import Receiver
from fleetbpf.records.mirror import Room
from tests.answers import told


@pytest.mark.parametrize(
    ("host", "sent", "came", "ahead", "uncertainty"),
    [
        (1000, 1000.0, 1000.2, 0.4, 0.6),
        (1200, 1000.0, 1001.0, 200.0, 1.0),
        (400, 1000.0, 1000.0, -599.5, 0.5),
        (1000, 1000.0, 1100.0, -49.5, 50.5),
    ],
)
def test_a_skew_lies_within_its_uncertainty(
    host: int, sent: float, came: float, ahead: float, uncertainty: float
) -> None:
    found = Skew.between(host, sent_s=sent, came_s=came)
    assert found.ahead_s == pytest.approx(ahead, abs=0.06)
    assert found.uncertainty_s == pytest.approx(uncertainty, abs=0.06)


@pytest.mark.parametrize(
    ("ahead", "uncertainty", "said"),
    [
        (200.0, 0.6, ["its clock is 3 min 20 s ahead of this machine's (± 0.6 s)"]),
        (-7200.0, 1.0, ["its clock is 2 h behind this machine's (± 1 s)"]),
        (1.4, 0.5, []),
        (40.0, 50.0, []),
    ],
)
def test_only_a_certain_skew_is_worth_a_word(
    ahead: float, uncertainty: float, said: list[str]
) -> None:
    assert list(skew.remark(Skew(ahead_s=ahead, uncertainty_s=uncertainty))) == said


def test_facts_tell_the_clock_where_it_was_asked_for() -> None:
    question = facts.Question(wishes=(facts.CLOCK,))
    assert told(facts.FACTS, question, ("uid", "0"), ("clock", "1700000000")).clock == 1700000000


def receiver(folder: Path, found: list[Skew]) -> Receiver:
    room = Room.measure(folder, host="web1", limit=1 << 20)
    return Receiver(mirror=folder, room=room, on_clock=found.append)


def test_a_collected_host_s_clock_is_told(tmp_path: Path) -> None:
    found: list[Skew] = []
    late = int(time.time()) - 3600
    receiver(tmp_path, found).feed(f"fleetbpf\tcollect\nclock\t{late}\nidle\n".encode())
    assert len(found) == 1
    assert found[0].ahead_s == pytest.approx(-3600, abs=120)


@pytest.mark.parametrize("text", ["", "-1", "soon", "9" * 19, "1\t2"])
def test_a_clock_that_is_none_is_no_answer(tmp_path: Path, text: str) -> None:
    with pytest.raises(OddAnswerError):
        receiver(tmp_path, []).feed(f"fleetbpf\tcollect\nclock\t{text}\n".encode())
