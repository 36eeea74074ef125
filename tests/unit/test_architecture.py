"""Which architecture a host has, who says so, and what its programs are built for."""

from dataclasses import replace
from pathlib import Path

import pytest

from fleetbpf.errors import HostError, InputError
from fleetbpf.host import facts
from fleetbpf.inventory import inventory
from fleetbpf.model.architecture import Architecture
from fleetbpf.model.inventory import Host
from fleetbpf.model.target import DesiredProgram, Target
from tests.unit.samples import host_facts


@pytest.mark.parametrize(
    ("machine", "found"),
    [
        *(("x86_64", Architecture.X86_64), ("amd64", Architecture.X86_64)),
        *(("aarch64", Architecture.ARM64), ("arm64", Architecture.ARM64)),
        *(("armv7l", None), ("riscv64", None), ("", None)),
    ],
)
def test_an_architecture_has_more_than_one_name(machine: str, found: Architecture | None) -> None:
    assert Architecture.of_machine(machine) is found


@pytest.mark.parametrize("architecture", Architecture)
def test_an_architecture_is_known_by_what_its_kernel_calls_it(architecture: Architecture) -> None:
    assert Architecture.of_machine(architecture.machine) is architecture


def test_a_host_without_loaders_for_it_is_refused_in_words() -> None:
    seen = host_facts(arch="riscv64")
    with pytest.raises(HostError) as caught:
        facts.architecture(seen, host="web1")
    [problem] = caught.value.problems
    assert str(problem).startswith("web1: there are no loaders for its machine, riscv64")
    assert "x86_64 and arm64" in problem.hint


@pytest.mark.parametrize("name", ["fleetbpf_architecture", "ansible_architecture"])
def test_the_inventory_may_say_the_architecture(name: str) -> None:
    text = f"all: {{hosts: {{arm1: {{{name}: aarch64}}, web1: }}}}"
    hosts = inventory.read_text(text, Path("hosts.yml")).hosts
    assert hosts["arm1"].architecture is Architecture.ARM64
    assert hosts["web1"].architecture is None


def test_an_architecture_that_is_none_of_ours_is_an_error_in_the_inventory() -> None:
    text = "all: {hosts: {old: {fleetbpf_architecture: vax}}}"
    with pytest.raises(InputError, match="has no loaders for `vax`"):
        inventory.read_text(text, Path("hosts.yml"))


def test_a_target_gets_programs_for_what_its_host_is() -> None:
    program = DesiredProgram(name="hello", source=Path("/hello.bpf.c"))
    target = Target(host=Host(name="arm1", address="arm1"), become=False, programs=(program,))
    (recipe,) = [each.recipe for each in target.on(Architecture.ARM64).programs]
    assert recipe.architecture is Architecture.ARM64
    assert recipe != replace(recipe, architecture=Architecture.X86_64)
