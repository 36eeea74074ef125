"""How a host is reached, from its variables: `fleetbpf_*` names before their `ansible_*` twins."""

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path, PurePosixPath
from typing import TypeVar

from fleetbpf.connections import ssh_names
from fleetbpf.connections.secret_commands import SecretCommands
from fleetbpf.documents.composing import Mistake, resolved
from fleetbpf.documents.mistakes import Mistakes
from fleetbpf.documents.templating import Renderer, is_template
from fleetbpf.errors import Problem
from fleetbpf.files import homes
from fleetbpf.inventory import become_settings, host_obstacles, host_secrets, ssh_arguments
from fleetbpf.inventory.draft import Variables
from fleetbpf.inventory.host_obstacles import Obstacle
from fleetbpf.inventory.ssh_arguments import Arguments
from fleetbpf.model.architecture import Architecture
from fleetbpf.model.become import BecomeMethod, BecomeWay
from fleetbpf.model.inventory import ConnectionKind, Host
from fleetbpf.model.layout import root_folder
from fleetbpf.secret import Secret
from fleetbpf.wording import MisunderstoodError, did_you_mean, kind, quoted

# The variables of each setting; the first one that is set counts, as with Ansible.
VARIABLES = {
    "address": ("fleetbpf_host", "ansible_ssh_host", "ansible_host"),
    "port": ("fleetbpf_port", "ansible_ssh_port", "ansible_port"),
    "user": ("fleetbpf_user", "ansible_ssh_user", "ansible_user"),
    "identity_file": (
        "fleetbpf_identity_file",
        "ansible_ssh_private_key_file",
        "ansible_private_key_file",
    ),
    "known_hosts_file": ("fleetbpf_known_hosts_file",),
    "become": ("fleetbpf_become", "ansible_become"),
    "become_method": ("fleetbpf_become_method", "ansible_become_method"),
    "connection": ("fleetbpf_connection", "ansible_connection"),
    "architecture": ("fleetbpf_architecture", "ansible_architecture"),
    "root": ("fleetbpf_root",),
}
OWN_VARIABLES = [
    *(name for names in VARIABLES.values() for name in names if "fleetbpf_" in name),
    *become_settings.OWN_VARIABLES,
    *host_secrets.OWN_VARIABLES,
]

CONNECTIONS = {each.value: each for each in ConnectionKind} | {
    "smart": ConnectionKind.SSH,
    "paramiko": ConnectionKind.SSH,
    "paramiko_ssh": ConnectionKind.SSH,
    "ansible.builtin.ssh": ConnectionKind.SSH,
    "ansible.builtin.local": ConnectionKind.LOCAL,
}
# Names of Ansible's whose values may be right for Ansible only.
HINDERING = become_settings.HINDERING | {"ansible_connection"}


Value = TypeVar("Value")
Default = TypeVar("Default")


