"""Folders that a user of a host made, or may change: what runs there as root keeps out of them."""

import os
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from fleetbpf.deploy import packing
from fleetbpf.deploy.activation import ACTIVATE, Activation, Step
from fleetbpf.errors import HostError
from fleetbpf.execution.command import REFUSED, Command, script
from fleetbpf.execution.local import LocalConnection
from fleetbpf.host import facts, survey, unlock
from fleetbpf.host.lock import Claim
from fleetbpf.model.layout import HostLayout
from fleetbpf.model.rollout import Health
from fleetbpf.records import collect
from tests.integration.conftest import SHELLS, Run
from tests.integration.test_host_scripts import place
from tests.tools import need, need_root

USER = 12345
DELETE = Step(verb="delete", program="hello", was="r1")


def activate(layout: HostLayout, *steps: Step, deployment: str = "demo") -> Command:
    claim = Claim(who="a test", why="apply", patience=0.0)
    host = Activation(deployment=deployment, layout=layout, claim=claim)
    return ACTIVATE.command(host.order(steps, Health()), become=False)


COMMANDS: dict[str, Callable[[HostLayout], Command]] = {
    "facts": lambda layout: facts.FACTS.command(facts.Question(layout=layout), become=False),
    "activate": lambda layout: activate(layout, DELETE),
    "collect": lambda layout: collect.COLLECT.command(
        collect.Question(layout=layout), become=False
    ),
    "check": lambda layout: script("check.sh", layout.root, "hello", "cafe"),
    "inspect": lambda layout: script("inspect.sh", layout.root),
    "history": lambda layout: script("history.sh", layout.root),
    "maps": lambda layout: script("maps.sh", layout.root, "", "hello", "all", "0"),
    "unlock": lambda layout: unlock.UNLOCK.command(
        unlock.Question(layout=layout, force=True), become=False
    ),
    "survey": lambda layout: survey.SURVEY.command(layout, become=False),
}


def tree(folder: Path) -> list[tuple[str, int, int]]:
    """All that is in a folder, with owners and modes."""
    return sorted((str(p), p.lstat().st_uid, p.lstat().st_mode) for p in folder.rglob("*"))


def refused(run: Run, command: Command, place: Path, said: str) -> None:
    """It is not done: nothing is said but why, and nothing is changed."""
    before = tree(place)
    done = run(command, packing.payload({}))
    assert (done.status, done.stdout) == (REFUSED, b"")
    assert said in done.stderr.decode()
    assert tree(place) == before


@pytest.mark.parametrize("name", COMMANDS)
def test_no_script_works_in_a_folder_of_a_user(
    run: Run, layout: HostLayout, tmp_path: Path, name: str
) -> None:
    need_root()
    place(layout, "r1")
    os.chown(layout.root, USER, USER)
    said = f"fleetbpf: {layout.root} belongs to user {USER}, not to root (drwxr-xr-x)"
    refused(run, COMMANDS[name](layout), tmp_path, said)


@pytest.mark.parametrize("name", sorted(COMMANDS.keys() - {"facts"}))  # it only reads
@pytest.mark.parametrize("mode", [0o777, 0o775, 0o1777])
def test_no_script_works_in_a_folder_that_is_open_to_others(
    run: Run, layout: HostLayout, tmp_path: Path, name: str, mode: int
) -> None:
    place(layout, "r1")
    Path(layout.root).chmod(mode)
    said = f"fleetbpf: {layout.root} may be changed by others than its owner, user {os.getuid()}"
    refused(run, COMMANDS[name](layout), tmp_path, said)


@pytest.mark.parametrize("name", ["facts", "activate"])
@pytest.mark.parametrize("which", ["run", "units"])
def test_the_other_folders_are_looked_at_too(
    run: Run, layout: HostLayout, tmp_path: Path, name: str, which: str
) -> None:
    need_root()
    place(layout, "r1")
    folder = Path(getattr(layout, which))
    folder.mkdir()
    os.chown(folder, USER, USER)
    refused(run, COMMANDS[name](layout), tmp_path, f"fleetbpf: {folder} belongs to user {USER}")


def test_a_folder_that_is_not_there_yet_is_judged_by_those_above(
    run: Run, layout: HostLayout, tmp_path: Path
) -> None:
    command = COMMANDS["activate"](layout)
    tmp_path.chmod(0o777)
    refused(run, command, tmp_path, f"fleetbpf: {tmp_path} may be changed by others")
    tmp_path.chmod(0o1777)  # as /tmp is: who was first there stays
    assert run(command, packing.payload({})).status != REFUSED


def test_a_link_of_root_is_followed_to_what_it_leads_to(
    run: Run, layout: HostLayout, tmp_path: Path
) -> None:
    need_root()
    place(layout, "r1")
    disk = tmp_path / "disk 2"
    Path(layout.root).rename(disk)
    Path(layout.root).symlink_to("disk 2")
    assert run(COMMANDS["facts"](layout), b"").status == 0
    os.chown(disk, USER, USER)
    refused(run, COMMANDS["facts"](layout), tmp_path, f"fleetbpf: {disk} belongs to user {USER}")
    os.chown(disk, 0, 0)
    os.lchown(layout.root, USER, USER)
    refused(run, COMMANDS["activate"](layout), tmp_path, f"{layout.root} belongs to user {USER}")


