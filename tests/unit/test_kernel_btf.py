"""BTF for kernels without it is found by the kernel's release, in BTFHub's folders or flat ones."""

import io
import tarfile
from pathlib import Path

import pytest

from fleetbpf.build import kernel_btf
from fleetbpf.build.kernel_btf import BtfFolder
from fleetbpf.errors import BuildError
from tests.unit.samples import host_facts

KERNEL = "5.4.0-42-generic"
BARE = host_facts(btf=False, kernel=KERNEL)
BTF = kernel_btf.MAGIC + b"types"


def put(path: Path, content: bytes = BTF) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def packed(path: Path, *, name: str = "x.btf", content: bytes = BTF) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, "w:xz") as archive:
        member = tarfile.TarInfo(name)
        member.size = len(content)
        archive.addfile(member, io.BytesIO(content))
    return path


def test_a_flat_folder_is_searched_by_release(tmp_path: Path) -> None:
    wanted = put(tmp_path / f"{KERNEL}.btf")
    put(tmp_path / "5.4.0-43-generic.btf")
    found = BtfFolder.read(tmp_path).of(BARE)
    assert found is not None
    assert (found.kernel, found.path) == (KERNEL, wanted)


def test_btfhubs_folders_tell_the_architecture(tmp_path: Path) -> None:
    packed(tmp_path / "ubuntu/20.04/arm64" / f"{KERNEL}.btf.tar.xz")
    wanted = packed(tmp_path / "ubuntu/20.04/x86_64" / f"{KERNEL}.btf.tar.xz")
    found = BtfFolder.read(tmp_path).of(BARE)
    assert found is not None
    assert found.path == wanted


def test_another_architectures_types_are_none(tmp_path: Path) -> None:
    packed(tmp_path / "ubuntu/20.04/arm64" / f"{KERNEL}.btf.tar.xz")
    assert BtfFolder.read(tmp_path).of(BARE) is None


def test_a_kernel_with_its_own_types_gets_none(tmp_path: Path) -> None:
    put(tmp_path / f"{KERNEL}.btf")
    assert BtfFolder.read(tmp_path).of(host_facts(kernel=KERNEL)) is None


def test_without_a_folder_there_is_nothing() -> None:
    assert BtfFolder.read(None).of(BARE) is None


def test_an_archive_is_unpacked(tmp_path: Path) -> None:
    assert kernel_btf.content(packed(tmp_path / "x.btf.tar.xz")) == BTF
    assert kernel_btf.content(put(tmp_path / "x.btf")) == BTF


@pytest.mark.parametrize("name", ["x.btf", "x.btf.tar.xz"])
def test_what_is_no_btf_is_told(tmp_path: Path, name: str) -> None:
    with pytest.raises(BuildError, match=name):
        kernel_btf.content(put(tmp_path / name, b"<html>404</html>"))
