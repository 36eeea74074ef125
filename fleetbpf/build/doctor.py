"""What this machine has of what a build needs: found, too old, or missing, and how to get it."""

import os
import re
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from fleetbpf.build import requirements
from fleetbpf.build.requirements import Requirement
from fleetbpf.execution.command import Command
from fleetbpf.execution.local import LocalConnection
from fleetbpf.frozen import frozen

VERSION = re.compile(r"\d+(?:\.\d+)+")
SYSTEM_FOLDERS = "/usr/local/sbin:/usr/sbin:/sbin"  # bpftool and sshd, not on a user's PATH
OS_RELEASE = Path("/etc/os-release")

# The libraries' own words for their versions, through the preprocessor: no pkg-config needed, and
# a missing header shows here rather than in the middle of a build.
LIBRARY_VERSIONS = b"""
#if __has_include(<bpf/libbpf.h>) && __has_include(<bpf/libbpf_version.h>)
#include <bpf/libbpf_version.h>
libbpf.a = LIBBPF_MAJOR_VERSION LIBBPF_MINOR_VERSION
#elif __has_include(<bpf/libbpf.h>)
libbpf.a = 0 0
#endif
#if __has_include(<libelf.h>) && __has_include(<elfutils/version.h>)
#include <elfutils/version.h>
libelf.a = 0 _ELFUTILS_VERSION
#elif __has_include(<libelf.h>)
libelf.a =
#endif
#if __has_include(<zlib.h>)
#include <zlib.h>
libz.a = ZLIB_VERSION
#endif
#if __has_include(<stdio.h>)
#include <stdio.h>
libc.a = __GLIBC__ __GLIBC_MINOR__
#endif
"""
LIBRARY_LINE = re.compile(rb"^(\w+\.a) =(.*)$", re.MULTILINE)


@frozen
class Finding:
    """One requirement as it is on this machine."""

    requirement: Requirement
    path: Path | None = None  # None: missing
    version: str = ""
    identity: str = ""  # all that the tool says about its version: what a build key needs
    problem: str = ""  # "missing", "version 0.5 is too old, 1.0 is needed"; "" = fine

    @property
    def blocks_builds(self) -> bool:
        """Whether no program can be built because of it."""
        return bool(self.problem) and not self.requirement.optional


def examine(
    required: Sequence[Requirement] = (*requirements.BUILD, requirements.LLD, *requirements.LAB),
) -> tuple[Finding, ...]:
    """Look for everything in `required` on this machine, in that order."""
    with LocalConnection() as here:
        cc = compiler()
        libraries = find_libraries(here, cc) if cc is not None else {}
        return tuple(judge(libraries.get(item.name) or find_tool(here, item)) for item in required)


def judge(finding: Finding) -> Finding:
    """The finding with what is wrong about it, if anything is."""
    minimum = finding.requirement.minimum
    if finding.path is None:
        return replace(finding, problem="missing")
    numbers = tuple(int(number) for number in finding.version.split(".") if number.isdigit())
    if minimum and numbers < minimum:
        wanted = ".".join(map(str, minimum))
        return replace(
            finding, problem=f"version {finding.version or '?'} is too old, {wanted} is needed"
        )
    return finding


def cure(findings: Sequence[Finding], os_release: str) -> str:
    """The command that installs what has a problem, on the distribution of that os-release."""
    wrong = [finding.requirement for finding in findings if finding.problem]
    return requirements.install_command(wrong, requirements.family(os_release)) if wrong else ""


def os_release() -> str:
    """The text that says which distribution this is; empty where there is none."""
    return OS_RELEASE.read_text(encoding="utf-8") if OS_RELEASE.exists() else ""


def which(name: str) -> Path | None:
    """The command `name` on the PATH or in the system's folders, which a user's PATH leaves out."""
    found = shutil.which(name, path=f"{os.environ.get('PATH', os.defpath)}:{SYSTEM_FOLDERS}")
    return Path(found).absolute() if found else None


def compiler() -> Path | None:
    """The C compiler of this machine."""
    return which("cc") or which("gcc")


def command_of(requirement: Requirement) -> Path | None:
    """Where the tool for `requirement` is."""
    match requirement.name:
        case "cc":
            return compiler()
        case "clang":
            return which("clang") or newest("clang")
        case "bpftool":
            return ubuntu_bpftool() or which("bpftool")
        case "ld.lld":
            return which("ld.lld") or newest("ld.lld")
        case name:
            return which(name)


def newest(tool: str) -> Path | None:
    """The newest `TOOL-NN` of LLVM, for machines that have no plain one."""
    names = (f"{tool}-{number}" for number in range(40, requirements.CLANG.minimum[0] - 1, -1))
    return next((path for path in map(which, names) if path is not None), None)


def ubuntu_bpftool() -> Path | None:
    """The real bpftool on Ubuntu, where `bpftool` is a script that asks for the kernel's."""
    found = Path("/usr/lib/linux-tools").glob("*/bpftool")
    return max(found, key=lambda path: path.stat().st_mtime, default=None)


def find_tool(here: LocalConnection, requirement: Requirement) -> Finding:
    """Where a tool is, and which version; the version of what only the lab uses is not asked."""
    path = None if requirement.name.endswith(".a") else command_of(requirement)
    if path is None or requirement in requirements.LAB:
        return Finding(requirement=requirement, path=path)
    words = ("version",) if requirement.name == "bpftool" else ("--version",)
    done = here.run(Command(path, *words), timeout=60.0)
    said = done.stdout.decode(errors="replace").strip()
    found = VERSION.search(said)
    return Finding(
        requirement=requirement,
        path=path if done.status == 0 else None,
        version=found[0] if found else "",
        identity=identity(said, path),
    )


def identity(said: str, path: Path) -> str:
    """What a tool says about its version, without the folders of this machine."""
    lines = (line for line in said.splitlines() if not line.startswith("InstalledDir"))
    return "\n".join(lines).replace(str(path), path.name)


def find_libraries(here: LocalConnection, cc: Path) -> Mapping[str, Finding]:
    """The static libraries that the C compiler finds, with the versions their headers tell."""
    versions = library_versions(
        here.run(Command(cc, "-E", "-P", "-"), stdin=LIBRARY_VERSIONS, timeout=60.0).stdout
    )
    libraries = [item for item in requirements.BUILD if item.name.endswith(".a")]
    return {item.name: find_library(here, cc, item, versions) for item in libraries}


def library_versions(preprocessed: bytes) -> Mapping[str, str]:
    """The versions in the preprocessor's answer; a library without headers is not in it."""
    lines = LIBRARY_LINE.findall(preprocessed)
    return {name.decode(): ".".join(text.decode().replace('"', "").split()) for name, text in lines}


def find_library(
    here: LocalConnection, cc: Path, requirement: Requirement, versions: Mapping[str, str]
) -> Finding:
    """Where a static library is; missing too when only its headers or only its archive is there."""
    path = archive(here, cc, requirement.name)
    version = versions.get(requirement.name)
    if path is None or version is None:
        return Finding(requirement=requirement)
    return Finding(requirement=requirement, path=path, version=version, identity=version)


def archive(here: LocalConnection, cc: Path, name: str) -> Path | None:
    """The file that `-static -l…` would link; None when there is none."""
    said = here.run(Command(cc, f"-print-file-name={name}"), timeout=60.0).stdout.decode().strip()
    # gcc answers with the bare name when it finds nothing.
    return Path(said).resolve() if said and Path(said).is_absolute() else None