def test_listings_of_another_style_are_read_right(
    run: Run, layout: HostLayout, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in (("TIME_STYLE", "full-iso"), ("LC_ALL", "C.UTF-8"), ("QUOTING_STYLE", "c")):
        monkeypatch.setenv(name, value)
    assert run(COMMANDS["history"](layout), b"").status == 0
    Path(layout.root).mkdir(mode=0o700)
    Path(layout.root).chmod(0o777)
    said = run(COMMANDS["history"](layout), b"").stderr.decode()
    assert said.startswith(f"fleetbpf: {layout.root} may be changed by others")


def test_the_operator_reads_whose_folder_it_is_and_the_cure(layout: HostLayout) -> None:
    need_root()
    Path(layout.root).mkdir(mode=0o700)
    os.chown(layout.root, USER, USER)
    with LocalConnection() as here, pytest.raises(HostError) as caught:
        facts.ask(here, layout, host="web1")
    (problem,) = caught.value.problems
    assert problem.where == "web1"
    assert problem.what.startswith(f"{layout.root} belongs to user {USER}, not to root")
    assert "have root own it" in problem.hint


BPFFS = """
mount -t bpf bpf /sys/fs/bpf || exit 9
setpriv --reuid 12345 --regid 12345 --clear-groups sh -c '
	mkdir /sys/fs/bpf/fleetbpf && ln -s "$1" /sys/fs/bpf/fleetbpf/demo' user "$1" || exit 9
shift
exec "$@"
"""


@pytest.mark.parametrize("shell", sorted(SHELLS))
def test_a_link_in_an_open_bpffs_empties_no_folder_of_root(
    layout: HostLayout, tmp_path: Path, shell: str
) -> None:
    need_root()
    need("setpriv", *SHELLS[shell][:1])
    victim = tmp_path / "victim"
    for inside in ("hello", "hello/r1"):
        (victim / inside).mkdir(parents=True, exist_ok=True)
        (victim / inside / "shadow").touch()
    tmp_path.parent.chmod(0o711)
    place(layout, "r1")
    words = activate(layout, DELETE).words[1:]
    attack = ("unshare", "--mount", "sh", "-c", BPFFS, "attack", str(victim))
    before = tree(victim)
    done = subprocess.run(
        [*attack, *SHELLS[shell], *words],
        input=packing.payload({}),
        capture_output=True,
        check=True,
    )
    assert b"deleted\thello" in done.stdout
    assert tree(victim) == before


FIRST_THERE = """
mount -t bpf bpf /sys/fs/bpf || exit 9
setpriv --reuid 12345 --regid 12345 --clear-groups sh -c "$1" user "$2" || exit 9
shift 2
exec "$@"
"""
LINKS = {
    "a link to another folder": 'ln -s "$1" /sys/fs/bpf/fleetbpf',
    "a folder with a link": 'cd /sys/fs/bpf && mkdir fleetbpf && ln -s "$1/demo" fleetbpf/demo',
    "a folder": "mkdir -p /sys/fs/bpf/fleetbpf/demo/hello/r1",
}


@pytest.mark.parametrize("shell", sorted(SHELLS))
@pytest.mark.parametrize("link", LINKS)
def test_who_was_first_in_bpffs_neither_tells_of_pins_nor_has_any_removed(
    layout: HostLayout, tmp_path: Path, shell: str, link: str
) -> None:
    need_root()
    need("setpriv", *SHELLS[shell][:1])
    victim = tmp_path / "victim"
    (victim / "demo" / "hello" / "r9" / "shadow").mkdir(parents=True)
    (victim / "gone").mkdir()  # as /run/sshd is: empty, and needed
    tmp_path.parent.chmod(0o711)
    place(layout, "r1")
    attack = ("unshare", "--mount", "sh", "-c", FIRST_THERE, "attack", LINKS[link], str(victim))
    before = tree(victim)

    def done(command: Command, payload: bytes) -> bytes:
        words = [*attack, *SHELLS[shell], *command.words[1:]]
        ended = subprocess.run(words, input=payload, capture_output=True, check=False)
        assert ended.returncode == 0, ended.stderr
        return ended.stdout

    question = facts.Question(layout=layout, wishes=(facts.THOROUGH,))
    assert b"\t/sys/fs/bpf/" not in done(facts.FACTS.command(question, become=False), b"")
    for step, deployment in (
        (DELETE, "demo"),
        (replace(DELETE, was=""), "gone"),
        (Step(verb="sweep", program="", was=""), ""),
    ):
        done(activate(layout, step, deployment=deployment), packing.payload({}))
    assert tree(victim) == before


HANGING = """#!/bin/sh
[ "$1" != restart ] || exec sleep 1000
"""
IMPATIENT = """#!/bin/sh
# timeout -s KILL SECONDS COMMAND...
shift 3
exec {timeout} -s KILL 1 "$@"
"""
SYSTEMD = 'mount -t tmpfs tmpfs /run && mkdir -p /run/systemd/system && exec "$@"'


def test_a_systemd_that_does_not_answer_does_not_keep_the_host_locked(
    layout: HostLayout, tmp_path: Path
) -> None:
    need_root()
    need("timeout", "unshare")
    folder = place(layout, "r1")
    (folder / "unit").write_text("[Unit]\n")
    Path(layout.units).mkdir()
    tools = tmp_path / "bin"
    tools.mkdir()
    for name, text in (("systemctl", HANGING), ("timeout", IMPATIENT), ("journalctl", "#!/bin/sh")):
        (tools / name).write_text(text.format(timeout=shutil.which("timeout")))
        (tools / name).chmod(0o755)
    step = Step(verb="restore", program="hello", was="r1", release="r1")
    done = subprocess.run(
        ["unshare", "--mount", "sh", "-c", SYSTEMD, "x", *activate(layout, step).words],
        input=packing.payload({}),
        capture_output=True,
        env=os.environ | {"PATH": f"{tools}:{os.environ['PATH']}"},
        timeout=60,
        check=False,
    )
    assert b"failed\thello\tstart" in done.stdout
    assert not (Path(layout.root) / "lock").exists()
