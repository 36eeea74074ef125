"""Maps as metrics for node_exporter's textfile collector, read back with a strict parser."""

import os
import signal
import stat
import subprocess
from pathlib import Path

import pytest

from tests import prometheus
from tests.kernel.conftest import Build, Start
from tests.kernel.running import Loader, ping
from tests.waiting import pause, wait_until

PID = f"pid={os.getpid()}"
Samples = dict[tuple[str, tuple[tuple[str, str], ...]], float]


def file_of(loader: Loader, folder: Path) -> Path:
    return folder / f"fleetbpf-of-a-test-{loader.folder.name}.prom"


def measured(start: Start, folder: Path, name: str, words: str, metric: str) -> Samples:
    """The samples of one metric after three calls."""
    loader = start(
        "readouts",
        *("--set", PID, "--map", f"{name}=0.1{words}"),
        *("--metric", f"{name}={metric}", "--textfile", str(folder)),
    )
    ping(3)
    file = file_of(loader, folder)
    # Two readouts after the calls: the first may have begun before them.
    wait_until(lambda: renewed(file) and renewed(file), what="the metrics are written")
    return samples(file.read_text())


def renewed(file: Path) -> bool:
    """Wait for the next file at this place; it comes by rename."""
    inode = file.stat().st_ino if file.exists() else 0
    wait_until(lambda: file.exists() and file.stat().st_ino != inode, what="a new file")
    return True


def samples(text: str) -> Samples:
    found = prometheus.samples(text)
    assert len({(s.name, *sorted(s.labels.items())) for s in found}) == len(found)
    return {(s.name, tuple(sorted(s.labels.items()))): s.value for s in found}


def test_a_counter_has_labels_from_keys(start: Start, tmp_path: Path) -> None:
    metric = 'fleetbpf_calls_total,counter,label:number:key,help:Calls, "each"\nby \\number'
    found = measured(start, tmp_path, "calls", "", metric)
    assert found == {("fleetbpf_calls_total", (("number", str(n)),)): 1 for n in range(3)}


def test_entries_with_the_same_labels_are_added_up(start: Start, tmp_path: Path) -> None:
    assert measured(start, tmp_path, "calls", "", "calls_total,counter") == {("calls_total", ()): 3}


def test_a_field_of_a_summed_value_is_scaled(start: Start, tmp_path: Path) -> None:
    metric = "packets,gauge,value:value.sizes[1],scale:0.5,label:port:key"
    found = measured(start, tmp_path, "by_port", ",sum", metric)
    (((name, labels), value),) = found.items()
    assert (name, labels) == ("packets", (("port", "5"),))
    assert value in {float(n) for n in range(1, (os.cpu_count() or 1) + 1)}


def test_a_prefix_is_a_label(start: Start, tmp_path: Path) -> None:
    found = measured(start, tmp_path, "networks", "", "seen,gauge,label:network:key")
    assert found == {("seen", (("network", "10.0.0.0/8"),)): 1}


def test_a_histogram_has_cumulative_buckets(start: Start, tmp_path: Path) -> None:
    metric = "latency_seconds,histogram,scale:0.001,label:disk:key.disk"
    found = measured(start, tmp_path, "disks", ",log2", metric)
    sda, sdb = (("disk", "sda"),), (("disk", "sdb"),)
    assert found["latency_seconds_count", sda] == found["latency_seconds_count", sdb] == 3
    assert found["latency_seconds_bucket", (("disk", "sdb"), ("le", "0.007"))] == 0
    assert found["latency_seconds_bucket", (("disk", "sdb"), ("le", "0.015"))] == 3
    assert found["latency_seconds_bucket", (("disk", "sdb"), ("le", "4.095"))] == 3
    assert found["latency_seconds_bucket", (("disk", "sda"), ("le", "0.511"))] == 0
    assert found["latency_seconds_bucket", (("disk", "sda"), ("le", "1.023"))] == 1
    assert found["latency_seconds_bucket", (("disk", "sda"), ("le", "+Inf"))] == 3
    assert found["latency_seconds_sum", sdb] == pytest.approx(3 * 0.0115)


def test_everybody_may_read_the_file_and_it_goes_at_the_stop(start: Start, tmp_path: Path) -> None:
    arguments = ("--map=hits=0.1,sum", "--metric=hits=h,gauge", f"--textfile={tmp_path}")
    loader = start("readouts", *arguments)
    file = file_of(loader, tmp_path)
    wait_until(file.exists, what="the metrics are written")
    assert stat.S_IMODE(file.stat().st_mode) == 0o644
    loader.stop()
    assert list(tmp_path.glob("*.prom*")) == []


def test_the_file_of_the_next_release_stays(start: Start, tmp_path: Path) -> None:
    arguments = ("--map=hits=1000,sum", "--map=recent=1,sum", "--metric=recent=h,gauge")
    loader = start("readouts", *arguments, f"--textfile={tmp_path}")
    file = file_of(loader, tmp_path)
    wait_until(file.exists, what="the metrics are written")
    pause(loader.pid)  # it writes no more
    (tmp_path / "other").write_text("")
    (tmp_path / "other").rename(file)
    os.kill(loader.pid, signal.SIGTERM)
    os.kill(loader.pid, signal.SIGCONT)
    loader.stop()
    assert file.exists()


@pytest.mark.parametrize(
    ("words", "what"),
    [
        (["--metric", "hits=h,gauge"], "is of a map that no --map names"),
        (["--map=hits=1", "--metric", "hits=h,gauge"], "--metric needs --textfile"),
        (["--map=hits=1", "--metric", "hits=2h,gauge", "--textfile=/tmp"], "cannot be understood"),
        (["--map=hits=1", "--metric", "hits=h,summary", "--textfile=/tmp"], "cannot be underst"),
        (["--map=hits=1", "--metric", "hits=h,gauge,scale:0", "--textfile=/tmp"], "cannot be und"),
        (["--map=hits=1", "--metric", "hits=h,histogram", "--textfile=/tmp"], "of another type"),
        (["--map=hits=1", "--metric", "hits=h,gauge", "--textfile=/none"], "No such file or direc"),
    ],
)
def test_a_metric_that_cannot_be_is_refused(build: Build, words: list[str], what: str) -> None:
    command = [str(build("readouts")), *words]
    done = subprocess.run(command, capture_output=True, check=False, text=True)
    assert done.returncode == 1
    assert what in done.stderr
