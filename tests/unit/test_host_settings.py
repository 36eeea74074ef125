"""Settings of Ansible: those that act, those that cannot, and who is told about the latter."""

from pathlib import Path

import pytest

from fleetbpf.connections.routes import Routes
from fleetbpf.connections.settings import ConnectionSettings, Operator
from fleetbpf.errors import InputError
from fleetbpf.inventory import inventory
from fleetbpf.manifest import targets
from fleetbpf.model.become import BecomeMethod, BecomeWay
from fleetbpf.model.inventory import ConnectionKind, Host, Inventory

OFF = "StrictHostKeyChecking=no"
UNKNOWN = "fleetbpf refuses unknown host keys, whatever"


def fleet(text: str) -> Inventory:
    return inventory.read_text(text, Path("/fleet/hosts"))


def host(variables: str) -> Host:
    return fleet(f"web1 {variables}").hosts["web1"]


def settings(variables: str) -> ConnectionSettings:
    """How the host is reached by an operator who has configured nothing."""
    operator = Operator(home=Path("/home/me"), user="me", system=Path("/nowhere"))
    return Routes(operator).settings(host(variables))


def hindered(variables: str) -> list[str]:
    """What is told of each obstacle, without the name of its variable."""
    return [problem.what.partition(": ")[2] for problem in host(variables).obstacles]


def test_the_older_names_win_as_with_ansible() -> None:
    found = host("ansible_host=a ansible_ssh_host=b ansible_port=1 ansible_ssh_port=2")

    assert (found.address, found.port) == ("b", 2)


@pytest.mark.parametrize(
    "variables",
    [
        "ansible_python_interpreter=/usr/bin/python3 ansible_pipelining=true ansible_timeout=5",
        "ansible_become_user=root ansible_become_method=sudo ansible_become_flags='-H -S -n'",
        "ansible_become=false ansible_become_user=postgres ansible_become_password=x",
        "ansible_connection=local ansible_ssh_common_args='-J jump' ansible_password=x",
        "ansible_host_key_checking=true ansible_ssh_executable=/usr/bin/ssh",
        "ansible_ssh_args='-C -o ControlMaster=auto -o ControlPersist=60s'",
        "ansible_ssh_args='-o StrictHostKeyChecking=yes -o \"LogLevel ERROR\"'",
        "ansible_ssh_common_args=''",
    ],
)
def test_what_changes_nothing_hinders_nothing(variables: str) -> None:
    assert hindered(variables) == []


@pytest.mark.parametrize(
    ("variables", "what"),
    [
        ("ansible_become_user=postgres", "fleetbpf becomes root, nobody else"),
        ("ansible_become_method=runas", "fleetbpf cannot become root by `runas`"),
        ("ansible_become_flags='-H -u ops'", "fleetbpf does not pass `-u` on to sudo"),
        ("ansible_become_method=su ansible_su_user=ops", "fleetbpf becomes root, nobody else"),
        ("ansible_ssh_args='-oBindAddress=::1'", "fleetbpf cannot do `bindaddress=::1` of ssh"),
        ("ansible_ssh_extra_args='-C -L1:b:2'", "fleetbpf cannot do `-L 1:b:2` of ssh"),
        ("ansible_ssh_args='-A'", "fleetbpf cannot do `-A` of ssh"),
        (f"ansible_ssh_args='-o {OFF}'", f"{UNKNOWN} `{OFF}` says"),
        ("ansible_host_key_checking=false", f"{UNKNOWN} the inventory says"),
        ("ansible_connection=winrm", "fleetbpf has no connection `winrm`"),
        ("ansible_become_user={{dba}}", "fleetbpf becomes root, nobody else"),
        ("ansible_host={{hostvars}}", "the variable `hostvars` is not defined"),
    ],
)
def test_what_fleetbpf_cannot_do_hinders(variables: str, what: str) -> None:
    assert hindered(variables) == [what]


def test_files_in_arguments_for_ssh_are_used_unless_a_variable_names_them() -> None:
    arguments = "ansible_ssh_common_args='-i \"i d\" -o UserKnownHostsFile=known'"
    found = settings(arguments)

    assert found.identity_file == Path("/fleet/i d")
    assert found.known_hosts_files[0] == Path("/fleet/known")
    own = settings(f"{arguments} ansible_ssh_private_key_file=mine")
    assert own.identity_file == Path("/fleet/mine")
    assert own.identity_files == (Path("/fleet/i d"),)


@pytest.mark.parametrize(
    ("variables", "seen"),
    [
        ("ansible_ssh_args='-p 23 -l ops'", {"port": 23, "user": "ops"}),
        ("ansible_ssh_args='-p 23' ansible_port=24 ansible_user=me", {"port": 24, "user": "me"}),
        ("ansible_ssh_extra_args='-o HostName=10.1.1.1'", {"address": "10.1.1.1"}),
        ("ansible_ssh_args='-p 23' ansible_ssh_common_args='-p 24'", {"port": 23}),
        ("ansible_ssh_common_args='-o ProxyCommand=\"nc %h %p\"'", {"proxy_command": "nc web1 22"}),
        ("ansible_paramiko_proxy_command='nc %h %p'", {"proxy_command": "nc web1 22"}),
        ("ansible_ssh_common_args='-o ConnectTimeout=7'", {"connect_timeout": 7.0}),
        ("ansible_ssh_common_args='-F none'", {"port": 22}),
    ],
)
def test_arguments_for_ssh_act(variables: str, seen: dict[str, object]) -> None:
    found = settings(variables)

    assert {name: getattr(found, name) for name in seen} == seen


def test_a_jump_host_in_arguments_is_a_jump_host() -> None:
    found = settings("ansible_ssh_common_args='-J ops@edge:2222,inner'")

    assert found.jump is not None
    assert (found.jump.name, found.jump.user) == ("inner", "me")
    assert found.jump.jump is not None
    edge = found.jump.jump
    assert (edge.address, edge.port, edge.user) == ("edge", 2222, "ops")


def test_the_way_to_become_root_is_told_as_with_ansible() -> None:
    assert host("").become_way == BecomeWay(method=BecomeMethod.SUDO)
    assert host("ansible_become_method=community.general.doas").become_way.program == "doas"
    assert host("ansible_become_flags='-H -S -n'").become_way.flags == ("-H",)
    su = "ansible_become_method=su ansible_su_exe=/opt/su ansible_become_exe=x ansible_su_flags=-"
    assert host(su).become_way == BecomeWay(
        method=BecomeMethod.SU, executable="/opt/su", flags=("-",)
    )


def test_an_inventory_may_hold_hosts_that_only_ansible_can_reach() -> None:
    windows = fleet("web1\n[windows]\nw[1:2]\n[windows:vars]\nansible_connection=winrm\n").hosts

    assert windows["web1"].obstacles == ()
    assert windows["web1"].connection is ConnectionKind.SSH
    [told] = targets.obstacles(windows.values())
    assert told.where == "/fleet/hosts:5:1"
    assert told.what.endswith("fleetbpf has no connection `winrm` (for w1, w2)")


def test_of_our_own_names_a_wrong_value_is_a_mistake() -> None:
    with pytest.raises(InputError, match="fleetbpf has no connection `winrm`"):
        host("fleetbpf_connection=winrm")
