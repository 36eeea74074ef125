"""Every script's answer, true and mutated: a value within bounds, or an error of its host."""

import json
import os
import re
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fleetbpf import audit, check, collect, facts, history, inspection, lock, maps, status, survey
from fleetbpf import unlock as unlocking
from fleetbpf.activation import ACTIVATE, Activation, Step
from fleetbpf.cli import facts as cli_facts
from fleetbpf.cli import history as cli_history
from fleetbpf.cli import maps as cli_maps
from fleetbpf.cli import status as cli_status
from fleetbpf.cli import unlock as cli_unlock
from fleetbpf.cli.output import Output
from fleetbpf.connections import Completed
from fleetbpf.connections.recording import RecordingConnection
from fleetbpf.errors import HostError
from fleetbpf.layout import HostLayout
from fleetbpf.lock import Claim
from fleetbpf.model.rollout import Health
from fleetbpf.plan import plan
from fleetbpf.protocol import Script
from fleetbpf.records import Reader, as_json, lines
from tests.hostile import honest
from tests.unit import samples

LAYOUT = HostLayout()
STEPS = (
    Step(verb="start", program="hello", was="r1", release="r2", object="cafe"),
    Step(verb="prune", program="hello", was="r1", release="r0"),
    Step(verb="delete", program="gone", was="r7"),
)
ORDER = Activation(
    deployment="demo", layout=LAYOUT, claim=Claim(who="ann", why="", patience=0)
).order(STEPS, Health())
ALL_WISHES = (facts.UNITS, facts.SPOOLS, facts.MISSES)
QUESTIONS: dict[str, tuple[Script[Any, Any], Any]] = {
    "facts": (facts.FACTS, facts.Question(deployment="demo", wishes=ALL_WISHES)),
    "survey": (survey.SURVEY, LAYOUT),
    "history": (history.HISTORY, LAYOUT),
    "unlock": (unlocking.UNLOCK, unlocking.Question(layout=LAYOUT, force=False)),
    "inspect": (inspection.INSPECT, LAYOUT),
    "maps": (maps.MAPS, maps.Question(program="hello")),
    "check": (check.CHECK, check.Question(layout=LAYOUT, objects={"hello": "cafe"})),
    "activate": (ACTIVATE, ORDER),
}


def words_of(script: Script[Any, Any], question: Any) -> list[str]:
    return [str(word) for word in script.words(question)]


def true_answer(name: str) -> bytes:
    script, question = QUESTIONS[name]
    return honest.says(name, words_of(script, question), b"")


def read(name: str, answer: bytes) -> Any:
    script, question = QUESTIONS[name]
    return script.read_answer(question, Completed(status=0, stdout=answer), host="web1")


@pytest.mark.parametrize("name", QUESTIONS)
def test_true_answers_are_valid(name: str) -> None:
    assert read(name, true_answer(name)) is not None


ODD = st.sampled_from(
    [
        *(b"", b"\t", b"\n", b"\0", b"\xff\xfe", b"\x1b[2J", b"../../x", b"/etc/x", b".", b"-1"),
        *(
            b"9" * 19,
            b"9" * 30,
            b"9" * 5000,
            b"1e999",
            b"NaN",
            b"Infinity",
            b"\xd9\xa3",
            b"\xc2\xb2",
        ),
        *(b"null", b"[]", b"{}", b'"x"', b"true", b"[" * 5000, b'{"a":' * 2000, b'"\\ud800"'),
        *(b"program\tx", b"failed\t../x\tload", b"end", b"lock\tx", b"started\tother\tr\t{}"),
    ]
)
PLACES = st.floats(min_value=0, max_value=1, exclude_max=True)


@st.composite
def mutated(draw: st.DrawFn, whole: bytes) -> bytes:
    """The bytes with some of their words, lines or pieces replaced, repeated or gone."""
    content = whole
    for _ in range(draw(st.integers(1, 4))):
        pieces = re.split(
            draw(st.sampled_from([b"(\n)", b"([\t\n])", b"([^A-Za-z0-9]+)"])), content
        )
        at = int(draw(PLACES) * len(pieces))
        match draw(st.integers(0, 4)):
            case 0:
                pieces[at] = draw(ODD)
            case 1:
                pieces[at] = draw(st.binary(max_size=20))
            case 2:
                pieces.insert(at, draw(ODD))
            case 3:
                pieces.insert(at, pieces[int(draw(PLACES) * len(pieces))])
            case _:
                del pieces[at : at + draw(st.integers(1, 3))]
        content = b"".join(pieces)
    return content


def show(name: str, told: Any) -> None:
    """What commands make of an answer, for people and for programs."""
    output = Output()
    match name:
        case "facts":
            rows = status.rows("web1", "demo", ["hello"], told, Path("/nowhere"))
            output.table(cli_status.HEADERS, [cli_status.cells(row) for row in rows])
            plan("web1", "demo", [samples.release()], told)
            output.line("\n".join(lock.remark(told.lock)))
        case "survey":
            cli_facts.tell(output, "web1", told)
        case "history":
            output.table(cli_history.HEADERS, [cli_history.cells("web1", e) for e in told.entries])
        case "inspect":
            output.line("\n".join(audit.foreign("web1", program).what for program in told))
        case "maps":
            for record in maps.records(told, QUESTIONS[name][1], host="web1"):
                cli_maps.tell(output, record)
                json.dumps(as_json(record))
        case "unlock":
            output.line(cli_unlock.told(told))
        case _:
            repr(told)


MUTATIONS = int(os.environ.get("MUTATIONS", "300"))  # of each answer; more at night
OFTEN = settings(
    max_examples=MUTATIONS,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


@pytest.mark.parametrize("name", QUESTIONS)
@OFTEN
@given(data=st.data())
def test_a_mutated_answer_is_a_value_or_an_error_of_its_host(
    name: str, data: st.DataObject
) -> None:
    answer = data.draw(mutated(true_answer(name)))
    with suppress(HostError):
        show(name, read(name, answer))


@OFTEN
@given(data=st.data())
def test_a_mutated_stream_writes_below_its_mirror_only(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    folder = tmp_path_factory.mktemp("operator")
    answer = data.draw(mutated(honest.says("collect", [], b"")))
    host = RecordingConnection(lambda _: Completed(status=0, stdout=answer))
    mirror = folder / "logs" / "web1"
    with suppress(HostError):
        collect.fetch(host, LAYOUT, mirror, host="web1", deployment="demo")
    assert {path.name for path in folder.iterdir()} == {"logs"}
    assert {path.name for path in mirror.iterdir()} <= {".lock", "demo"}
    read_out(Reader(logs=folder / "logs", host="web1"))


def read_out(reader: Reader) -> list[str]:
    """All that people and programs read of a mirror."""
    found = reader.news()
    for record in found:
        json.dumps(as_json(record))
    return [line for record in found for line in lines(record)]


@OFTEN
@given(data=st.data())
def test_a_mutated_segment_hides_no_other_record(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    folder = tmp_path_factory.mktemp("logs")
    for name, content in {
        "r1": data.draw(mutated(honest.SEGMENT)),
        "r2": honest.SEGMENT,
    }.items():
        place = folder / "web1" / "demo" / "hello" / name
        place.mkdir(parents=True)
        (place / "00000001.log").write_bytes(content)
    reader = Reader(logs=folder, host="web1")
    found = reader.news()
    for record in found:
        json.dumps(as_json(record))
        list(lines(record))
    assert sum(record.release == "r2" for record in found) == len(honest.RECORDS)
