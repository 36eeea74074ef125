"""What a run builds, it builds once."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from fleetbpf.build.builders import Once, raise_together
from fleetbpf.errors import BuildError, Problem


def test_many_threads_that_ask_at_once_get_one_result() -> None:
    calls: list[str] = []
    barrier = threading.Barrier(8)
    once = Once[str, object](lambda key: calls.append(key) or object())  # type: ignore[func-returns-value]

    def ask() -> object:
        barrier.wait(60)
        return once("arm64")

    with ThreadPoolExecutor(8) as pool:
        found = {id(each.result()) for each in [pool.submit(ask) for _ in range(8)]}
    assert (len(found), calls) == (1, ["arm64"])


def test_an_error_is_the_same_for_all_who_ask() -> None:
    calls: list[str] = []

    def fail(key: str) -> None:
        calls.append(key)
        raise BuildError(Problem(where="", what="no linker"))

    once = Once[str, None](fail)
    for _ in range(2):
        with pytest.raises(BuildError, match="no linker"):
            once("arm64")
    assert calls == ["arm64"]


def test_what_all_builds_lack_is_told_once() -> None:
    lack, own = Problem(where="", what="no linker"), Problem(where="m.yml:1:1", what="a typo")
    with pytest.raises(BuildError) as caught:
        raise_together([BuildError(lack), None, BuildError(lack, own)])
    assert caught.value.problems == (lack, own)
