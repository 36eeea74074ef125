"""Whether the key that a host shows is its own: by known_hosts, or by an authority named there."""

from paramiko import PKey

from fleetbpf.connections import reasons
from fleetbpf.connections.keys.host_certificates import HostCertificate
from fleetbpf.connections.keys.keyring import Keyring
from fleetbpf.connections.keys.known_hosts import Entry, KnownHosts, Standing
from fleetbpf.connections.keys.revocation import revokes
from fleetbpf.connections.settings import ConnectionSettings
from fleetbpf.wording import MisunderstoodError


def check(host: ConnectionSettings, shown: PKey, keyring: Keyring) -> None:
    """Refuse a host whose key is unknown, changed or revoked, with UnreachableError.

    Where new keys are welcome, an unknown one is noted down.
    """
    refuse_revoked(host, shown)
    known = keyring.known_hosts(host)
    kind, key = shown.get_name(), shown.asbytes()
    verdict = known.judge(host.known_names, key)
    if verdict.standing is not Standing.REVOKED and is_certified(host, shown, known):
        return
    if verdict.standing is Standing.UNKNOWN and keyring.notes_new_keys:
        try:
            verdict = keyring.note(host, kind=kind, key=key)
        except OSError as error:
            raise reasons.not_noted(host, error) from error
    if verdict.standing is not Standing.KNOWN:
        raise reasons.key_refused(host, verdict, kind=kind, key=key, files=known.paths)


def refuse_revoked(host: ConnectionSettings, shown: PKey) -> None:
    """Raise UnreachableError for what RevokedHostKeys takes back: the key, or its authority's."""
    if host.revoked_host_keys is None:
        return
    kind, blob, keys = shown.get_name(), shown.asbytes(), [shown.asbytes()]
    certificate = certificate_of(host, shown)
    if certificate is not None:
        kind, blob = certificate.kind, certificate.blob
        keys.append(certificate.authority)
    try:
        if revokes(host.revoked_host_keys, (kind, blob), keys=keys):
            raise reasons.revoked(host, kind=kind, key=shown.asbytes())
    except MisunderstoodError as error:
        raise reasons.unreachable(host, f"RevokedHostKeys: {error.what}") from error


def certificate_of(host: ConnectionSettings, shown: PKey) -> HostCertificate | None:
    """The certificate around the key; UnreachableError for one that cannot be read."""
    blob = getattr(shown, "public_blob", None)
    if blob is None:
        return None
    try:
        return HostCertificate.parse(blob.key_type, blob.key_blob)
    except MisunderstoodError as error:
        raise reasons.certificate_refused(host, error.what) from error


def is_certified(host: ConnectionSettings, shown: PKey, known: KnownHosts) -> bool:
    """Whether an authority vouches for the key; UnreachableError when a certificate is wrong.

    As OpenSSH does: one by an authority that nobody trusts is as good as none.
    """
    certificate = certificate_of(host, shown)
    if certificate is None:
        return False
    trusted = [
        entry for entry in known.authorities(host.known_names) if entry.key == certificate.authority
    ]
    if not trusted:
        return False
    refuse(host, certificate, trusted[0], known)
    return True


def refuse(
    host: ConnectionSettings, certificate: HostCertificate, entry: Entry, known: KnownHosts
) -> None:
    """Raise UnreachableError when something speaks against a certificate of a trusted authority."""
    if known.judge(host.known_names, certificate.authority).standing is Standing.REVOKED:
        raise reasons.certificate_refused(host, f"its authority of {entry.place} is revoked")
    objections = tuple(certificate.objections(host.host_key_alias or host.address.lower()))
    if objections:
        what = f"{'; '.join(objections)}; {entry.place} names its authority"
        raise reasons.certificate_refused(host, what)
