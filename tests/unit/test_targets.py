"""Manifest × inventory × limit."""

from pathlib import Path

import pytest

from fleetbpf.errors import InputError
from fleetbpf.inventory import inventory
from fleetbpf.manifest import manifest, targets
from fleetbpf.model.inventory import Inventory
from fleetbpf.model.manifest import Manifest
from fleetbpf.model.target import DesiredConstant, DesiredHook, DesiredProgram, Target

FLEET = """\
web:
  hosts:
    web1: {uplink: eth0, limit: 10, paths: "/opt/it's $(x)"}
    web2: {uplink: eth1, limit: 20, fleetbpf_become: false, paths: "/a\\nb"}
db: {hosts: {db1: {limit: 5}}}
"""
PROGRAMS = """\
name: test
programs:
  plain: {source: plain.bpf.c}
  drop:
    source: drop.bpf.c
    hooks: {on_open: "uprobe/{{ paths }}:main"}
    constants: {device: "{{ uplink }}", limit: "{{ limit }}", label: "n={{ limit }}"}
"""


def fleet() -> Inventory:
    return inventory.read_text(FLEET, Path("hosts.yml"))


def declared(folder: Path, plays: str) -> Manifest:
    for name in ("plain.bpf.c", "drop.bpf.c"):
        (folder / name).touch()
    return manifest.read_text(f"{PROGRAMS}plays:\n{plays}", folder / "m.yml")


def resolve(folder: Path, plays: str, limit: str | None = None) -> tuple[Target, ...]:
    return targets.resolve(declared(folder, plays), fleet(), limit=limit)


def problems(folder: Path, plays: str, limit: str | None = None) -> list[str]:
    with pytest.raises(InputError) as caught:
        resolve(folder, plays, limit)
    return [str(problem).replace(f"{folder}/", "") for problem in caught.value.problems]


def test_every_host_gets_its_own_values(tmp_path: Path) -> None:
    first, second = resolve(tmp_path, "  - {hosts: web, programs: [drop]}\n")

    assert first.programs[0] == DesiredProgram(
        name="drop",
        source=tmp_path / "drop.bpf.c",
        hooks=(DesiredHook(function="on_open", first_of=("uprobe//opt/it's $(x):main",)),),
        constants=(
            DesiredConstant(path=("device",), value="eth0"),
            DesiredConstant(path=("limit",), value=10),
            DesiredConstant(path=("label",), value="n=10"),
        ),
        where=f"{tmp_path}/m.yml:4:3",
    )
    assert second.programs[0].hooks[0].first_of == ("uprobe//a\nb:main",)


def test_a_play_says_how_long_its_programs_run(tmp_path: Path) -> None:
    plays = "  - {hosts: web1, programs: [drop], expires: 1h30m}\n"
    (target,) = resolve(tmp_path, plays)

    assert target.programs[0].expires == 5400


def test_variables_of_a_play_win_over_those_of_the_host(tmp_path: Path) -> None:
    plays = '  - {hosts: web1, programs: [drop], vars: {uplink: "{{ inventory_hostname }}0"}}\n'
    (target,) = resolve(tmp_path, plays)

    assert target.programs[0].constants[0].value == "web10"


def test_a_host_in_several_plays_gets_all_their_programs_once(tmp_path: Path) -> None:
    plays = """\
  - {hosts: web, programs: [drop]}
  - {hosts: all, programs: [plain], become: true}
  - {hosts: web1, programs: [drop, plain]}
"""
    found = resolve(tmp_path, plays)

    assert [(target.host.name, [each.name for each in target.programs]) for target in found] == [
        ("web1", ["plain", "drop"]),
        ("web2", ["plain", "drop"]),
        ("db1", ["plain"]),
    ]


def test_the_host_decides_about_become_before_its_plays(tmp_path: Path) -> None:
    plays = (
        "  - {hosts: all, programs: [plain], become: true}\n  - {hosts: all, programs: [plain]}\n"
    )
    found = resolve(tmp_path, plays)

    assert [target.become for target in found] == [True, False, True]


def test_other_values_for_the_same_program_name_both_plays(tmp_path: Path) -> None:
    plays = """\
  - {hosts: web, programs: [drop]}
  - {hosts: web, programs: [drop], vars: {limit: 10}}
"""
    (problem,) = problems(tmp_path, plays)

    assert problem == (
        "m.yml:10:5: the program `drop` gets other values here than in the play at m.yml:9:5"
        " (for web2)\n"
        "  hint: one host runs a program once: give it a second name, or the plays different hosts"
    )


