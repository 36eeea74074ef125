"""Key pairs of a lab: one that logs in, and one for each host to be known by."""

from pathlib import Path

from fleetbpf.errors import HostError, Problem
from fleetbpf.execution.command import Command
from fleetbpf.execution.local import LocalConnection


def public_key(private: Path, comment: str, local: LocalConnection) -> str:
    """The public half (`ssh-ed25519 AAAA…`) of the key `private`, made when it is not there."""
    public = private.with_name(f"{private.name}.pub")
    if not public.exists():
        for file in (private, public):  # a link to nowhere, too: ssh-keygen would write there
            file.unlink(missing_ok=True)
        words = ("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", comment, "-f", private)
        done = local.run(Command(*words))
        if done.status != 0:
            detail = done.stderr.decode(errors="replace")
            hint = "apt-get install openssh-client"
            raise HostError(
                Problem(where="lab", what="ssh-keygen failed", detail=detail, hint=hint)
            )
    return " ".join(public.read_text(encoding="utf-8").split()[:2])
