"""A TCP relay that cuts the connection once so many bytes have gone through."""

import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from tests.integration import sshd

AT_ONCE = struct.pack("ii", 1, 0)  # SO_LINGER: close with a reset, whatever is still to be sent


class Relay:
    """Relays to `port`; cuts each connection after `up` bytes to it, or `down` bytes from it."""

    def __init__(self, port: int) -> None:
        self.up: int | None = None
        self.down: int | None = None
        self.passed = {"up": 0, "down": 0}
        self._to = port
        self._listener = socket.create_server((sshd.ADDRESS, 0))
        self.port = int(self._listener.getsockname()[1])
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._threads[0].start()

    def cut_after(self, *, up: int | None = None, down: int | None = None) -> None:
        """From now on, until it is called again."""
        self.up, self.down = up, down
        self.passed = {"up": 0, "down": 0}

    def close(self) -> None:
        """Accept no more; returns when all is quiet."""
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for thread in self._threads:
            thread.join(120)

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                thread = threading.Thread(target=self._join, args=(client,), daemon=True)
                thread.start()
                self._threads.append(thread)

    def _join(self, client: socket.socket) -> None:
        with client, socket.create_connection((sshd.ADDRESS, self._to)) as server:
            back = threading.Thread(target=self._pump, args=("down", server, client), daemon=True)
            back.start()
            self._pump("up", client, server)
            back.join()

    def _pump(self, name: str, source: socket.socket, sink: socket.socket) -> None:
        limit = self.up if name == "up" else self.down
        with suppress(OSError):
            while piece := source.recv(16384):
                room = len(piece) if limit is None else max(limit - self.passed[name], 0)
                sink.sendall(piece[:room])
                self.passed[name] += len(piece)
                if room < len(piece):
                    break
            else:
                sink.shutdown(socket.SHUT_WR)
                return
        cut(source, sink)


def cut(*sockets: socket.socket) -> None:
    """End both sides at once, without a farewell."""
    for each in sockets:
        with suppress(OSError):
            each.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, AT_ONCE)
            each.shutdown(socket.SHUT_RDWR)


@contextmanager
def relay(port: int) -> Iterator[Relay]:
    """A relay that ends with the block."""
    made = Relay(port)
    try:
        yield made
    finally:
        made.close()
