"""Certificates that hosts show in the place of a bare key: who signed them, and what for."""

import base64
import time
from collections.abc import Iterator
from typing import Self

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    SSHCertificate,
    SSHCertificateType,
    load_ssh_public_identity,
)

from fleetbpf.connections.keys.identities import UNREADABLE
from fleetbpf.frozen import frozen
from fleetbpf.wording import MisunderstoodError

SHA1 = b"ssh-rsa"  # OpenSSH takes no certificate that is signed with it (CASignatureAlgorithms)
FOREVER = 2**64 - 1


@frozen
class HostCertificate:
    """A certificate as it was shown; nothing in it counts before its signer is trusted."""

    kind: str
    blob: bytes  # all of it, as on the wire
    authority: bytes  # the public key that signed it, as on the wire
    certificate: SSHCertificate

    @classmethod
    def parse(cls, kind: str, blob: bytes) -> Self:
        """A certificate as on the wire; MisunderstoodError when it is none."""
        try:
            text = f"{kind} {base64.b64encode(blob).decode()}".encode()
            certificate = load_ssh_public_identity(text)
            if not isinstance(certificate, SSHCertificate):
                raise MisunderstoodError("it is no certificate")
            signer = certificate.signature_key()
            line = signer.public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH)
        except UNREADABLE as error:
            raise MisunderstoodError(f"it cannot be read: {error}") from error
        authority = base64.b64decode(line.split()[1])
        return cls(kind=kind, blob=blob, authority=authority, certificate=certificate)

    def objections(self, name: str, *, now: float | None = None) -> Iterator[str]:
        """What speaks against it as proof that this is the host `name`; nothing, when it is one.

        As OpenSSH does: names mean what they say, `*` no others; without names it is good for all.
        """
        certificate = self.certificate
        moment = time.time() if now is None else now
        if not self._is_signed():
            yield "its signature is wrong"
        if certificate.type is not SSHCertificateType.HOST:
            yield "it is a user's, not a host's"
        if moment < certificate.valid_after:
            yield f"it is not valid before {day(certificate.valid_after)}"
        if moment >= certificate.valid_before:
            yield f"it expired at {day(certificate.valid_before)}"
        if certificate.critical_options:
            names = ", ".join(sorted(map(readable, certificate.critical_options)))
            yield f"it has critical options that are not known: {names}"
        principals = tuple(map(readable, certificate.valid_principals))
        if principals and name not in principals:
            yield f"it is for {', '.join(principals)}, not for {name}"

    def _is_signed(self) -> bool:
        if self.certificate._inner_sig_type == SHA1:  # noqa: SLF001 — no public name tells it
            return False
        try:
            self.certificate.verify_cert_signature()
        except (*UNREADABLE, InvalidSignature, AssertionError):
            return False
        return True


def readable(text: bytes) -> str:
    """A name in a certificate, which may hold any bytes."""
    return text.decode(errors="replace")


def day(moment: int) -> str:
    """A moment in a certificate as people write it, in UTC."""
    if moment >= FOREVER:
        return "the end of time"
    try:
        return time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(moment))
    except (OverflowError, ValueError, OSError):
        return f"second {moment}"
