"""`fleetbpf check`: each kernel judges each program, on its own host, and nothing of it stays."""

import shutil
from pathlib import Path
from typing import Any

import pytest

from tests import documents
from tests.e2e.fleet import Fleet

pytestmark = pytest.mark.lab

PROGRAMS = Path(__file__).parents[1] / "kernel" / "programs"
STATES = """\
#include "vmlinux.h"
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

struct task_struct___old {
	long state;
} __attribute__((preserve_access_index));

SEC("raw_tp/sched_switch")
int on_switch(void *ctx)
{
	struct task_struct *task = (void *)bpf_get_current_task();

	if (bpf_core_field_exists(task->__state))
		return BPF_CORE_READ(task, __state);
	return BPF_CORE_READ((struct task_struct___old *)task, state);
}

char LICENSE[] SEC("license") = "GPL";
"""
MANIFEST = """\
name: judged
programs:
  refused: {source: refused.bpf.c}
  states: {source: states.bpf.c}
plays:
  - {hosts: edge1:web1, programs: [refused, states], become: true}
"""


def test_kernels_judge_and_keep_nothing(fleet: Fleet) -> None:
    shutil.copy(PROGRAMS / "refused.bpf.c", fleet.folder)
    (fleet.folder / "states.bpf.c").write_text(STATES)
    (fleet.folder / "judged.yml").write_text(MANIFEST)
    before = fleet.root("edge1", "ls -A /var/lib")

    said = fleet.fleetbpf("check", "judged.yml", "--json")

    assert said.returncode == 1, said.stderr
    checks: list[dict[str, Any]] = documents.read(said.stdout)["checks"]
    verdicts = {(each["program"], each["kernel"][:4]): each["verdict"] for each in checks}
    assert verdicts == {
        ("refused", "5.10"): "refused",
        ("states", "5.10"): "ok",
        ("refused", "6.1."): "refused",
        ("states", "6.1."): "ok",
    }
    found = [each for each in checks if each["program"] == "states"]
    lacking = {each["kernel"][:4]: [lost["what"] for lost in each["missing"]] for each in found}
    assert lacking == {"5.10": ["task_struct.__state"], "6.1.": ["task_struct.state"]}
    assert "refused reads_anywhere" in said.stderr
    assert fleet.root("edge1", "ls -A /var/lib") == before
