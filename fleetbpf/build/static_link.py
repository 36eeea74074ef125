"""Whether this machine's static libraries link: tried for real, as a loader would be linked."""

import re
import tempfile
from collections.abc import Sequence
from pathlib import Path

from fleetbpf.build import compilation, requirements
from fleetbpf.build.doctor import Finding
from fleetbpf.build.toolchain import Toolchain
from fleetbpf.execution.command import Command
from fleetbpf.execution.local import LocalConnection
from fleetbpf.frozen import frozen

SOURCE = """#include <bpf/libbpf.h>

int main(int argc, char **argv)
{
	return !bpf_object__open_mem(argv[0], (size_t)argc, NULL);
}
"""
SECONDS = 120.0
MEMBER = re.compile(r"(/\S+/lib\w+\.a)\(")  # ld: /usr/lib/libelf.a(elf_begin.o): in function …
UNDEFINED = re.compile(r"undefined (?:reference to|symbol:) [`']?(\w+)")  # of ld, of lld
LISTED = 5  # symbols named; more say nothing new


@frozen
class Complaint:
    """What a linker said, as far as it names an archive."""

    archives: tuple[Path, ...]  # whose members miss something
    symbols: tuple[str, ...]
    first_line: str


def examine(toolchain: Toolchain) -> Finding:
    """Link a small program with libbpf, libelf and the others; the problem names the package."""
    with tempfile.TemporaryDirectory(prefix="fleetbpf-") as name, LocalConnection() as here:
        folder = Path(name)
        (folder / "trial.c").write_text(SOURCE, encoding="utf-8")
        command = compilation.link(toolchain, "trial.c", (compilation.LIBELF_GAPS,), "trial")
        done = here.run(command, cwd=folder, env=compilation.ENVIRONMENT, timeout=SECONDS)
        if done.status == 0:
            return Finding(requirement=requirements.STATIC_LINK, path=toolchain.cc)
        complaint = parse(done.stderr.decode(errors="replace"))
        owners = [owner_of(here, archive) for archive in complaint.archives]
    return Finding(requirement=requirements.STATIC_LINK, problem=problem(complaint, owners))


def parse(said: str) -> Complaint:
    """The linker's complaint, taken apart."""
    lines = [line for line in said.splitlines() if line.strip()]
    return Complaint(
        archives=tuple(dict.fromkeys(Path(path) for path in MEMBER.findall(said))),
        symbols=tuple(dict.fromkeys(UNDEFINED.findall(said))),
        first_line=lines[0].strip() if lines else "the linker failed without a word",
    )


def problem(complaint: Complaint, owners: Sequence[str]) -> str:
    """What is wrong, with the package that brought it, for people."""
    if not complaint.archives or not complaint.symbols:
        return f"does not link: {complaint.first_line}"
    names = ", ".join(complaint.symbols[:LISTED])
    more = len(complaint.symbols) - LISTED
    names += f" and {more} more" if more > 0 else ""
    return f"{' and '.join(owners)}: incomplete, nothing defines {names}; try another version of it"


def owner_of(here: LocalConnection, archive: Path) -> str:
    """`libelf.a of libelf-dev 0.192-4`; the path where no package manager knows the file."""
    # The linker's own path goes up and down, and dpkg knows files by one path only.
    path = archive.resolve()
    found = here.run(Command("dpkg-query", "--search", path), timeout=SECONDS)
    package = found.stdout.decode(errors="replace").rpartition(": ")[0]
    if found.status != 0 or not package:
        return str(path)
    show = Command("dpkg-query", "--show", "--showformat=${Package} ${Version}", package)
    shown = here.run(show, timeout=SECONDS).stdout.decode(errors="replace")
    return f"{path.name} of {shown}"