def test_an_undefined_variable_is_told_once_for_all_hosts(tmp_path: Path) -> None:
    (problem,) = problems(
        tmp_path,
        "  - {hosts: web:db, programs: [drop], vars: {paths: /a, uplnk: x, uplink: '{{ uplnc }}'}}",
    )

    assert problem == (
        "m.yml:7:25: the variable `uplnc` is not defined (for web1, web2, db1)\n"
        "  hint: did you mean `uplnk`?"
    )


def test_a_rendered_hook_that_is_none_is_told(tmp_path: Path) -> None:
    (problem,) = problems(
        tmp_path, "  - {hosts: web1, programs: [drop], vars: {paths: relative/path}}\n"
    )

    assert problem.startswith("m.yml:6:22: the path `relative/path` is not absolute (for web1)")


def test_a_constant_rendered_to_a_structure_is_set_part_by_part(tmp_path: Path) -> None:
    plays = "  - {hosts: web1, programs: [drop], vars: {uplink: {names: [a, b], on: yes}}}\n"
    (target,) = resolve(tmp_path, plays)

    first = [(each.name, each.value) for each in target.programs[0].constants[:3]]
    assert first == [("device.names[0]", "a"), ("device.names[1]", "b"), ("device.on", True)]


def test_a_constant_rendered_to_nothing_is_told(tmp_path: Path) -> None:
    (problem,) = problems(tmp_path, "  - {hosts: web1, programs: [drop], vars: {uplink: 1.5}}\n")

    assert problem.startswith("m.yml:7:25: a constant is a boolean, a whole number")
    assert "found a fraction (for web1)" in problem


def test_unknown_names_empty_plays_and_missing_sources_are_told_together(tmp_path: Path) -> None:
    found = declared(
        tmp_path, "  - {hosts: wep, programs: [plain]}\n  - {hosts: 'zz*', programs: [plain]}\n"
    )
    (tmp_path / "plain.bpf.c").unlink()

    with pytest.raises(InputError) as caught:
        targets.resolve(found, fleet(), limit="nope1")

    assert [problem.what for problem in caught.value.problems] == [
        "no group or host is called `wep`",
        "the host pattern `zz*` matches no host",
        "no group or host is called `nope1`",
        "the source file `plain.bpf.c` does not exist",
    ]


def test_a_folder_of_btf_that_is_none_is_told(tmp_path: Path) -> None:
    play = "  - {hosts: web, programs: [plain]}\nbtf: btfhub\n"

    (problem,) = problems(tmp_path, play)

    assert problem.startswith("m.yml:10:6: the folder `btfhub` does not exist")


def test_a_limit_takes_only_its_hosts(tmp_path: Path) -> None:
    found = resolve(tmp_path, "  - {hosts: all, programs: [plain]}\n", limit="web:!web2")

    assert [target.host.name for target in found] == ["web1"]


def test_a_limit_beside_all_plays_is_told(tmp_path: Path) -> None:
    (problem,) = problems(tmp_path, "  - {hosts: web, programs: [plain]}\n", limit="db1")

    assert problem == "--limit: no play of m.yml names a host of `db1`"


def test_hosts_are_known_without_rendering(tmp_path: Path) -> None:
    found = declared(tmp_path, "  - {hosts: db, programs: [drop], become: true}\n")

    assert [(host.name, become) for host, become in targets.hosts(found, fleet())] == [
        ("db1", True)
    ]


def test_with_all_of_the_inventory_hosts_that_no_play_names_come_last_and_get_nothing(
    tmp_path: Path,
) -> None:
    plays = (
        "  - {hosts: web2, programs: [plain]}\n  - {hosts: web1, programs: [plain], become: true}\n"
    )
    found = targets.resolve(declared(tmp_path, plays), fleet(), scope=targets.Scope.ALL)
    assert [(target.host.name, len(target.programs)) for target in found] == [
        ("web1", 1),
        ("web2", 1),
        ("db1", 0),
    ]
    assert (found[-1].become, found[-1].rollout.play) == (True, 2)


def test_a_limit_narrows_the_hosts_that_no_play_names(tmp_path: Path) -> None:
    plays = declared(tmp_path, "  - {hosts: web, programs: [plain]}\n")
    found = targets.resolve(plays, fleet(), limit="db1", scope=targets.Scope.ALL)
    assert [target.host.name for target in found] == ["db1"]
