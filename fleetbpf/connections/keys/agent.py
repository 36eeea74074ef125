"""Keys that an ssh-agent holds: bare ones, certificates, and those in FIDO tokens."""

import socket
import struct
from collections.abc import Iterator
from typing import BinaryIO

from paramiko import Message, SSHException
from paramiko.agent import (
    SSH2_AGENT_IDENTITIES_ANSWER,
    SSH2_AGENT_SIGN_RESPONSE,
    AgentKey,
    AgentSSH,
    cSSH2_AGENTC_REQUEST_IDENTITIES,
    cSSH2_AGENTC_SIGN_REQUEST,
)

from fleetbpf.connections.keys.identities import Identity, bare_key

TIMEOUT = 30.0  # seconds; an agent may ask a person to confirm the use of a key, or to touch it
CERTIFICATE = "-cert-v01@openssh.com"
# Which of the algorithms of an RSA key is to be used (draft-miller-ssh-agent, 3.6.1).
FLAGS = {"rsa-sha2-256": 2, "rsa-sha2-512": 4}


class HeldKey(AgentKey):
    """A key that signs in the agent, of any type that the agent and the host know.

    paramiko's own sends and signs with the bare key of a certificate, and so never with it.
    """

    def asbytes(self) -> bytes:
        """The public key, or the certificate, as on the wire."""
        return self.blob

    @property
    def public(self) -> bytes:
        """The bare public key, without a certificate around it."""
        try:
            return bare_key(self.name, self.blob) if self.is_certificate else self.blob
        except ValueError:
            return self.blob

    @property
    def is_certificate(self) -> bool:
        """Whether it is a certificate of a key, not the key alone."""
        return self.name.endswith(CERTIFICATE)

    def __copy__(self) -> "HeldKey":
        return HeldKey(self.agent, self.blob, self.comment)

    # What paramiko's own returns is bytes as well, whatever the stubs say.
    def sign_ssh_data(self, data: bytes, algorithm: str | None = None) -> bytes:  # type: ignore[override]
        """The signature of the agent, which may wait for a person."""
        message = Message()
        message.add_byte(cSSH2_AGENTC_SIGN_REQUEST)
        message.add_string(self.blob)
        message.add_string(data)
        message.add_int(FLAGS.get((algorithm or "").removesuffix(CERTIFICATE), 0))
        if not isinstance(self.agent, Agent):
            raise SSHException("the key is of another agent")
        kind, answer = self.agent.ask(message)
        if kind != SSH2_AGENT_SIGN_RESPONSE:
            raise SSHException("the agent does not sign with the key")
        return bytes(answer.get_binary())


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
            kind, answer = self.ask(cSSH2_AGENTC_REQUEST_IDENTITIES)
        except OSError:
            return
        if kind == SSH2_AGENT_IDENTITIES_ANSWER:
            for _ in range(answer.get_int()):
                blob, comment = answer.get_binary(), answer.get_text()
                yield Identity(source="agent", key=HeldKey(self, blob, comment))

    def ask(self, message: Message | bytes) -> tuple[int, Message]:
        """Ask the agent something."""
        body = bytes(message) if isinstance(message, bytes) else message.asbytes()
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
            connection.settimeout(TIMEOUT)
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
    """Whether an agent's identity is the key with this public part, or a certificate of it."""
    return bool(public) and isinstance(identity.key, HeldKey) and identity.key.public == public
