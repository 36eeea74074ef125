"""Names from an inventory never become part of a command of a shell: whatever they are."""

import json
from pathlib import Path

import pytest

from fleetbpf.connections.routes import Routes
from fleetbpf.connections.settings import Operator
from fleetbpf.errors import FleetbpfError, InputError
from fleetbpf.inventory import inventory
from fleetbpf.model.inventory import Host, SshOption
from fleetbpf.secret import SecretKind

# $RAN names a file that must not appear; no sign of these is refused for another reason.
ATTACKS = ("x$(touch$IFS$RAN)", "x`touch$IFS$RAN`", "x;touch$IFS$RAN", "x|touch$IFS$RAN")
# What reaches a shell of the operator's, by way of his own ssh_config.
CONFIGS = (
    'Match exec "test -n %h"\n  Port 1\n',
    'Match exec "test -n %n"\n  Port 1\n',
    'Match exec "test -n %r"\n  Port 1\n',
    'Match exec "test -n %k"\n  Port 1\n',
    'Match exec "test -n %p"\n  Port 1\n',
    'Match exec "test -n %j"\n  Port 1\n',
    "Host *\n  ProxyCommand echo %h %n %r %k %p %j >&2\n",
)


class Attack:
    """An operator with an ssh_config of his own, and a file that tells of a shell's work."""

    def __init__(self, folder: Path) -> None:
        self.ran = folder / "ran"
        self.home = folder / "home"
        (self.home / ".ssh").mkdir(parents=True)

    def connect(self, host: Host, config: str) -> None:
        """Open a connection, as every command does."""
        (self.home / ".ssh" / "config").write_text(config)
        operator = Operator(home=self.home, user="me", system=Path("/nowhere"))
        with Routes(operator) as routes, pytest.raises(FleetbpfError):
            routes.open(host, timeout=5)


