"""Places in a crew: who only waits for somebody lends its own, and goes first when it is back."""

import threading
import time
from collections.abc import Callable
from functools import partial

import pytest

from fleetbpf.connections.crew import Crew, Slot

PATIENCE = 30.0  # seconds, until a test is given up


def run(*tasks: Callable[[Slot], str], threads: int = 1, aside: int = 10) -> list[str]:
    """What tasks return, in the order in which they end."""
    crew = Crew(tasks, threads=threads, aside=aside)
    return [future.result() for future in crew.ended()]


def dead(answers: threading.Event, _: list[str], slot: Slot) -> str:
    """A task that waits for what comes only when all others are done."""
    with slot.aside():
        answers.wait(PATIENCE)
    return "dead"


def live(answers: threading.Event, left: list[str], _: Slot) -> str:
    left.pop()
    if not left:
        answers.set()
    return "live"


def test_who_waits_for_a_dead_host_holds_up_nobody() -> None:
    answers, left = threading.Event(), ["", ""]
    tasks = [partial(task, answers, left) for task in (dead, dead, dead, live, live)]

    assert run(*tasks) == ["live", "live", "dead", "dead", "dead"]


def test_only_so_many_may_be_waited_for_beside_the_others() -> None:
    beside, most, lock = [0], [0], threading.Lock()
    enough = threading.Event()  # one waits in its place, and two aside

    def waits(slot: Slot) -> str:
        with slot.aside():
            with lock:
                beside[0] += 1
                most[0] = max(most[0], beside[0])
            if beside[0] == 3:
                time.sleep(0.2)  # for a fourth, which must not come
                enough.set()
            assert enough.wait(PATIENCE)
            with lock:
                beside[0] -= 1
        return "waited"

    run(*[waits] * 6, aside=2)
    assert most[0] == 3


def test_who_is_back_goes_before_those_that_have_not_begun() -> None:
    answers, answered = threading.Event(), threading.Event()
    order: list[str] = []

    def slow(slot: Slot) -> str:
        with slot.aside():
            answers.wait(PATIENCE)
            answered.set()
        order.append("slow")
        return ""

    def first(slot: Slot) -> str:
        answers.set()
        answered.wait(PATIENCE)
        while slot.crew is not None and not slot.crew.awaited:
            answered.wait(0.01)
        order.append("first")
        return ""

    def second(_: Slot) -> str:
        order.append("second")
        return ""

    run(slow, first, second)
    assert order == ["first", "slow", "second"]


def test_no_more_run_at_once_than_there_are_places() -> None:
    now, most, lock = [0], [0], threading.Lock()

    def works(slot: Slot) -> str:
        with slot.aside():
            pass
        with lock:
            now[0] += 1
            most[0] = max(most[0], now[0])
        with lock:
            now[0] -= 1
        return ""

    run(*[works] * 200, threads=3, aside=100)
    assert 1 <= most[0] <= 3


def test_who_fails_while_it_waits_needs_no_place_for_that() -> None:
    told = threading.Event()

    def fails(slot: Slot) -> str:
        with slot.aside():
            begun.wait(PATIENCE)
            raise TimeoutError

    begun = threading.Event()

    def works(_: Slot) -> str:
        begun.set()
        told.wait(PATIENCE)
        return ""

    crew = Crew([fails, works], threads=1, aside=1)
    ended = crew.ended()
    with pytest.raises(TimeoutError):
        next(ended).result()
    told.set()
    assert next(ended).result() == ""


def test_what_comes_promptly_lends_nothing() -> None:
    def waits(slot: Slot) -> str:
        assert slot.until(lambda _: True, 60.0)
        with slot.aside(after=60.0):
            assert slot.held
        return "prompt"

    assert run(waits) == ["prompt"]


def test_the_time_of_a_task_stands_still_while_it_waits_for_its_place() -> None:
    released = threading.Event()
    waited: list[float] = []

    def slow(slot: Slot) -> str:
        began, own = time.monotonic(), slot.now()
        with slot.aside():
            begun.wait(PATIENCE)
        waited.append((time.monotonic() - began) - (slot.now() - own))
        return ""

    begun = threading.Event()

    def works(slot: Slot) -> str:
        begun.set()
        while slot.crew is not None and not slot.crew.awaited:
            released.wait(0.01)
        released.wait(0.2)  # so long the other one waits for its place
        return ""

    run(slow, works)
    assert waited[0] >= 0.2


def test_a_place_without_a_crew_is_nobody_elses() -> None:
    slot = Slot()
    with slot.aside():
        assert slot.held
    assert not slot.until(lambda _: False, 0.0)
