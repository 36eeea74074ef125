"""Foreign text on a terminal: shown, never obeyed."""

import pytest

from fleetbpf.terminal_text import coloured, harmless


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain äöü 🐝\ttab\nline", "plain äöü 🐝\ttab\nline"),
        ("\x1b[31mred\x1b[0m", "red"),
        ("\x1b[2J\x1b[Hgone", r"\x1b[2J\x1b[Hgone"),
        ("\x1b]0;title\x07", r"\x1b]0;title\x07"),
        ("over\rwritten\x08\x7f", r"over\rwritten\x08\x7f"),
        ("\x9b2J", r"\x9b2J"),
        ("a\u202egpj.exe", r"a\u202egpj.exe"),
        ("half \udcff", r"half \udcff"),
        ("688.3µs ünï żółw 日本　語 🐝", "688.3µs ünï żółw 日本　語 🐝"),
        ("⚠️ beware", "⚠️ beware"),
        ("a\ufe0fb", r"a\ufe0fb"),
        ("zero\u200bwidth\u200d\u2060", r"zero\u200bwidth\u200d\u2060"),
        ("\u3164\uffa0\u115f", r"\u3164\uffa0\u115f"),
        ("tag\U000e0041 \u2800", r"tag\U000e0041 \u2800"),
        ("soft\xadhyphen", r"soft\xadhyphen"),
    ],
)
def test_what_a_terminal_would_obey_is_spelled_out(text: str, shown: str) -> None:
    assert harmless(text) == shown


def test_a_compiler_keeps_its_colours_and_nothing_else() -> None:
    assert coloured("\x1b[1;31merror\x1b[0m: \x1b[2J") == "\x1b[1;31merror\x1b[0m: " + r"\x1b[2J"
