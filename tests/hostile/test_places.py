"""Links, other users and a generous umask, where fleetbpf writes on the operator's machine."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from fleetbpf import cli
from fleetbpf.build.toolchain import Toolchain
from fleetbpf.cli import audit as cli_audit
from fleetbpf.cli.output import Output
from fleetbpf.connections.watched import Exchange
from fleetbpf.defaults import DEFAULT_MIRROR_LIMIT
from fleetbpf.deploy import apply, saved_plan
from fleetbpf.deploy.saved_plan import SavedPlan
from fleetbpf.errors import BuildError, FleetbpfError
from fleetbpf.execution.command import Command
from fleetbpf.execution.local import LocalConnection
from fleetbpf.files.cache import Cache
from fleetbpf.files.file_lock import acquired
from fleetbpf.fleet.command_log import CommandLog
from fleetbpf.host.failures import Failure
from fleetbpf.lab.folder import LabFolder, Placed
from fleetbpf.lab.hosts import HostKind, LabHost
from fleetbpf.lab.identity import identify
from fleetbpf.model.architecture import Architecture
from fleetbpf.model.layout import Workspace
from fleetbpf.records.collect import Receiver
from fleetbpf.records.mirror import Room
from tests.tools import need

SEGMENT = "demo/hello/r1/00000001.log"
STREAM = f"segment\t{SEGMENT}\t0\t6\nsecret".encode()
HOST = LabHost(name="web1", kind=HostKind.MICRO, series="6.1", architecture=Architecture.X86_64)
Write = Callable[[Path], object]


def mirror(folder: Path) -> None:
    logs = folder / "logs" / "web1"
    room = Room.measure(logs, host="web1", limit=DEFAULT_MIRROR_LIMIT)
    Receiver(mirror=logs, room=room).feed(STREAM)


def report(folder: Path) -> Path:
    told = cli_audit.report("demo", []) | {"time": "2026-01-01T00:00:00+00:00"}
    return cli_audit.keep(told, Workspace(folder=folder), Output())


def verifier_log(folder: Path) -> None:
    log = Workspace(folder=folder).verifier_log("web1", "demo", "hello")
    failure = Failure(program="hello", stage="load", message="refused", verifier_log="0: (b7)")
    apply.explained(failure, where="web1", log=log)


def lab_host(folder: Path) -> None:
    LabFolder.at(folder).keep(Placed(host=HOST, port=20001, memory=384, release="6.1.0"))


def lab_lock(folder: Path) -> None:
    with LabFolder.at(folder).locked():
        pass


def lab_identity(folder: Path) -> None:
    need("ssh-keygen")
    with LocalConnection() as here:
        identify("web1", LabFolder.at(folder), here)


def cache_lock(folder: Path) -> None:
    with acquired(folder / "locks" / "kernel"):
        pass


def command_log(folder: Path) -> None:
    log = CommandLog(path=folder / "state" / "fleetbpf" / "commands.log")
    command = Command("id")
    log.write(Exchange(host="web1", command=command, began=1, seconds=1, sent=0, received=0))
    log.close()


def plan(folder: Path) -> None:
    saved = SavedPlan(
        deployment="demo",
        manifest="m.yml",
        inventory=(),
        limit=None,
        made_by="ann@desk",
        made_at="2026-01-01T00:00:00+00:00",
        basis={},
        hosts={},
    )
    saved_plan.write(folder / "plans" / "saved.json", saved, {})


def build(folder: Path) -> None:
    cache = Cache(root=folder / "cache" / "fleetbpf" / "build")
    with cache.work_folder() as work:
        (work / "loader").write_bytes(b"ELF")  # as a compiler would, by the umask
        (work / "loader").chmod(0o777)
        cache.store("ab12", work, ("loader",), "")
    assert cache.find("ab12") is not None


def toolchain(folder: Path) -> None:
    for tool in ("clang", "bpftool"):
        need(tool)
    Toolchain.find(memory=folder / "cache" / "toolchain.json")


WRITERS: list[Write] = [
    mirror,
    report,
    verifier_log,
    lab_host,
    lab_lock,
    lab_identity,
    cache_lock,
    command_log,
    plan,
    build,
    toolchain,
]


@pytest.fixture
def generous_umask() -> Iterator[None]:
    """Everybody may do everything with new files, unless they are made otherwise."""
    before = os.umask(0)
    yield
    os.umask(before)


@pytest.mark.usefixtures("generous_umask")
@pytest.mark.parametrize("write", WRITERS)
def test_what_is_written_is_the_operators_alone(tmp_path: Path, write: Write) -> None:
    write(tmp_path)
    made = [path for path in tmp_path.rglob("*") if path.suffix != ".pub"]
    assert made
    assert {path: oct(path.lstat().st_mode) for path in made if path.lstat().st_mode & 0o077} == {}


@pytest.mark.usefixtures("generous_umask")
def test_a_crash_report_is_the_operators_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    cli.report_bug(Output())
    (kept,) = tmp_path.iterdir()
    assert kept.stat().st_mode & 0o777 == 0o600


BORN_PRIVATE = """
import os, sys
from pathlib import Path
from tests.hostile import test_places
changed = []
sys.addaudithook(lambda name, words: changed.append(words) if name == "os.chmod" else None)
os.umask(0)
for name in ("mirror", "report", "verifier_log", "lab_host", "lab_lock", "command_log", "plan"):
    getattr(test_places, name)(Path(sys.argv[1]))
