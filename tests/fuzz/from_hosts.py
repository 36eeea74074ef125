"""What hosts say: answers of scripts, streams of segments, types of kernels; and objects."""

import base64
import functools
import gzip
import hashlib
import json
import random
import struct
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from fleetbpf.build import loader_source, refusals
from fleetbpf.connections.keys.host_certificates import HostCertificate
from fleetbpf.connections.recording import Ran, RecordingConnection
from fleetbpf.deploy import check
from fleetbpf.errors import BuildError, HostError
from fleetbpf.execution import Completed
from fleetbpf.model.recipe import Recipe
from fleetbpf.objects import elf, relocations
from fleetbpf.objects.btf_file import BtfFile
from fleetbpf.records import collect
from fleetbpf.records.records import Reader, as_json, lines
from fleetbpf.wording import MisunderstoodError
from tests.fuzz.mutation import change_bytes, change_text
from tests.fuzz.target import Target, named
from tests.hostile import honest
from tests.hostile.asked import LAYOUT, QUESTIONS, read_answer, show, true_answer
from tests.hostile.objects import compiled
from tests.unit import samples

MIRROR_OF = "web1"
CORPUS = Path(__file__).parent / "corpus"
PARTS = ("", ".BTF", ".BTF.ext", ".symtab", ".strtab", "uprobe", ".text", ".maps")
PROGRAM = """
enum color { RED = -1, GREEN = 7 };
typedef enum color paint;
struct inner { u32 low : 3; int high : 29; union { u64 whole; char text[8]; }; };
struct event { struct inner in[2]; paint p; struct event *next; unsigned char tail[]; };
struct event *unused;
struct task_struct { int pid; } __attribute__((preserve_access_index));
const volatile struct inner limits = {};
const volatile paint choice = GREEN;
struct { __uint(type, 27); __uint(max_entries, 4096); __type(value, struct event); } r SEC(".maps");
struct {
	__uint(type, 5); __uint(max_entries, 8); __type(key, u32); __type(value, struct inner);
} counts SEC(".maps");
static long (*signal)(u32) = (void *)109;
__attribute__((noinline)) static long g(void *ctx) { return signal(9) + limits.high; }
SEC("uprobe") int f(void *ctx)
{
	u32 key = choice + ((struct task_struct *)ctx)->pid;

	return lookup(&counts, &key) ? g(ctx) : (long)lookup(&r, &unused);
}
"""


def of_script(name: str) -> Target:
    """Answers of one script, and what commands make of them; the greeting stays as it is."""
    greeting, _, body = true_answer(name).partition(b"\n")

    def read(content: bytes, _: Path) -> None:
        show(name, read_answer(name, greeting + b"\n" + content))

    return Target(
        name=name, originals=lambda: [body], read=read, refused=(HostError,), mutate=change_text
    )


def bring(answer: bytes, folder: Path) -> None:
    """Bring what a host says home to a mirror."""
    host = RecordingConnection(lambda _: Completed(status=0, stdout=answer))
    mirror = folder / "logs" / MIRROR_OF
    collect.fetch(host, LAYOUT, mirror, host=MIRROR_OF, deployment=honest.DEPLOYMENT)


def read_stream(content: bytes, folder: Path) -> None:
    """A stream of segments lands below its mirror, and all that is there can be told."""
    greeting = honest.says("collect", [], b"").partition(b"\n")[0]
    try:
        bring(greeting + b"\n" + content, folder)
    finally:
        assert {path.name for path in folder.iterdir()} <= {"logs"}
        mirror = folder / "logs" / MIRROR_OF
        inside = {path.name for path in mirror.iterdir()} if mirror.exists() else set()
        assert inside <= {".lock", honest.DEPLOYMENT}, inside
        tell(Reader(logs=folder / "logs", host=MIRROR_OF))


