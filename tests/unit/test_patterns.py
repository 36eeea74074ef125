"""What patterns do beyond the table in tests/cases/patterns."""

from pathlib import Path

import pytest

from fleetbpf.errors import InputError
from fleetbpf.inventory import inventory, patterns

FLEET = inventory.read_text("web: {hosts: {'web[1:4]': }}\ndb: {hosts: {db1: }}\n", Path("f.yml"))


def names(pattern: str) -> list[str]:
    return [host.name for host in patterns.select(pattern, FLEET)]


def test_a_file_holds_patterns_one_a_line(tmp_path: Path) -> None:
    path = tmp_path / "my hosts.txt"
    path.write_text("web[0:1]\n\n# not web2\n!web2\ndb\n", encoding="utf-8")

    assert names(f"@{path}") == ["web1", "db1"]


def test_a_host_is_chosen_before_a_pattern_of_the_same_text() -> None:
    fleet = inventory.read_text("a: {hosts: {b: , c: }}\nz: {hosts: {a: }}\n", Path("f.yml"))

    assert [host.name for host in patterns.select("a", fleet)] == ["a"]


def test_all_unknown_names_are_told_at_their_place() -> None:
    with pytest.raises(InputError) as caught:
        patterns.select("wep:bd", FLEET, where="hello.yml:3:5")

    assert [problem.where for problem in caught.value.problems] == ["hello.yml:3:5"] * 2
    assert [problem.hint for problem in caught.value.problems] == [
        "did you mean `web`?",
        "f.yml has: all, ungrouped, web, db, web1, web2, web3, web4, db1",
    ]


def test_a_set_that_python_warns_of_is_a_set() -> None:
    assert names("~[w+--]eb1") == ["web1"]
