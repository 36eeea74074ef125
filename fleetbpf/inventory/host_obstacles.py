"""Settings of Ansible that fleetbpf cannot do: told for the hosts that are chosen."""

from collections.abc import Callable, Mapping
from pathlib import PurePosixPath

from fleetbpf.documents.composing import resolved
from fleetbpf.frozen import frozen
from fleetbpf.model.become import BecomeMethod


@frozen
class Obstacle:
    """Why some values of a variable, or all, are refused."""

    what: str
    hint: str
    fine: Callable[[object], bool] | None = None  # the values that change nothing; None: no value


def is_true(value: object) -> bool:
    """Whether a value is true, or text that says so."""
    return (resolved(value) if isinstance(value, str) else value) is True


SSH: Mapping[str, Obstacle] = {
    **dict.fromkeys(
        ("ansible_private_key", "ansible_ssh_private_key", "ansible_ssh_pkcs11_provider"),
        Obstacle(
            what="fleetbpf takes keys from files and from an ssh-agent",
            hint="name the key's file with ansible_ssh_private_key_file",
        ),
    ),
    **dict.fromkeys(
        ("ansible_host_key_checking", "ansible_ssh_host_key_checking"),
        Obstacle(
            what="fleetbpf refuses unknown host keys, whatever the inventory says",
            hint="leave the variable out; --accept-new-host-keys notes new keys once",
            fine=is_true,
        ),
    ),
    "ansible_ssh_executable": Obstacle(
        what="fleetbpf speaks SSH itself and runs no other program for it",
        hint="leave it out",
        fine=lambda value: PurePosixPath(str(value)).name == "ssh",
    ),
}
BECOME: Mapping[str, Obstacle] = dict.fromkeys(
    ("ansible_become_user", *(f"ansible_{method.value}_user" for method in BecomeMethod)),
    Obstacle(
        what="fleetbpf becomes root, nobody else",
        hint="leave it out: loading BPF takes root",
        fine=lambda value: value == "root",
    ),
)
