"""`-e`: variables of the command line, which win over all others."""

from pathlib import Path

import pytest

from fleetbpf.errors import InputError
from fleetbpf.inventory import extra_variables, inventory
from fleetbpf.manifest import manifest, targets


def values(*texts: str) -> dict[str, object]:
    return {name: found.value for name, found in extra_variables.read(texts).items()}


@pytest.mark.parametrize(
    ("texts", "found"),
    [
        (("a=1",), {"a": "1"}),
        (("a=1 b='two words'",), {"a": "1", "b": "two words"}),
        (("a=b=c",), {"a": "b=c"}),
        (("a=",), {"a": ""}),
        (('{"a": 1, "b": [true]}',), {"a": 1, "b": [True]}),
        (("{a: 1}",), {"a": 1}),
        (("a=1", "a=2"), {"a": "2"}),
        (("{a: 1, b: 1}", "a=2"), {"a": "2", "b": 1}),
        ((), {}),
    ],
)
def test_every_form_of_ansible_is_read(texts: tuple[str, ...], found: dict[str, object]) -> None:
    assert values(*texts) == found


@pytest.mark.parametrize("text", ["a: 1\nb: {c: x}\n", '{"a": 1, "b": {"c": "x"}}'])
def test_a_file_is_yaml_or_json(tmp_path: Path, text: str) -> None:
    (tmp_path / "vars").write_text(text)
    assert values(f"@{tmp_path}/vars") == {"a": 1, "b": {"c": "x"}}


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("a", "`a` sets no variable"),
        ("=1", "`=1` sets no variable"),
        ("a-b=1", "`a-b=1` sets no variable"),
        ("a='1", "`a='1` sets no variable"),
        ("", "sets no variable"),
        ("[1]", "expected a mapping of variables, found a list"),
        ("{a: 1", "-e:2:1: not YAML"),
        ("@nothing.yml", "nothing.yml"),
        ("ansible_become_password=x", "is a secret, and every user here can read a command line"),
        ("{fleetbpf_password: x}", "is a secret, and every user here can read a command line"),
    ],
)
def test_what_sets_no_variable_is_told(text: str, what: str) -> None:
    with pytest.raises(InputError, match=what.replace("`", ".")):
        extra_variables.read([text])


def test_all_mistakes_are_told_at_once() -> None:
    with pytest.raises(InputError) as caught:
        extra_variables.read(["a", "b", "c=1"])
    assert len(caught.value.problems) == 2


def test_they_win_over_hosts_groups_and_plays(tmp_path: Path) -> None:
    (tmp_path / "group_vars").mkdir()
    (tmp_path / "group_vars" / "all.yml").write_text("uplink: of-all\n")
    (tmp_path / "hosts").write_text("web1 uplink=of-host ansible_user=ops\n")
    (tmp_path / "p.bpf.c").touch()
    declared = manifest.read_text(
        "name: t\nprograms: {p: {source: p.bpf.c, hooks: {f: 'xdp/{{ uplink }}'}}}\n"
        "plays: [{hosts: all, programs: [p], vars: {uplink: of-play}}]\n",
        tmp_path / "m.yml",
    )
    extra = extra_variables.read(["uplink=eth9", "ansible_user=root"])
    found = inventory.read(tmp_path / "hosts", beside=tmp_path, extra=extra)
    (target,) = targets.resolve(declared, found)
    assert target.programs[0].hooks[0].first_of == ("xdp/eth9",)
    assert target.host.user == "root"
    assert str(target.host.origins["uplink"]) == "-e:1:1"


def test_a_schedule_names_their_files_from_anywhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert extra_variables.absolute(["a=1", "@v.yml"]) == ["a=1", f"@{tmp_path}/v.yml"]
