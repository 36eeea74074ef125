"""Filters for addresses and networks, as those of Ansible's collection ansible.utils."""

from collections.abc import Callable, Mapping
from ipaddress import (
    IPv4Address,
    IPv4Interface,
    IPv4Network,
    IPv6Address,
    IPv6Interface,
    IPv6Network,
    ip_interface,
    ip_network,
)
from typing import Any

from fleetbpf.wording import MisunderstoodError, listed, quoted

Interface = IPv4Interface | IPv6Interface
Query = Callable[[Interface, str], object]  # what is asked of an address, which was written so


def address(value: object) -> Interface | None:
    """The address, with its network, that a value is; None for what is none."""
    if isinstance(value, bool) or not isinstance(value, int | str) or value == "":
        return None
    try:
        return ip_interface(value)
    except ValueError:
        return None


def is_host(found: Interface) -> bool:
    """Whether it is one address of a network, not the network's own."""
    network = found.network
    return found.ip != network.network_address or network.num_addresses <= 2


def nth(found: Interface, number: int) -> object:
    """An address of the network by its number, from the end where it is negative."""
    try:
        return f"{found.network[number]}/{found.network.prefixlen}"
    except IndexError:
        return False


def usable(found: Interface) -> tuple[IPv4Address | IPv6Address, IPv4Address | IPv6Address]:
    """The first and the last address of a network that a host may have."""
    network = found.network
    if network.num_addresses <= 2:
        return network[0], network[-1]
    return network[1], network[-2]


def written(found: Interface, text: str) -> str:
    """The address as it was written: with its prefix, or without."""
    return str(found) if "/" in text else str(found.ip)


QUERIES: Mapping[str, Query] = {
    "": written,
    "address": lambda found, _: is_host(found) and str(found.ip),
    "ip": lambda found, _: is_host(found) and str(found.ip),
    "host": lambda found, _: is_host(found) and str(found),
    "host/prefix": lambda found, _: is_host(found) and str(found),
    "address/prefix": lambda found, _: is_host(found) and str(found),
    "bool": lambda *_: True,
    "broadcast": lambda found, _: (
        found.network.num_addresses > 2 and str(found.network.broadcast_address)
    ),
    "first_usable": lambda found, _: str(usable(found)[0]),
    "last_usable": lambda found, _: str(usable(found)[1]),
    "hostmask": lambda found, _: str(found.hostmask),
    "wildcard": lambda found, _: str(found.hostmask),
    "int": lambda found, _: int(found.ip),
    "ipv4": lambda found, text: found.version == 4 and written(found, text),
    "ipv6": lambda found, text: found.version == 6 and written(found, text),
    "net": lambda found, _: (
        found.network.num_addresses > 1
        and found.ip == found.network.network_address
        and str(found.network)
    ),
    "netmask": lambda found, _: str(found.netmask),
    "network": lambda found, _: str(found.network.network_address),
    "network/prefix": lambda found, _: str(found.network),
    "subnet": lambda found, _: str(found.network),
    "prefix": lambda found, _: found.network.prefixlen,
    "private": lambda found, text: found.ip.is_private and written(found, text),
    "public": lambda found, text: found.ip.is_global and written(found, text),
    "revdns": lambda found, _: f"{found.ip.reverse_pointer}.",
    "size": lambda found, _: found.network.num_addresses,
    "type": lambda found, _: "address" if is_host(found) else "network",
    "version": lambda found, _: found.version,
}


def ipaddr(value: object, query: object = "", version: int | None = None) -> object:
    """What `query` asks of an address, or of each in a list; False where it is none, or not so."""
    if isinstance(value, list | tuple):
        answers = [ipaddr(each, query, version) for each in value]
        return [answer for answer in answers if answer is not False]
    found = address(value)
    if found is None or (version is not None and found.version != version):
        return False
    return answered(found, str(value) if isinstance(value, str) else "", query)


def answered(found: Interface, text: str, query: object) -> object:
    """The answer of one address."""
    word = str(query)
    if word in QUERIES:
        return QUERIES[word](found, text)
    if word.lstrip("-").isdecimal() and len(word) < 40:
        return nth(found, int(word))
    try:
        outer: IPv4Network | IPv6Network = ip_network(word, strict=False)
    except ValueError as error:
        what = f"{quoted(word)} is nothing that an address can be asked"
        raise MisunderstoodError(what, f"a number, a network, {listed([*QUERIES])}") from error
    inside = outer.version == found.version and found.network.subnet_of(outer)  # type: ignore[arg-type]
    return inside and written(found, text)


def ipwrap(value: object) -> object:
    """An IPv6 address in brackets, all else as it is."""
    if isinstance(value, list | tuple):
        return [ipwrap(each) for each in value]
    found = address(value)
    if found is None or found.version != 6:
        return value
    prefix = f"/{found.network.prefixlen}" if "/" in str(value) else ""
    return f"[{found.ip}]{prefix}"


FILTERS: Mapping[str, Callable[..., Any]] = {
    "ipaddr": ipaddr,
    "ipv4": lambda value, query="": ipaddr(value, query, 4),
    "ipv6": lambda value, query="": ipaddr(value, query, 6),
    "ipwrap": ipwrap,
}
