"""The protocol with hosts: where an answer begins and ends, and how an odd one is told."""

import pytest

from fleetbpf.connections.recording import RecordingConnection
from fleetbpf.errors import HostError
from fleetbpf.execution import Completed
from fleetbpf.host import facts, unlock
from fleetbpf.host.facts import FACTS
from fleetbpf.model.bounded import parse_decimal
from fleetbpf.model.layout import HostLayout
from fleetbpf.model.names import is_name

QUESTION = facts.Question(deployment="demo")


def complaint(*rows: str, end: str = "end\n", become: bool = False) -> str:
    """What is told of an answer of these lines."""
    said = "".join(f"{row}\n" for row in rows) + end
    done = Completed(status=3, stdout=said.encode(), stderr=b"a password is required")
    with pytest.raises(HostError) as caught:
        FACTS.read_answer(QUESTION, done, host="web1", become=become)
    return caught.value.problems[0].what


def test_a_script_that_did_not_begin_to_speak_was_not_run() -> None:
    assert complaint("This account is closed.") == (
        "the login shell did not run a command (exit status 3)"
    )
    assert complaint(become=True) == "no command was run as root"


@pytest.mark.parametrize(
    ("row", "told"),
    [
        ("uid\tabc", "uid: is no number: 'abc'"),
        ("uid\t٣", "uid: is no number: '\\u0663'"),
        ("uid\t-1", "uid: is no number: '-1'"),
        ("uid\t9223372036854775809", "uid: Input should be less than or equal to"),
        ("nonsense\tx", "nonsense: is nothing that it tells"),
        ("program\tdemo", "program demo "),
        ("program\tdemo\thello\t../../x\t", "program demo/hello current: holds what cannot be"),
        ("release\tdemo\thello\tr1\tcafe", "release demo/hello/r1 loader_sha256: is missing"),
        ("release\tdemo\thello\tr1\tcafe\tcafe", "it tells of demo/hello, which is not placed"),
        ("spool\tdemo\thello\tr1\t5", "spool: nobody asked for it"),
        ("absent\tpath:/x", "nobody asked for 'path:/x'"),
        ("program\tother\thello\tr1\t", "nobody asked for 'other'"),
        ("missing\t" + "x" * 5000, "missing 1: String should have at most 255 characters: 'xxx"),
    ],
)
def test_what_is_not_valid_is_told_with_its_place(row: str, told: str) -> None:
    said = complaint("fleetbpf\tfacts", row)
    assert said.startswith(f"its answer to facts.sh is not valid: {told}")
    assert said.isascii() or "…" in said
    assert len(said) < 250


def test_what_is_said_of_one_twice_is_not_valid() -> None:
    row = "program\tdemo\thello\tr1\t"
    assert "is said of one twice" in complaint("fleetbpf\tfacts", row, row)
    assert "uid: is said more than once" in complaint("fleetbpf\tfacts", "uid\t0", "uid\t0")


def test_an_answer_without_its_end_is_cut_off() -> None:
    assert complaint("fleetbpf\tfacts", "uid\t0", end="") == (
        "its answer to facts.sh is not valid: it is cut off"
    )


def test_a_million_rows_are_no_million_complaints() -> None:
    for row in ("object\t\x01", "program\tdemo\tp\t../x\t", "release\tdemo"):
        assert len(complaint("fleetbpf\tfacts", *[row] * 200_000)) < 250


def test_a_host_is_asked_by_the_script_and_its_words() -> None:
    host = RecordingConnection(lambda _: Completed(status=0, stdout=b"fleetbpf\tunlock\n"))
    question = unlock.Question(layout=HostLayout(), force=True)
    found = unlock.UNLOCK.ask(host, question, host="web1", become=False)
    assert (found.lock, found.removed) == (None, False)
    (command,) = host.commands
    assert command.name == "unlock.sh"
    assert command.words[-2:] == ("/var/lib/fleetbpf", "yes")


@pytest.mark.parametrize("name", ["hello", "r1", "0a1b2c", "00000001.log", "a_b-c", "X" * 128])
def test_names_are_letters_digits_and_a_few_signs(name: str) -> None:
    assert is_name(name)


@pytest.mark.parametrize("name", ["", ".", "..", ".x", "-x", "a/b", "a b", "é", "a\n", "x" * 129])
def test_what_could_lead_elsewhere_is_no_name(name: str) -> None:
    assert not is_name(name)


@pytest.mark.parametrize("text", ["", " 5", "5\n", "+5", "1_0", "0x5", "²", "9" * 20, "5.0"])
def test_numbers_are_ascii_digits_only(text: str) -> None:
    with pytest.raises(ValueError, match="is no number"):
        parse_decimal(text)