class Settings:
    """Reads the settings of one host; collects what is wrong with them in `mistakes`."""

    def __init__(
        self,
        name: str,
        variables: Variables,
        *,
        magic: Mapping[str, object],
        folder: Path,
        renderer: Renderer,
        commands: SecretCommands,
        mistakes: Mistakes,
    ) -> None:
        """`folder` is what paths are relative to."""
        self._name = name
        self._variables = variables
        self._values = {
            each: host_secrets.conceal(each, variable.value) for each, variable in variables.items()
        }
        self._magic = magic
        self._folder = folder
        self._renderer = renderer
        self._commands = commands
        self._mistakes = mistakes
        self._obstacles: list[Problem] = []

    def host(self) -> Host:
        """The host; only as good as there are no mistakes."""
        self._check_own_names()
        connection = self._read("connection", connection_kind, ConnectionKind.SSH)
        by_ssh = connection is ConnectionKind.SSH and not self._obstacles
        ssh = self._ssh() if by_ssh else Arguments()
        if by_ssh:
            self._check(host_obstacles.SSH)
        become = self._read("become", boolean, None)
        if become is not False:
            self._check(host_obstacles.BECOME)
        way = BecomeWay() if become is False else self._become_way()
        return Host(
            name=self._name,
            address=self._read("address", address, self._name),
            port=self._read("port", port, None),
            user=self._read("user", user, ""),
            identity_file=self._read("identity_file", self._path, ssh.identity_file),
            known_hosts_file=self._read("known_hosts_file", self._path, None),
            ssh_options=ssh.options,
            ssh_config_file=ssh.config_file,
            become=become,
            become_way=way,
            secrets=host_secrets.secrets(
                self._values,
                self._rendered,
                self._command_line,
                self._commands,
                method=way.method,
            ),
            connection=connection,
            architecture=self._read("architecture", architecture, None),
            root=self._read("root", root, None),
            variables=self._values,
            magic=self._magic,
            origins={name: variable.origin for name, variable in self._variables.items()},
            obstacles=tuple(self._obstacles),
        )

    def _check_own_names(self) -> None:
        """Variables that look like settings of ours but are none are mistakes."""
        for name in self._variables:
            if name.startswith("fleetbpf_") and name not in OWN_VARIABLES:
                hint = did_you_mean(name, OWN_VARIABLES, noun="settings")
                self._refuse(name, f"fleetbpf has no setting {quoted(name)}", hint)

    def _ssh(self) -> Arguments:
        """What the host's arguments for `ssh`, and its proxy command, come to."""
        found = Arguments()
        for name in ssh_arguments.VARIABLES:
            if self._values.get(name) in (None, ""):
                continue
            try:
                # The other variables are taken apart into words, of which a shell may get some.
                twice = name != ssh_arguments.PROXY_COMMAND
                said = text(self._command_line(self._values[name], twice=twice))
                place = str(self._variables[name].origin)
                found += ssh_arguments.read(name, said, place=place, folder=self._folder)
            except MisunderstoodError as error:
                self._hinder(name, error.what, error.hint)
        return found

    def _become_way(self) -> BecomeWay:
        """How to become root."""
        method = self._read("become_method", become_settings.become_method, BecomeMethod.SUDO)
        return BecomeWay(
            method=method,
            executable=self._first(become_settings.executables(method), text, ""),
            flags=self._first(become_settings.flags(method), become_settings.words(method), ()),
        )

    def _check(self, obstacles: Mapping[str, Obstacle]) -> None:
        """Variables that ask for what fleetbpf cannot do; what is encrypted stays so."""
        for name, obstacle in obstacles.items():
            value = self._values.get(name)
            if value is not None and not self._is_fine(value, obstacle):
                self._hinder(name, obstacle.what, obstacle.hint)

    def _is_fine(self, value: object, obstacle: Obstacle) -> bool:
        """Whether a value changes nothing; one that cannot be told may change something."""
        if obstacle.fine is None or isinstance(value, Secret):
            return False
        try:
            return obstacle.fine(self._rendered(value))
        except MisunderstoodError:
            return False

    def _read(
        self, setting: str, parse: Callable[[object], Value], default: Default
    ) -> Value | Default:
        """The setting's value, rendered and parsed; the default when no variable has it."""
        return self._first(VARIABLES[setting], parse, default)

    def _first(
        self, names: Iterable[str], parse: Callable[[object], Value], default: Default
    ) -> Value | Default:
        """The value of the first variable that is set."""
        for name in names:
            if self._values.get(name) is None:
                continue
            try:
                rendered = self._rendered(self._values[name])
            except MisunderstoodError as error:
                self._complain(name, error, foreign=name.startswith("ansible_"))
                return default
            try:
                return parse(rendered)
            except MisunderstoodError as error:
                self._complain(name, error, foreign=name in HINDERING)
                return default
        return default

    def _complain(self, name: str, error: MisunderstoodError, *, foreign: bool) -> None:
        """A mistake; but a template over what only Ansible knows hinders its own hosts only."""
        if foreign:
            self._hinder(name, error.what, error.hint)
        else:
            self._refuse(name, f"{quoted(name)}: {error.what}", error.hint)

    def _rendered(self, value: object) -> object:
        if isinstance(value, str) and not is_template(value):
            return value
        return self._renderer.render(value, {**self._values, **self._magic})

    def _command_line(self, value: object, *, twice: bool = False) -> object:
        """A value that a shell is told, with nothing but words from other variables."""
        variables = {**self._values, **self._magic}
        return self._renderer.command_line(value, variables, twice=twice)

    def _path(self, value: object) -> Path:
        """A path, `~` expanded, relative to the inventory's folder."""
        return (self._folder / homes.expanded(text(value))).absolute()

    def _hinder(self, name: str, what: str, hint: str) -> None:
        """The variable `name` asks for something that fleetbpf cannot do."""
        where = str(self._variables[name].origin)
        self._obstacles.append(Problem(where=where, what=f"{quoted(name)}: {what}", hint=hint))

    def _refuse(self, name: str, what: str, hint: str = "") -> None:
        """The variable `name` is wrong, where it was written."""
        origin = self._variables[name].origin
        self._mistakes.add(origin.file, Mistake(place=origin.place, what=what, hint=hint))


