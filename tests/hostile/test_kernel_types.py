"""A host that lies about its kernel: what it says is kept for nobody else, and ends nothing."""

import gzip
import hashlib
import struct
from pathlib import Path

import pytest

from fleetbpf.connections.recording import Ran, RecordingConnection
from fleetbpf.deploy import check
from fleetbpf.errors import HostError
from fleetbpf.execution import Completed
from fleetbpf.objects import relocations
from fleetbpf.objects.btf_file import BtfFile, Kind
from fleetbpf.objects.relocations import Step
from tests.unit.samples import target

TRUE = b"the types of an honest kernel"


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def host(content: bytes, *, claims: str = "", packed: bytes | None = None) -> RecordingConnection:
    """A host with these types, or one that claims another checksum for them."""
    said = f"{claims or sha256(content)}  /sys/kernel/btf/vmlinux\n".encode()
    sent = gzip.compress(content) if packed is None else packed

    def answer(ran: Ran) -> Completed:
        return Completed(status=0, stdout=said if ran.command.words[0] == "sha256sum" else sent)

    return RecordingConnection(answer)


def types(of: RecordingConnection, cache: Path) -> bytes:
    return check.fetch_types(target(), of, cache)


def test_types_are_kept_by_what_they_are(tmp_path: Path) -> None:
    assert types(host(TRUE), tmp_path) == TRUE
    assert [path.name for path in tmp_path.iterdir()] == [f"{sha256(TRUE)}.btf"]
    again = host(TRUE)
    assert types(again, tmp_path) == TRUE
    assert [ran.command.words[0] for ran in again.ran] == ["sha256sum"]


def test_a_liar_cannot_put_its_types_in_the_place_of_others(tmp_path: Path) -> None:
    with pytest.raises(HostError, match="web1: its kernel's types have another checksum"):
        types(host(b"chosen by the liar", claims=sha256(TRUE)), tmp_path)
    assert list(tmp_path.iterdir()) == []
    assert types(host(TRUE), tmp_path) == TRUE


def test_types_that_were_changed_where_they_are_kept_are_fetched_again(tmp_path: Path) -> None:
    types(host(TRUE), tmp_path)
    (tmp_path / f"{sha256(TRUE)}.btf").write_bytes(b"changed")
    assert types(host(TRUE), tmp_path) == TRUE


@pytest.mark.parametrize("claims", ["../../../../x", "x" * 64, "A" * 64, "/" + "a" * 63, "a" * 63])
def test_a_host_does_not_choose_the_name_of_a_file(claims: str, tmp_path: Path) -> None:
    with pytest.raises(HostError, match="does not tell the checksum"):
        types(host(TRUE, claims=claims), tmp_path / "cache")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("packed", [b"\x1f\x8b", b"no gzip", gzip.compress(TRUE, mtime=0)[:-9]])
def test_types_that_cannot_be_unpacked_are_an_error_of_the_host(
    packed: bytes, tmp_path: Path
) -> None:
    with pytest.raises(HostError, match="web1: its kernel's types cannot be read"):
        types(host(TRUE, packed=packed), tmp_path)


STRINGS = b"\0task\0pid\0"
TASK, PID = 1, 6


def kernel(*records: bytes) -> BtfFile:
    sizes = (len(b"".join(records)), len(b"".join(records)), len(STRINGS))
    header = struct.pack("<HBBIIIII", 0xEB9F, 1, 0, 24, 0, *sizes)
    return BtfFile.parse(header + b"".join(records) + STRINGS)


def typedef(of: int) -> bytes:
    return struct.pack("<III", TASK, Kind.TYPEDEF << 24, of)


def struct_of(*members: int, name: int = TASK) -> bytes:
    """A struct whose members have no names."""
    parts = b"".join(struct.pack("<III", 0, member, 0) for member in members)
    return struct.pack("<III", name, Kind.STRUCT << 24 | len(members), 8) + parts


def look_for_pid(types: BtfFile) -> int | None:
    own = kernel(struct_of())
    return relocations.member(types, 1, Step(name="pid", type=1), own)


def test_types_of_themselves_are_damaged_and_end_nothing() -> None:
    with pytest.raises(ValueError, match="is made of itself"):
        kernel(typedef(2), typedef(1)).resolve(1)


def test_structs_in_themselves_are_gone_through_once() -> None:
    assert look_for_pid(kernel(struct_of(1))) is None
    wide = [struct_of(*([n + 2] * 50), name=0) for n in range(40)]
    assert look_for_pid(kernel(*wide, struct_of())) is None


def test_a_name_without_an_end_is_not_looked_for_to_the_end_of_the_file() -> None:
    header = struct.pack("<HBBIIIII", 0xEB9F, 1, 0, 24, 0, 0, 0, 10_000)
    with pytest.raises(ValueError, match="not found"):
        BtfFile.parse(header + b"x" * 9999 + b"\0").text(0)
