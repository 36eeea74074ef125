"""What changes a host is refused without the manifest's `allow`, however a program does it."""

import struct
import subprocess
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from fleetbpf.build.build import Artifact, Builder
from fleetbpf.build.builders import Builders
from fleetbpf.build.kernel_btf import BtfFolder
from fleetbpf.deploy.prepare import Prepare
from fleetbpf.errors import BuildError, Problem
from fleetbpf.frozen import frozen
from fleetbpf.manifest import hook_checks
from fleetbpf.model.description import Call
from fleetbpf.model.inventory import Host
from fleetbpf.model.recipe import Recipe
from fleetbpf.model.target import DesiredHook, DesiredProgram, Target
from fleetbpf.objects import elf
from tests.hostile.objects import HEAD, compiled

PROGRAMS = Path(__file__).parents[2] / "programs"
HEADERS = """\
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>
char LICENSE[] SEC("license") = "GPL";
"""
SIGNAL = """\
SEC("tp_btf/sys_enter")
int BPF_PROG(f, struct pt_regs *registers, long id)
{
	bpf_send_signal_task(bpf_get_current_task_btf(), 9, 0, 0);
	return 0;
}
"""
DECLARED = (
    "extern int bpf_send_signal_task(void *task, int sig, int type, u64 value) __ksym __weak;\n"
)
DESTROY = """\
extern int bpf_sock_destroy(struct sock_common *sock) __ksym;
SEC("iter/tcp")
int f(struct bpf_iter__tcp *ctx)
{
	struct sock_common *sk = ctx->sk_common;

	if (sk)
		bpf_sock_destroy(sk);
	return 0;
}
"""
SETSOCKOPT = """\
SEC("iter/tcp")
int f(struct bpf_iter__tcp *ctx)
{
	struct sock_common *sk = ctx->sk_common;
	int size = 5000;

	if (sk)
		bpf_setsockopt(sk, 1, 8, &size, sizeof(size));
	return 0;
}
"""
FLAVOURED = DESTROY.replace("bpf_sock_destroy", "bpf_sock_destroy___v2")
SUBPROGRAM = """\
static __attribute__((noinline)) long g(void)
{
	return bpf_send_signal(9);
}
SEC("?kprobe/x") int f(void *ctx) { return g(); }
"""
CALLBACK = """\
static long g(u32 index, void *ctx) { return bpf_set_retval(1); }
SEC("raw_tp/sys_enter") int f(void *ctx) { return bpf_loop(1, g, 0, 0); }
"""
SOCKET_MAP = """\
struct {
	__uint(type, BPF_MAP_TYPE_SOCKHASH);
	__uint(max_entries, 8);
	__type(key, u32);
	__type(value, u64);
} sockets SEC(".maps");
SEC("iter/tcp")
int f(struct bpf_iter__tcp *ctx)
{
	u32 key = 0;

	if (ctx->sk_common)
		bpf_map_update_elem(&sockets, &key, ctx->sk_common, 0);
	return 0;
}
"""
REGISTERS = {
    "by itself": 'SEC("uprobe") int f(struct pt_regs *ctx) { ctx->ax = 1; return 0; }',
    "by a pointer": 'SEC("?usdt") int f(struct pt_regs *ctx) '
    "{ volatile u64 *to = (void *)&ctx->ax; to += 3; *to = ctx->di; return 0; }",
    "by another function": "static __attribute__((noinline)) int g(int n, struct pt_regs *r) "
    '{ r->ip = n; return 0; } SEC("uretprobe") int f(struct pt_regs *ctx) { return g(7, ctx); }',
    "by a helper that calls back": "static long g(u32 n, void *at) { struct pt_regs *r = at; r->ax "
    '= n; return 0; } SEC("kprobe") int f(struct pt_regs *ctx) { return bpf_loop(1, g, ctx, 0); }',
    "by its assembler": 'SEC("uprobe") int f(struct pt_regs *ctx) { asm volatile("r2 = r10\\n'
    "r2 += -8\\n*(u64 *)(r2 + 0) = %0\\nr3 = *(u64 *)(r10 - 8)\\nr4 = 1\\n*(u64 *)(r3 + 0) = r4\\n"
    '" :: "r"(ctx) : "r2", "r3", "r4", "memory"); return 0; }',
    "through the stack": "static long g(u32 n, void *at) { struct pt_regs **r = at; (*r)->ax = n; "
    'return 0; } SEC("uprobe") int f(struct pt_regs *ctx) { return bpf_loop(1, g, &ctx, 0); }',
}
READING = """\
SEC("uprobe")
int f(struct pt_regs *ctx)
{
	char text[32] = {};

	bpf_probe_read_user(text, sizeof(text) - 1, (void *)ctx->sp);
	text[3] = ctx->ax;
	bpf_printk("%s %d", text, ctx->di);
	return 0;
}
"""
NOTING = 'SEC("socket") int f(struct __sk_buff *ctx) { ctx->cb[0] = ctx->len; return 0; }'
ATTACKS = {
    "a kernel function that signals": (SIGNAL, "bpf_send_signal_task"),
    "a kernel function that closes a socket": (DESTROY, "bpf_sock_destroy"),
    "one by another name": (FLAVOURED, "bpf_sock_destroy"),
    "a helper that few have heard of": (SETSOCKOPT, "bpf_setsockopt"),
    "a function that another one calls": (SUBPROGRAM, "bpf_send_signal"),
    "a function that a helper calls": (CALLBACK, "bpf_set_retval"),
    "a map that takes sockets in": (SOCKET_MAP, "bpf_sock_hash_update"),
}

