"""Manifests that are right."""

from pathlib import Path

import pytest

from fleetbpf.errors import InputError
from fleetbpf.manifest import manifest
from fleetbpf.model.hook_entry import HookEntry
from fleetbpf.model.manifest import Manifest

FULL = """\
name: exec-audit
programs:
  hello:
    source: hello.bpf.c
    hooks:
      say_hello: tp/syscalls/sys_enter_execve
      on_open: [kprobe/do_sys_openat2+4, "kprobe/{{ function }}"]
    constants: {min_uid: 1000, flag: yes, text: "it's \\"$(x)\\"\\n"}
    maps: {calls: {every: 10s}}
    trace: {buffer: 1MiB}
    requires: {kernel: ">= 5.10", btf: true}
    limits: {memory: 64MiB, cpu: 20%, spool: 1GiB}
plays:
  - hosts: web:&prod
    programs: [hello]
    become: true
    vars: {function: do_unlinkat}
audit:
  cron: "@daily"
  known: [{name: "sd_*", owner: systemd}, {name: x}]
"""


def full() -> Manifest:
    return manifest.read_text(FULL, Path("hello.yml"))


def test_hooks_are_canonical_and_always_lists() -> None:
    found = full().programs["hello"].hooks
    assert [entry.first_of for entry in found["say_hello"]] == [
        ("tracepoint/syscalls/sys_enter_execve",)
    ]
    assert [entry.first_of for entry in found["on_open"]] == [
        ("kprobe/do_sys_openat2+0x4",),
        ("kprobe/{{ function }}",),
    ]


@pytest.mark.parametrize(
    ("written", "entry"),
    [
        ("{hook: kprobe/f, optional: true}", HookEntry(first_of=("kprobe/f",), optional=True)),
        ("{kprobe: f, unless: g}", HookEntry(first_of=("kprobe/f",), unless="g")),
        ("{xdp: eth0, mode: skb}", HookEntry(first_of=("xdp/eth0@skb",))),
        ("{hook: xdp/eth0, mode: native}", HookEntry(first_of=("xdp/eth0@native",))),
        ('{xdp: "{{ uplink }}", mode: skb}', HookEntry(first_of=("xdp/{{ uplink }}@skb",))),
        ("{uprobe: /bin/x:main, pid: 12}", HookEntry(first_of=("uprobe//bin/x:main@12",))),
        ("{iter: task, every: 1m}", HookEntry(first_of=("iter/task@60s",))),
        ("{cgroup/connect4: /a}", HookEntry(first_of=("cgroup/connect4//a",))),
        (
            "{first_of: [fentry/f, {kprobe: f}]}",
            HookEntry(first_of=("fentry/f", "kprobe/f")),
        ),
        ("{unless: g}", HookEntry(unless="g")),
        ("load", HookEntry(load=True)),
    ],
)
def test_a_hook_may_be_a_mapping(written: str, entry: HookEntry) -> None:
    text = FULL.replace('[kprobe/do_sys_openat2+4, "kprobe/{{ function }}"]', written)
    found = manifest.read_text(text, Path("hello.yml"))
    assert found.programs["hello"].hooks["on_open"] == (entry,)


def test_what_is_allowed_has_one_name() -> None:
    text = FULL.replace(
        "constants:", "allow: [raw_tp.w, cgroup/bind4, bpf_send_signal]\n    constants:"
    )
    found = manifest.read_text(text, Path("hello.yml"))
    assert found.programs["hello"].allow == ("raw_tracepoint.w", "cgroup", "bpf_send_signal")


def test_constants_keep_type_and_text() -> None:
    assert full().programs["hello"].constants == {
        "min_uid": 1000,
        "flag": True,
        "text": 'it\'s "$(x)"\n',
    }


