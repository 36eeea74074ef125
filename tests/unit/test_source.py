"""YAML as values with places."""

import os
from pathlib import Path

import pytest

from fleetbpf.documents import source
from fleetbpf.errors import InputError

PATH = Path("file.yml")


def value_of(text: str) -> object:
    return source.parse(f"x: {text}\n", PATH).value["x"]  # type: ignore[index]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("yes", True),
        ("off", False),
        ("'yes'", "yes"),
        ("y", "y"),
        ("22:30", "22:30"),
        ("2024-01-31", "2024-01-31"),
        ("1_000", 1000),
        ("0x1f", 31),
        ("0o17", 15),
        ("-5", -5),
        ("5.10", 5.1),
        ("1e3", "1e3"),
        ("1.2.3", "1.2.3"),
        ("10.0.0.1", "10.0.0.1"),
        ("=", "="),
        ("~", None),
        ("!!str 5", "5"),
        ("9" * 5000, "9" * 5000),
        ("\"a\\nb $(x) 'q'\"", "a\nb $(x) 'q'"),
    ],
)
def test_scalars_are_read_as_ansible_does_but_for_the_traps(text: str, value: object) -> None:
    assert value_of(text) == value


@pytest.mark.parametrize("key", ["on", "yes", "no", "1", "1.0", "0644", "null", "10.0.0.1"])
def test_a_key_is_always_the_text_that_was_written(key: str) -> None:
    assert source.parse(f"{key}: 1\n", PATH).value == {key: 1}


def test_a_leading_zero_is_octal_as_for_ansible_and_reported_as_ambiguous() -> None:
    document = source.parse("mode: 0644\n", PATH)

    assert document.value == {"mode": 0o644}
    assert [str(mistake.place) for mistake in document.ambiguous] == ["1:7"]


def test_every_key_and_value_has_its_place() -> None:
    document = source.parse("a:\n  - b: 1\n    cé: [x,  y]\n", PATH)

    assert str(document.key_place("a", 0, "cé")) == "3:5"
    assert str(document.value_place("a", 0, "cé", 1)) == "3:14"
    assert str(document.value_place("a", 0, "missing", 3)) == "2:5"


def test_anchors_and_merge_keys_work_and_own_keys_win() -> None:
    text = (
        "base: &base {x: 1, y: 2}\nmore: &more {y: 3, z: 4}\nall:\n  <<: [*base, *more]\n  x: 9\n"
    )

    assert source.parse(text, PATH).value["all"] == {"x": 9, "y": 2, "z": 4}  # type: ignore[index]


def test_an_aliased_value_keeps_places_inside_its_anchor() -> None:
    document = source.parse("a: &a {k: v}\nb: *a\n", PATH)

    assert str(document.value_place("b")) == "2:4"
    assert str(document.value_place("b", "k")) == "1:11"


def test_a_byte_order_mark_and_windows_line_ends_do_not_matter(tmp_path: Path) -> None:
    path = tmp_path / "file.yml"
    path.write_bytes(b"\xef\xbb\xbfa: 1\r\nb: 2\r\n")

    document = source.read(path)

    assert document.value == {"a": 1, "b": 2}
    assert str(document.key_place("b")) == "2:1"


def test_a_missing_file_is_said(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"nope.yml: cannot read it: No such file or directory"):
        source.read(tmp_path / "nope.yml")


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("helo.yml", "did you mean `hello.yml`?"),
        ("hello.yaml", "did you mean `hello.yml`?"),
        ("other.yml", ""),
        ("none/helo.yml", ""),
    ],
)
def test_a_file_that_is_called_almost_so_is_told(tmp_path: Path, name: str, hint: str) -> None:
    for there in ("hello.yml", "hello.bpf.c", "notes.txt"):
        (tmp_path / there).touch()
    with pytest.raises(InputError) as caught:
        source.read(tmp_path / name)
    assert caught.value.problems[0].hint == hint


def test_a_directory_is_said(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is a directory, not a file"):
        source.read(tmp_path)


def test_a_file_without_end_is_refused() -> None:
    with pytest.raises(InputError, match="/dev/zero: the file is larger than 16 MiB"):
        source.read(Path("/dev/zero"))


def test_a_path_with_a_nul_is_refused() -> None:
    with pytest.raises(InputError, match="cannot read it"):
        source.read(Path("a\0b"))


def test_a_pipe_can_be_read() -> None:
    reading, writing = os.pipe()
    os.write(writing, b"a: 1\n")
    os.close(writing)
    try:
        assert source.read(Path(f"/dev/fd/{reading}")).value == {"a": 1}
    finally:
        os.close(reading)
