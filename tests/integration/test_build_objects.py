"""Objects as clang and bpftool make them here, described."""

from pathlib import Path

import pytest

from fleetbpf.build import compilation
from fleetbpf.build.toolchain import Toolchain
from fleetbpf.build.workbench import Workbench
from fleetbpf.execution.local import LocalConnection
from fleetbpf.model.description import Description, Function
from fleetbpf.model.recipe import Recipe
from tests.tools import need

SOURCE = """
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>
#include <bpf/bpf_core_read.h>

char LICENSE[] SEC("license") = "GPL";
const volatile u64 limit = 7;

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 128);
	__type(key, char[16]);
	__type(value, u64);
} calls SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERF_EVENT_ARRAY);
	__uint(key_size, 4);
	__uint(value_size, 4);
} perf SEC(".maps");

static __noinline int helper(int x)
{
	return x + limit;
}

SEC("tracepoint/syscalls/sys_enter_execve")
int first(void *ctx)
{
	BODY
	return helper(bpf_get_prandom_u32());
}

SEC("raw_tp/sys_enter")
int second(void *ctx)
{
	return 0;
}
"""
PRINT = 'bpf_printk("hello");'
READ = "struct task_struct *t = (void *)bpf_get_current_task(); limit + BPF_CORE_READ(t, tgid);"


@pytest.fixture(scope="module")
def toolchain() -> Toolchain:
    need("clang", "bpftool", "cc")
    return Toolchain.find()


def describe(toolchain: Toolchain, folder: Path, body: str) -> Description:
    source = folder / "example.bpf.c"
    source.write_text(SOURCE.replace("BODY", body))
    recipe = Recipe(source=source, where="m.yml:1:1")
    with LocalConnection() as here:
        bench = Workbench(toolchain=toolchain, folder=folder, here=here)
        bench.compile_object(recipe, bench.compile_watch(), compilation.readable(toolchain, recipe))
        return bench.describe_object(recipe)


def test_functions_maps_and_constants_are_found(toolchain: Toolchain, tmp_path: Path) -> None:
    found = describe(toolchain, tmp_path, "")
    assert found.program == "example"
    assert found.functions == (
        Function(name="first", section="tracepoint/syscalls/sys_enter_execve"),
        Function(name="second", section="raw_tp/sys_enter"),
    )
    assert [(item.name, item.c_type, item.size) for item in found.constants] == [
        ("limit", "u64", 8)
    ]
    calls, perf = found.maps
    assert (calls.name, calls.type, calls.key_size, calls.value_size) == ("calls", 1, 16, 8)
    assert calls.max_entries == 128
    assert (perf.name, perf.type, perf.key_size, perf.value_size) == ("perf", 4, 4, 4)
    assert perf.key_type is None


def test_an_object_that_neither_prints_nor_relocates(toolchain: Toolchain, tmp_path: Path) -> None:
    found = describe(toolchain, tmp_path, "")
    assert not found.prints
    assert not found.needs_btf


def test_a_print_is_seen(toolchain: Toolchain, tmp_path: Path) -> None:
    assert describe(toolchain, tmp_path, PRINT).prints


def test_a_co_re_read_is_seen(toolchain: Toolchain, tmp_path: Path) -> None:
    assert describe(toolchain, tmp_path, READ).needs_btf
