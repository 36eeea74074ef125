"""CO-RE relocations as clang writes them, tried against types that stand for a kernel's."""

import subprocess
from pathlib import Path

import pytest

from fleetbpf.objects import elf, relocations
from fleetbpf.objects.btf_file import BtfFile
from tests.tools import need

KERNEL = """\
enum state { RUNNING, STOPPED = 4 };
struct inner { int deep; };
typedef struct { int counter; } atomic_t;
struct task {
	int pid;
	long __state;
	struct inner inner, *next;
	union { long first; struct { int nested; }; };
	char comm[16];
	int *numbers;
	enum state kind;
	atomic_t usage;
};
struct task *task;
atomic_t *atom;
enum state of_any;
int f(void) { return of_any; }
"""
PROGRAM = """\
#define CORE __attribute__((preserve_access_index))
enum state { RUNNING, STOPPED = 2, DEAD };
struct inner { int deep, gone; } CORE;
typedef struct { int counter; } CORE atomic_t;
struct task {
	struct inner inner, *next;
	int nested, missing;
	char comm[16];
	long long pid;
	int numbers[4];
	enum state kind;
	atomic_t usage;
} CORE;
struct task___old { long state; } CORE;
struct unheard { int of; } CORE;
struct task *task;

__attribute__((section("raw_tp/x"), used)) int read_it(void *ctx)
{
	return EXPRESSION;
}
"""


def compiled(folder: Path, name: str, text: str) -> bytes:
    source, made = folder / f"{name}.c", folder / f"{name}.o"
    source.write_text(text)
    command = ["clang", "-target", "bpf", "-O2", "-g", "-c", str(source), "-o", str(made)]
    subprocess.run(command, check=True)
    return made.read_bytes()


@pytest.fixture(scope="module")
def kernel(tmp_path_factory: pytest.TempPathFactory) -> BtfFile:
    need("clang")
    made = elf.parse(compiled(tmp_path_factory.mktemp("kernel"), "kernel", KERNEL))
    section = made.section(".BTF")
    assert section is not None
    return BtfFile.parse(section.content)


@pytest.mark.parametrize(
    ("expression", "what"),
    [
        pytest.param("task->pid", "", id="a member of another size"),
        pytest.param("task->inner.deep", "", id="a member of a member"),
        pytest.param("task->next->deep", "", id="behind a pointer"),
        pytest.param("task->nested", "", id="in an anonymous struct in a union"),
        pytest.param("task->comm[3]", "", id="an element"),
        pytest.param("task->usage.counter", "", id="a typedef of a struct without a name"),
        pytest.param("task->missing", "task.missing", id="a member that is not there"),
        pytest.param("task->inner.gone", "task.inner.gone", id="not there, further inside"),
        pytest.param("task->next->gone", "inner.gone", id="not there, behind a pointer"),
        pytest.param("task->numbers[1]", "task.numbers[1]", id="an array that is a pointer there"),
        pytest.param("((struct task___old *)ctx)->state", "task.state", id="a flavour"),
        pytest.param("((struct unheard *)ctx)->of", "unheard.of", id="a struct that is not there"),
        pytest.param("__builtin_preserve_field_info(task->missing, 2)", "", id="asked for only"),
        pytest.param(
            "__builtin_preserve_enum_value(*(enum state *)STOPPED, 1)", "", id="an enum's value"
        ),
        pytest.param(
            "__builtin_preserve_enum_value(*(enum state *)DEAD, 1)",
            "DEAD of enum state",
            id="a value that the enum lacks",
        ),
    ],
)
def test_what_a_kernel_lacks_is_named(
    kernel: BtfFile, tmp_path: Path, expression: str, what: str
) -> None:
    made = elf.parse(compiled(tmp_path, "program", PROGRAM.replace("EXPRESSION", expression)))
    found = relocations.missing(made, kernel)
    assert [each.what for each in found] == ([what] if what else [])
    assert all(each.function == "read_it" for each in found)