def test_quantities_are_numbers() -> None:
    program = full().programs["hello"]

    assert program.maps["calls"].every == 10.0
    assert program.trace.buffer == 1024 * 1024
    assert (program.limits.memory, program.limits.cpu) == (64 * 1024 * 1024, 20)
    assert (program.requires.kernel, program.requires.btf) == (">=5.10", True)


def test_what_is_left_out_has_a_default() -> None:
    text = "name: a\nprograms: {p: {source: p.bpf.c}}\nplays: [{hosts: all, programs: [p]}]\n"
    found = manifest.read_text(text, Path("a.yml"))

    assert found.programs["p"].trace.buffer == 4 * 1024 * 1024
    assert found.programs["p"].limits.spool == 256 * 1024 * 1024
    assert (found.plays[0].become, found.audit.cron, found.audit.known) == (False, None, ())


def test_a_cron_time_has_five_fields_whatever_was_written() -> None:
    assert full().audit.cron == "0 0 * * *"


def test_a_manifest_knows_where_its_parts_were_written() -> None:
    assert full().place("programs", "hello") == "hello.yml:3:3"
    assert full().value_place("plays", 0, "hosts") == "hello.yml:14:12"


def test_every_name_in_a_manifest_may_look_like_a_boolean_or_a_number() -> None:
    text = "name: 'on'\nprograms: {no: {source: p.bpf.c}, 1: {source: p.bpf.c}}\n"
    text += "plays: [{hosts: all, programs: ['no', '1']}]\n"

    assert tuple(manifest.read_text(text, Path("a.yml")).programs) == ("no", "1")


@pytest.mark.parametrize("name", ["my prog.bpf.c", "it's.bpf.c", "$(reboot).bpf.c", "a\nb.bpf.c"])
def test_a_source_beside_the_manifest_is_found_whatever_its_name(tmp_path: Path, name: str) -> None:
    (tmp_path / name).touch()
    shown = name.replace("\n", "\\n")
    text = (
        f'name: a\nprograms: {{p: {{source: "{shown}"}}}}\nplays: [{{hosts: all, programs: [p]}}]\n'
    )
    found = manifest.read_text(text, tmp_path / "a.yml")

    assert manifest.locate(found, "p") == tmp_path / name


def test_a_source_is_looked_for_in_programs_of_the_working_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "programs").mkdir()
    (tmp_path / "programs" / "hello.bpf.c").touch()
    monkeypatch.chdir(tmp_path)

    assert manifest.locate(full(), "hello") == tmp_path / "programs" / "hello.bpf.c"


def test_a_source_that_is_a_folder_is_none(tmp_path: Path) -> None:
    (tmp_path / "nothere.bpf.c").mkdir()
    text = FULL.replace("hello.bpf.c", "nothere.bpf.c")
    found = manifest.read_text(text, tmp_path / "a.yml")

    assert [problem.where for problem in manifest.missing_sources(found)] == [
        f"{tmp_path}/a.yml:4:13"
    ]


def test_a_missing_source_is_told_with_the_places_that_were_searched(tmp_path: Path) -> None:
    found = manifest.read_text(FULL.replace("hello.bpf.c", "nope.bpf.c"), tmp_path / "a.yml")

    (problem,) = manifest.missing_sources(found)

    assert problem.what == "the source file `nope.bpf.c` does not exist"
    assert f"{tmp_path}/nope.bpf.c" in problem.hint
    assert f"{Path.cwd()}/programs/nope.bpf.c" in problem.hint


def test_a_manifest_does_not_change() -> None:
    with pytest.raises(ValueError, match="frozen"):
        full().name = "other"  # type: ignore[misc]


def test_mistakes_of_yaml_and_of_the_format_are_told_together() -> None:
    with pytest.raises(InputError) as caught:
        manifest.read_text("name: a\nname: b\nplay: []\n", Path("a.yml"))

    assert [problem.where for problem in caught.value.problems] == [
        "a.yml:1:1",
        "a.yml:1:1",
        "a.yml:2:1",
        "a.yml:3:1",
    ]