@pytest.fixture
def attack(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Attack:
    monkeypatch.setenv("RAN", str(tmp_path / "ran"))
    return Attack(tmp_path)


@pytest.mark.parametrize("name", ATTACKS)
@pytest.mark.parametrize(
    "line",
    ["NAME", "web1 ansible_host='NAME'", "web1 ansible_user='NAME'", "web1 fleetbpf_host='NAME'"],
)
def test_an_inventory_with_a_name_that_ssh_refuses_is_refused(line: str, name: str) -> None:
    with pytest.raises(InputError, match=r"hosts:1.*cannot be the (name|address) of a"):
        inventory.read_text(line.replace("NAME", name), Path("hosts"))


def test_a_script_cannot_name_such_a_host(tmp_path: Path) -> None:
    script = tmp_path / "hosts"
    script.write_text('#!/bin/sh\necho \'{"web": ["x$(id)"], "_meta": {"hostvars": {}}}\'\n')
    script.chmod(0o755)
    with pytest.raises(InputError, match="cannot be the name of a host"):
        inventory.read(str(script))


@pytest.mark.parametrize("name", ["web1", "w_1.example.org.", "10.0.0.1", "fe80::1%eth0", "bücher"])
def test_every_name_that_ssh_takes_is_taken(name: str) -> None:
    found = inventory.read_text(f"web1 ansible_host={name}", Path("hosts"))
    assert found.hosts["web1"].address == name


@pytest.mark.parametrize("name", ["root", "DOMAIN\\ops", "ops@example.com", "host$", "a b"])
def test_every_user_that_ssh_takes_is_taken(name: str) -> None:
    text = json.dumps({"all": {"hosts": {"web1": {"ansible_user": name}}}})
    assert inventory.read_text(text, Path("hosts.json")).hosts["web1"].user == name


@pytest.mark.parametrize("config", CONFIGS)
@pytest.mark.parametrize("name", ATTACKS)
@pytest.mark.parametrize("keyword", ["", "user", "hostname", "hostkeyalias", "port", "proxyjump"])
def test_no_shell_sees_a_name_that_ssh_refuses(
    attack: Attack, keyword: str, name: str, config: str
) -> None:
    option = SshOption(keyword=keyword, text=name, words=(name,), place="hosts:1")
    host = Host(
        name="web1",
        address="127.0.0.1" if keyword else name,
        ssh_options=(option,) if keyword else (),
    )
    attack.connect(host, config)
    assert not attack.ran.exists()


@pytest.mark.parametrize("name", ATTACKS)
def test_nor_one_in_an_argument_for_ssh(attack: Attack, name: str) -> None:
    for argument in ("-J NAME", "-l NAME", "-o HostName=NAME", "-o User=NAME", "-J NAME@127.0.0.1"):
        line = f'web1 ansible_host=127.0.0.1 ansible_ssh_common_args="{argument}"'
        found = inventory.read_text(line.replace("NAME", name), Path("hosts"))
        attack.connect(found.hosts["web1"], CONFIGS[0] + CONFIGS[-1])
    assert not attack.ran.exists()


def secret_of(variables: str) -> str:
    """What the command of a become password prints."""
    found = inventory.read_text(f"all:\n  hosts:\n    web1: {variables}", Path("hosts.yml"))
    return found.hosts["web1"].secrets[SecretKind.BECOME].reveal()


COMMAND = "fleetbpf_become_password_command"


@pytest.mark.parametrize("name", [*ATTACKS, "x y", "a\nb", "*", "'", "\\"])
@pytest.mark.parametrize(
    "command",
    [
        "echo fleet/{{ region }}",
        "echo 'fleet/{{ region }}'",
        'echo "fleet/{{ region }}"',
        "echo {{ region }}",
        "echo {{ region | upper | lower }}",
        "{{ 'echo ' ~ region }}",
        "{{ all_of_it }}",
        "{% set x %}{{ region }}{% endset %}echo {{ x }}",
        "{% for each in [region] %}echo {{ each }}{% endfor %}",
        'echo "{{ region | quote }}"',
        "echo '{{ region | quote }}'",
        "echo `echo {{ region | quote }}`",
        'echo "$(echo "{{ region | quote }}")"',
        "echo $'a\\'{{ region | quote }}",
        "cat <<E {{ region | quote }}",
        "echo \\{{ region | quote }}",
    ],
)
def test_a_secret_command_takes_no_signs_from_variables(
    attack: Attack, command: str, name: str
) -> None:
    values = {COMMAND: command, "region": name, "all_of_it": "echo {{ region }}"}
    with pytest.raises(ValueError, match=r"value|quote|shell"):
        secret_of(json.dumps(values))
    assert not attack.ran.exists()


@pytest.mark.parametrize("command", ["echo {{ region }}", 'echo "{{ region }}"', "{{ region }}"])
def test_nor_an_option(command: str) -> None:
    with pytest.raises(ValueError, match="take it for an option"):
        secret_of(json.dumps({COMMAND: f"{command} x", "region": "-rf"}))


@pytest.mark.parametrize("name", [*ATTACKS, "x y", "a'b", 'a"b', "a\\b", "*", "", "ü", "-n", "#"])
@pytest.mark.parametrize(
    "command",
    ["printf '%s\\n' x{{ region | quote }}", "(printf '%s\\n' x{{ region | quote }} | cat)"],
)
def test_what_is_quoted_arrives_as_it_is(attack: Attack, command: str, name: str) -> None:
    assert secret_of(json.dumps({COMMAND: command, "region": name})) == f"x{name}"
    assert not attack.ran.exists()


@pytest.mark.parametrize(
    "variables",
    [
        '{ansible_ssh_common_args: "-o ProxyJump={{ region }}", region: "a -oProxyCommand=id"}',
        '{ansible_ssh_common_args: "-o ProxyCommand=nc\\\\ {{ region | quote }}", region: "$(id)"}',
        '{ansible_ssh_common_args: "-o \'ProxyCommand=nc {{ region }} 22\'", region: "$(id)"}',
        '{ansible_paramiko_proxy_command: "nc {{ region }} 22", region: "$(id)"}',
    ],
)
def test_arguments_for_ssh_and_proxy_commands_take_no_signs_either(variables: str) -> None:
    found = inventory.read_text(f"all:\n  hosts:\n    web1: {variables}", Path("hosts.yml"))
    (problem,) = found.hosts["web1"].obstacles
    assert "a variable's value holds" in problem.what
    assert problem.hint
