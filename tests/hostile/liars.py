"""Lies of a host: what it says in place of the truth, to whatever script."""

from collections.abc import Callable, Mapping

Lie = Callable[[bytes], bytes]  # of the true answer


def after_greeting(lie: bytes) -> Lie:
    """The greeting, and the lie in place of all else."""
    return lambda truth: truth.partition(b"\n")[0] + b"\n" + lie


def with_rows(*rows: str) -> Lie:
    """The truth, and rows of nobody's asking before its end."""

    def lie(truth: bytes) -> bytes:
        body, end = (truth[:-4], b"end\n") if truth.endswith(b"\nend\n") else (truth, b"")
        return body + "".join(f"{row}\n" for row in rows).encode() + end

    return lie


def replaced(*pairs: tuple[bytes, bytes]) -> Lie:
    """The truth with some of its words changed."""

    def lie(truth: bytes) -> bytes:
        for old, new in pairs:
            truth = truth.replace(old, new)
        return truth

    return lie


AWAY = "../../../../away"
LIES: Mapping[str, Lie] = {
    "nothing": after_greeting(b""),
    "bytes": after_greeting(bytes(range(256)) * 40 + b"\nend\n"),
    "deep": after_greeting(b"[" * 100_000 + b"\nend\n"),
    "cut off": lambda truth: truth[: len(truth) * 2 // 3],
    "digits": lambda truth: bytes(ord("9") if chr(byte).isdecimal() else byte for byte in truth),
    "huge numbers": replaced((b"\t0", b"\t" + b"9" * 5000), (b":1", b":" + b"9" * 5000)),
    "texts for numbers": replaced((b"0\t", b"x\t"), (b":1", b':"x"'), (b"\t1", b"\t-")),
    "another program": with_rows(
        *(f"program\tdemo\t{AWAY}\tr1\t", f"verifier\t{AWAY}\tHost *", f"failed\t{AWAY}\tload"),
    ),
    "another deployment": replaced((b"demo", b"other")),
    "traversal": replaced((b"\thello", f"\t{AWAY}".encode()), (b"/hello", f"/{AWAY}".encode())),
    "torn records": replaced((b'"time"', b'"time":"x","was"'), (b'"kind"', b'"kind":[],"was"')),
    "escapes": replaced((b"hello", b"he\x1b[2Jllo\r\x9b")),
}