def read_further_stream(content: bytes, folder: Path) -> None:
    """The same for one who has the half of it already."""
    whole = honest.SEGMENT
    half = whole[: len(whole) // 2]
    begun = f"fleetbpf\tcollect\nsegment\t{honest.PATH}\t0\t{len(half)}\n".encode() + half
    bring(begun, folder)
    read_stream(content, folder)


def further() -> bytes:
    """What comes after the half."""
    half = len(honest.SEGMENT) // 2
    stdin = f"{honest.PATH}={half}:".encode()
    return honest.collected(stdin)


def tell(reader: Reader) -> list[Any]:
    """Each record as people and programs have it."""
    found = reader.news()
    for record in found:
        json.dumps(as_json(record))
        list(lines(record))
    return found


def read_segment(content: bytes, folder: Path) -> None:
    """Whatever one segment holds, the records of another release are all told."""
    for release, whole in {"r1": content, "r2": honest.SEGMENT}.items():
        place = folder / MIRROR_OF / honest.DEPLOYMENT / honest.PROGRAM / release
        place.mkdir(parents=True)
        (place / "00000001.log").write_bytes(whole)
    found = tell(Reader(logs=folder, host=MIRROR_OF))
    assert sum(record.release == "r2" for record in found) == len(honest.RECORDS)


def read_types(content: bytes, _: Path) -> None:
    """The types of a host's kernel, and what a program misses there."""
    relocations_in(check.parse_types(content, MIRROR_OF))


def relocations_in(kernel: BtfFile) -> None:
    """What `check` makes of them; what is damaged is told as the host's error."""
    try:
        relocations.missing(elf.parse(whole_object()), kernel)
    except (ValueError, LookupError, RecursionError, struct.error) as error:
        raise HostError(check.describe_damage(MIRROR_OF, error)) from error


def read_packed(content: bytes, folder: Path) -> None:
    """Types as they come: packed, with a checksum that the host claims."""
    claimed = hashlib.sha256(own_types()).hexdigest()

    def answer(ran: Ran) -> Completed:
        is_sum = ran.command.words[0] == "sha256sum"
        return Completed(status=0, stdout=f"{claimed}  x\n".encode() if is_sum else content)

    check.fetch_types(samples.target(), RecordingConnection(answer), folder)


def read_object(content: bytes, _: Path) -> None:
    """An object of any compiler: its loader can be written, or it is refused."""
    recipe = Recipe(source=Path("/evil.o"), where="evil.yml:3:5")
    _parts, found = refusals.read(content, recipe, ("event",))
    assert loader_source.render(found, (), "object.h", "key")


def read_certificate(content: bytes, _: Path) -> None:
    """A host's certificate, as it comes while keys are exchanged."""
    for kind in (text.split()[0].decode() for text in certificates()):
        with suppress(MisunderstoodError):
            list(HostCertificate.parse(kind, content).objections(MIRROR_OF, now=1_800_000_000))


def certificates() -> Sequence[bytes]:
    """What `ssh-keygen -s -h` made, as in a file."""
    return [file.read_bytes() for file in sorted((CORPUS / "host-certificate").iterdir())]


@functools.cache
def whole_object() -> bytes:
    """An object with a bit of everything."""
    with tempfile.TemporaryDirectory() as folder:
        return compiled(Path(folder), PROGRAM).read_bytes()


def own_types() -> bytes:
    """Its types, in the place of a kernel's."""
    section = elf.parse(whole_object()).section(".BTF")
    assert section is not None
    return section.content


def change_part(content: bytes, chance: random.Random) -> bytes:
    """Another object, changed within one of its sections, as long as it was; or anywhere."""
    part = chance.choice(PARTS)
    section = elf.parse(content).section(part) if part else None
    if section is None or not section.content:
        return change_bytes(content, chance)
    start, size = content.index(section.content), len(section.content)
    changed = change_bytes(section.content, chance)[:size].ljust(size, b"\0")
    return content[:start] + changed + content[start + size :]


def packed_types() -> Sequence[bytes]:
    """Types as a host packs them."""
    return [gzip.compress(own_types(), mtime=0)]


TARGETS = named(
    *map(of_script, QUESTIONS),
    Target(
        name="stream",
        originals=lambda: [honest.collected(b"")],
        read=read_stream,
        refused=(HostError,),
        mutate=change_text,
    ),
    Target(
        name="further-stream",
        originals=lambda: [further()],
        read=read_further_stream,
        refused=(HostError,),
        mutate=change_text,
    ),
    Target(
        name="segment",
        originals=lambda: [honest.SEGMENT],
        read=read_segment,
        refused=(),
        mutate=change_text,
    ),
    Target(
        name="kernel-types",
        originals=lambda: [own_types()],
        read=read_types,
        refused=(HostError,),
        mutate=change_bytes,
    ),
    Target(
        name="packed-types",
        originals=packed_types,
        read=read_packed,
        refused=(HostError,),
        mutate=change_bytes,
    ),
    Target(
        name="host-certificate",
        originals=lambda: [base64.b64decode(text.split()[1]) for text in certificates()],
        read=read_certificate,
        refused=(),
        mutate=change_bytes,
    ),
    Target(
        name="object",
        originals=lambda: [whole_object()],
        read=read_object,
        refused=(BuildError,),
        mutate=change_part,
    ),
)
