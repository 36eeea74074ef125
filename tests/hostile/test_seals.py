"""Who may write into the build cache, or hands us a plan, does not choose what runs as root."""

import argparse
import hashlib
import json
import stat
from dataclasses import replace
from pathlib import Path

import pytest

from fleetbpf.build.build import read_once
from fleetbpf.cli import planned
from fleetbpf.deploy import saved_plan
from fleetbpf.deploy.saved_plan import SavedPlan
from fleetbpf.errors import BuildError, InputError
from fleetbpf.files.cache import RECORD, Cache, Entry
from fleetbpf.model.inventory import SshOption
from tests.unit.samples import target

KEY, OTHER = "ab" + "0" * 62, "ab" + "1" * 62


def store(cache: Cache, key: str = KEY, notes: str = "{}") -> Entry:
    with cache.work_folder() as work:
        (work / "loader").write_bytes(b"loader")
        return cache.store(key, work, ("loader",), notes)


def poison(entry: Entry) -> None:
    """Another loader, and a record with its digest: all that can be done without the key."""
    entry.path("loader").write_bytes(b"evil")
    record = json.loads(entry.path(RECORD).read_text())
    record["files"]["loader"] = hashlib.sha256(b"evil").hexdigest()
    entry.path(RECORD).write_text(json.dumps(record))


def test_a_loader_and_its_digest_changed_together_are_not_taken(tmp_path: Path) -> None:
    cache = Cache(root=tmp_path)
    poison(store(cache))
    assert cache.find(KEY) is None
    assert store(cache).path("loader").read_bytes() == b"loader"


def test_a_sealed_entry_is_good_for_its_own_key_only(tmp_path: Path) -> None:
    cache = Cache(root=tmp_path)
    folder = store(cache).folder
    folder.rename(folder.with_name(OTHER))
    assert cache.find(OTHER) is None


def test_what_the_builder_noted_is_sealed_too(tmp_path: Path) -> None:
    cache = Cache(root=tmp_path)
    record = store(cache).path(RECORD)
    record.write_text(record.read_text().replace('"notes":"{}"', '"notes":"[]"'))
    assert cache.find(KEY) is None


def test_the_key_lies_elsewhere_and_is_for_its_owner_alone(tmp_path: Path) -> None:
    key = tmp_path / "state" / "cache.key"
    cache = Cache(root=tmp_path / "cache", key_file=key)
    store(cache)
    assert cache.find(KEY) is not None
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    assert Cache(root=cache.root, key_file=tmp_path / "other.key").find(KEY) is None


def test_a_key_that_others_may_read_is_refused(tmp_path: Path) -> None:
    key = tmp_path / "cache.key"
    key.write_bytes(b"k" * 32)
    key.chmod(0o644)
    with pytest.raises(BuildError, match="others may read it"):
        Cache(root=tmp_path / "cache", key_file=key).store(KEY, tmp_path, (), "")


def test_what_changes_after_it_was_looked_at_is_not_sent(tmp_path: Path) -> None:
    file = tmp_path / "loader.tar.gz"
    file.write_bytes(b"evil")
    with pytest.raises(BuildError, match="not what was built"):
        read_once(file, hashlib.sha256(b"packed").hexdigest())


def plan(inventory: str, where: str = "p") -> SavedPlan:
    return SavedPlan(
        deployment="demo",
        manifest="m.yml",
        inventory=(inventory,),
        limit=None,
        made_by="ann@desk",
        made_at="2026-11-24T12:00:00+00:00",
        basis={},
        hosts={},
        where=where,
    )


def options(*inventory: str) -> argparse.Namespace:
    return argparse.Namespace(
        inventory=list(inventory) or None,
        limit=None,
        manifest=Path("p"),
        prune=False,
        take_over=False,
    )


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where a person works; elsewhere there is more."""
    here = tmp_path / "here"
    (here / "both").mkdir(parents=True)
    for file in (here / "own.sh", here / "both" / "own.sh", tmp_path / "else.sh"):
        file.write_text(f"#!/bin/sh\ntouch {tmp_path}/ran\necho '{{}}'\n")
        file.chmod(0o755)
    for file in (here / "hosts", here / "both" / "hosts", tmp_path / "hosts"):
        file.write_text("web1\n")
    (here / "link").symlink_to(tmp_path / "hosts")
    monkeypatch.chdir(here)
    return here


@pytest.mark.parametrize("source", ["own.sh", "both", "../else.sh", "../hosts", "link"])
def test_a_plan_does_not_say_what_is_executed_here(folder: Path, source: str) -> None:
    with pytest.raises(InputError, match=r"would execute|lies outside") as caught:
        planned.asked(plan(source), options())
    assert f"apply p -i {source}" in caught.value.problems[0].hint
    assert not (folder.parent / "ran").exists()


@pytest.mark.parametrize("source", ["own.sh", "both", "../else.sh", "../hosts", "link"])
def test_who_gives_the_inventory_again_has_it_read(folder: Path, source: str) -> None:
    assert planned.asked(plan(source), options(source)).inventory == (source,)


@pytest.mark.parametrize("source", ["hosts", "web1,web2"])
def test_a_plain_inventory_of_this_folder_needs_not_be_given(folder: Path, source: str) -> None:
    assert planned.asked(plan(source), options()).inventory == (source,)


def test_the_usual_inventory_needs_not_be_given_whatever_it_is(folder: Path) -> None:
    (folder / "inventories").mkdir()
    (folder / "own.sh").rename(folder / "inventories" / "hosts.yml")
    usual = "inventories/hosts.yml"
    assert planned.asked(plan(usual), options()).inventory == (usual,)


@pytest.mark.parametrize("mode", [0o620, 0o602, 0o666])
def test_a_plan_that_others_may_change_is_refused(tmp_path: Path, mode: int) -> None:
    file = tmp_path / "p"
    saved_plan.write(file, plan("hosts"), {})
    file.chmod(mode)
    with pytest.raises(InputError, match="others than you may change this plan"):
        saved_plan.read(file)


def test_all_of_how_a_host_is_reached_is_compared() -> None:
    one = target()
    command = "fleetbpf_become_password_command"
    option = SshOption(keyword="proxycommand", text="id", words=("id",), place="hosts:1")
    hosts = [
        replace(one.host, ssh_options=(option,)),
        replace(one.host, ssh_config_file=Path("/tmp/config")),
        replace(one.host, known_hosts_file=Path("/tmp/known")),
        replace(one.host, variables={command: "id"}),
        replace(one.host, variables={command: "id; id"}),
    ]
    digests = [saved_plan.digest(replace(one, host=host)) for host in (one.host, *hosts)]
    assert len(set(digests)) == len(digests)
