"""Threads that nobody has to wait for: one that hangs in a connection dies with the process."""

import threading
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from queue import Empty, SimpleQueue
from typing import Generic, TypeVar

T = TypeVar("T")
Task = Callable[[], T]
# Seconds for what has to end: twice for hosts, once for jump hosts, and Ctrl-C ends in a second.
GRACE = 0.3


class Crew(Generic[T]):
    """Runs tasks in daemon threads; concurrent.futures' own pool joins its threads at exit."""

    def __init__(self, tasks: Iterable[Task[T]], *, threads: int) -> None:
        self._queue: SimpleQueue[tuple[Future[T], Task[T]]] = SimpleQueue()
        self._ended: SimpleQueue[Future[T]] = SimpleQueue()
        self.futures: list[Future[T]] = []  # in the order of the tasks
        for task in tasks:
            future: Future[T] = Future()
            future.add_done_callback(self._ended.put)
            self.futures.append(future)
            self._queue.put((future, task))
        for _ in range(min(threads, len(self.futures))):
            threading.Thread(target=self._work, daemon=True).start()

    def ended(self) -> Iterator[Future[T]]:
        """Each task when it has ended, in that order."""
        for _ in self.futures:
            yield self._ended.get()

    def dismiss(self) -> None:
        """Begin no further task."""
        for future in self.futures:
            future.cancel()

    def _work(self) -> None:
        while True:
            try:
                future, task = self._queue.get_nowait()
            except Empty:
                return
            if future.set_running_or_notify_cancel():
                try:
                    future.set_result(task())
                except BaseException as error:
                    future.set_exception(error)


def at_once(tasks: Iterable[Callable[[], object]], *, patience: float = GRACE) -> None:
    """Do all of them, each in a thread of its own, and wait for so many seconds at most in all.

    For ends of connections: these may have to send something, and a peer that takes nothing must
    not hold up the others.
    """
    threads = [threading.Thread(target=task, daemon=True) for task in tasks]
    deadline = time.monotonic() + patience
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(max(deadline - time.monotonic(), 0))
