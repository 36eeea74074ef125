"""Hooks named by a manifest, and hooks that are not there."""

import os
import platform
import subprocess
import time
from pathlib import Path

import pytest

from tests.kernel.conftest import Build, Start
from tests.kernel.running import ping
from tests.waiting import wait_until

PID = f"pid={os.getpid()}"
RELEASE = platform.release()


@pytest.mark.parametrize(
    ("attach", "text"),
    [
        ("on_call=raw_tp/sys_enter", "raw"),
        ("on_call=raw_tracepoint/sys_enter", "raw"),
        ("on_typed=tp_btf/sys_enter", "typed"),
        ("on_tracepoint=tracepoint/syscalls/sys_enter_getppid", "tracepoint 110"),
        ("on_tracepoint=tp/syscalls/sys_enter_getppid", "tracepoint 110"),
    ],
)
def test_a_function_goes_where_the_manifest_says(start: Start, attach: str, text: str) -> None:
    loader = start("anywhere", "--set", PID, "--attach", attach)
    ping()
    loader.stop()
    assert loader.texts() == [text]


def test_a_function_may_go_to_several_hooks(start: Start) -> None:
    where = "on_tracepoint=tracepoint/syscalls"
    loader = start(
        "anywhere",
        *("--set", PID),
        *("--attach", f"{where}/sys_enter_getppid"),
        *("--attach", f"{where}/sys_enter_getpgid"),
    )
    ping()
    os.getpgid(0)
    loader.stop()
    assert loader.texts() == ["tracepoint 110", "tracepoint 121"]
    assert [item["hook"] for item in loader.records("start")[0]["attached"]] == [
        "tracepoint/syscalls/sys_enter_getppid",
        "tracepoint/syscalls/sys_enter_getpgid",
    ]


@pytest.fixture
def called(tmp_path: Path) -> Path:
    """A program with a function `called`, in a place whose name is a trap."""
    folder = tmp_path / 'it\'s a "path" with $(everything):\n;'
    folder.mkdir()
    source = tmp_path / "called.c"
    source.write_text(
        '__attribute__((noinline)) void called(void) { __asm__(""); }\n'
        "int main(void) { called(); return 0; }\n"
    )
    subprocess.run(["gcc", "-g", "-o", folder / "called", source], check=True)
    return folder / "called"


def test_a_uprobe_path_may_hold_anything(start: Start, called: Path, tmp_path: Path) -> None:
    arguments = tmp_path / "arguments"
    word = f"on_function=uprobe/{called}:called"
    escaped = word.replace("\\", "\\\\").replace("\n", "\\n")
    arguments.write_text(f"--attach\n{escaped}\n")
    loader = start("anywhere", "--args", str(arguments))
    subprocess.run([called], check=True)
    loader.stop()
    assert loader.texts() == ["called"]
    assert loader.records("start")[0]["attached"][0]["hook"] == word.split("=", 1)[1]


@pytest.mark.parametrize(
    ("attach", "reason"),
    [
        ("on_tracepoint=tracepoint/syscalls/no_such", "it has no such tracepoint"),
        ("on_call=raw_tp/no_such", "it has no such raw tracepoint"),
        ("on_typed=tp_btf/no_such", "its BTF has no such tracepoint"),
        ("on_entry=fentry/no_such", "its BTF has no such function"),
        ("on_function=uprobe/usr/bin/env:no_such", "the file has no such function"),
        ("on_function=uprobe/no/such/file:x", "/no/such/file: No such file or directory"),
    ],
)
def test_a_hook_that_is_not_there_is_named(start: Start, attach: str, reason: str) -> None:
    function, hook = attach.split("=")
    loader = start("anywhere", "--attach", attach, ready=False)
    assert loader.process is not None
    _, err = loader.process.communicate(timeout=120)
    text = err.decode()
    assert loader.process.returncode == 1
    assert f"cannot attach {function} to {hook} on kernel {RELEASE}: " in text
    assert reason in text
    failure = (loader.run / "failure").read_text()
    assert f'"function":"{function}","hook":"{hook}"' in failure


def test_a_counter_is_sampled_on_every_cpu(start: Start) -> None:
    loader = start("observers", "--attach", "on_counter=perf_event/cpu-clock@99")
    cpus = {f"sample on {cpu}" for cpu in os.sched_getaffinity(0)}
    wait_until(lambda: set(loader.texts()) >= cpus, what=f"a sample on each of {cpus}")


def test_a_counter_fires_at_its_frequency(start: Start) -> None:
    loader = start("observers", "--attach", "on_counter=perf_event/cpu-clock@20")
    loader.wait_for_texts(1)
    time.sleep(2)
    loader.stop()
    samples = loader.records("trace")
    by_cpu = [record["time"] for record in samples if record["text"] == samples[0]["text"]]
    assert 10 <= (len(by_cpu) - 1) / (by_cpu[-1] - by_cpu[0]) * 1e9 <= 30


def test_a_function_may_go_to_two_counters(start: Start) -> None:
    loader = start(
        "observers",
        *("--attach", "on_counter=perf_event/cpu-clock@49"),
        *("--attach", "on_counter=perf_event/context-switches@99"),
    )
    loader.wait_for_texts(1)
    assert [item["hook"] for item in loader.records("start")[0]["attached"]] == [
        "perf_event/cpu-clock@49",
        "perf_event/context-switches@99",
    ]


def test_a_section_alone_may_say_which_counter(start: Start) -> None:
    assert set(start("sampler").wait_for_texts(3)) == {"sample"}


def test_a_raw_tracepoint_may_be_writable(start: Start) -> None:
    loader = start("observers", "--set", PID, "--attach", "on_writable=raw_tp.w/sys_enter")
    ping()
    loader.stop()
    assert loader.texts() == ["writable"]


