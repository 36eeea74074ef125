"""Where inventories come from: folders, scripts, lists of hosts, and what can be wrong there."""

from pathlib import Path

import pytest

from fleetbpf.errors import InputError
from fleetbpf.inventory import inventory


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write(path: str, text: str, *, mode: int = 0o644) -> None:
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Path(path).write_text(text, encoding="utf-8")
    Path(path).chmod(mode)


def script(path: str, body: str) -> None:
    write(path, f"#!/bin/sh\n{body}\n", mode=0o755)


def wrong(*sources: str) -> str:
    with pytest.raises(InputError) as caught:
        inventory.read(*sources)
    return str(caught.value)


def test_all_sources_are_read_before_anything_is_told() -> None:
    write("a.yml", "all: {hosts: {x: {ansible_port: none at all}}}\n")
    write("d/b", "[g\ny\n")

    assert wrong("a.yml", "d", "missing.yml").splitlines() == [
        "a.yml:1:33: `ansible_port`: expected a port from 1 to 65535, found `none at all`",
        "d/b:1:1: `[g` cannot be the name of a host: host patterns could not name it",
        "missing.yml: cannot read it: No such file or directory",
    ]


def test_a_folder_without_an_inventory_is_told() -> None:
    write("d/group_vars/all.yml", "v: 1\n")
    write("d/notes.txt", "x\n")

    assert wrong("d").startswith("d: there is no inventory in this folder\n  hint: ")


def test_an_empty_file_is_told_unless_it_lies_among_others() -> None:
    write("d/a", "# later\n")
    write("d/b", "x\n")

    assert wrong("d/a") == "d/a:1:1: the file is empty"
    assert list(inventory.read("d").hosts) == ["x"]


def test_an_empty_name_is_not_the_current_folder() -> None:
    write("hosts", "x\n")

    assert wrong("").startswith("inventory: the name of an inventory is empty")


def test_toml_is_refused_with_its_cure() -> None:
    write("hosts.toml", "[web]\n")

    assert "ansible-inventory -i hosts.toml --list --yaml" in wrong("hosts.toml")


def test_a_script_that_is_not_executable_is_told() -> None:
    write("hosts.sh", "#!/bin/sh\necho {}\n")

    assert wrong("hosts.sh").endswith("not executable\n  hint: chmod +x hosts.sh")


def test_an_executable_file_that_is_no_script_is_read() -> None:
    write("hosts", "[web]\nweb1\n", mode=0o755)

    assert list(inventory.read("hosts").hosts) == ["web1"]


def test_a_failing_script_is_told_with_what_it_said() -> None:
    script("hosts.sh", "echo no cloud today >&2; exit 3")

    told = "hosts.sh --list: the inventory script ended with status 3\n  | no cloud today"
    assert wrong("hosts.sh") == told


def test_a_scripts_bad_json_is_told_with_its_place_in_the_output() -> None:
    script("hosts.sh", "printf '{\\n \"web\": [a]}'")

    assert wrong("hosts.sh") == "hosts.sh --list:2:10: not JSON: expecting value"


def test_what_a_script_says_of_hosts_is_checked_like_any_inventory() -> None:
    script(
        "hosts.sh",
        """echo '{"g": {"hosts": ["a", 5, "!b"]}, "h": {"hosts": "a"},'
        echo '"_meta": {"hostvars": {"a": {"ansible_port": 0}}}}'""",
    )

    assert wrong("hosts.sh").splitlines() == [
        "hosts.sh --list:1:23: expected the name of a host, found a number",
        "hosts.sh --list:1:26: `!b` cannot be the name of a host: host patterns could not name it",
        "hosts.sh --list:1:49: expected a list of names, found a string",
        "hosts.sh --list:2:46: `ansible_port`: expected a port from 1 to 65535, found `0`",
    ]


def test_paths_are_relative_to_the_folder_of_the_inventory_not_of_the_variable() -> None:
    write("inv/hosts", "x\n")
    write("inv/group_vars/all.yml", "fleetbpf_identity_file: keys/id\n")

    found = inventory.read("inv/hosts").hosts["x"].identity_file
    assert found == Path.cwd() / "inv" / "keys" / "id"


def test_templates_know_what_ansible_knows_of_a_host() -> None:
    host = "{{ inventory_hostname_short }}/{{ group_names[0] }}/{{ groups.web[0] }}"
    write("inv/hosts", "[web]\na.example.com\nb.example.com\n")
    write("inv/group_vars/web.yml", f'fleetbpf_identity_file: "{{{{ inventory_dir }}}}/{host}"\n')

    found = inventory.read("inv/hosts").hosts["b.example.com"].identity_file
    assert found == Path.cwd() / "inv" / "b" / "web" / "a.example.com"


def test_a_template_beside_a_manifest_knows_its_folder() -> None:
    write("hosts", "x\n")
    write("plays/group_vars/all.yml", 'fleetbpf_identity_file: "{{ playbook_dir }}/id"\n')

    found = inventory.read("hosts", beside=Path("plays")).hosts["x"].identity_file
    assert found == Path.cwd() / "plays" / "id"


def test_hosts_between_commas_may_be_ranges_with_ports() -> None:
    hosts = inventory.read("db,w[1:2]:2222").hosts

    assert {name: host.port for name, host in hosts.items()} == {
        "db": None,
        "w1": 2222,
        "w2": 2222,
    }


def test_a_folder_of_variables_that_is_none_is_told() -> None:
    write("hosts", "x\n")
    write("group_vars", "")

    assert wrong("hosts") == "group_vars: cannot read it: Not a directory"


def test_the_origin_of_each_variable_is_known() -> None:
    write("hosts", "[web]\nx a=1 b=2\n")
    write("group_vars/web.yml", "c: 3\n")
    write("host_vars/x.yml", "\nb: 4\n")

    origins = inventory.read("hosts").hosts["x"].origins
    assert {name: str(origin) for name, origin in origins.items()} == {
        "a": "hosts:2:3",
        "b": "host_vars/x.yml:2:4",
        "c": "group_vars/web.yml:1:4",
    }
