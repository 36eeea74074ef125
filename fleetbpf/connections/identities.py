"""Keys that prove who is connecting: private key files, and the keys an agent holds."""

import base64
import binascii
import io
import socket
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from paramiko import ECDSAKey, Ed25519Key, Message, PKey, RSAKey, SSHException
from paramiko.agent import (
    SSH2_AGENT_IDENTITIES_ANSWER,
    AgentKey,
    AgentSSH,
    cSSH2_AGENTC_REQUEST_IDENTITIES,
)

from fleetbpf.errors import InputError, Problem

AGENT_TIMEOUT = 30.0  # seconds; an agent may ask a person to confirm the use of a key
MAGIC = b"openssh-key-v1\0"  # OpenSSH's PROTOCOL.key


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """A key to authenticate with, and where it is from."""

    source: str  # a file's path, or "agent"
    key: PKey


class EncryptedKeyError(InputError):
    """A key file needs a passphrase; an agent may hold the key."""

    def __init__(self, path: Path, public: bytes) -> None:
        super().__init__(
            Problem(
                where=str(path),
                what="the key is encrypted, and no agent holds it",
                hint=f"hand it to an agent: eval $(ssh-agent); ssh-add {path}; "
                "or give its passphrase: FLEETBPF_KEY_PASSPHRASE, fleetbpf_key_passphrase",
            )
        )
        self.path = path
        self.public = public  # on the wire; empty when it cannot be told


class WrongPassphraseError(InputError):
    """The passphrase does not open the key."""

    def __init__(self, path: Path) -> None:
        what = "the passphrase does not open the key"
        hint = f"try it: ssh-keygen -y -f {path}"
        super().__init__(Problem(where=str(path), what=what, hint=hint))


def read_identity(path: Path, *, passphrase: str | None = None) -> Identity:
    """The private key in a file of OpenSSH's or a PEM format; InputError says what is wrong.

    A passphrase is for a key of which EncryptedKeyError was said.
    """
    try:
        text = path.read_bytes()
    except OSError as error:
        hint = "correct fleetbpf_identity_file, or create the key with ssh-keygen"
        what = f"cannot read the key: {error.strerror}"
        raise InputError(Problem(where=str(path), what=what, hint=hint)) from error
    secret = None if passphrase is None else passphrase.encode("utf-8", "surrogateescape")
    try:
        return Identity(source=str(path), key=parse_key(text, secret))
    except TypeError as error:  # cryptography's way to ask for a passphrase
        raise EncryptedKeyError(path, public_part(text) or public_beside(path)) from error
    except (ValueError, UnsupportedAlgorithm, SSHException) as error:
        if secret is not None and isinstance(error, ValueError):
            raise WrongPassphraseError(path) from error
        what = "not a private key that can be used"
        hint = "a key made by `ssh-keygen -t ed25519` can; name the file without .pub"
        raise InputError(Problem(where=str(path), what=what, hint=hint)) from error


def parse_key(text: bytes, passphrase: bytes | None = None) -> PKey:
    """The key in the text of a private key file.

    Raises TypeError when it is encrypted, ValueError when the passphrase is wrong or it is no key
    of a known type.
    """
    if b"BEGIN OPENSSH PRIVATE KEY" in text:
        key: object = serialization.load_ssh_private_key(text, password=passphrase)
    else:
        key = serialization.load_pem_private_key(text, password=passphrase)
    match key:
        case ed25519.Ed25519PrivateKey():
            return Ed25519Key(file_obj=io.StringIO(openssh_text(key)))
        case ec.EllipticCurvePrivateKey():
            return ECDSAKey(vals=(key, key.public_key()))
        case rsa.RSAPrivateKey():
            return RSAKey(key=key)
        case _:
            raise ValueError(f"no use for a {type(key).__name__}")


def openssh_text(key: ed25519.Ed25519PrivateKey) -> str:
    """The key in OpenSSH's format, the only one that paramiko reads Ed25519 keys from."""
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.OpenSSH,
        serialization.NoEncryption(),
    ).decode()


def public_part(text: bytes) -> bytes:
    """The public key in an OpenSSH private key file, which is never encrypted; else nothing."""
    body = b"".join(line for line in text.splitlines() if b"-----" not in line)
    try:
        whole = base64.b64decode(body)
    except binascii.Error:
        return b""
    if not whole.startswith(MAGIC):
        return b""
    fields = Message(whole[len(MAGIC) :])
    for _ in ("cipher", "kdf", "kdf options"):
        fields.get_binary()
    fields.get_int()  # the number of keys, always 1
    return bytes(fields.get_binary())


def public_beside(path: Path) -> bytes:
    """The key in the `.pub` file beside a private key; nothing when there is none."""
    try:
        return base64.b64decode(path.with_name(f"{path.name}.pub").read_text().split()[1])
    except (OSError, IndexError, ValueError):
        return b""


class Agent(AgentSSH):
    """An ssh-agent, asked over a new connection each time.

    So threads need not wait for each other, and nothing stays open.
    """

    def __init__(self, address: str) -> None:
        super().__init__()
        self._address = address

    def identities(self) -> Iterator[Identity]:
        """The agent's keys; none when it does not answer."""
        try:
            kind, answer = self._send_message(cSSH2_AGENTC_REQUEST_IDENTITIES)
        except OSError:
            return
        if kind == SSH2_AGENT_IDENTITIES_ANSWER:
            for _ in range(answer.get_int()):
                blob, comment = answer.get_binary(), answer.get_text()
                yield Identity(source="agent", key=AgentKey(self, blob, comment))

    def _send_message(self, message: Message | bytes) -> tuple[int, Message]:
        """Ask the agent something; AgentKey calls this to have it sign."""
        body = bytes(message) if isinstance(message, bytes) else message.asbytes()
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
            connection.settimeout(AGENT_TIMEOUT)
            connection.connect(self._address)
            connection.sendall(struct.pack(">I", len(body)) + body)
            with connection.makefile("rb") as stream:
                (size,) = struct.unpack(">I", receive(stream, 4))
                answer = receive(stream, size)
        return answer[0], Message(answer[1:])


def receive(stream: BinaryIO, size: int) -> bytes:
    """Exactly `size` bytes of the agent's answer."""
    piece = stream.read(size)
    if len(piece) < max(size, 1):
        raise ConnectionError("the agent closed the connection")
    return piece


def holds(identity: Identity, public: bytes) -> bool:
    """Whether an agent's identity is the key with this public part."""
    return bool(public) and isinstance(identity.key, AgentKey) and identity.key.blob == public
