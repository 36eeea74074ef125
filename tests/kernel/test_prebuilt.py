"""An object without BTF, which no compiler of ours has made, runs like any other program."""

import os
import subprocess
from pathlib import Path

from fleetbpf.build.build import Builder
from fleetbpf.model.recipe import Recipe
from tests.kernel.conftest import HERE
from tests.kernel.running import Loader, ping


def test_its_lines_are_kept(builder: Builder, tmp_path: Path) -> None:
    text = (HERE / "programs" / "unlabelled.bpf.c").read_text()
    source, made = tmp_path / "plain.c", tmp_path / "plain.o"
    source.write_text(text.replace("__u32 pid;", f"__u32 pid = {os.getpid()};"))
    folders = [f"-I/usr/include/{os.uname().machine}-linux-gnu"]
    subprocess.run(
        ["clang", "-target", "bpf", "-O2", *folders, "-c", source, "-o", made], check=True
    )
    loader = Loader(
        path=builder.build(Recipe(source=made)).loader, arguments=(), folder=tmp_path / "run"
    )
    try:
        loader.start()
        ping(2)
        loader.stop()
        found = [(record["text"], record.get("shared")) for record in loader.records("trace")]
    finally:
        loader.end()
    assert found == [("no label", True), ("no label", True)]
