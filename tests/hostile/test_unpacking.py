"""What is small until it is unpacked, and what is fetched without an end."""

import gzip
import hashlib
import io
import lzma
import resource
import tarfile
import zlib
from pathlib import Path

import pytest

from fleetbpf.build import kernel_btf
from fleetbpf.connections.recording import Ran, RecordingConnection
from fleetbpf.debian.download import whole
from fleetbpf.deploy import check
from fleetbpf.errors import BuildError, HostError
from fleetbpf.execution import Completed
from fleetbpf.files import unpacking
from fleetbpf.limits import MIB, ExcessError
from tests.unit.samples import target


def bomb(mebibytes: int) -> bytes:
    """Zeros, packed by gzip to a thousandth."""
    packer = zlib.compressobj(9, zlib.DEFLATED, unpacking.GZIP)
    packed = b"".join(packer.compress(b"\0" * MIB) for _ in range(mebibytes))
    return packed + packer.flush()


def types(cache: Path, packed: bytes, *, claims: str = "a" * 64) -> bytes:
    """What a host that answers so has for types of its kernel."""

    def answer(ran: Ran) -> Completed:
        packs = ran.command.words[0] == "gzip"
        return Completed(status=0, stdout=packed if packs else f"{claims}  vmlinux\n".encode())

    return check.fetch_types(target(), RecordingConnection(answer), cache)


def test_a_kernel_s_types_are_unpacked_to_a_limit_that_is_named(tmp_path: Path) -> None:
    packed = bomb(1024)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(HostError, match=r"web1: .* unpacks to more than 64\.0 MiB"):
        types(tmp_path, packed)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 200 * 1024
    assert [file for file in tmp_path.rglob("*") if file.is_file()] == []


@pytest.mark.parametrize("packed", [b"", b"no gzip", gzip.compress(b"x" * 1000, mtime=0)[:-12]])
def test_types_that_are_damaged_or_cut_off_are_that_host_s_error(
    tmp_path: Path, packed: bytes
) -> None:
    with pytest.raises(HostError, match="web1: its kernel's types cannot be read"):
        types(tmp_path, packed)


def test_types_are_unpacked(tmp_path: Path) -> None:
    sha256 = hashlib.sha256(b"types").hexdigest()
    assert types(tmp_path, gzip.compress(b"types"), claims=sha256) == b"types"


def test_an_archive_of_types_is_unpacked_to_the_same_limit(tmp_path: Path) -> None:
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w") as archive:
        member = tarfile.TarInfo("x.btf")
        member.size = 100 * MIB
        archive.addfile(member, io.BytesIO(bytes(member.size)))
    file = tmp_path / "x.btf.tar.xz"
    file.write_bytes(lzma.compress(content.getvalue(), preset=0))
    with pytest.raises(BuildError, match=r"unpacks to more than 64\.0 MiB"):
        kernel_btf.content(file)


def test_what_fits_exactly_is_taken() -> None:
    assert unpacking.gunzip(gzip.compress(b"x" * 10), limit=10) == b"x" * 10
    with pytest.raises(ExcessError):
        unpacking.gunzip(gzip.compress(b"x" * 11), limit=10)


class Endless:
    """A server that goes on."""

    def read1(self, size: int, /) -> bytes:
        return b"x" * size


def test_a_download_ends_at_its_limits() -> None:
    with pytest.raises(ValueError, match="larger than 4194304 bytes"):
        whole(Endless(), 4 * MIB)
    with pytest.raises(ValueError, match="takes more than"):
        whole(Endless(), 4 * MIB, longest=-1)
