"""The headers that the package ships."""

import re

import pytest

from fleetbpf.build.compilation import HEADERS
from fleetbpf.model.architecture import Architecture

SCRIPT = (HEADERS / "regenerate.sh").read_text()


def kernel_types(architecture: Architecture) -> str:
    return (HEADERS / architecture / "vmlinux.h").read_text()


@pytest.mark.parametrize("architecture", Architecture)
def test_the_kernels_types_are_those_that_the_script_would_make(architecture: Architecture) -> None:
    said = dict(re.findall(r"^(package|version)=(\S+)$", SCRIPT, re.MULTILINE))
    choices = re.findall(r"^(\S+)\)\n\tdebian=(\S+)\n\tsha256=(\S+)$", SCRIPT, re.MULTILINE)
    (chosen,) = [each for each in choices if each[0] == architecture]
    package = said["package"].replace("$debian", chosen[1])
    head = kernel_types(architecture)[:1000]
    assert f"package: {package} {said['version']}" in head
    assert f"sha256:  {chosen[2]}" in head


@pytest.mark.parametrize(
    ("architecture", "registers"),
    [(Architecture.X86_64, "struct pt_regs {"), (Architecture.ARM64, "struct user_pt_regs {")],
)
def test_the_kernels_types_have_what_kprobes_and_newer_programs_need(
    architecture: Architecture, registers: str
) -> None:
    for text in (registers, "enum uprobe_task_state", "bpf_task_from_pid(", "__ksym"):
        assert text in kernel_types(architecture), text
