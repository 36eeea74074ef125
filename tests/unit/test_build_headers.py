"""The headers that the package ships."""

import re

from fleetbpf.compilation import HEADERS

SCRIPT = (HEADERS / "regenerate.sh").read_text()
KERNEL_TYPES = (HEADERS / "x86_64" / "vmlinux.h").read_text()


def test_the_kernels_types_are_those_that_the_script_would_make() -> None:
    said = dict(re.findall(r"^(package|version|sha256)=(\S+)$", SCRIPT, re.MULTILINE))
    head = KERNEL_TYPES[:1000]
    assert f"package: {said['package']} {said['version']}" in head
    assert f"sha256:  {said['sha256']}" in head


def test_the_kernels_types_have_what_kprobes_and_newer_programs_need() -> None:
    for text in ("struct pt_regs {", "enum uprobe_task_state", "bpf_task_from_pid(", "__ksym"):
        assert text in KERNEL_TYPES, text
