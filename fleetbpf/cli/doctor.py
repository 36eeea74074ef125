"""`fleetbpf doctor`: what this machine has of what fleetbpf needs, and how to get the rest."""

import argparse
from typing import TYPE_CHECKING

from fleetbpf.cli.output import Output
from fleetbpf.errors import ExitCode

if TYPE_CHECKING:
    from fleetbpf.build.doctor import Finding

SUMMARY = "say what builds and the lab need, what is missing here, and how to install it"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Take no arguments but the common ones."""


def run(_options: argparse.Namespace, output: Output) -> ExitCode:
    """Look for every tool and try a static link; fail when a build would lack something."""
    from fleetbpf.build import doctor

    findings = examine()
    needed = [finding for finding in findings if finding.blocks_builds]
    optional = [finding for finding in findings if finding.problem and not finding.blocks_builds]
    system = doctor.os_release()
    code = ExitCode.FAILED if needed else ExitCode.DONE
    output.table(("tool", "version", "found", "needed for"), [row(item) for item in findings])
    tell("for builds", doctor.cure(needed, system), output)
    tell("for the lab and other architectures (optional)", doctor.cure(optional, system), output)
    output.document(
        {
            "tools": [document(finding) for finding in findings],
            "install": doctor.cure(needed, system),
            "install_optional": doctor.cure(optional, system),
            "exit_code": int(code),
        }
    )
    return code


def examine() -> "tuple[Finding, ...]":
    """Every tool, and whether a static link works once all that it takes is there."""
    from fleetbpf.build import doctor, static_link, toolchain

    findings = doctor.examine()
    if any(finding.blocks_builds for finding in findings):
        return findings
    found, _ = toolchain.survey()
    return (*findings, static_link.examine(found))


def row(finding: "Finding") -> tuple[str, str, str, str]:
    """One line of the table."""
    found = finding.problem or str(finding.path)
    return (finding.requirement.name, finding.version, found, finding.requirement.needed_for)


def tell(what: str, command: str, output: Output) -> None:
    """Say how to install what is missing."""
    if command:
        output.line()
        output.line(f"to install what is missing {what}:")
        output.line(f"  {command}")


def document(finding: "Finding") -> dict[str, object]:
    """One tool for the JSON document."""
    return {
        "tool": finding.requirement.name,
        "path": finding.path,
        "version": finding.version,
        "needed_for": finding.requirement.needed_for,
        "optional": finding.requirement.optional,
        "problem": finding.problem,
    }
