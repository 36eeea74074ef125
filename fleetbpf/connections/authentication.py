"""Asking a host to be let in, without waiting a round trip for leave to ask."""

import threading
from collections.abc import Sequence
from typing import Any

from paramiko import Message, PKey
from paramiko.auth_handler import AuthHandler
from paramiko.ssh_exception import SSHException

from fleetbpf.connections.answers import MOST_PROMPTS, Answers

SERVICE = "ssh-userauth"


class UnusableKeyError(Exception):
    """A key cannot sign, so it was not offered; the text says why."""


class Authentication(AuthHandler):
    """One attempt; the request for the service of authentication travels with the first one.

    A host takes one message after the other (RFC 4252 has nothing against it), so a round trip less
    is waited for than paramiko does. Only an RSA key needs to know before with which algorithm the
    host wants it to sign: that has come for sure when the service is accepted.
    """

    private_key: PKey
    accepts: Sequence[str] = ()  # the ways that the host named when it refused this one
    _waits = False  # for the service to be accepted

    def offer_key(self, user: str, key: PKey, event: threading.Event) -> None:
        """Sign with a key; UnusableKeyError when it does not."""
        self.private_key = key
        try:
            self._begin("publickey", user, event)
        except (OSError, SSHException) as error:
            raise UnusableKeyError(str(error) or type(error).__name__) from error

    def say_password(self, user: str, password: str, event: threading.Event) -> None:
        """Say a password."""
        self.password = password
        self._begin("password", user, event)

    def answer(self, user: str, answers: Answers, event: threading.Event) -> None:
        """Let the host ask."""
        self.interactive_handler = answers
        self.submethods = ""
        self._begin("keyboard-interactive", user, event)

    def _begin(self, method: str, user: str, event: threading.Event) -> None:
        self.auth_event, self.auth_method, self.username = event, method, user
        transport: Any = self.transport
        rsa = method == "publickey" and "rsa" in self.private_key.get_name()
        if rsa and not transport.server_extensions:
            self._waits = True
            self._request_auth()  # type: ignore[attr-defined]
            return
        if not transport.service_requested:
            transport.service_requested = True
            self._request_auth()  # type: ignore[attr-defined]
        accepted = Message()
        accepted.add_string(SERVICE)
        accepted.rewind()
        super()._parse_service_accept(accepted)  # type: ignore[misc]

    def _parse_service_accept(self, message: Message) -> None:
        """Ask to be let in, unless that was done before."""
        if self._waits:
            self._waits = False
            super()._parse_service_accept(message)  # type: ignore[misc]

    def _parse_userauth_failure(self, message: Message) -> None:
        """Note the ways that are left; paramiko keeps them where this way is none of them."""
        self.accepts = tuple(message.get_text().split(","))
        message.rewind()
        super()._parse_userauth_failure(message)  # type: ignore[misc]

    def _parse_userauth_info_request(self, message: Message) -> None:
        """Take questions; paramiko believes their count."""
        message.get_text(), message.get_text(), message.get_binary()
        if message.get_int() > MOST_PROMPTS:
            raise SSHException("it asks more questions at once than anybody would")
        message.rewind()
        super()._parse_userauth_info_request(message)  # type: ignore[misc]
