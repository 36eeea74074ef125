"""A host that names its programs like paths: nothing is written but below its own folders."""

from pathlib import Path

import pytest

from fleetbpf.audit.status import Status
from fleetbpf.build.builders import Builders
from fleetbpf.build.kernel_btf import BtfFolder
from fleetbpf.connections.recording import RecordingConnection
from fleetbpf.deploy.activation import Activation, Answer, Step
from fleetbpf.deploy.apply import Apply
from fleetbpf.deploy.prepare import Prepare
from fleetbpf.errors import HostError
from fleetbpf.execution import Completed
from fleetbpf.host import facts
from fleetbpf.host.failures import Failure
from fleetbpf.host.lock import Claim
from fleetbpf.model.layout import HostLayout, Workspace, below
from fleetbpf.records import collect
from tests.unit.samples import target

CLAIM = Claim(who="ann@desk", why="", patience=0)
PLACES = (
    "/tmp/x",
    "../../../x",
    "..",
    ".",
    ".ssh",
    "a/b",
    "a/../../b",
    "a\0b",
    "-x",
    "a\nb",
    "",
    "é",
)


def host_saying(*rows: str, greeting: str, end: str = "") -> RecordingConnection:
    text = "".join(f"{row}\n" for row in (f"fleetbpf\t{greeting}", *rows)) + end
    return RecordingConnection(lambda _: Completed(status=1, stdout=text.encode()))


@pytest.mark.parametrize("place", PLACES)
def test_no_path_is_made_of_what_is_no_name(place: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="not the name of a file or a folder"):
        below(tmp_path, "demo", place)
    with pytest.raises(ValueError, match="not the name of a file or a folder"):
        Workspace(folder=tmp_path).verifier_log("web1", "demo", place)


@pytest.mark.parametrize("place", [place for place in PLACES if "\n" not in place and place])
@pytest.mark.parametrize("other", ["hello", "another"])
def test_a_program_that_nobody_asked_for_has_no_verifiers_log(
    place: str, other: str, tmp_path: Path
) -> None:
    """The host wrote into any folder of the operator's, so that a login ran its command."""
    rows = (f"verifier\t{place}\tHost *", f"verifier\t{place}\tProxyCommand x")
    failed = (f"failed\t{place}\tload", f"failed\t{place}\tstart", f"failed\t{other}\tcheck")
    host = host_saying("arrived", *rows, *failed, greeting="activate")
    here = Activation(deployment="demo", layout=HostLayout(), claim=CLAIM)
    with pytest.raises(HostError, match=r"web1: its answer to activate\.sh is not valid"):
        here.do(target(), host, [Step(verb="start", program="hello", was="", release="r1")])
    assert list(tmp_path.iterdir()) == []


def test_an_answer_that_was_read_otherwise_leads_nowhere_either(tmp_path: Path) -> None:
    work = Apply(
        prepare=Prepare(deployment="demo", builders=Builders(), btf=BtfFolder()),
        workspace=Workspace(folder=tmp_path / "own"),
        say=lambda _host, _text: None,
        claim=CLAIM,
    )
    failure = Failure(program="../x", stage="load", message="no", verifier_log="log")
    with pytest.raises(ValueError, match="not the name"):
        work.problems("web1", (), Answer(failures=(failure,), moved={}))
    assert list(tmp_path.iterdir()) == []


def test_a_program_that_was_asked_for_fails_as_before(tmp_path: Path) -> None:
    rows = ("verifier\thello\t0: (b7) r0 = 0", "failed\thello\tstart")
    host = host_saying("arrived", *rows, greeting="activate")
    here = Activation(deployment="demo", layout=HostLayout(), claim=CLAIM)
    step = Step(verb="start", program="hello", was="", release="r1")
    (failure,) = here.do(target(), host, [step]).failures
    assert failure.verifier_log == "0: (b7) r0 = 0"


@pytest.mark.parametrize(
    "row",
    [
        *("started\tother\tr1\t{}", "started\thello\tr2\t{}", "deleted\thello", "stopped\thello"),
        *("retired\thello\tr1", "pruned\thello\tr1", "moved\tother\tr1"),
    ],
)
def test_what_nobody_asked_for_was_not_done(row: str) -> None:
    host = host_saying(row, greeting="activate")
    here = Activation(deployment="demo", layout=HostLayout(), claim=CLAIM)
    with pytest.raises(HostError, match="is not valid"):
        here.do(target(), host, [Step(verb="start", program="hello", was="", release="r1")])


@pytest.mark.parametrize("place", PLACES)
def test_facts_of_what_is_no_name_are_none(place: str, tmp_path: Path) -> None:
    for row in (f"program\tdemo\t{place}\tr1\t", f"program\tdemo\thello\t../{place}\t"):
        host = host_saying("uid\t0", "kernel\t6.1.0", row, greeting="facts", end="end\n")
        with pytest.raises(HostError, match=r"its answer to facts\.sh is not valid"):
            Status(deployment="demo", logs=tmp_path).of(target(), host)


@pytest.mark.parametrize(
    "path",
    [
        *("../../../x/1.log", "a/b/../../../1.log", "/etc/x/y/1.log", "demo/b/c/evil.sh"),
        *("demo/b/c\0d/1.log", ".lock/b/c/1.log", "demo/b/.c/1.log", "demo/b/c/1.log/x"),
        *("other/b/c/1.log", f"demo/b/{'c' * 300}/1.log", "demo/b/c/²1.log"),
    ],
)
def test_a_segment_of_another_place_is_not_written(path: str, tmp_path: Path) -> None:
    text = f"fleetbpf\tcollect\nsegment\t{path}\t0\t5\nhello".encode()
    host = RecordingConnection(lambda _: Completed(status=0, stdout=text))
    mirror = tmp_path / "logs" / "web1"
    with pytest.raises(HostError, match=r"web1: its answer to collect\.sh is not valid"):
        collect.fetch(host, HostLayout(), mirror, host="web1", deployment="demo")
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == [".lock"]


def test_facts_of_another_deployment_are_none() -> None:
    row = "program\tother\thello\tr1\t"
    host = host_saying("uid\t0", row, greeting="facts", end="end\n")
    with pytest.raises(HostError, match="nobody asked for 'other'"):
        facts.ask(host, HostLayout(), host="web1", deployment="demo")
