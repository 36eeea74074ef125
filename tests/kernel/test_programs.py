"""Shipped programs on this machine's kernel: what a lab host cannot show as cheaply."""

import socket
import struct

import pytest

from tests.kernel.conftest import Start
from tests.kernel.running import Loader, Record
from tests.tools import absent

RESPONSE = 0x8000
LABELS = ["a" * 63, "b" * 63, "c" * 63, "d" * 61]  # the longest name that there is


def wire(*labels: str) -> bytes:
    return b"".join(bytes([len(label)]) + label.encode() for label in labels) + b"\0"


def message(question: bytes, *, number: int = 1, flags: int = 0x0100) -> bytes:
    return struct.pack("!6H", number, flags, 1, 0, 0, 0) + question


def send(content: bytes, address: str = "127.0.0.1") -> None:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as client:
        client.sendto(content, (address, 53))


def queries(loader: Loader) -> list[Record]:
    """Those that were sent to this machine, by this process."""
    loader.stop()
    found = [record["data"] for record in loader.records("event")]
    return [query for query in found if query["server"]["address"] in {"::1", "::ffff:127.0.0.1"}]


@pytest.mark.parametrize(
    ("question", "name", "kind"),
    [
        (wire("www", "example", "com") + b"\0\1\0\1", "www.example.com", "A"),
        (wire() + b"\0\2\0\1", "", "NS"),
        (wire(*LABELS) + b"\0\x1c\0\1", ".".join(LABELS), "AAAA"),
        (wire("x") + b"\x12\x67\0\1", "x", 0x1267),
        # A pointer, which only responses have, ends a name.
        (b"\3www\xc0\x0c\0\1\0\1", "www", 0x0C00),
    ],
)
def test_a_query_becomes_a_name_and_a_type(
    start: Start, question: bytes, name: str, kind: str | int
) -> None:
    loader = start("dns_queries")
    send(message(question))
    (query,) = queries(loader)
    assert (query["name"], query["type"]) == (name, kind)


def test_a_name_ends_where_its_packet_ends(start: Start) -> None:
    loader = start("dns_queries")
    send(message(b"\3www\7exam"))
    (query,) = queries(loader)
    assert query["name"] == "www.exam"


def test_a_query_over_ipv6_is_told(start: Start) -> None:
    loader = start("dns_queries")
    try:
        send(message(wire("six") + b"\0\1\0\1", number=6), "::1")
    except OSError:
        absent("this machine has no IPv6")
    (query,) = queries(loader)
    assert (query["id"], query["name"], query["server"]) == (
        6,
        "six",
        {"address": "::1", "port": 53},
    )


def test_what_is_no_query_is_not_told(start: Start) -> None:
    loader = start("dns_queries")
    send(message(wire("reply") + b"\0\1\0\1", flags=RESPONSE))
    send(b"too short")
    send(b"")
    assert queries(loader) == []
