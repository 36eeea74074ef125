"""Answers without an end: what a host says first, and what it goes on with, for ever."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.hostile.liars import Lie, after_greeting

if TYPE_CHECKING:
    import asyncssh

MUCH = b"A" * 65536
A_DAY = 24 * 3600  # seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Flood:
    """An answer that never ends."""

    first: Lie = lambda truth: truth.partition(b"\n")[0] + b"\n"
    more: bytes = b""  # again and again; nothing: silence
    pause: float = 0.0  # seconds, between two of them
    complains: bool = False  # on standard error

    @property
    def waits(self) -> bool:
        """Whether only a time-out ends it: it says too little for a limit in bytes."""
        return not self.more or self.pause > 0

    async def tell(self, process: "asyncssh.SSHServerProcess[bytes]", truth: bytes) -> None:
        """Say it until the connection ends."""
        stream = process.stderr if self.complains else process.stdout
        process.stdout.write(self.first(truth))
        while self.more:
            stream.write(self.more)
            await stream.drain()
            await asyncio.sleep(self.pause)
        await asyncio.sleep(A_DAY)


def nothing(_: bytes) -> bytes:
    """Not even the greeting."""
    return b""


SEGMENT = b"segment\tdemo/hello/r1/00000001.log\t0\t999999999999999\n"
FLOODS: Mapping[str, Flood] = {
    "endless-stdout": Flood(more=MUCH),
    "endless-stderr": Flood(more=MUCH, complains=True),
    "endless-greeting": Flood(first=nothing, more=MUCH),
    "endless-rows": Flood(more=b"object\tx\n" * 8000),
    "mirror-flood": Flood(first=after_greeting(SEGMENT), more=MUCH),
    "dripping": Flood(more=b"x", pause=0.2),
    "silent": Flood(),
    "mute": Flood(first=nothing),
    "never-closes": Flood(first=lambda truth: truth),
}
