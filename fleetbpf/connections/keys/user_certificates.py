"""Certificates of our own keys: which key each is of, and the key with it in hand."""

import copy
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from paramiko.pkey import PublicBlob

from fleetbpf.connections.keys.agent import HeldKey
from fleetbpf.connections.keys.identities import Identity, bare_key
from fleetbpf.frozen import frozen


@frozen
class UserCertificate:
    """A certificate in a file."""

    path: Path
    blob: PublicBlob

    def shown_by(self, identity: Identity) -> Identity:
        """A key that shows the certificate; it signs as before."""
        key = copy.copy(identity.key)
        key.public_blob = self.blob
        return Identity(source=str(self.path), key=key)


Certificates = Mapping[bytes, tuple[UserCertificate, ...]]  # by the public key that each is of


def beside(path: Path) -> Path:
    """Where the certificate of a key file lies, if it has one."""
    return path.with_name(f"{path.name}-cert.pub")


def read(paths: Iterable[Path]) -> Certificates:
    """The certificates in files; as with ssh, what is none is no mistake."""
    found: dict[bytes, tuple[UserCertificate, ...]] = {}
    for path in paths:
        try:
            blob = PublicBlob.from_string(path.read_text())
            key = bare_key(blob.key_type, blob.key_blob)
        except (OSError, ValueError):
            continue
        found[key] = (*found.get(key, ()), UserCertificate(path=path, blob=blob))
    return found


def in_order(identity: Identity, certificates: Certificates) -> Iterator[Identity]:
    """The key with each of its certificates, then the key alone: as ssh tries them."""
    held = identity.key
    if not (isinstance(held, HeldKey) and held.is_certificate):
        for certificate in certificates.get(held.asbytes(), ()):
            yield certificate.shown_by(identity)
    yield identity