def text(value: object) -> str:
    """A text that is not empty and holds no control characters."""
    if not isinstance(value, str):
        hint = "" if isinstance(value, list | dict) else "put it in quotes"
        raise MisunderstoodError(f"expected a string, found {kind(value)}", hint)
    if not value or not value.isprintable():
        what = "holds a control character" if value else "is empty"
        raise MisunderstoodError(f"the text {quoted(value)} {what}")
    return value


def user(value: object) -> str:
    """A user's name on the host."""
    found = text(value)
    ssh_names.check_user(found)
    return found


def address(value: object) -> str:
    """A host name or an IP address."""
    found = text(value)
    if "/" in found:
        raise MisunderstoodError(f"{quoted(found)} is not a host name or an IP address")
    ssh_names.check_host(found, noun="address of a host")
    return found


def port(value: object) -> int:
    """A TCP port, as a number or as text."""
    number = resolved(value) if isinstance(value, str) else value
    if isinstance(number, bool) or not isinstance(number, int):
        shown = quoted(value) if isinstance(value, str) else kind(value)
        raise MisunderstoodError(f"expected a port from 1 to 65535, found {shown}")
    if not 1 <= number <= 65535:
        raise MisunderstoodError(f"expected a port from 1 to 65535, found {quoted(str(number))}")
    return number


def boolean(value: object) -> bool:
    """True or false, as a boolean or as text: "yes"."""
    found = resolved(value) if isinstance(value, str) else value
    if not isinstance(found, bool):
        shown = quoted(value) if isinstance(value, str) else kind(value)
        raise MisunderstoodError(f"expected true or false, found {shown}")
    return found


def connection_kind(value: object) -> ConnectionKind:
    """The kind of connection; what Ansible reaches over SSH is `ssh`."""
    name = text(value)
    if name not in CONNECTIONS:
        hint = f"known: {', '.join(each.value for each in ConnectionKind)}"
        raise MisunderstoodError(f"fleetbpf has no connection {quoted(name)}", hint)
    return CONNECTIONS[name]


def root(value: object) -> PurePosixPath:
    """The folder of fleetbpf on a host."""
    return root_folder(text(value))


def architecture(value: object) -> Architecture:
    """An architecture, as we, `uname -m` or Debian call it."""
    found = Architecture.of_machine(text(value))
    if found is None:
        what = f"fleetbpf has no loaders for {quoted(text(value))}"
        raise MisunderstoodError(what, f"known: {', '.join(Architecture)}")
    return found
