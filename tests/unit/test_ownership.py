"""Which manifest a deployment is of: clones are one, a namesake is another, and both are named."""

import subprocess
from pathlib import Path

import pytest

from fleetbpf.audit import audit
from fleetbpf.errors import HostError
from fleetbpf.host import facts
from fleetbpf.host.facts import FACTS, Question
from fleetbpf.model.layout import HostLayout
from fleetbpf.model.origin import Origin
from fleetbpf.plan import git_repository, ownership
from fleetbpf.plan.ownership import Owner
from tests.answers import read
from tests.hostile import honest
from tests.tools import need
from tests.unit.samples import host_facts, placed, release

MINE = Origin(file="/home/ann/fleet/hello.yml", who="ann@desk")
OTHER = Origin(file="/home/bob/test/hello.yml", who="bob@lap")


def manifest(folder: Path, name: str = "hello.yml") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / name
    file.touch()
    return file


def identify(file: Path, own_id: str = "") -> Origin:
    return ownership.identify(file, own_id=own_id, who="ann@desk")


def clone(folder: Path, url: str, remote: str = "origin") -> Path:
    """What git leaves of a clone, as far as it matters."""
    (folder / ".git").mkdir(parents=True)
    text = f'[core]\n\tbare = false\n[remote "{remote}"]\n\turl = {url}\n\tfetch = +refs\n'
    (folder / ".git" / "config").write_text(text)
    return folder


def owner(origin: Origin = MINE, *, take_over: bool = False) -> Owner:
    return Owner(deployment="demo", origin=origin, take_over=take_over)


def owned_by(origin: Origin) -> object:
    return host_facts(placed(release()), origins={"demo": origin})


ADDRESSES = (
    "https://github.com/acme/fleet.git",
    "https://github.com/Acme/fleet/",
    "https://x-token:secret@github.com/acme/fleet",
    "git@github.com:acme/fleet.git",
    "ssh://git@ssh.github.com:443/acme/fleet.git",
    "work-github:acme/fleet.git",
)


@pytest.mark.parametrize("url", ADDRESSES, ids=range(len(ADDRESSES)))
def test_clones_of_one_repository_are_one_manifest_however_they_were_made(
    tmp_path: Path, url: str
) -> None:
    other = identify(manifest(clone(tmp_path / "ann", "git@github.com:acme/fleet") / "prod"))
    mine = identify(manifest(clone(tmp_path / "bob" / "src", url) / "prod"))
    assert mine.repository == "acme/fleet"
    assert mine.path == "prod/hello.yml"
    assert mine.is_same(other)
    assert mine.is_noted_by(other)


def test_a_clone_made_by_git_is_the_repository_that_it_was_cloned_from(tmp_path: Path) -> None:
    need("git")
    git = ("git", "-c", "user.name=a", "-c", "user.email=a@b")
    first = manifest(tmp_path / "first" / "deep").parent.parent
    subprocess.run([*git, "init", "-q", first], check=True)
    subprocess.run([*git, "-C", first, "add", "."], check=True)
    subprocess.run([*git, "-C", first, "commit", "-q", "-m", "x"], check=True)
    subprocess.run([*git, "clone", "-q", first, tmp_path / "second"], check=True)
    subprocess.run([*git, "-C", first, "worktree", "add", "-q", tmp_path / "third"], check=True)
    files = [tmp_path / each / "deep" / "hello.yml" for each in ("first", "second", "third")]
    assert len({(identify(file).repository, identify(file).path) for file in files}) == 1


@pytest.mark.parametrize("other", ["staging/hello.yml", "prod/other.yml"])
def test_two_files_of_one_repository_are_two_manifests(tmp_path: Path, other: str) -> None:
    top = clone(tmp_path / "fleet", ADDRESSES[0])
    mine, namesake = manifest(top / "prod"), top / other
    assert not identify(mine).is_same(identify(manifest(namesake.parent, namesake.name)))


