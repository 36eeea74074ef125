"""From a host of the inventory and the operator's ssh_config to its connection settings.

The inventory's variables win over its arguments for ssh, both over ssh_config, that over defaults:
as with Ansible, which hands them to ssh as options.
"""

import ipaddress
import re
import socket
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from fleetbpf.connections.settings import (
    DEFAULT_KEYS,
    INTERACTIVE,
    KEYS,
    PASSWORD,
    Algorithms,
    ConnectionSettings,
    Operator,
)
from fleetbpf.connections.ssh_config.ssh_files import SshFiles
from fleetbpf.connections.ssh_config.ssh_lookup import Lookup
from fleetbpf.connections.ssh_config.ssh_values import Values, at, tokens_of
from fleetbpf.errors import InputError, Problem
from fleetbpf.frozen import frozen
from fleetbpf.model.inventory import Host, SshOption
from fleetbpf.wording import MisunderstoodError, quoted

JUMP = re.compile(
    r"(?:ssh://)?(?:(?P<user>.*)@)?(?:\[(?P<six>[^]]+)]|(?P<host>[^]:@[/]+))(?::(?P<port>\d+))?/?"
)
FAMILIES = {"any": socket.AF_UNSPEC, "inet": socket.AF_INET, "inet6": socket.AF_INET6}
# Options that decide from where, or how, a host is reached, and that fleetbpf has nothing for.
REFUSED = {
    "bindaddress": "leave the choice of the source address to the routing table",
    "bindinterface": "leave the choice of the interface to the routing table",
    "proxyusefdpass": "use a ProxyCommand that carries the data itself, and leave this out",
}
MEANINGLESS = frozenset({"none", "no", "false"})

Stop = tuple[str, int, str]  # a host on the way: its address, port and user


@frozen
class Resolver:
    """Makes settings; what it needs to read or to run, it is given."""

    operator: Operator
    files: SshFiles
    succeeds: Callable[[str], bool]  # whether a command of `Match exec` does

    def settings(self, host: Host) -> ConnectionSettings:
        """How `host` is reached; InputError when ssh_config says what cannot be done."""
        return self._reach(host.address, host=host, given=tuple(given(host)), route=())

    def _reach(
        self,
        address: str,
        *,
        given: Sequence[SshOption],
        route: tuple[Stop, ...],
        host: Host | None = None,
        jump: ConnectionSettings | None = None,
        name: str = "",
    ) -> ConnectionSettings:
        """The way to `address`, through `jump` or what its own options name."""
        values = self._look_up(address, given)
        refuse(values, address)
        stop = (values.address, values.port(), values.user)
        check_loop(stop, route, values)
        if jump is None:
            jump = self._jump(values, (*route, stop))
        own_key = None if host is None else host.identity_file
        return ConnectionSettings(
            name=name if host is None else host.name,
            address=values.address,
            port=values.port(),
            user=values.user,
            family=family(values),
            jump=jump,
            proxy_command=values.text("proxycommand") if jump is None else "",
            known_hosts_files=known_hosts_files(values, host, self.operator),
            host_key_alias=values.word("hostkeyalias").lower(),
            hash_known_hosts=values.flag("hashknownhosts"),
            revoked_host_keys=values.file("revokedhostkeys"),
            algorithms=Algorithms(
                host_keys=values.word("hostkeyalgorithms"),
                key_exchanges=values.word("kexalgorithms"),
                ciphers=values.word("ciphers"),
                macs=values.word("macs"),
            ),
            methods=methods(values),
            identity_file=own_key,
            identity_files=identity_files(values, own_key, self.operator),
            identities_only=values.flag("identitiesonly"),
            certificate_files=values.files("certificatefile"),
            agent=agent(values, self.operator),
            connect_timeout=values.seconds("connecttimeout"),
            alive_interval=values.seconds("serveraliveinterval"),
            alive_count=values.number("serveralivecountmax", 3),
        )

    def _look_up(self, address: str, given: Sequence[SshOption]) -> Values:
        lookup = Lookup(
            files=self.files,
            local_user=self.operator.user,
            tokens=lambda found: tokens_of(found, self.operator),
            succeeds=self.succeeds,
        )
        try:
            return Values(lookup.options(address, given=given), self.operator)
        except MisunderstoodError as error:
            raise InputError(
                Problem(where="ssh_config", what=error.what, hint=error.hint)
            ) from error

    def _jump(self, values: Values, route: tuple[Stop, ...]) -> ConnectionSettings | None:
        """The last of the jump hosts in a ProxyJump, each reached through the one before it."""
        option = values.first("proxyjump")
        if option is None:
            return None
        jump = None
        for hop in filter(None, values.text("proxyjump").split(",")):
            with at(option):
                address, given = parse_hop(hop.strip(), option.place)
            jump = self._reach(address, given=given, route=route, jump=jump, name=hop.strip())
        return jump


def given(host: Host) -> Iterator[SshOption]:
    """What the inventory says of a host, as options: its variables before its arguments."""
    said = {"port": host.port, "user": host.user}
    for keyword, value in said.items():
        if value:
            yield made(keyword, str(value), place=host.name)
    yield from host.ssh_options


