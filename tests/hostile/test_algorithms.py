"""Nobody between us and a host can talk us into a weak cipher: none is on offer."""

import base64

import pytest
from paramiko.ssh_exception import SSHException

from fleetbpf.connections.algorithms import CIPHERS, MACS, chosen
from fleetbpf.connections.keys.host_certificates import HostCertificate
from fleetbpf.connections.settings import Algorithms
from fleetbpf.connections.transport import QuickSocket, TunedTransport
from fleetbpf.wording import MisunderstoodError
from tests.fuzz.from_hosts import CORPUS

ALL_CIPHERS = (*CIPHERS, "aes128-cbc", "aes256-cbc", "3des-cbc")


def offered(wanted: Algorithms) -> tuple[str, ...]:
    """All names that a host is told."""
    with QuickSocket() as socket:
        transport = TunedTransport(socket, host_key_types=["ssh-rsa", "ssh-dss"], wanted=wanted)
        options = transport.get_security_options()
        return (*options.ciphers, *options.digests, *options.kex, *options.key_types)


def is_weak(name: str) -> bool:
    sha1 = name.endswith("-sha1") and name != "hmac-sha1"
    return "cbc" in name or "md5" in name or "-96" in name or sha1 or name in ("ssh-rsa", "ssh-dss")


@pytest.mark.parametrize("spec", ["", "*", "^*", "+*", "-nothing", "^aes*", "+hmac*"])
def test_nothing_weak_is_offered_unless_it_is_named(spec: str) -> None:
    try:
        names = offered(Algorithms(host_keys="", key_exchanges="", ciphers=spec, macs=spec))
    except SSHException:
        return  # a pattern that means nothing
    assert not list(filter(is_weak, names))


def test_what_is_named_whole_is_offered() -> None:
    names = offered(Algorithms(ciphers="+3des-cbc", macs="^hmac-sha1-96"))
    assert {"3des-cbc", "hmac-sha1-96", *CIPHERS, *MACS} <= set(names)


@pytest.mark.parametrize(
    ("spec", "left"),
    [
        ("aes128-cbc,aes128-ctr", ("aes128-cbc", "aes128-ctr")),
        ("+aes128-cbc", (*CIPHERS, "aes128-cbc")),
        ("^aes128-cbc", ("aes128-cbc", *CIPHERS)),
        ("-aes*", ()),
        ("aes128-*", ("aes128-gcm@openssh.com", "aes128-ctr")),
    ],
)
def test_an_option_means_what_it_does_for_ssh(spec: str, left: tuple[str, ...]) -> None:
    if left:
        assert chosen("Ciphers", spec, CIPHERS, ALL_CIPHERS) == left
    else:
        with pytest.raises(SSHException, match=f"Ciphers {spec[:1]}"):
            chosen("Ciphers", spec, CIPHERS, ALL_CIPHERS)


def test_a_certificate_whose_key_is_a_compressed_point_is_none() -> None:
    """The host shows it before it is known; cryptography has no words of its own for it."""
    text = (CORPUS / "host-certificate" / "ecdsa").read_bytes()
    whole = base64.b64decode(text.split()[1])
    point = whole.index(b"\0\0\0\x41\x04") + 4
    with pytest.raises(MisunderstoodError, match="it cannot be read"):
        HostCertificate.parse(text.split()[0].decode(), whole[:point] + b"\2" + whole[point + 1 :])
