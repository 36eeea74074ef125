"""Changes of texts and bytes at random: of lines, fields, words, numbers, and single bytes."""

import random
import re
import struct
from collections.abc import Callable

LONGEST = 1_000_000  # bytes of what comes out
SEPARATORS = tuple(map(re.compile, (rb"(\n)", rb"([\t\n])", rb"([^A-Za-z0-9]+)")))
NUMBER = re.compile(rb"[0-9]+")
FEW = (1, 1, 1, 2, 4)  # changes of one text

# What parsers, numbers, paths, terminals and shells trip over.
ODD = (
    *(b"", b"\t", b"\n", b"\r", b"\0", b"\xff\xfe", b"\x1b[2J", b"\xc2\x9b", b"\xe2\x80\xae"),
    *(b"\xef\xbb\xbf", b"\xed\x9f\xbf", b"\xed\xa0\x80", b"\xd9\xa3", b"\xc2\xb2", b"\xc3\xbc"),
    *(b"../../x", b"/etc/x", b"/dev/zero", b".", b"..", b"~nobody-is-called-so/x", b"x" * 5000),
    *(b"null", b"true", b"yes", b"[]", b"{}", b'"x"', b'"\\ud800"', b"'", b'"', b"#", b"\\"),
    *(b"[" * 5000, b'{"a":' * 2000, b"(" * 500, b"- " * 200, b"==", b": ", b"? ", b"|\n", b">\n"),
    *(b"&a ", b"*a", b"<<: *a", b"!vault |", b"!!python/object:os.system x", b"[all:vars]"),
    *(b"{{ ", b" }}", b"{%", b"%}", b"{% for x in y %}", b"{{ lookup('x') }}", b"{{ a ** 9 }}"),
    *(b"%h", b"${HOME}", b"$(id)", b"`id`", b"~(a+)+$", b"web[01:99999999]", b"web[a:z]", b"*"),
    *(b"!", b":&", b"end", b"lock\tx", b"program\tx", b"failed\t../x\tload", b"segment\tx\t0\t-5"),
)
NUMBERS = (
    *(b"0", b"-1", b"+-5", b"007", b"1e999", b"NaN", b"Infinity", b".inf", b"0x7fffffffffffffff"),
    *(b"9" * 10, b"9" * 19, b"9" * 30, b"9" * 400, b"9" * 5000, b"0x" + b"f" * 5000),
    *(str(2**bits - 1).encode() for bits in (15, 16, 31, 32, 53, 63, 64)),
)
WORDS = (0, 1, 8, 0xFF, 0x10000, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF)

Pieces = list[bytes]


def change_text(content: bytes, chance: random.Random) -> bytes:
    """The text with one to four changes, most of them of pieces between separators."""
    for _ in range(chance.choice(FEW)):
        content = chance.choice(OF_TEXTS)(content, chance)[:LONGEST]
    return content


def change_bytes(content: bytes, chance: random.Random) -> bytes:
    """The bytes with one to four changes of bytes, of words of four, and of lengths."""
    for _ in range(chance.choice(FEW)):
        content = chance.choice(OF_BYTES)(content, chance)[:LONGEST]
    return content


def of_pieces(change: Callable[[Pieces, int, random.Random], object]) -> Callable[..., bytes]:
    """A change of one of the pieces that a text is made of."""

    def changed(content: bytes, chance: random.Random) -> bytes:
        pieces = chance.choice(SEPARATORS).split(content)
        change(pieces, chance.randrange(len(pieces)), chance)
        return b"".join(pieces)

    return changed


def put_odd(pieces: Pieces, at: int, chance: random.Random) -> None:
    pieces[at] = chance.choice((*ODD, *NUMBERS))


def put_bytes(pieces: Pieces, at: int, chance: random.Random) -> None:
    pieces[at] = chance.randbytes(chance.randrange(20))


def insert_odd(pieces: Pieces, at: int, chance: random.Random) -> None:
    pieces.insert(at, chance.choice(ODD))


def insert_other(pieces: Pieces, at: int, chance: random.Random) -> None:
    pieces.insert(at, chance.choice(pieces))


def swap(pieces: Pieces, at: int, chance: random.Random) -> None:
    other = chance.randrange(len(pieces))
    pieces[at], pieces[other] = pieces[other], pieces[at]


def repeat(pieces: Pieces, at: int, chance: random.Random) -> None:
    pieces[at : at + 2] = pieces[at : at + 2] * chance.choice((2, 3, 50, 300))


def leave_out(pieces: Pieces, at: int, chance: random.Random) -> None:
    del pieces[at : at + chance.randrange(1, 5)]


def indent(pieces: Pieces, at: int, chance: random.Random) -> None:
    pieces[at] = b" " * chance.randrange(9) + pieces[at].lstrip()


def put_number(content: bytes, chance: random.Random) -> bytes:
    """Another number in the place of one."""
    found = list(NUMBER.finditer(content))
    if not found:
        return content + chance.choice(NUMBERS)
    place = chance.choice(found)
    near = str(int(place[0][:18]) + chance.choice((-1, 1))).encode()
    other = chance.choice((*NUMBERS, near, near, near))
    return content[: place.start()] + other + content[place.end() :]


def insert_anywhere(content: bytes, chance: random.Random) -> bytes:
    """Something odd, in the place of a few bytes or of none."""
    at = chance.randrange(len(content) + 1)
    rest = content[at + chance.choice((0, 0, 1, 3, 9)) :]
    return content[:at] + chance.choice((*ODD, *NUMBERS)) + rest


def put_byte(content: bytes, chance: random.Random) -> bytes:
    """Another byte in the place of one."""
    at = chance.randrange(len(content) + 1)
    return content[:at] + chance.randbytes(1) + content[at + 1 :]


def put_word(content: bytes, chance: random.Random) -> bytes:
    """Another word of four bytes, where words begin."""
    at = chance.randrange(len(content) + 1) & ~3
    word = chance.choice((*WORDS, chance.randrange(64), chance.randrange(2**32)))
    return content[:at] + struct.pack("<I", word) + content[at + 4 :]


def cut_out(content: bytes, chance: random.Random) -> bytes:
    """Without some bytes in the middle."""
    at = chance.randrange(len(content) + 1)
    return content[:at] + content[at + chance.randrange(1, 32) :]


def cut_off(content: bytes, chance: random.Random) -> bytes:
    """Without its end."""
    return content[: chance.randrange(len(content) + 1)]


def insert_bytes(content: bytes, chance: random.Random) -> bytes:
    """With more bytes in the middle."""
    at = chance.randrange(len(content) + 1)
    return content[:at] + chance.randbytes(chance.randrange(1, 64)) + content[at:]


OF_TEXTS = (
    *map(of_pieces, (put_odd, put_odd, put_bytes, insert_odd, insert_other, swap, repeat)),
    *map(of_pieces, (leave_out, leave_out, indent)),
    *(put_number, put_number, insert_anywhere, insert_anywhere, put_byte, cut_off),
)
OF_BYTES = (put_byte, put_byte, put_word, put_word, put_word, cut_out, insert_bytes, cut_off)