def made(keyword: str, value: str, *, place: str) -> SshOption:
    """An option that nobody wrote as a line."""
    return SshOption(keyword=keyword, text=value, words=(value,), place=place)


def parse_hop(text: str, place: str) -> tuple[str, tuple[SshOption, ...]]:
    """A jump host `[user@]host[:port]`: its name, and what is said of it."""
    found = JUMP.fullmatch(text)
    if found is None:
        what = f"{quoted(text)} is no jump host"
        raise MisunderstoodError(what, "write [USER@]HOST[:PORT], an IPv6 address in brackets")
    said = ((keyword, found[keyword]) for keyword in ("user", "port") if found[keyword])
    options = tuple(made(keyword, value, place=place) for keyword, value in said)
    return found["six"] or found["host"], options


def refuse(values: Values, address: str) -> None:
    """Raise InputError for options without which another host would be reached, or none."""
    for keyword, hint in REFUSED.items():
        option = values.first(keyword)
        if option is not None and option.words[0].lower() not in MEANINGLESS:
            what = f"fleetbpf cannot do {quoted(f'{keyword} {option.words[0]}')} of ssh_config"
            raise InputError(Problem(where=option.place, what=what, hint=hint))
    mode = values.first("canonicalizehostname")
    if mode is not None and canonicalizes(values, mode.words[0].lower(), address):
        what = f"fleetbpf does not look for {quoted(address)} in CanonicalDomains"
        hint = "write host names in full, or set HostName"
        raise InputError(Problem(where=mode.place, what=what, hint=hint))


def canonicalizes(values: Values, mode: str, address: str) -> bool:
    """Whether ssh would look for a name in several domains."""
    proxied = values.word("proxyjump") or values.word("proxycommand")
    if mode in MEANINGLESS or (mode != "always" and proxied) or is_address(address):
        return False
    few_dots = address.count(".") <= values.number("canonicalizemaxdots", 1)
    return bool(values.word("canonicaldomains")) and few_dots


def is_address(text: str) -> bool:
    """Whether a text is an IP address, not a name."""
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def check_loop(stop: Stop, route: tuple[Stop, ...], values: Values) -> None:
    """Raise InputError when a way leads through the same host twice."""
    if stop not in route:
        return
    option = values.first("proxyjump")
    way = " → ".join(f"{user}@{address}:{port}" for address, port, user in (*route, stop))
    what = f"the jump hosts lead in a circle: {way}"
    hint = "say `ProxyJump none` for the jump host itself"
    raise InputError(Problem(where=option.place if option else "ssh_config", what=what, hint=hint))


def family(values: Values) -> int:
    """The kind of addresses that are connected to."""
    option = values.first("addressfamily")
    if option is None:
        return socket.AF_UNSPEC
    with at(option):
        if option.words[0].lower() not in FAMILIES:
            raise MisunderstoodError(f"expected any, inet or inet6, found {option.words[0]}")
    return FAMILIES[option.words[0].lower()]


def known_hosts_files(values: Values, host: Host | None, operator: Operator) -> tuple[Path, ...]:
    """The files with known host keys: the one of the inventory, else the user's, the system's."""
    if host is not None and host.known_hosts_file is not None:
        return (host.known_hosts_file,)
    mine, theirs = operator.home / ".ssh" / "known_hosts", operator.system / "ssh_known_hosts"
    files: list[Path] = []
    for keyword, default in (("userknownhostsfile", mine), ("globalknownhostsfile", theirs)):
        named = values.files(keyword)
        unset = values.first(keyword) is None
        files += (default, default.with_name(f"{default.name}2")) if unset else named
    return tuple(files)


def identity_files(values: Values, own_key: Path | None, operator: Operator) -> tuple[Path, ...]:
    """The keys that may be tried beside the one that the inventory names."""
    if values.first("identityfile") is not None or own_key is not None:
        return tuple(file for file in values.files("identityfile") if file != own_key)
    return tuple(operator.home / ".ssh" / name for name in DEFAULT_KEYS)


def methods(values: Values) -> tuple[str, ...]:
    """The ways to log in, in ssh's words and the order that is preferred, as far as they are on."""
    usual = (KEYS, PASSWORD, INTERACTIVE)
    preferred = values.word("preferredauthentications")
    named = tuple(name.strip() for name in preferred.split(",")) if preferred else usual
    switched = {
        KEYS: values.flag("pubkeyauthentication", default=True, more=("unbound", "host-bound")),
        PASSWORD: values.flag("passwordauthentication", default=True),
        INTERACTIVE: values.flag("kbdinteractiveauthentication", default=True),
    }
    return tuple(name for name in dict.fromkeys(named) if switched.get(name, False))


def agent(values: Values, operator: Operator) -> str:
    """The socket of the agent to ask; "" for none."""
    usual = operator.environment.get("SSH_AUTH_SOCK", "")
    option = values.first("identityagent")
    if option is None or option.words[0] == "SSH_AUTH_SOCK":
        return usual
    word = option.words[0]
    if word.startswith("$") and not word.startswith("${"):
        return operator.environment.get(word[1:], "")
    return str(values.file("identityagent") or "")
