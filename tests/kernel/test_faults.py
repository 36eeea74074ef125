"""What is killed, cut, full or rebooted in mid-apply: the next apply finishes the job.

`KILLS=1000 CUTS=200 pytest tests/kernel/test_faults.py` does it more often than CI does.
"""

import os
import random
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from fleetbpf.records import records
from tests.kernel.machine import Machine, inventory, machine
from tests.kernel.operators import Operator, Run
from tests.kernel.relay import Relay, relay
from tests.kernel.soundness import assert_sound, assert_without_gap
from tests.tools import need

KILLS = int(os.environ.get("KILLS", "100"))
CUTS = int(os.environ.get("CUTS", "14"))  # of each direction
VARIANTS = 5  # more than a host keeps, so that each upgrade sends its loader anew
FREE = (0, 4, 8, 16, 24, 1500, 2500)  # KiB: for the lock, the payload, files, the loader
PROGRAM = """
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
char LICENSE[] SEC("license") = "GPL";
const volatile int variant = %d;
const volatile int setting = 0;
SEC("raw_tp/sched_process_exec")
int f(void *ctx) { return variant + setting; }
"""
SHOT = 'read -r pid _ </var/lib/fleetbpf/lock/owner && kill -9 "$pid" && echo hit; :'
WAITING = ("--lock-timeout", "120s", "--json")


@dataclass(kw_only=True)
class Site:
    """A machine, its operator, and the manifests of five releases of one deployment."""

    name: str
    machine: Machine
    operator: Operator
    relay: Relay
    programs: tuple[str, ...] = ("a",)
    seconds: float = 0.0  # that an upgrade takes

    def begin(self, variant: int, host: str = "here") -> Run:
        """Start to apply a variant."""
        return self.operator.start("apply", manifest(variant), "--limit", host, *WAITING)

    def finish(self, variant: int) -> None:
        """Apply a variant to its end, and see that all is as it should be."""
        run = self.begin(variant)
        assert run.wait() == 0, run.text()
        (here,) = run.document()["hosts"]
        changes = here["changes"]
        wanted = {change["program"]: change["release"] for change in changes}
        assert wanted.keys() == set(self.programs)
        assert_sound(self.machine, self.name, wanted)

    def prepare(self) -> None:
        """Build all variants, and see how long an upgrade takes."""
        for variant in range(VARIANTS):
            write(self.operator.folder, self.name, variant, self.programs)
            self.finish(variant)
        began = time.monotonic()
        self.finish(0)
        self.seconds = time.monotonic() - began

    def records(self) -> list[records.Record]:
        """All that the programs' loaders have said."""
        self.operator.run("logs", "here", "--json")
        return records.of_host(self.operator.folder / "logs", "here")


def manifest(variant: int) -> str:
    return f"v{variant}.yml"


def write(
    folder: Path, name: str, variant: int, programs: tuple[str, ...], setting: int = 0
) -> None:
    """The manifest of a variant, with its sources."""
    for program in programs:
        (folder / f"{program}{variant}.bpf.c").write_text(PROGRAM % variant)
    entries = "".join(
        f"  {program}: {{source: {program}{variant}.bpf.c, constants: {{setting: {setting}}}}}\n"
        for program in programs
    )
    (folder / manifest(variant)).write_text(
        f"name: {name}\nid: {name}\nprograms:\n{entries}"
        f"plays: [{{hosts: all, programs: [{', '.join(programs)}]}}]\n"
    )


@pytest.fixture(scope="module")
def new_site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Site]]:
    """Makes sites, which end with the tests of this module."""
    need("unshare", "nsenter", "sshd", "clang", "bpftool")
    with ExitStack() as stack:

        def make(name: str, *, size: str = "disk", programs: tuple[str, ...] = ("a",)) -> Site:
            folder = tmp_path_factory.mktemp("operator")
            host = stack.enter_context(machine(tmp_path_factory.mktemp("machine"), size=size))
            way = stack.enter_context(relay(host.port))
            inventory(host, folder, [way.port])
            operator = Operator(folder=folder)
            made = Site(name=name, machine=host, operator=operator, relay=way, programs=programs)
            made.prepare()
            return made

        yield make


@pytest.fixture(scope="module")
def sites(new_site: Callable[..., Site]) -> tuple[Site, Site]:
    """Two, because much of each is waiting."""
    return new_site("left"), new_site("right")


def at_once(*work: Callable[[], None]) -> None:
    """Do all of it, side by side."""
    with ThreadPoolExecutor(len(work)) as pool:
        for done in [pool.submit(each) for each in work]:
            done.result()


def interrupt(site: Site, times: int, fault: Callable[[Run], bool]) -> None:
    """So many times: begin an upgrade, let the fault strike at a random moment, finish the job."""
    struck = 0
    for number in range(1, 10 * times):
        run = site.begin(number % VARIANTS)
        time.sleep(random.uniform(0, site.seconds))
        struck += fault(run)
        site.finish(number % VARIANTS)
        if struck == times:
            return
    raise AssertionError(f"the fault struck {struck} times only")


def kill_fleetbpf(run: Run) -> bool:
    run.kill()
    return run.wait() < 0


