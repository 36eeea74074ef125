"""Paths beyond ASCII, in every locale."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

MANIFEST = """\
name: demo
programs: {hello: {source: hello.bpf.c}}
plays: [{hosts: all, programs: [hello]}]
"""
ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("name", ["ü", "日本 語", "🐝"])
@pytest.mark.parametrize(
    "locale",
    [
        {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
        {"LC_ALL": "POSIX", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
        {"LC_ALL": "C"},
        {"LC_ALL": "C.UTF-8"},
    ],
    ids=lambda locale: " ".join(f"{key}={value}" for key, value in locale.items()),
)
def test_a_path_beyond_ascii_is_read_and_shown(
    tmp_path: Path, name: str, locale: dict[str, str]
) -> None:
    folder = tmp_path / name
    folder.mkdir()
    (folder / "hello.bpf.c").write_text("")
    (folder / "m.yml").write_text(MANIFEST)
    done = subprocess.run(
        [sys.executable, "-m", "fleetbpf", "validate", str(folder / "m.yml"), "--json"],
        env={**os.environ, "PYTHONPATH": str(ROOT), **locale},
        cwd=folder,
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    json.loads(done.stdout)
    shown = subprocess.run(
        [sys.executable, "-m", "fleetbpf", "validate", str(folder / "missing.yml")],
        env={**os.environ, "PYTHONPATH": str(ROOT), **locale},
        cwd=folder,
        capture_output=True,
        check=False,
    )
    assert shown.returncode == 2
    assert name.encode() in shown.stderr
