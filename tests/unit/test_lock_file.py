"""What developers and CI install: versions and hashes, of all that pyproject.toml names."""

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
PYTHONS = ("3.11", "3.12", "3.13", "3.14")
REGENERATE = "./dev lock"


def locked() -> Iterator[tuple[Requirement, list[str]]]:
    """Each requirement of the lock file, with its hashes."""
    text = (ROOT / "requirements-dev.lock").read_text()
    lines = re.sub(r" *\\\n *", " ", text).splitlines()
    for line in lines:
        if line.strip() and not line.lstrip().startswith("#"):
            requirement, *hashes = line.split(" --hash=")
            yield Requirement(requirement), [each.strip() for each in hashes]


def named() -> Iterator[Requirement]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    yield from map(Requirement, project["dependencies"])
    yield from map(Requirement, project["optional-dependencies"]["dev"])


@pytest.mark.parametrize("python", PYTHONS)
@pytest.mark.parametrize("wanted", [*named()], ids=str)
def test_what_the_project_names_is_locked_for_every_python(
    wanted: Requirement, python: str
) -> None:
    environment = {"python_version": python, "python_full_version": f"{python}.0"}
    found = [
        next(iter(each.specifier)).version
        for each, _ in locked()
        if canonicalize_name(each.name) == canonicalize_name(wanted.name)
        and (each.marker is None or each.marker.evaluate(environment))
    ]
    assert len(found) == 1, f"run {REGENERATE}"
    assert wanted.specifier.contains(found[0], prereleases=True), f"run {REGENERATE}"


def test_every_locked_version_has_its_hashes() -> None:
    for requirement, hashes in locked():
        assert re.fullmatch(r"==[^,*]+", str(requirement.specifier)), requirement
        assert hashes, requirement
        assert all(re.fullmatch(r"sha256:[0-9a-f]{64}", each) for each in hashes), requirement


def test_the_lock_file_leaves_the_index_to_whoever_installs() -> None:
    assert not re.search(
        r"://|--(extra-)?index|--find-links", (ROOT / "requirements-dev.lock").read_text()
    )


def test_the_tools_install_by_hashes_only() -> None:
    installs = re.findall(r"pip\" install (.*)", (ROOT / "dev").read_text())
    assert [line for line in installs if "--require-hashes" in line]
    assert not [line for line in installs if not re.search("--require-hashes|--no-deps|uv==", line)]
