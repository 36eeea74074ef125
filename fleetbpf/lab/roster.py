"""What the lab tells fleetbpf about its hosts: the inventory and the known_hosts file, as text."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import PurePosixPath

import yaml

from fleetbpf.lab.folder import Placed
from fleetbpf.lab.hosts import HostKind

MARK = "# Written by `fleetbpf lab up`, removed by `fleetbpf lab down`.\n"
ADDRESS = "127.0.0.1"
USERS: Mapping[HostKind, str] = {HostKind.DEBIAN: "ops", HostKind.MICRO: "root"}


def inventory(placed: Sequence[Placed], *, state: PurePosixPath) -> str:
    """The inventory of these hosts in Ansible's YAML layout.

    `state` is the lab's folder as seen from the inventory file: paths in it are relative to that.
    """
    variables = {
        "ansible_ssh_common_args": "-F none",  # whatever the operator has configured
        "fleetbpf_host": ADDRESS,
        "fleetbpf_identity_file": str(state / "id_ed25519"),
        "fleetbpf_known_hosts_file": str(state / "known_hosts"),
    }
    everything = {
        "all": {
            "vars": variables,
            "hosts": {each.host.name: {"fleetbpf_port": each.port} for each in placed},
            "children": {**kinds(placed), **kernels(placed), **architectures(placed)},
        }
    }
    return MARK + yaml.safe_dump(everything, sort_keys=False)


def kinds(placed: Sequence[Placed]) -> dict[str, object]:
    """A group for each kind, with how one logs in there and whether one must become root."""
    return {
        kind.value: {
            "vars": {
                "fleetbpf_user": USERS[kind],
                "fleetbpf_become": kind is HostKind.DEBIAN,
            },
            "hosts": names(each for each in placed if each.host.kind is kind),
        }
        for kind in HostKind
        if any(each.host.kind is kind for each in placed)
    }


def kernels(placed: Sequence[Placed]) -> dict[str, object]:
    """A group for each kernel series: kernel_5_10."""
    return {
        f"kernel_{series.replace('.', '_')}": {
            "hosts": names(each for each in placed if each.host.series == series)
        }
        for series in dict.fromkeys(each.host.series for each in placed)
    }


def architectures(placed: Sequence[Placed]) -> dict[str, object]:
    """A group for each architecture: arm64."""
    return {
        str(architecture): {
            "hosts": names(each for each in placed if each.host.architecture is architecture)
        }
        for architecture in dict.fromkeys(each.host.architecture for each in placed)
    }


def names(placed: Iterable[Placed]) -> dict[str, dict[str, object]]:
    """Hosts as a group lists them."""
    return {each.host.name: {} for each in placed}


def known_hosts(keys: Iterable[tuple[int, str]]) -> str:
    """The known_hosts file for sshds behind these ports, with their public keys."""
    return "".join(f"[{ADDRESS}]:{port} {key}\n" for port, key in keys)
