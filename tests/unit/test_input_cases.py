"""Manifests, inventories and patterns in tests/cases/, each with the exact answer it must get."""

from pathlib import Path

import pytest

from fleetbpf.errors import InputError
from fleetbpf.inventory import inventory, patterns
from fleetbpf.manifest import manifest
from fleetbpf.model.inventory import Inventory

CASES = Path(__file__).parent.parent / "cases"


def cases(topic: str) -> list[Path]:
    return sorted(path for path in (CASES / topic).iterdir() if path.is_dir())


def name_of(case: Path) -> str:
    return case.name


def error_of(case: Path, error: InputError) -> str:
    return str(error).replace(f"{case}/", "") + "\n"


def expected_of(case: Path) -> str:
    return (case / "expected.txt").read_text(encoding="utf-8")


@pytest.mark.parametrize("case", cases("manifest"), ids=name_of)
def test_a_wrong_manifest_is_told_with_all_its_mistakes_in_order(case: Path) -> None:
    with pytest.raises(InputError) as caught:
        manifest.read(case / "manifest.yml")

    assert error_of(case, caught.value) == expected_of(case)


@pytest.mark.parametrize("case", cases("inventory"), ids=name_of)
def test_a_wrong_inventory_is_told_with_all_its_mistakes_in_order(case: Path) -> None:
    with pytest.raises(InputError) as caught:
        inventory.read(next(case.glob("inventory.*")))

    assert error_of(case, caught.value) == expected_of(case)


@pytest.mark.parametrize("case", cases("patterns"), ids=name_of)
def test_a_pattern_gives_its_hosts_in_order_or_says_what_is_wrong(case: Path) -> None:
    fleet = inventory.read(CASES / "patterns" / "inventory.yml")
    pattern = (case / "pattern.txt").read_text(encoding="utf-8").removesuffix("\n")

    assert answer(pattern, fleet) == expected_of(case)


def answer(pattern: str, fleet: Inventory) -> str:
    try:
        hosts = patterns.select(pattern, fleet, where="the pattern")
    except InputError as error:
        return error_of(Path(fleet.name).parent, error)
    return "".join(f"{host.name}\n" for host in hosts)
