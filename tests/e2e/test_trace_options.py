"""Options that somebody set in the global tracefs, which every new instance inherits."""

import re
from collections.abc import Iterator

import pytest

from tests.e2e.fleet import Fleet
from tests.waiting import wait_until

pytestmark = pytest.mark.lab

MANIFEST = """\
name: options
programs:
  hello: {source: hello.bpf.c}
plays:
  - {hosts: all, programs: [hello], become: true}
"""
# Each changes what a line is; a kernel may lack some.
OPTIONS = "fields stacktrace userstacktrace sym-userobj sym-addr record-tgid raw hex latency-format"
SET = """
grep -q ' /sys/kernel/tracing ' /proc/mounts || mount -t tracefs tracefs /sys/kernel/tracing
for option in OPTIONS; do echo VALUE >/sys/kernel/tracing/options/$option; done 2>/dev/null
cat /sys/kernel/tracing/trace_options
"""


def set_options(fleet: Fleet, host: str, value: str) -> list[str]:
    """The options that are set then."""
    text = SET.replace("OPTIONS", OPTIONS).replace("VALUE", value)
    return fleet.root(host, text).split()


@pytest.fixture
def strange_options(fleet: Fleet) -> Iterator[None]:
    for host in fleet.hosts:
        assert {"stacktrace", "record-tgid", "latency-format"} <= set(set_options(fleet, host, "1"))
    yield
    for host in fleet.hosts:
        assert "stacktrace" not in set_options(fleet, host, "0")


@pytest.mark.usefixtures("strange_options")
def test_options_of_the_global_tracefs_change_no_line(fleet: Fleet) -> None:
    (fleet.folder / "options.yml").write_text(MANIFEST)
    applied = fleet.fleetbpf("apply", "options.yml")
    assert applied.returncode == 0, applied.stderr
    try:
        for host in fleet.hosts:
            fleet.root(host, "sh -c 'exit 0'")
            wait_until(lambda host=host: told(fleet, host), what=f"a line of {host}")  # type: ignore[misc]
    finally:
        assert fleet.fleetbpf("destroy", "options.yml", "--yes").returncode == 0


def told(fleet: Fleet, host: str) -> bool:
    """Whether a whole line says what was executed; each command over SSH is."""
    lines = fleet.fleetbpf("logs", host, "--deployment", "options").stdout.splitlines()
    return any(re.search(r" hello \S+-\d+ \[\d+\] Hello, /[^ ]+sh$", line) for line in lines)
