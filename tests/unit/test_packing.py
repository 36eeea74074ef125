"""Payloads of many hosts at once: packed once, and the same bytes for all."""

import functools
import threading
from concurrent.futures import ThreadPoolExecutor

from fleetbpf.deploy.packing import one_at_a_time, shared_payload
from fleetbpf.files.archive import Compression


def test_threads_that_miss_a_cache_together_compute_once() -> None:
    calls: list[int] = []
    together = threading.Barrier(8)

    @one_at_a_time
    @functools.lru_cache
    def computed(key: int) -> bytes:
        calls.append(key)
        return bytes(key)

    def ask() -> bytes:
        together.wait(60)
        return computed(1000)

    with ThreadPoolExecutor(8) as pool:
        found = [future.result() for future in [pool.submit(ask) for _ in range(8)]]

    assert calls == [1000]
    assert all(each is found[0] for each in found)


def test_hosts_that_need_the_same_get_the_same_bytes() -> None:
    files = (("program/unit", b"[Unit]\n"),)

    first, second = (shared_payload(files, (b"packed",), Compression.ZSTD) for _ in range(2))

    assert first is second
