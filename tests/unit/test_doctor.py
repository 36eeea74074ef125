"""What is missing on a machine, and the command that installs it."""

from dataclasses import replace
from pathlib import Path

import pytest

from fleetbpf.build import doctor, requirements
from fleetbpf.build.doctor import Finding
from fleetbpf.build.requirements import Family
from fleetbpf.lab import tools

OS_RELEASES = {
    'PRETTY_NAME="Debian GNU/Linux 12"\nID=debian\n': Family.DEBIAN,
    "ID=ubuntu\nID_LIKE=debian\n": Family.UBUNTU,
    "ID=linuxmint\nID_LIKE='ubuntu debian'\n": Family.UBUNTU,
    "ID=raspbian\nID_LIKE=debian\n": Family.DEBIAN,
    "ID=fedora\n": Family.FEDORA,
    'ID="rocky"\nID_LIKE="rhel centos fedora"\n': Family.FEDORA,
    'ID="centos"\n': Family.FEDORA,
    "ID=manjaro\nID_LIKE=arch\n": Family.ARCH,
    "ID=gentoo\n": None,
    "": None,
}


@pytest.mark.parametrize(("text", "family"), OS_RELEASES.items())
def test_a_distribution_is_known_by_its_id_or_by_what_it_is_like(
    text: str, family: Family | None
) -> None:
    assert requirements.family(text) is family


def test_the_cure_installs_all_that_is_missing_at_once_and_each_package_once() -> None:
    missing = [
        Finding(requirement=item, problem="missing")
        for item in (requirements.BPFTOOL, requirements.CC, requirements.LIBC)
    ]
    assert doctor.cure(missing, "ID=debian\n") == ("sudo apt-get install -y bpftool gcc libc6-dev")
    assert doctor.cure(missing, "ID=fedora\n") == "sudo dnf install -y bpftool gcc glibc-static"
    assert doctor.cure(missing, "ID=arch\n") == "sudo pacman -S --needed bpf gcc glibc"


def test_a_distribution_without_a_known_command_gets_the_names() -> None:
    missing = [Finding(requirement=requirements.CLANG, problem="missing")]
    assert "clang" in doctor.cure(missing, "ID=gentoo\n")


def test_nothing_missing_needs_no_cure() -> None:
    fine = [Finding(requirement=requirements.CLANG, path=Path("/usr/bin/clang"))]
    assert doctor.cure(fine, "ID=debian\n") == ""


def test_every_requirement_has_a_package_for_every_distribution() -> None:
    for requirement in requirements.BUILD + requirements.LAB:
        for family in Family:
            assert requirement.packages[family], (requirement.name, family)


CLANG = Finding(requirement=requirements.CLANG, path=Path("/usr/bin/clang"), version="14.0.6")


@pytest.mark.parametrize(
    ("finding", "problem"),
    [
        (CLANG, ""),
        (replace(CLANG, version="11.0"), ""),
        (replace(CLANG, version="10.0.1"), "version 10.0.1 is too old, 11 is needed"),
        (replace(CLANG, version=""), "version ? is too old, 11 is needed"),
        (replace(CLANG, path=None), "missing"),
    ],
)
def test_a_tool_is_judged_by_its_presence_and_version(finding: Finding, problem: str) -> None:
    assert doctor.judge(finding).problem == problem


def test_what_only_the_lab_needs_does_not_block_builds() -> None:
    lab = Finding(requirement=requirements.LAB[0], problem="missing")
    build = Finding(requirement=requirements.CLANG, problem="missing")
    assert not lab.blocks_builds
    assert build.blocks_builds


def test_library_versions_are_read_from_the_preprocessors_answer() -> None:
    said = b'libbpf.a = 1 1\nlibelf.a = 0 188\nlibz.a = "1.2.13"\nint puts(const char *);\n'
    assert doctor.library_versions(said) == {
        "libbpf.a": "1.1",
        "libelf.a": "0.188",
        "libz.a": "1.2.13",
    }


def test_what_a_tool_says_of_itself_does_not_name_its_folder() -> None:
    said = "/usr/sbin/bpftool v7.1.0\nusing libbpf v1.1"
    assert doctor.identity(said, Path("/usr/sbin/bpftool")) == "bpftool v7.1.0\nusing libbpf v1.1"
    clang = "clang version 14\nInstalledDir: /opt/llvm/bin"
    assert doctor.identity(clang, Path("/opt/llvm/bin/clang")) == "clang version 14"


def test_the_doctor_looks_for_all_that_the_lab_asks_for() -> None:
    wanted = {*tools.ALWAYS, *(name for names in tools.BY_KIND.values() for name in names)}
    assert wanted <= {requirement.name for requirement in requirements.LAB}
