"""Each fuzzer for a short while, the same inputs every time; `./dev fuzz` runs them for longer."""

from pathlib import Path

import pytest

from tests.fuzz import building
from tests.fuzz.building import FUZZERS, Fuzzer
from tests.tools import absent, need


@pytest.fixture(scope="module")
def fuzzers(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Fuzzer]:
    need("clang", "bpftool", "gcc")
    folder = tmp_path_factory.mktemp("fuzzers")
    if not building.can_be_built(folder):
        absent("clang has no libFuzzer here (./dev setup installs it)")
    return {fuzzer.name: fuzzer for fuzzer in building.build(folder)}


@pytest.mark.parametrize("name", sorted(FUZZERS))
def test_no_bytes_break(fuzzers: dict[str, Fuzzer], name: str, tmp_path: Path) -> None:
    done = fuzzers[name].run(tmp_path, f"-runs={FUZZERS[name]}", "-seed=1")
    assert done.returncode == 0, done.stderr[-8000:]
