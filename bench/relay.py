"""A link with a delay: relays connections between loopback addresses, each byte some time later.

usage: relay.py PORT SECONDS FROM=TO...      both on PORT; SECONDS each way
Prints a line for each connection: how many seconds it was open, as its client saw it.
"""

import asyncio
import sys
import time
from collections.abc import Callable
from functools import partial

KEPT: set[asyncio.Task[object] | None] = set()  # or else they are collected while they wait


async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, delay: float) -> None:
    """Pass on what comes, and the end, each `delay` seconds after it came."""
    loop = asyncio.get_running_loop()
    while True:
        piece = await reader.read(65536)
        forward: Callable[[], None] = partial(writer.write, piece) if piece else writer.close
        loop.call_later(delay, forward)
        if not piece:
            return


async def relay(
    target: str, port: int, delay: float, client: asyncio.StreamReader, back: asyncio.StreamWriter
) -> None:
    """Serve one connection; the delay of its first packet, TCP's own, is kept too."""
    began = time.monotonic()
    KEPT.add(asyncio.current_task())
    await asyncio.sleep(2 * delay)
    server, forth = await asyncio.open_connection(target, port)
    answers = asyncio.create_task(pump(server, back, delay))
    try:
        await pump(client, forth, delay)
    except ConnectionError:
        forth.close()
    print(f"{time.monotonic() - began:.4f}", flush=True)
    await asyncio.gather(answers, return_exceptions=True)


async def main() -> None:
    port, delay = int(sys.argv[1]), float(sys.argv[2])
    for pair in sys.argv[3:]:
        here, _, there = pair.partition("=")
        await asyncio.start_server(partial(relay, there, port, delay), here, port, backlog=1024)
    print("ready", flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main())
