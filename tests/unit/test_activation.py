"""Activation: what is sent to a host, and what its answer means."""

import gzip
import io
import tarfile

import pytest
import zstandard

from fleetbpf.deploy import activation, packing
from fleetbpf.deploy.activation import ACTIVATE, Activation, Answer, Step
from fleetbpf.execution.command import packed_script
from fleetbpf.files.archive import Compression, pack
from fleetbpf.host.lock import Claim
from fleetbpf.model.facts import Lock
from fleetbpf.model.layout import HostLayout
from fleetbpf.model.rollout import Health
from fleetbpf.plan.plan import Action, Change
from tests import answers
from tests.unit.samples import release


def unpacked(content: bytes, compression: Compression) -> bytes:
    if compression is Compression.GZIP:
        return gzip.decompress(content)
    with zstandard.ZstdDecompressor().stream_reader(content, read_across_frames=True) as reader:
        return reader.read()


@pytest.mark.parametrize("compression", Compression)
def test_a_payload_of_separately_compressed_parts_is_one_archive(compression: Compression) -> None:
    loader = pack({"objects/abc": b"loader" * 1000}, compression)
    payload = packing.payload({"hello/r1/args": b"x\n"}, [loader], compression)
    with tarfile.open(fileobj=io.BytesIO(unpacked(payload, compression))) as archive:
        assert archive.getnames() == ["script", "objects/abc", "hello/r1/args"]
        member = archive.extractfile("objects/abc")
        assert member is not None
        assert member.read() == b"loader" * 1000


def test_changes_become_steps_with_the_release_the_plan_saw() -> None:
    new = release()
    changes = [
        Change(host="h", program="hello", action=Action.NONE, reason="", release=new),
        Change(
            host="h",
            program="hello",
            action=Action.UPDATE,
            reason="r",
            was="old",
            release=new,
            prune=("older",),
        ),
        Change(host="h", program="gone", action=Action.DELETE, reason="r", was="x"),
    ]
    assert activation.steps(changes, objects={new.build_key: "sha"}) == (
        Step(verb="prune", program="hello", was="old", release="older"),
        Step(verb="start", program="hello", was="old", release=new.id, object="sha"),
        Step(verb="delete", program="gone", was="x"),
    )


def test_the_command_carries_names_as_data() -> None:
    claim = Claim(who="o'neil $(id)@host\n", why="apply\tx.yml", patience=2.5)
    host = Activation(deployment="demo", layout=HostLayout(), claim=claim)
    steps = [Step(verb="delete", program="p", was="r")]
    command = ACTIVATE.command(host.order(steps, Health(soak=5, max_lost=0)), become=True)
    assert command.become
    assert command.words[-12:] == (
        *("demo", "o'neil $(id)@host\\n", "apply\\tx.yml", "3", "5:0::0:"),
        *("-", ""),
        *("delete", "p", "r", "", ""),
    )


def told(*rows: tuple[str, ...]) -> Answer:
    """The answer of a host that was to start `a` and `b`, and another program."""
    claim = Claim(who="ann@desk", why="", patience=0)
    host = Activation(deployment="demo", layout=HostLayout(), claim=claim)
    pairs = (("a", "r1"), ("b", "r2"), ("c", "r3"))
    steps = [Step(verb="start", program=p, was="", release=r) for p, r in pairs]
    return answers.told(ACTIVATE, host.order(steps, Health()), *rows)


def test_an_answer_tells_what_started_and_what_failed_and_why() -> None:
    answer = told(
        ("started", "a", "r1", "{}"),
        ("failure", "b", '{"stage":"attach","function":"f","message":"cannot attach f"}'),
        ("verifier", "b", "0: (b7) r0 = 0"),
        ("verifier", "b", "a\ttab"),
        ("failed", "b", "start"),
        ("moved", "c", "r9"),
    )
    (failure,) = answer.failures
    assert answer.started == {"a"}
    assert answer.moved == {"c": "r9"}
    assert (failure.stage, failure.message) == ("attach", "cannot attach f")
    assert failure.verifier_log == "0: (b7) r0 = 0\na\ttab"


def test_an_answer_tells_what_a_started_loader_warns_of() -> None:
    state = '{"pid":7,"warnings":["no trace clock","more\\t"]}'
    answer = told(("started", "a", "r1", state), ("started", "b", "r2", "damaged"))
    assert answer.warnings == ("a: no trace clock", "a: more\t")


def test_a_failure_without_the_loaders_word_shows_what_was_said_first() -> None:
    answer = told(
        ("stderr", "a", "cp: No space"),
        ("stderr", "a", "and more"),
        ("failed", "a", "place"),
    )
    assert answer.failures[0].message == "cp: No space"
    assert answer.failures[0].detail == "and more"
    assert answer.failures[0].stage == "place"


def test_a_locked_host_says_by_whom() -> None:
    row = (
        "locked",
        "7",
        "held",
        "ann@desk",
        "2026-11-24T12:00:00Z",
        "2026-11-24T12:03:20Z",
        "apply",
    )
    held = told(("waiting", "1"), row).locked_by
    assert held == Lock(
        pid=7,
        stale=False,
        who="ann@desk",
        why="apply",
        since="2026-11-24T12:00:00+00:00",
        age_s=200,
    )


def test_an_argument_that_would_end_the_order_is_refused() -> None:
    with pytest.raises(ValueError, match="newline"):
        packed_script("activate.sh", "a\nb")
