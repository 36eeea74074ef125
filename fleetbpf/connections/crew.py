"""Threads that nobody has to wait for: one that hangs in a connection dies with the process."""

import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from queue import Empty, SimpleQueue
from typing import Any, Generic, TypeVar

T = TypeVar("T")
# Seconds for what has to end: twice for hosts, once for jump hosts, and Ctrl-C ends in a second.
GRACE = 0.3
PROMPT = 0.3  # seconds in which most hosts answer; who takes longer lends its place meanwhile


class Crew(Generic[T]):
    """Runs tasks in daemon threads; concurrent.futures' own pool joins its threads at exit.

    `threads` tasks run at once. A task may lend its place while it only waits for somebody else;
    `aside` tasks may have done so at a moment, each in a thread of its own.
    """

    def __init__(
        self, tasks: "Iterable[Callable[[Slot], T]]", *, threads: int, aside: int = 0
    ) -> None:
        self._queue: SimpleQueue[tuple[Future[T], Callable[[Slot], T]]] = SimpleQueue()
        self._ended: SimpleQueue[Future[T]] = SimpleQueue()
        self._lock = threading.Lock()
        self._free = 0  # places that nobody has, as there is no task left to begin
        self._aside = aside  # how many more may step aside
        self._returning: deque[threading.Event] = deque()  # they go before tasks that begin
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

    @property
    def awaited(self) -> int:
        """How many wait for a place again."""
        return len(self._returning)

    def lend(self) -> bool:
        """Give a place to who returns, or to a task that begins; False where nobody else may."""
        with self._lock:
            if self._aside == 0:
                return False
            self._aside -= 1
            if self._pass_on():
                return True
            if self._queue.empty():
                self._free += 1
                return True
        threading.Thread(target=self._work, daemon=True).start()
        return True

    def take_back(self) -> None:
        """Wait for a place again, before all tasks that have not begun."""
        came = threading.Event()
        with self._lock:
            if self._free:
                self._free -= 1
                came.set()
            else:
                self._returning.append(came)
        came.wait()
        with self._lock:
            self._aside += 1

    def _pass_on(self) -> bool:
        """Give a place to the first who returns, if somebody does. The lock is held."""
        if self._returning:
            self._returning.popleft().set()
            return True
        return False

    def _next(self) -> tuple[Future[T], "Callable[[Slot], T]"] | None:
        """A task for the place of this thread; None when the place is somebody else's now."""
        with self._lock:
            if self._pass_on():
                return None
            try:
                return self._queue.get_nowait()
            except Empty:
                self._free += 1
                return None

    def _work(self) -> None:
        while found := self._next():
            future, task = found
            slot = Slot(self)
            if future.set_running_or_notify_cancel():
                try:
                    future.set_result(task(slot))
                except BaseException as error:
                    future.set_exception(error)
            if not slot.held:  # it has failed meanwhile; the place is somebody else's
                with self._lock:
                    self._aside += 1
                return


class Slot:
    """A task's place among those that run at once; one without a crew is nobody else's."""

    def __init__(self, crew: Crew[Any] | None = None) -> None:
        self.held = True
        self.last_wait = 0.0  # seconds, that it waited to be let in again
        self.crew = crew
        self._waited = 0.0  # seconds, in all
        self._waits = False
        self._lock = threading.Lock()

    def now(self) -> float:
        """The task's own time in seconds: it stands still while the task waits for its place."""
        return time.monotonic() - self._waited

    def take(self) -> None:
        """Have the place again, if it is lent; waits for that."""
        self.last_wait = 0.0
        if self.held or self.crew is None:
            return
        began = time.monotonic()
        self.crew.take_back()
        self.held = True
        self.last_wait = time.monotonic() - began
        self._waited += self.last_wait

    def until(self, wait: Callable[[float], bool], timeout: float) -> bool:
        """Whether `wait`, which is told how long at most, saw it come within `timeout` seconds.

        The place is lent when it does not come promptly.
        """
        if wait(min(timeout, PROMPT)):
            return True
        if timeout <= PROMPT:
            return False
        with suppress(TimeoutError), self.aside():
            if not wait(timeout - PROMPT):
                raise TimeoutError
            return True
        return False

    @contextmanager
    def aside(self, *, after: float = 0.0) -> Iterator[None]:
        """Lend the place while the block waits for somebody, if it takes more than `after` seconds.

        What fails meanwhile does not wait for the place: there may be nothing left to do.
        """
        with self._lock:
            self._waits = True
        timer = None
        if after:
            timer = threading.Timer(after, self._lend)
            timer.daemon = True
            timer.start()
        else:
            self._lend()
        try:
            yield
        finally:
            if timer:
                timer.cancel()
            with self._lock:
                self._waits = False
        self.take()

    def _lend(self) -> None:
        with self._lock:
            if self._waits and self.held and self.crew is not None:
                self.held = not self.crew.lend()


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