def test_fleetbpf_may_be_killed_at_any_moment_of_an_apply(sites: tuple[Site, Site]) -> None:
    at_once(*(lambda site=site: interrupt(site, KILLS // 2, kill_fleetbpf) for site in sites))
    for site in sites:
        assert_without_gap(site.records())


def cuts(total: int) -> list[int]:
    """After how many bytes: the first ones singly, then evenly over the whole session."""
    first = [0, 1, 20, 300]
    return [*first, *(total * n // (CUTS - len(first)) for n in range(1, CUTS - len(first)))]


def cut(site: Site, way: str) -> None:
    """Cut the connection after each of many numbers of bytes in one direction."""
    site.relay.cut_after()
    assert site.begin(1, "by0").wait() == 0
    for number, limit in enumerate(cuts(site.relay.passed[way])):
        variant = (2 + number) % VARIANTS
        site.relay.cut_after(**{way: limit})
        run = site.begin(variant, "by0")
        # A run may need fewer bytes than the first one did.
        assert run.wait() == 4 or site.relay.passed[way] <= limit, (limit, run.text())
        site.finish(variant)


def test_the_connection_may_be_cut_at_any_byte(sites: tuple[Site, Site]) -> None:
    at_once(lambda: cut(sites[0], "up"), lambda: cut(sites[1], "down"))
    for site in sites:
        assert_without_gap(site.records())


def test_the_script_on_the_host_may_be_killed_at_any_moment(new_site: Callable[..., Site]) -> None:
    site = new_site("shot", programs=("a", "b"))

    def kill_script(run: Run) -> bool:
        shot = site.machine.run(SHOT)
        run.wait()
        return bool(shot)

    interrupt(site, max(KILLS // 16, 1), kill_script)
    assert_without_gap(site.records())


def test_the_host_may_be_rebooted_at_any_moment(new_site: Callable[..., Site]) -> None:
    site = new_site("booted", programs=("a", "b"))

    def reboot(run: Run) -> bool:
        site.machine.reboot()
        return run.wait() != 0

    interrupt(site, max(KILLS // 30, 1), reboot)


def test_a_disk_that_is_full_at_any_stage_leaves_the_old_release_running(
    new_site: Callable[..., Site],
) -> None:
    site = new_site("full", size="12m")
    for number, free in enumerate(FREE):
        before = site.machine.loaders()
        variant = 0 if free < 1000 else 1 + number % 2
        write(site.operator.folder, site.name, variant, site.programs, setting=number)
        fill(site.machine, free)
        run = site.begin(variant)
        if run.wait() != 0:
            assert site.machine.loaders() == before, run.text()
            assert "space" in run.text() or "disk" in run.text(), run.text()
        site.machine.run("rm /var/lib/ballast")
        site.finish(variant)
    assert_without_gap(site.records())


def fill(machine: Machine, free: int) -> None:
    """Leave so many KiB of its disk."""
    machine.run(
        "set -- $(stat -f -c '%a %S' /var/lib)\n"
        f"head -c $(($1 * $2 - {free} * 1024)) /dev/zero >/var/lib/ballast"
    )


def test_two_operators_at_once_both_get_their_way_or_are_told(sites: tuple[Site, Site]) -> None:
    site = sites[0]
    runs = [site.begin(variant) for variant in (2, 3)]
    codes = [run.wait() for run in runs]
    said = "".join(run.text() for run in runs)
    assert 0 in codes, said
    assert codes.count(0) == 2 or "changed since the plan" in said, said
    site.finish(4)


def test_two_deployments_at_once_do_not_disturb_each_other(sites: tuple[Site, Site]) -> None:
    site = sites[0]
    site.finish(0)
    write(site.operator.folder, "other", 8, ("z",))
    runs = [site.begin(1), site.begin(8)]
    assert [run.wait() for run in runs] == [0, 0], [run.text() for run in runs]
    gone = site.operator.run("destroy", manifest(8), "--yes", "--limit", "here")
    assert gone.wait() == 0, gone.text()
    site.finish(1)


def hold(site: Site, owner: str) -> Path:
    """Lock the host in the name of `owner`; the folder of the lock."""
    folder = site.machine.root / ".lock.1"
    folder.mkdir()
    lines = (owner, "ann@desk", "2026-11-24T12:00:00Z", "apply hello.yml")
    (folder / "owner").write_text("".join(f"{line}\n" for line in lines))
    (site.machine.root / "lock").symlink_to(folder.name)
    return folder


def test_what_a_script_killed_at_its_end_has_left_goes_though_nothing_is_to_do(
    sites: tuple[Site, Site],
) -> None:
    site = sites[0]
    site.finish(3)
    folder = hold(site, "1 1 another-boot")
    (folder / ".stage").mkdir()
    (folder / ".stage" / "script").write_text("sent")
    site.finish(3)


def test_a_second_operator_without_patience_reads_whose_work_it_is(
    sites: tuple[Site, Site],
) -> None:
    site = sites[0]
    born = site.machine.run("sed 's/.*) //' /proc/1/stat | cut -d ' ' -f 20").strip()
    boot = (site.machine.folder / "boot_id").read_text().strip()
    hold(site, f"1 {born} {boot}")
    refused = site.operator.run("apply", manifest(2), "--limit", "here", "--lock-timeout", "0s")
    held = site.operator.run("unlock", "here")
    forced = site.operator.run("unlock", "here", "--force")
    assert (refused.wait(), held.wait(), forced.wait()) == (1, 1, 0)
    assert "at work on this host: ann@desk" in refused.text()
    assert "apply hello.yml; pid 1 there" in held.text()
    assert "removed the lock of one who is at work: ann@desk" in forced.text()
    site.finish(2)
