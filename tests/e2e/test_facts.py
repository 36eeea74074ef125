"""Facts of hosts with and without systemd, on four kernels."""

import pytest

from tests import documents
from tests.e2e.fleet import Fleet

pytestmark = pytest.mark.lab

# As docs/hooks.md has it of what attached there.
LACKING = {
    "web1": {"kprobe.multi", "tcx", "netfilter"},
    "edge1": {"kprobe.multi", "tcx", "netfilter", "lsm_cgroup"},
    "edge2": set(),
    "edge3": set(),
}


def test_hosts_say_what_they_are_and_which_hooks_their_kernels_have(fleet: Fleet) -> None:
    said = fleet.fleetbpf("facts", "--json")
    assert said.returncode == 0, said.stderr
    found = {name: row["facts"] for name, row in documents.hosts(said.stdout).items()}
    lacking = {
        name: {hook for hook, there in facts["hooks"].items() if there is False}
        for name, facts in found.items()
    }
    assert lacking == LACKING
    assert (found["web1"]["distribution_id"], found["web1"]["init"]) == ("debian", "systemd")
    assert found["web1"]["hooks"]["lsm"] is True
    assert found["edge1"]["systemd"] is None
    assert all(facts["btf"] and facts["cgroup"] == "v2" for facts in found.values())
    assert all(facts["disk_free"] > 1 << 20 for facts in found.values())
