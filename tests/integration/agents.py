"""Real ssh-agents, and keys for them."""

import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.waiting import wait_until


@contextmanager
def started(address: Path) -> Iterator[Path]:
    """An agent without keys at this socket."""
    process = subprocess.Popen(
        ["ssh-agent", "-D", "-a", str(address)], stdout=subprocess.DEVNULL, stdin=subprocess.DEVNULL
    )
    wait_until(address.exists, what="the agent listens")
    yield address
    process.send_signal(signal.SIGTERM)
    process.wait(60)


def add(agent: Path, key: Path, *, passphrase: str = "") -> None:
    """Give a private key to the agent."""
    ask = agent.with_name("ask")
    ask.write_text(f"#!/bin/sh\necho '{passphrase}'\n")
    ask.chmod(0o700)
    environment = {
        **os.environ,
        "SSH_AUTH_SOCK": str(agent),
        "SSH_ASKPASS": str(ask),
        "SSH_ASKPASS_REQUIRE": "force",
    }
    subprocess.run(["ssh-add", "-q", str(key)], env=environment, check=True, capture_output=True)
