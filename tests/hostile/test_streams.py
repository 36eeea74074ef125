"""Hosts that say too much, too long or nothing: each costs its own answer, and nothing else."""

import collections
import math
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from fleetbpf.connections.dialogue import Dialogue, Errand, PipeDialogue
from fleetbpf.connections.envelope import seal
from fleetbpf.connections.routes import Routes
from fleetbpf.connections.settings import Operator
from fleetbpf.connections.wires import ProxyProcess
from fleetbpf.errors import FleetbpfError, HostError, UnreachableError
from fleetbpf.execution import Sink
from fleetbpf.execution.command import Command, script
from fleetbpf.execution.local import LocalConnection
from fleetbpf.limits import MIB, SCRIPTS, ExcessError, Limits
from tests.hostile.lying_host import ask, lying
from tests.integration.sshd import Server, start, stop
from tests.tools import need, need_root

pytestmark = pytest.mark.ssh
SCRIPTS_FOLDER = Path(__file__).parents[2] / "fleetbpf" / "host"
DRIP = "while :; do echo; sleep 0.1; done"
ENOUGH = 400 * MIB  # of memory: the largest answer, taken apart, beside Python and paramiko


@pytest.mark.parametrize(
    ("lie", "says"),
    [
        ("endless", "survey.sh said more than 4.0 MiB on standard output"),
        ("endless lines", "survey.sh said more than 4.0 MiB on standard output"),
        ("endless complaints", "survey.sh said more than 1.0 MiB on standard error"),
        ("endless lecture", "survey.sh has more than 64.0 MiB said before it begins"),
        ("endless scolding", "survey.sh has more than 64.0 MiB said before it begins"),
    ],
)
def test_who_never_stops_talking_is_cut_off_at_a_limit_that_is_named(
    tmp_path: Path, lie: str, says: str
) -> None:
    need("sshd", "ssh-keygen")
    need_root()
    with lying(tmp_path, lie) as folder:
        ended = ask(folder, "facts", "evil")
    assert (ended.status, says in ended.out) == (1, True), ended.out
    assert ended.peak < ENOUGH


def test_every_script_has_limits() -> None:
    scripts = {path.name for path in SCRIPTS_FOLDER.glob("*.sh")} - {
        "lock.sh",
        "unpack.sh",
        "folders.sh",
        "ours.sh",
        "ending.sh",
    }
    assert scripts == set(SCRIPTS)


def limited(*words: str, **limits: float) -> Command:
    return Command(*words, limits=Limits(**limits))


def refused_here(command: Command, *, timeout: float = 60.0) -> FleetbpfError:
    with LocalConnection("web1") as here, pytest.raises(FleetbpfError) as caught:
        here.run(command, timeout=timeout)
    return caught.value


def test_a_local_command_is_cut_off_as_well() -> None:
    error = refused_here(limited("yes", stdout=MIB))
    assert isinstance(error, HostError)
    assert (
        str(error) == "web1: yes said more than 1.0 MiB on standard output, the most that is taken"
    )
    error = refused_here(limited("sh", "-c", "yes >&2", stderr=MIB))
    assert "1.0 MiB on standard error" in str(error)
    error = refused_here(limited("yes", lines=5000))
    assert "more than 5000 lines on standard output" in str(error)


def test_silence_ends_a_command_long_before_its_time_is_over() -> None:
    began = time.monotonic()
    error = refused_here(limited("sleep", "60", silence=0.3))
    assert isinstance(error, UnreachableError)
    assert str(error) == "web1: sleep said nothing for 0.3 s"
    assert time.monotonic() - began < 20


def test_a_little_now_and_then_is_no_silence_but_the_time_is_over_all_the_same() -> None:
    error = refused_here(limited("sh", "-c", DRIP, silence=30.0), timeout=1.0)
    assert "timed out after 1 s" in str(error)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """An honest sshd, whose commands tell the lies."""
    need("sshd", "ssh-keygen")
    running = start(tmp_path_factory.mktemp("sshd"))
    yield running
    stop(running)


