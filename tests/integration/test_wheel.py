"""The wheel is the product: who installs it has the programs, and can build what the docs show."""

import os
import subprocess
import sys
import sysconfig
import tarfile
import venv
import zipfile
from pathlib import Path

import pytest

from tests.tools import need

ROOT = Path(__file__).parents[2]
EXAMPLES = sorted(path.name for path in (ROOT / "examples").glob("*.yml"))
INVENTORY = """
debian: {hosts: {web1: {}}}
micro: {hosts: {edge[1:3]: {}}}
"""


@pytest.fixture(scope="module")
def dist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the wheel, and the source distribution that it was built from."""
    folder = tmp_path_factory.mktemp("dist")
    words = (sys.executable, "-m", "hatchling", "build", "-d", folder)
    subprocess.run(words, cwd=ROOT, check=True, capture_output=True)
    return folder


@pytest.fixture(scope="module")
def installed(dist: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The command of an environment that has the wheel, and nothing of this clone."""
    need("clang", "bpftool")
    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder, with_pip=False)
    interpreter = folder / "bin" / "python"
    (wheel,) = dist.glob("*.whl")
    words = ("-m", "pip", "--python", interpreter, "install", "--no-deps", "--no-index", wheel)
    subprocess.run([sys.executable, *words], check=True, capture_output=True)
    there = ("-c", "import sysconfig; print(sysconfig.get_path('purelib'))")
    said = subprocess.run([interpreter, *there], check=True, capture_output=True, text=True)
    # What the wheel depends on is here already. How an editable install leads to this clone is told
    # in a file that is read only where it lies.
    (Path(said.stdout.strip()) / "here.pth").write_text(sysconfig.get_path("purelib"))
    return folder / "bin" / "fleetbpf"


@pytest.fixture
def elsewhere(tmp_path: Path, installed: Path) -> Path:
    """A folder with the examples that came with the wheel, and an inventory."""
    (package,) = installed.parents[1].glob("lib/python*/site-packages/fleetbpf")
    for example in (package / "examples").iterdir():
        (tmp_path / example.name).write_bytes(example.read_bytes())
    (tmp_path / "inventories").mkdir()
    (tmp_path / "inventories" / "hosts.yml").write_text(INVENTORY)
    return tmp_path


def run(command: Path, folder: Path, *words: str) -> None:
    environment = {k: v for k, v in os.environ.items() if not k.startswith("PYTHON")}
    said = subprocess.run(
        [command, *words], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    assert said.returncode == 0, said.stdout + said.stderr


def test_both_hold_what_is_no_code(dist: Path) -> None:
    (wheel,) = dist.glob("*.whl")
    (source,) = dist.glob("*.tar.gz")
    inside = set(zipfile.ZipFile(wheel).namelist())
    with tarfile.open(source) as archive:
        brought = {name.partition("/")[2] for name in archive.getnames()}
    for path in subprocess.run(
        ["git", "ls-files", "fleetbpf", "programs", "examples"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    ).stdout.split():
        assert path in brought
        assert (path if path.startswith("fleetbpf/") else f"fleetbpf/{path}") in inside


@pytest.mark.parametrize("example", EXAMPLES)
def test_every_example_is_valid_and_builds(installed: Path, elsewhere: Path, example: str) -> None:
    run(installed, elsewhere, "validate", example)
    run(installed, elsewhere, "build", example)


def test_the_first_manifest_of_the_readme_builds(installed: Path, elsewhere: Path) -> None:
    text = (ROOT / "README.md").read_text()
    for name, language, mark in (
        ("opens.bpf.c", "c", "opened("),
        ("opens.yml", "yaml", "name: opens"),
        ("inventories/hosts.yml", "yaml", "web:\n  hosts:"),
    ):
        blocks = [each.partition("```")[0] for each in text.split(f"```{language}\n")[1:]]
        (block,) = [each for each in blocks if mark in each]
        (elsewhere / name).write_text(block)
    run(installed, elsewhere, "validate", "--build", "opens.yml")
    run(installed, elsewhere, "build", "opens.yml")
