"""`fleetbpf schedule`: audits that happen by themselves."""

import argparse
import os
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from fleetbpf.cli.options import (
    add_common,
    add_inventory,
    add_manifest,
    inventory_sources,
    load_manifest,
)
from fleetbpf.cli.output import Output
from fleetbpf.errors import ExitCode, InputError, Problem
from fleetbpf.files import homes, named_files

if TYPE_CHECKING:
    from fleetbpf.audit.schedule import Schedule, ScheduledAudit
    from fleetbpf.model.manifest import Manifest

SUMMARY = "install, list or remove the audits that manifests declare (systemd timer or crontab)"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    verbs = parser.add_subparsers(title="verbs", dest="verb", metavar="VERB", required=True)
    install = verbs.add_parser("install", help="audit at the times of the manifest's audit.cron")
    add_manifest(install)
    add_inventory(install)
    shown = verbs.add_parser("list", help="show what is installed here")
    remove = verbs.add_parser("remove", help="audit no longer")
    add_manifest(remove)
    for verb in (install, shown, remove):
        add_common(verb, nested=True)


def run(options: argparse.Namespace, output: Output) -> ExitCode:
    """Do what the verb says."""
    schedule = here()
    match options.verb:
        case "install":
            return install(options, output, schedule)
        case "list":
            return show(output, schedule)
        case _:
            return remove(options, output, schedule)


def here() -> "Schedule":
    """This machine's way to start commands at their times."""
    from fleetbpf.audit.schedule import CrontabSchedule, SystemdSchedule
    from fleetbpf.execution.local import LocalConnection

    runner = LocalConnection()
    if not Path("/run/systemd/system").is_dir():
        return CrontabSchedule(runner=runner)
    if os.geteuid() == 0:
        return SystemdSchedule(runner=runner, units=Path("/etc/systemd/system"), user=False)
    config = Path(os.environ.get("XDG_CONFIG_HOME") or homes.home() / ".config")
    return SystemdSchedule(runner=runner, units=config / "systemd" / "user", user=True)


def install(options: argparse.Namespace, output: Output, schedule: "Schedule") -> ExitCode:
    """Install the audit of a manifest; one that is there already is replaced."""
    audit = scheduled(options, load_manifest(options))
    schedule.install(audit)
    warn_without_cron(output, schedule)
    output.line(f"{audit.name}: {audit.when}, reports under {audit.folder / 'reports'}")
    output.document({"name": audit.name, "when": audit.when, "runs": audit.words})
    return ExitCode.DONE


def warn_without_cron(output: Output, schedule: "Schedule") -> None:
    """A crontab that nobody reads starts nothing."""
    from fleetbpf.audit.schedule import CrontabSchedule, cron_runs

    if isinstance(schedule, CrontabSchedule) and not cron_runs():
        output.warning(
            "no cron daemon runs on this machine, so nothing will be audited until one does: "
            "apt-get install cron; service cron start"
        )


def scheduled(options: argparse.Namespace, manifest: "Manifest") -> "ScheduledAudit":
    """The audit that a manifest declares, with every path made absolute."""
    from fleetbpf.audit.schedule import ScheduledAudit
    from fleetbpf.inventory import extra_variables

    file = options.manifest.resolve()
    if manifest.audit is None or manifest.audit.cron is None:
        hint = 'add `audit: {cron: "17 * * * *"}` to it'
        raise InputError(Problem(where=str(file), what="has no audit.cron", hint=hint))
    tail = ["audit", str(file), "--report"]
    for source in inventory_sources(options):
        tail += ["--inventory", absolute(source)]
    for text in extra_variables.absolute(options.extra_vars or ()):
        tail += ["--extra-vars", text]
    if any("\n" in word for word in tail):
        raise InputError(Problem(where=str(file), what="its path has a line end in it"))
    return ScheduledAudit.of(
        manifest.name,
        file,
        when=manifest.audit.cron,
        words=(*program(), *tail),
        folder=Path.cwd(),
    )


def absolute(source: str) -> str:
    """A source of an inventory, from any folder; a list of hosts as it is."""
    path = Path(source)
    return source if "," in source and not named_files.exists(path) else str(path.resolve())


def program() -> tuple[str, ...]:
    """How to start this fleetbpf again, from any folder."""
    installed = shutil.which("fleetbpf", path=str(Path(sys.executable).parent))
    return (installed,) if installed else (sys.executable, "-m", "fleetbpf")


def show(output: Output, schedule: "Schedule") -> ExitCode:
    """List the audits that are installed."""
    found = schedule.list()
    for name, when in found:
        output.line(f"{name}  {when}")
    output.document({"audits": [{"name": name, "when": when} for name, when in found]})
    return ExitCode.DONE


def remove(options: argparse.Namespace, output: Output, schedule: "Schedule") -> ExitCode:
    """Remove the audit of a manifest file, which may be gone itself; fine when there is none."""
    from fleetbpf.audit.schedule import named

    place = options.manifest
    gone = [name for name, _ in schedule.list() if named(name, place) and schedule.remove(name)]
    for name in gone:
        output.line(f"{name}: removed")
    output.document({"removed": gone})
    if not gone:
        output.progress(f"{place}: nothing was scheduled")
    return ExitCode.DONE
