"""A lying host among honest ones: each command tells the honest as if the liar were not there."""

import importlib.util
import shlex
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from fleetbpf import cli
from fleetbpf.cli.envelope import STREAMS
from tests import documents
from tests.hostile.floods import FLOODS
from tests.hostile.liars import LIES
from tests.hostile.small_fleet import HONEST, LIAR, serving
from tests.tools import absent, need

pytestmark = pytest.mark.ssh
SOURCE = Path(__file__).parents[2] / "programs" / "hello.bpf.c"
COMMANDS = (
    "plan m.yml",
    "check m.yml",
    "apply m.yml",
    "status m.yml",
    "logs all",
    "maps all hello",
    "rollback m.yml",
    "history all",
    "destroy m.yml --yes",
    "unlock all",
    "facts all",
    "audit m.yml",
)
FINE = {0, 3}  # what an honest fleet ends with; 3: an audit has findings
LATE = ("", "late-")
TOLD = {*FINE, 1}  # with a liar that fails
STAYS = {"destroy m.yml --yes": {1}}  # what simulated hosts have stays there, and is told


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder with a manifest and an inventory, while its hosts are up."""
    need("clang", "bpftool", "cc")
    if importlib.util.find_spec("asyncssh") is None:
        absent("asyncssh is not installed here")
    folder = tmp_path_factory.mktemp("fleet")
    with serving(folder):
        yield folder


@pytest.fixture
def folder(fleet: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An operator's own folder, five levels deep: what a traversal reaches is a test's as well."""
    own = tmp_path / "a" / "b" / "c" / "d" / "operator"
    own.mkdir(parents=True)
    (own / "hello.bpf.c").write_text(SOURCE.read_text())
    (own / "m.yml").write_text(
        "name: demo\nid: demo\nprograms: {hello: {source: hello.bpf.c}}\n"
        "plays: [{hosts: all, programs: [hello]}]\n"
    )
    monkeypatch.chdir(own)
    monkeypatch.setenv("FLEETBPF_INVENTORY", str(fleet / "hosts.yml"))
    return tmp_path


def run(line: str, capsys: pytest.CaptureFixture[str]) -> tuple[int, Any]:
    """The exit code, and the document with what is the same each time."""
    code = cli.main([*shlex.split(line), "--json"])
    out = capsys.readouterr().out
    if line.split(maxsplit=1)[0] not in STREAMS:
        return code, documents.read(out)
    records, document = documents.stream(out)
    return code, {**document, "records": records}


def of_honest(told: Any) -> Any:
    """What a document tells of the honest hosts."""
    match told:
        case {"records": list(records)}:
            return [record for record in records if record["host"] in HONEST]
        case {"findings": list(found)}:
            return [finding for finding in found if finding["host"] in HONEST]
        case {"checks": list(checks)}:
            return [
                (each["program"], each["verdict"], sorted({*each["hosts"]} - {LIAR}))
                for each in checks
                if {*each["hosts"]} & {*HONEST}
            ]
        case _:
            return [row for row in told["hosts"] if row["host"] in HONEST]


@pytest.mark.parametrize("line", COMMANDS)
def test_the_honest_are_told_as_if_the_liar_were_not_there(
    fleet: Path, folder: Path, capsys: pytest.CaptureFixture[str], line: str
) -> None:
    (fleet / "lie").write_text("")
    code, truth = run(line, capsys)
    assert code in STAYS.get(line, FINE)
    before = contents(folder)
    for lie in LIES:
        (fleet / "lie").write_text(lie)
        shutil.rmtree(Path("logs", LIAR), ignore_errors=True)
        code, told = run(line, capsys)
        assert (lie, of_honest(told)) == (lie, of_honest(truth))
        assert (lie, contents(folder)) == (lie, before)
        assert code in TOLD
    (fleet / "lie").write_text("")
    assert run(line, capsys)[0] in STAYS.get(line, FINE)


@pytest.mark.parametrize("line", COMMANDS)
def test_the_honest_are_told_as_if_ten_endless_liars_were_not_there(
    fleet: Path, folder: Path, capsys: pytest.CaptureFixture[str], line: str
) -> None:
    """They stand before the honest; half of them are honest about their facts, and lie later."""
    for inventory in ("honest.yml", "floods.yml"):
        (folder / inventory).write_text((fleet / inventory).read_text())
    floods = [f"{late}{name}" for name, flood in FLOODS.items() if not flood.waits for late in LATE]
    chosen = ",".join((*floods, *HONEST))
    code, truth = run(f"{line} -i {folder / 'honest.yml'}", capsys)
    assert code in STAYS.get(line, FINE)
    code, told = run(f"{line} -i {folder / 'floods.yml'} --limit {chosen}", capsys)
    assert of_honest(told) == of_honest(truth)
    assert code in TOLD - {0}


def contents(folder: Path) -> dict[Path, bytes]:
    """All files but those of the liar and the locks."""
    return {
        path: path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and LIAR not in path.parts and path.name != ".lock"
    }
