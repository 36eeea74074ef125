"""A passing deployment: how it is limited, where it is refused, what is counted."""

import json
from pathlib import Path

from fleetbpf.deploy import passing
from fleetbpf.deploy.passing import MARGIN, Tale
from fleetbpf.deploy.prepare import Prepared
from fleetbpf.model.layout import Workspace
from tests.unit.samples import host_facts, placed, release, running, target


def refused(**changes: object) -> list[str]:
    there = placed(release(), running(release(), **changes))
    prepared = Prepared(target=target(), seen=host_facts(there), changes=())
    return [str(problem) for problem in passing.in_the_way(prepared, "demo")]


def test_every_program_ends_by_itself_some_time_after() -> None:
    (limited,) = passing.limited([target()], seconds=1.5)
    assert [program.expires for program in limited.programs] == [2 + MARGIN]


def test_a_deployment_that_is_there_is_in_the_way_whether_it_runs_or_not() -> None:
    assert "the deployment demo is there already: hello" in refused()[0]
    assert len(refused(running_object="")) == 1


def test_what_has_expired_is_in_nobodys_way() -> None:
    assert refused(running_object="", expires_in=-1.0) == []


def spool(folder: Path, *records: dict[str, object]) -> None:
    """What a host's spool holds once it is collected."""
    header = {"fleetbpf": 1, "clock_offset_ns": 0, "start_ns": 1}
    place = folder / "logs" / "web1" / "demo" / "hello" / "r1"
    place.mkdir(parents=True)
    text = "".join(json.dumps(record) + "\n" for record in (header, *records))
    (place / "00000001.log").write_text(text)


def test_what_came_in_this_run_is_counted_and_told(tmp_path: Path) -> None:
    line = {"time": 5, "kind": "trace", "cpu": 0, "pid": 1, "comm": "sh", "text": "x"}
    lost = {"time": 6, "kind": "lost", "place": "kernel", "count": 7}
    spool(tmp_path, line, line)
    told: list[str] = []
    workspace = Workspace(folder=tmp_path)
    tale = Tale(
        ["web1"], deployment="demo", workspace=workspace, tell=lambda r: told.append(r.kind)
    )
    before = tmp_path / "logs" / "web1" / "demo" / "hello" / "r1"
    before.rename(before.with_name("r1@then"))  # as a collection does with a spool made anew
    spool(tmp_path, line, lost)
    tale.news("web1")
    assert told == ["trace", "lost"]
    assert (tale.records["web1", "hello"], tale.lost["web1", "hello"]) == (1, 7)
