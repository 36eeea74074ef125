"""Facts for people: what a host's answer means."""

from collections.abc import Sequence

import pytest

from fleetbpf.host import hook_evidence, survey
from fleetbpf.model.layout import HostLayout
from tests.answers import told

ROWS = [
    ("kernel", "6.1.0-50-cloud-amd64"),
    ("cpus_online", "0-3,6"),
    ("memory_total", "480256"),
    ("disk", "4096 1000 250"),
    ("disk_options", "rw,noexec,relatime"),
    ("cgroup2", "/sys/fs/cgroup"),
    ("lockdown", "none [integrity] confidentiality"),
    ("lsms", "lockdown,capability,bpf"),
    ("perf_event_paranoid", "-1"),
    ("btf", "yes"),
    ("interface", "eth0"),
    ("interface", "lo"),
    ("config", "BPF_LSM=y"),
    ("config", "BPF_JIT=a=b"),
    ("kallsyms", "yes"),
    *(("function", name) for name in hook_evidence.HOOKS["lsm"]),
    ("function", "register_kprobe"),
    ("of a later script", "x"),
]


def parse(rows: Sequence[tuple[str, ...]]) -> survey.Facts:
    return told(survey.SURVEY, HostLayout(), *rows)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("kernel", "6.1.0-50-cloud-amd64"),
        ("cpus_online", 5),
        ("memory_total", 480256 * 1024),
        ("disk_total", 4_096_000),
        ("disk_free", 1_024_000),
        ("disk_noexec", True),
        ("cgroup", "v2"),
        ("lockdown", "integrity"),
        ("lsms", ("lockdown", "capability", "bpf")),
        ("perf_event_paranoid", -1),
        ("btf", True),
        ("interfaces", ("eth0", "lo")),
        ("config", {"BPF_LSM": "y", "BPF_JIT": "a=b"}),
        ("systemd", None),
        ("tracefs", None),
        ("lock", None),
    ],
)
def test_facts_are_values_by_name_and_what_was_not_told_is_none(name: str, value: object) -> None:
    assert parse(ROWS)[name] == value


def test_a_host_that_says_nothing_has_facts_all_the_same() -> None:
    assert parse([])["kernel"] is None
    assert set(parse([])["hooks"].values()) == {None}


def test_a_hook_is_there_if_all_the_functions_behind_it_are() -> None:
    found = parse(ROWS)["hooks"]
    assert {name for name, there in found.items() if there} == {"fentry", "fmod_ret", "lsm"}


@pytest.mark.parametrize(
    ("btf", "lsms", "there"),
    [(True, ("bpf",), True), (True, ("yama",), False), (True, None, None), (False, None, False)],
)
def test_security_hooks_need_btf_and_their_module(
    btf: bool, lsms: tuple[str, ...] | None, there: bool | None
) -> None:
    found = hook_evidence.hooks(hook_evidence.FUNCTIONS, btf=btf, lsms=lsms)
    assert found["lsm"] is there


def test_a_filter_is_globs_of_names_and_any_will_do() -> None:
    facts = parse(ROWS)
    assert list(survey.filtered(facts, ["kernel", "disk_*"])) == [
        "kernel",
        "disk_noexec",
        "disk_total",
        "disk_free",
    ]
    assert survey.filtered(facts, []) == facts