pytestmark = pytest.mark.usefixtures("patience")


def told(
    builder: Builder, source: Path, *, allow: tuple[str, ...] = (), hooks: tuple[str, ...] = ()
) -> list[Problem]:
    """What is wrong with a program that a manifest allows some things."""
    made = builder.build(Recipe(source=source))
    wanted = tuple(DesiredHook(function="f", first_of=(hook,)) for hook in hooks)
    program = DesiredProgram(
        name="p", source=source, hooks=wanted, allow=allow, where="evil.yml:2:3"
    )
    return list(hook_checks.of(program, made.description))


def written(folder: Path, text: str) -> Path:
    source = folder / "evil.bpf.c"
    vmlinux = builder_headers() / "vmlinux.h"
    declared = "" if "bpf_send_signal_task" in vmlinux.read_text() else DECLARED
    source.write_text(HEADERS + (declared if text == SIGNAL else "") + text)
    return source


def builder_headers() -> Path:
    from fleetbpf.build import compilation
    from fleetbpf.model.architecture import Architecture

    return compilation.HEADERS / Architecture.usual()


@pytest.mark.parametrize("attack", ATTACKS)
def test_what_changes_a_host_must_be_allowed_by_its_name(
    builder: Builder, folder: Path, attack: str
) -> None:
    text, name = ATTACKS[attack]
    source = written(folder, text)
    [problem] = told(builder, source)
    assert problem.where == "evil.yml:2:3"
    assert problem.hint == f"if that is meant, write `allow: [{name}]` here"
    assert told(builder, source, allow=(name,)) == []


@pytest.mark.parametrize("way", REGISTERS)
def test_writing_a_processs_registers_must_be_allowed(
    builder: Builder, folder: Path, way: str
) -> None:
    source = written(folder, REGISTERS[way])
    [problem] = told(builder, source)
    assert problem.what.startswith("f writes to registers of what it observes")
    assert problem.hint == "if that is meant, write `allow: [user_registers]` here"
    assert told(builder, source, allow=("user_registers",)) == []


def test_a_functions_section_hides_no_write_from_the_hook_of_the_manifest(
    builder: Builder, folder: Path
) -> None:
    text = 'SEC("xdp") int f(struct xdp_md *ctx) { ((u64 *)ctx)[10] = 1; return 2; }'
    source = written(folder, text)
    assert told(builder, source, allow=("xdp",)) == []
    [problem] = told(builder, source, hooks=("uprobe//bin/sh:main",))
    assert "`allow: [user_registers]`" in problem.hint


@pytest.mark.parametrize("text", [READING, NOTING])
def test_reading_registers_needs_nothing(builder: Builder, folder: Path, text: str) -> None:
    assert told(builder, written(folder, text)) == []


def test_the_place_in_the_source_is_told(builder: Builder, folder: Path) -> None:
    source = written(folder, DESTROY)
    line = 1 + source.read_text().splitlines().index("\t\tbpf_sock_destroy(sk);")
    [problem] = told(builder, source)
    assert problem.what == (
        f"f calls bpf_sock_destroy at evil.bpf.c:{line}, which may change what the host does, "
        "and the manifest does not allow it"
    )


def test_all_names_are_told_at_once(builder: Builder, folder: Path) -> None:
    text = DESTROY + SETSOCKOPT.replace("int f(", "int g(")
    found = told(builder, written(folder, text), allow=("xdp",))
    hint = "if that is meant, write `allow: [xdp, bpf_sock_destroy, bpf_setsockopt]` here"
    assert [problem.hint for problem in found] == [hint, hint]