@pytest.fixture
def probed(tmp_path: Path) -> Path:
    """A program with the USDT probe fleetbpf:called, whose argument is 41."""
    source = Path(__file__).parent / "programs" / "probed.c"
    program = tmp_path / "a:program with a probe"
    subprocess.run(["gcc", "-static", "-nostdlib", "-o", program, source], check=True)
    return program


def test_a_usdt_probe_fires_with_its_argument(start: Start, probed: Path) -> None:
    hook = f"usdt/{probed}:fleetbpf:called"
    loader = start("observers", "--attach", f"on_probe={hook}")
    subprocess.run([probed], check=True)
    loader.stop()
    assert loader.texts() == ["probe 41"]
    assert loader.records("start")[0]["attached"] == [{"function": "on_probe", "hook": hook}]


@pytest.mark.parametrize(
    ("attach", "reason"),
    [
        ("on_writable=raw_tp.w/no_such", "it has no such raw tracepoint"),
        ("on_probe=usdt/usr/bin/env:no:such", "the file has no such USDT probe"),
        ("on_probe=usdt/no/such/file:x:y", "/no/such/file: No such file or directory"),
        ("on_counter=perf_event/no-such@9", "hint: known: cpu-clock page-faults"),
        ("on_kernel=usdt/usr/bin/env:a:b", 'it was compiled for "kprobe", which passes other'),
        ("on_probe=uprobe/usr/bin/env:main", 'it was compiled for "usdt", which passes other'),
    ],
)
def test_an_observer_that_cannot_be_is_named(build: Build, attach: str, reason: str) -> None:
    function, hook = attach.split("=")
    command = [str(build("observers")), "--attach", attach]
    done = subprocess.run(command, capture_output=True, check=False, text=True)
    assert done.returncode == 1
    assert f"cannot attach {function} to {hook} on kernel {RELEASE}: " in done.stderr
    assert reason in done.stderr


def test_a_machine_without_a_counter_says_so(build: Build) -> None:
    if Path("/sys/bus/event_source/devices/cpu").exists():
        pytest.skip("this machine has hardware counters")
    command = [str(build("observers")), "--attach", "on_counter=perf_event/cycles@99"]
    done = subprocess.run(command, capture_output=True, check=False, text=True)
    assert "cannot attach on_counter to perf_event/cycles@99 on kernel" in done.stderr
    assert "this machine has no such counter" in done.stderr


@pytest.mark.parametrize(
    ("attach", "reason"),
    [
        ("on_kernel=ksyscall/openat", "it was built without kprobes"),
        ("on_kernel=kretsyscall/openat", "it was built without kprobes"),
        ("on_kernels=kprobe.multi/vfs_*", "it lists no functions that can be probed"),
        ("on_kernels=kretprobe.multi/vfs_*", "it lists no functions that can be probed"),
    ],
)
def test_a_kernel_that_cannot_be_probed_says_so(build: Build, attach: str, reason: str) -> None:
    if Path("/sys/bus/event_source/devices/kprobe").exists():
        pytest.skip("this kernel has kprobes")
    command = [str(build("observers")), "--attach", attach]
    done = subprocess.run(command, capture_output=True, check=False, text=True)
    assert f"on kernel {RELEASE}: {reason}" in done.stderr


@pytest.mark.parametrize(
    ("function", "first", "second"),
    [
        ("on_kernels", "kprobe.multi/vfs_*", "kprobe/vfs_read"),
        ("on_kernel", "ksyscall/openat", "kprobe.multi/vfs_*"),
        ("on_counter", "perf_event/cpu-clock@9", "raw_tp/sys_enter"),
        ("on_writable", "raw_tp.w/sys_enter", "raw_tp/sys_enter"),
    ],
)
def test_hooks_that_want_a_function_loaded_differently_need_two(
    build: Build, function: str, first: str, second: str
) -> None:
    words = ["--attach", f"{function}={first}", "--attach", f"{function}={second}"]
    command = [str(build("observers")), *words]
    done = subprocess.run(command, capture_output=True, check=False, text=True)
    assert f"it goes to {first} already, and these two need a function each" in done.stderr


def test_a_kernel_without_kprobes_says_so(build: Build) -> None:
    if Path("/sys/bus/event_source/devices/kprobe").exists():
        pytest.skip("this kernel has kprobes")
    command = [str(build("anywhere")), "--attach", "on_kernel=kprobe/do_unlinkat"]
    done = subprocess.run(command, capture_output=True, check=False, text=True)
    assert "it was built without kprobes" in done.stderr


@pytest.mark.parametrize(
    ("words", "what"),
    [
        (["--attach", "nobody=raw_tp/x"], "anywhere has no such function"),
        (["--attach", "on_call=nowhere/x"], "hook nowhere/x: unknown kind of hook"),
        (["--attach", "on_call=tracepoint/x"], "hint: want tracepoint/SYSTEM/NAME"),
        (["--attach", "on_call=raw_tp"], "hint: want raw_tracepoint/NAME"),
        (["--attach", "on_call"], 'on_call: its section "raw_tp" does not say where to attach'),
        (["--attach", "on_typed=raw_tp/sys_enter"], 'it was compiled for "tp_btf"'),
        (
            ["--attach", "on_typed=tp_btf/sys_enter", "--attach", "on_typed=tp_btf/sys_exit"],
            "it goes to tp_btf/sys_enter already",
        ),
        ([], "there is no function to attach"),
    ],
)
def test_a_wrong_hook_is_refused(build: Build, words: list[str], what: str) -> None:
    done = subprocess.run([build("anywhere"), *words], capture_output=True, check=False, text=True)
    assert done.returncode in {1, 2}
    assert what in done.stderr