def test_the_same_path_in_two_repositories_is_two_manifests(tmp_path: Path) -> None:
    mine = identify(manifest(clone(tmp_path / "a", "https://example.com/acme/fleet")))
    assert not mine.is_same(
        identify(manifest(clone(tmp_path / "b", "https://example.com/b/fleet")))
    )


def test_without_a_repository_the_path_decides(tmp_path: Path) -> None:
    mine = identify(manifest(tmp_path / "a"))
    assert mine.is_same(identify(tmp_path / "b" / ".." / "a" / "hello.yml"))
    assert not mine.is_same(identify(manifest(tmp_path / "b")))


def test_an_id_decides_where_both_have_one_and_may_come_later(tmp_path: Path) -> None:
    first, second = manifest(tmp_path / "a"), manifest(tmp_path / "b")
    assert identify(first, "x").is_same(identify(second, "x"))
    assert not identify(first, "x").is_same(identify(first, "y"))
    assert identify(first, "x").is_same(identify(first))
    assert not identify(first, "x").is_noted_by(identify(first))


def test_a_repository_s_files_may_be_anything_else(tmp_path: Path) -> None:
    (tmp_path / ".git").write_text("gitdir: /nowhere/\0\xff\n")
    assert git_repository.read_remotes(tmp_path) == {}
    assert identify(manifest(tmp_path)).path == "hello.yml"


def test_a_name_that_is_no_text_survives_the_way_to_the_host_and_back(tmp_path: Path) -> None:
    origin = identify(manifest(tmp_path / "caf\udce9 \n\x1b[2J"))
    answer = f"uid\t0\nmanifest\tdemo\t{origin.line}\n"
    seen = read(FACTS, Question(deployment="demo"), f"fleetbpf\tfacts\n{answer}end\n".encode())
    assert seen.origins == {"demo": origin}


@pytest.mark.parametrize("line", ["", "{", '{"file": 5}', "[]", '{"id": "', "null"])
def test_a_torn_file_names_nobody(line: str) -> None:
    answer = f"fleetbpf\tfacts\nuid\t0\nmanifest\tdemo\t{line}\nend\n".encode()
    assert read(FACTS, Question(deployment="demo"), answer).origins == {}


def test_facts_tell_whose_each_deployment_is() -> None:
    answer = f"fleetbpf\tfacts\n{honest.FACTS}end\n".encode()
    seen = read(FACTS, Question(layout=HostLayout()), answer)
    assert seen.origins["demo"].file == "/work/m.yml"
    assert not list(facts.unusable(seen, host="web1"))


def test_a_namesake_is_refused_with_both_names_and_the_cure() -> None:
    with pytest.raises(HostError) as caught:
        owner().check(owned_by(OTHER), host="web1")  # type: ignore[arg-type]
    [problem] = caught.value.problems
    assert str(problem).startswith(
        "web1: the deployment demo is of another manifest there: `/home/bob/test/hello.yml`, "
        "applied by bob@lap; this one is `/home/ann/fleet/hello.yml`"
    )
    assert "--take-over" in problem.hint


def test_one_takes_over_who_says_so_and_the_host_is_told() -> None:
    owner(take_over=True).check(owned_by(OTHER), host="web1")  # type: ignore[arg-type]
    assert not owner(take_over=True).is_noted(owned_by(OTHER))  # type: ignore[arg-type]


def test_what_nobody_owns_and_what_holds_nothing_is_anybody_s() -> None:
    nothing = host_facts(origins={"demo": OTHER})
    unknown = host_facts(placed(release()))
    for seen in (nothing, unknown):
        owner().check(seen, host="web1")
    assert owner().is_noted(nothing)
    assert not owner().is_noted(unknown)


def test_an_audit_finds_that_the_deployment_is_another_s() -> None:
    mine = release()
    seen = host_facts(placed(mine), origins={"demo": OTHER})
    found = audit.findings("web1", "demo", [mine], seen, (), layout=HostLayout(), owner=owner())
    assert [(each.kind, each.program) for each in found] == [(audit.Kind.OWNED, "")]
    assert "bob@lap" in found[0].what