@pytest.mark.parametrize(
    ("section", "name"),
    [
        ("struct_ops/init", "struct_ops"),
        ("struct_ops.s/init", "struct_ops"),
        ("syscall", "syscall"),
        ("freplace/other", "freplace"),
        ("sk_reuseport", "sk_reuseport"),
        ("lwt_xmit", "lwt_xmit"),
    ],
)
def test_a_kind_of_function_that_has_no_hook_must_be_allowed(
    builder: Builder, folder: Path, section: str, name: str
) -> None:
    made = compiled(folder, f'SEC("{section}") int f(void *ctx) {{ return 0; }}')
    [problem] = told(builder, made)
    assert f"`allow: [{name}]`" in problem.hint
    assert told(builder, made, allow=(name,)) == []
    # The same as a hook that the manifest names, of a function that is left out by itself.
    optional = compiled(folder, f'SEC("?{section}") int f(void *ctx) {{ return 0; }}', "optional")
    assert len(told(builder, optional, hooks=(section,))) == 1


def test_an_object_without_btf_is_looked_at_too(builder: Builder, folder: Path) -> None:
    source, made = folder / "evil.c", folder / "evil.o"
    source.write_text(
        HEAD + "static long (*kill)(u32 signal) = (void *)109;\n"
        'SEC("tracepoint/syscalls/sys_enter_openat") int f(void *ctx) { return kill(9); }\n'
    )
    subprocess.run(["clang", "-target", "bpf", "-O2", "-c", source, "-o", made], check=True)
    [problem] = told(builder, made)
    assert problem.what.startswith("f calls bpf_send_signal, which may change what the host does")


@pytest.mark.parametrize(
    ("instruction", "what"),
    [
        ((0x85, 0x00, 0, 4711), "helper number 4711"),
        ((0x85, 0x00, 0, -1), "helper number -1"),
        ((0x85, 0x20, 0, 117), "kernel function number 117"),
        ((0x8D, 0x01, 0, 0), "an address"),
        ((0x86, 0x00, 0, 7), "an address"),
        ((0x85, 0x30, 0, 7), "by way 3"),
    ],
)
def test_what_has_no_name_cannot_be_allowed(
    builder: Builder, folder: Path, instruction: tuple[int, int, int, int], what: str
) -> None:
    text = (
        'SEC("tracepoint/syscalls/sys_enter_openat") int f(void *ctx) { return (u64)lookup(0, 0); }'
    )
    made = compiled(folder, text)
    content = made.read_bytes()
    call = struct.pack("<BBhi", 0x85, 0, 0, 1)
    assert content.count(call) == 1
    made.write_bytes(content.replace(call, struct.pack("<BBhi", *instruction)))
    [problem] = told(builder, made)
    assert f"f calls {what}" in problem.what
    assert problem.hint.startswith("nothing allows that")
    assert len(told(builder, made, allow=("bpf_send_signal", "xdp"))) == 1


def test_a_call_behind_the_last_whole_instruction_hides_nothing(
    builder: Builder, folder: Path
) -> None:
    made = compiled(folder, 'SEC("kprobe/x") int f(void *ctx) { lookup(0, 0); return 0; }')
    content = made.read_bytes()
    section = elf.parse(content).section("kprobe/x")
    assert section is not None
    size = len(section.content)
    header = content.index(struct.pack("<QQ", content.index(section.content), size))
    signal = section.content.replace(
        struct.pack("<BBhi", 0x85, 0, 0, 1), struct.pack("<BBhi", 0x85, 0, 0, 109)
    )
    longer = content[: header + 8] + struct.pack("<Q", size + 4) + content[header + 16 :]
    made.write_bytes(longer.replace(section.content, signal))
    with pytest.raises(Exception, match="half an instruction"):
        told(builder, made)


@pytest.mark.parametrize("source", sorted(PROGRAMS.glob("*.bpf.c")), ids=lambda path: path.stem)
def test_the_programs_that_fleetbpf_ships_only_observe(builder: Builder, source: Path) -> None:
    assert builder.build(Recipe(source=source)).description.calls == ()


@frozen
class BuilderOfAnother:
    """Builders whose objects signal, whatever the source does elsewhere."""

    builders: Builders

    def build_all(self, recipes: Iterable[Recipe]) -> dict[Recipe, Artifact]:
        made = self.builders.build_all(recipes)
        calls = (Call(function="f", name="bpf_send_signal"),)
        return {
            recipe: replace(artifact, description=replace(artifact.description, calls=calls))
            for recipe, artifact in made.items()
        }


def test_what_only_another_architectures_object_does_is_found_on_its_first_host(
    builder: Builder, folder: Path
) -> None:
    source = written(folder, 'SEC("kprobe/x") int f(void *ctx) { return 0; }')
    program = DesiredProgram(name="p", source=source, where="evil.yml:2:3")
    host = Host(name="arm", address="127.0.0.1")
    target = Target(host=host, become=False, programs=(program,))
    other: Any = BuilderOfAnother(builders=Builders(cache=builder._cache.root))
    prepare = Prepare(deployment="d", builders=other, btf=BtfFolder())
    with pytest.raises(BuildError, match="bpf_send_signal"):
        prepare.build(target)