print(changed)
"""


def test_nothing_is_private_only_after_a_moment(tmp_path: Path) -> None:
    words = (sys.executable, "-c", BORN_PRIVATE, tmp_path)
    done = subprocess.run(words, check=True, capture_output=True, text=True)
    assert done.stdout == "[]\n"
    assert not any(path.lstat().st_mode & 0o077 for path in tmp_path.rglob("*"))


LINKS: list[tuple[Write, str]] = [
    (mirror, "logs"),
    (mirror, "logs/web1"),
    (mirror, "logs/web1/.lock"),
    (mirror, "logs/web1/demo"),
    (mirror, "logs/web1/demo/hello/r1"),
    (mirror, f"logs/web1/{SEGMENT}"),
    (report, "reports"),
    (report, "reports/demo"),
    (verifier_log, "logs/web1/demo/hello"),
    (lab_host, ".fleetbpf"),
    (lab_host, ".fleetbpf/lab"),
    (lab_host, ".fleetbpf/lab/hosts/web1"),
    (lab_lock, ".fleetbpf/lab/lock"),
    (lab_identity, ".fleetbpf/lab/hosts/web1"),
    (lab_identity, ".fleetbpf/lab/hosts/web1/console.log"),
    (lab_identity, ".fleetbpf/lab/hosts/web1/qemu.pid"),
    (lab_identity, ".fleetbpf/lab/hosts/web1/ssh_host_ed25519_key.pub"),
    (cache_lock, "locks/kernel"),
]


@pytest.mark.parametrize(("write", "place"), LINKS)
def test_a_link_in_a_working_folder_is_refused(tmp_path: Path, write: Write, place: str) -> None:
    work, victim = tmp_path / "work", tmp_path / "victim"
    link = work / place
    link.parent.mkdir(parents=True)
    is_file = "." in link.name[1:] or link.name in {".lock", "lock", "kernel"}
    target = victim / "file" if is_file else victim
    victim.mkdir()
    content = "" if place.endswith(SEGMENT) else "mine"  # what the host's offset says is here
    (victim / "file").write_text(content)
    link.symlink_to(target)
    with pytest.raises(FleetbpfError, match="a link") as caught:
        write(work)
    assert caught.value.problems[0].where == str(link)
    assert "hint: " in str(caught.value)
    assert [path.name for path in victim.iterdir()] == ["file"]
    assert (victim / "file").read_text() == content


DANGLING: list[tuple[Write, str]] = [
    (mirror, f"logs/web1/{SEGMENT}"),
    (mirror, "logs/web1/.lock"),
    (lab_identity, ".fleetbpf/lab/hosts/web1/ssh_host_ed25519_key.pub"),
    (lab_identity, ".fleetbpf/lab/id_ed25519.pub"),
    (lab_lock, ".fleetbpf/lab/lock"),
]


@pytest.mark.parametrize(("write", "place"), DANGLING)
def test_a_link_to_nowhere_makes_no_file_there(tmp_path: Path, write: Write, place: str) -> None:
    work, victim = tmp_path / "work", tmp_path / "authorized_keys"
    (work / place).parent.mkdir(parents=True)
    (work / place).symlink_to(victim)
    with suppress(FleetbpfError):
        write(work)
    assert not os.path.lexists(victim)


def test_the_log_of_commands_is_not_written_through_a_link(tmp_path: Path) -> None:
    victim, log = tmp_path / "bashrc", tmp_path / "state" / "fleetbpf" / "commands.log"
    log.parent.mkdir(parents=True)
    victim.write_text("mine")
    log.symlink_to(victim)
    command_log(tmp_path)
    assert victim.read_text() == "mine"


REPLACED: list[tuple[Write, str]] = [
    (report, "reports/demo/2026-01-01T000000Z.json"),
    (report, "reports/demo/2026-01-01T000000Z.new"),
    (verifier_log, "logs/web1/demo/hello/verifier.log"),
    (lab_host, ".fleetbpf/lab/hosts/web1/host.json"),
    (lab_host, ".fleetbpf/lab/hosts/web1/.host.json.PID"),
    (plan, "plans/saved.json"),
]


@pytest.mark.parametrize(("write", "place"), REPLACED)
def test_a_link_in_the_place_of_a_file_that_appears_whole_is_not_followed(
    tmp_path: Path, write: Write, place: str
) -> None:
    work, victim = tmp_path / "work", tmp_path / "victim"
    link = work / place.replace("PID", str(os.getpid()))
    link.parent.mkdir(parents=True)
    victim.write_text("mine")
    link.symlink_to(victim)
    write(work)
    assert victim.read_text() == "mine"


@pytest.mark.parametrize("place", ["logs/web1/.lock", f"logs/web1/{SEGMENT}"])
def test_a_pipe_in_a_working_folder_does_not_hang(tmp_path: Path, place: str) -> None:
    (tmp_path / place).parent.mkdir(parents=True)
    os.mkfifo(tmp_path / place)
    script = "import sys; from pathlib import Path; from tests.hostile import test_places\n"
    script += "test_places.mirror(Path(sys.argv[1]))"
    words = (sys.executable, "-c", script, tmp_path)
    done = subprocess.run(words, check=False, capture_output=True, text=True, timeout=60)
    assert "no regular file" in done.stderr


PIPE_READERS = """
import os, sys
from pathlib import Path
from fleetbpf.records import tally
from fleetbpf.records.collect import held
from fleetbpf.records.records import of_host
logs = Path(sys.argv[1], "logs")
print(list(held(logs / "web1", deployment="")), of_host(logs, "web1"))
print(list(tally.lines(logs / "web1" / "demo" / "hello" / "r1")))
"""


def test_a_pipe_among_segments_is_none(tmp_path: Path) -> None:
    (tmp_path / "logs/web1/demo/hello/r1").mkdir(parents=True)
    os.mkfifo(tmp_path / "logs/web1" / SEGMENT)
    words = (sys.executable, "-c", PIPE_READERS, tmp_path)
    done = subprocess.run(words, check=True, capture_output=True, text=True, timeout=60)
    assert done.stdout == "[] []\n[]\n"


def test_a_lab_host_is_where_its_folder_is(tmp_path: Path) -> None:
    lab = LabFolder.at(tmp_path)
    lab_host(tmp_path)
    file = lab.folder("web1") / "host.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), "name": "../../../.."}))
    (placed,) = lab.placed()
    assert placed.host.name == "web1"


def stored(root: Path) -> Cache:
    """A cache with one entry."""
    cache = Cache(root=root)
    with cache.work_folder() as work:
        (work / "loader").write_bytes(b"ELF")
        cache.store("ab12", work, ("loader",), "")
    assert cache.find("ab12") is not None
    return cache


SHARED = ["", "ab/ab12", "ab/ab12/loader", "ab/ab12/artifact.json"]


@pytest.mark.parametrize("mode", [0o020, 0o002])
@pytest.mark.parametrize("place", SHARED)
def test_a_cache_that_others_may_write_is_refused(tmp_path: Path, place: str, mode: int) -> None:
    cache = stored(tmp_path / "fleetbpf" / "build")
    poisoned = cache.root / place
    poisoned.chmod(poisoned.stat().st_mode | mode)
    with pytest.raises(BuildError, match="others may write here") as caught:
        cache.find("ab12")
    (problem,) = caught.value.problems
    assert problem.where == str(poisoned)
    assert f"chmod -R go-w {poisoned}" in problem.hint
    poisoned.chmod(poisoned.stat().st_mode & ~0o022)
    assert cache.find("ab12") is not None


@pytest.mark.parametrize("place", SHARED)
def test_a_cache_of_somebody_else_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    cache = stored(tmp_path / "fleetbpf" / "build")
    poisoned = cache.root / place
    if os.geteuid() == 0:
        os.chown(poisoned, 4242, 4242)
    else:
        monkeypatch.setattr("os.geteuid", lambda: 4242)
    with pytest.raises(BuildError, match="it belongs to "):
        cache.find("ab12")


def test_a_folder_above_that_others_may_write_is_refused(tmp_path: Path) -> None:
    cache = stored(tmp_path / "fleetbpf" / "build")
    cache.root.parent.chmod(0o777)
    with pytest.raises(BuildError, match="others may write here"):
        cache.find("ab12")


def test_nothing_is_built_where_others_may_write(tmp_path: Path) -> None:
    (tmp_path / "build").mkdir()
    (tmp_path / "build").chmod(0o777)
    with (
        pytest.raises(BuildError, match="others may write here"),
        Cache(root=tmp_path / "build").work_folder(),
    ):
        pass


def test_a_loader_that_is_a_link_is_no_entry(tmp_path: Path) -> None:
    cache = stored(tmp_path / "fleetbpf" / "build")
    loader = cache.root / "ab/ab12/loader"
    loader.rename(tmp_path / "elsewhere")
    loader.symlink_to(tmp_path / "elsewhere")
    assert cache.find("ab12") is None


def test_the_compiler_to_use_is_not_taken_from_a_file_that_others_may_write(
    tmp_path: Path,
) -> None:
    toolchain(tmp_path)
    memory = tmp_path / "cache" / "toolchain.json"
    memory.chmod(0o666)
    with pytest.raises(BuildError, match="others may write here"):
        Toolchain.find(memory=memory)
