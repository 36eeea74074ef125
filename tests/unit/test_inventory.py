"""Inventories that are right."""

from pathlib import Path

import pytest

from fleetbpf.errors import InputError
from fleetbpf.inventory import inventory
from fleetbpf.model.inventory import ConnectionKind, Host, Inventory

PATH = Path("/fleet/hosts.yml")
CASES = Path(__file__).parent.parent / "cases"


def fleet(text: str) -> Inventory:
    return inventory.read_text(text, PATH)


def host(variables: str) -> Host:
    return fleet(f"all: {{hosts: {{web1: {{{variables}}}}}}}").hosts["web1"]


@pytest.mark.parametrize(
    ("key", "names"),
    [
        ("web[1:3]", ["web1", "web2", "web3"]),
        ("web[08:10]", ["web08", "web09", "web10"]),
        ("web[01:07:3]", ["web01", "web04", "web07"]),
        ("db[a:c].example.com", ["dba.example.com", "dbb.example.com", "dbc.example.com"]),
        ("r[1:2]h[a:b]", ["r1ha", "r1hb", "r2ha", "r2hb"]),
        ("web[:2]", ["web0", "web1", "web2"]),
        ("x[y:B]", ["xy", "xz", "xA", "xB"]),
        ("fe80::1", ["fe80::1"]),
        ("[fe80::1]:2222", ["fe80::1"]),
        ("web[1:2]:2222", ["web1", "web2"]),
        ("web#1%ä", ["web#1%ä"]),
    ],
)
def test_a_key_stands_for_its_hosts(key: str, names: list[str]) -> None:
    assert list(fleet(f'all: {{hosts: {{"{key}": }}}}').hosts) == names


def test_a_port_in_a_key_counts_unless_the_variables_say_otherwise() -> None:
    hosts = fleet('all: {hosts: {"a:77": , "[::1]:78": , "b:79": {ansible_port: 80}}}').hosts

    assert {name: each.port for name, each in hosts.items()} == {"a": 77, "::1": 78, "b": 80}


def test_a_host_without_variables_is_reached_by_its_name() -> None:
    assert host("") == Host(name="web1", address="web1")


def test_our_names_win_over_those_of_ansible() -> None:
    found = host("fleetbpf_host: a, ansible_host: b, ansible_user: c, ansible_port: '22'")

    assert (found.address, found.user, found.port) == ("a", "c", 22)


@pytest.mark.parametrize(
    ("text", "become"), [("yes", True), ("'no'", False), ("False", False), ("", None)]
)
def test_become_is_a_boolean_or_its_text(text: str, become: bool | None) -> None:
    assert host(f"ansible_become: {text}").become is become


def test_a_relative_path_is_relative_to_the_inventory() -> None:
    found = host("fleetbpf_known_hosts_file: lab/known_hosts, fleetbpf_identity_file: /k e y")

    assert found.known_hosts_file == Path("/fleet/lab/known_hosts")
    assert found.identity_file == Path("/k e y")


@pytest.mark.parametrize(
    ("name", "kind"),
    [("local", ConnectionKind.LOCAL), ("ssh", ConnectionKind.SSH), ("smart", ConnectionKind.SSH)],
)
def test_a_connection_is_local_or_ssh(name: str, kind: ConnectionKind) -> None:
    assert host(f"ansible_connection: {name}").connection is kind


def test_settings_may_be_templates_over_the_variables_of_the_host() -> None:
    found = host('ansible_host: "{{ inventory_hostname }}.{{ domain }}", domain: example.com')

    assert found.address == "web1.example.com"


def test_host_wins_over_child_wins_over_parent_wins_over_all() -> None:
    found = inventory.read(CASES / "patterns" / "inventory.yml").hosts

    assert {name: found[name].variables["v"] for name in ("lone", "web1", "web9", "zz")} == {
        "lone": "all",
        "web1": "web",
        "web9": "h",
        "zz": "prod",
    }
    assert found["www01"].variables["w"] == "host"


def test_of_groups_at_one_depth_the_later_name_wins_unless_a_priority_says_otherwise() -> None:
    text = """
a: {hosts: {x: }, vars: {v: a, w: a, ansible_group_priority: 2}}
b: {hosts: {x: }, vars: {v: b}}
c: {hosts: {x: }, vars: {w: c, u: c}}
b2: {hosts: {x: }, vars: {u: b2}}
"""
    assert fleet(text).hosts["x"].variables == {"v": "a", "w": "a", "u": "c"}


def test_a_host_that_comes_up_twice_is_one_host() -> None:
    found = fleet("a: {hosts: {x: {u: 1, v: 1}}}\nb: {hosts: {x: {v: 2}}}\n")

    assert found.hosts["x"].variables == {"u": 1, "v": 2}
    assert (found.groups["a"].hosts, found.groups["b"].hosts) == (("x",), ("x",))


def test_groups_hold_the_hosts_of_their_children_and_loose_hosts_are_ungrouped() -> None:
    found = fleet("all: {hosts: {x: }, children: {p: {children: {c: {hosts: y}}}}}\n")

    members = {name: group.members for name, group in found.groups.items()}
    assert members == {"all": ("x", "y"), "ungrouped": ("x",), "p": ("y",), "c": ("y",)}


def test_a_text_variable_is_carried_exactly() -> None:
    found = host('note: "it\'s \\"q\\" $(reboot)\\n{{ not_rendered }}"')

    assert found.variables["note"] == 'it\'s "q" $(reboot)\n{{ not_rendered }}'


def test_one_mistake_in_a_group_is_told_once_for_all_its_hosts() -> None:
    with pytest.raises(InputError) as caught:
        fleet("all: {hosts: {'web[1:50]': }, vars: {ansible_port: abc}}")

    assert len(caught.value.problems) == 1


def test_the_examples_are_one_fleet_in_two_formats() -> None:
    examples = Path(__file__).parents[2] / "inventories"
    found = inventory.read(examples / "example.yml").hosts

    assert len(found) == 8
    assert inventory.read(examples / "example.ini").hosts == found


def test_a_very_long_chain_of_groups_is_followed() -> None:
    links = "".join(f"g{n}: {{children: {{g{n + 1}: }}}}\n" for n in range(1500))

    assert fleet(f"{links}g1500: {{hosts: x}}\n").groups["g0"].members == ("x",)