def refused_there(
    server: Server, home: Path, command: Command, *, timeout: float = 60.0
) -> FleetbpfError:
    operator = Operator(home=home, environment={}, system=home / "etc-ssh")
    with Routes(operator) as routes, routes.open(server.host(), timeout=60) as there:
        with pytest.raises(FleetbpfError) as caught:
            there.run(command, timeout=timeout)
        assert there.run(Command("echo", "alive")).stdout == b"alive\n"
    return caught.value


@pytest.mark.parametrize(
    ("command", "says"),
    [
        (limited("yes", stdout=MIB), "yes said more than 1.0 MiB on standard output"),
        (limited("sh", "-c", "yes >&2", stderr=MIB), "sh said more than 1.0 MiB on standard error"),
        (limited("yes", lines=5000), "yes said more than 5000 lines on standard output"),
        (limited("sleep", "9", silence=0.3), "sleep said nothing for 0.3 s"),
        (limited("sh", "-c", DRIP), "timed out after 1 s while running sh"),
        (limited("yes", stdout=1e15), "timed out after 1 s while running yes"),
    ],
)
def test_over_ssh_each_limit_ends_the_command_and_leaves_the_connection(
    server: Server, tmp_path: Path, command: Command, says: str
) -> None:
    timeout = 1.0 if "timed out" in says else 60.0
    assert says in str(refused_there(server, tmp_path, command, timeout=timeout))


def test_a_script_may_be_silent_for_as_long_as_it_waits_on_purpose() -> None:
    silence = SCRIPTS["maps.sh"].silence
    assert script("maps.sh", pause=3600).limits.silence == silence + 3600


def errand(stdout: Sink | None = None) -> Errand:
    return Errand(envelope=seal(Command("true")), payload=b"", limits=Limits(), stdout=stdout)


@pytest.mark.parametrize("stream", ["hear", "hear_error"])
@pytest.mark.parametrize("asked", [False, True])
def test_a_lecture_without_end_is_not_listened_to(stream: str, *, asked: bool) -> None:
    dialogue = PipeDialogue(errand(), "hunter2", patience=60) if asked else Dialogue(errand())
    hear = getattr(dialogue, stream)
    with pytest.raises(ExcessError, match=r"64\.0 MiB said before it begins"):
        collections.deque(
            map(hear, [b"We trust you have received the usual lecture. " * 999] * 9999)
        )


def test_what_comes_with_the_beginning_is_no_lecture() -> None:
    taken: list[bytes] = []
    mine = errand(taken.append)
    dialogue = PipeDialogue(mine, "hunter2", patience=60)
    mark = mine.envelope.mark.encode()
    dialogue.hear(b"%s\n\x1e%s\n" % (mark, mark) + b"x" * MIB)
    assert sum(map(len, taken)) == MIB


def test_the_page_names_every_limit() -> None:
    text = (Path(__file__).parents[2] / "docs" / "limits.md").read_text(encoding="utf-8")
    rows = [
        f"| `{name}` | {told(each.stdout)} | {told(each.stderr)} | {each.silence:g} s |"
        for name, each in SCRIPTS.items()
    ]
    assert [row for row in rows if row not in text] == []


def told(size: float) -> str:
    return "`mirror_limit`" if math.isinf(size) else f"{size / MIB:g} MiB"


def test_a_proxy_command_that_complains_without_end_keeps_nothing_but_the_last() -> None:
    with ProxyProcess("sh -c 'yes complaint >&2'", shell="/bin/sh") as proxy:
        written_to = Path(f"/proc/{proxy._process.pid}/fd/2").readlink()
        time.sleep(0.5)
        proxy.hang_up()
    assert str(written_to).startswith("pipe:")  # no file that grows
    assert "complaint" in proxy.complaint
    assert len(proxy.complaint) <= 2000
