"""Which files of ssh_config(5) count: the operator's and the system's, or one named by `-F`."""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from fleetbpf.connections.settings import Operator
from fleetbpf.connections.ssh_config.ssh_config import Reader, Section
from fleetbpf.frozen import frozen
from fleetbpf.model.inventory import SshOption


@frozen
class SshFiles:
    """All sections that count, file by file, in the order in which they do."""

    files: tuple[tuple[Section, ...], ...] = ()
    wants_final: bool = False  # some section is about the host's final name: two passes


def read(operator: Operator, named: Path | None = None) -> SshFiles:
    """The file that `-F` names, else those of the operator and the system, where they exist.

    InputError with all that is wrong in a file; a named file has to be there.
    """
    own = operator.home / ".ssh"
    mine = Reader(folder=own, home=operator.home, guarded=named is None)
    if named is not None:
        none = named == Path(os.devnull)
        return gathered(() if none else (mine.read(named),))
    theirs = Reader(folder=operator.system, home=None)
    places = ((mine, own / "config"), (theirs, operator.system / "ssh_config"))
    return gathered(tuple(reader.read(path) for reader, path in places if path.exists()))


def gathered(files: tuple[tuple[Section, ...], ...]) -> SshFiles:
    """Files, and whether they have to be read twice for each host."""
    return SshFiles(files=files, wants_final=any(map(mentions_final, files)))


def mentions_final(sections: Sequence[Section]) -> bool:
    """Whether some Match, in an included file maybe, has the criterion `final`."""
    kinds = (
        criterion.kind
        for section in every(sections)
        if isinstance(section.condition, tuple)
        for criterion in section.condition
    )
    return "final" in kinds


def every(sections: Sequence[Section]) -> Iterator[Section]:
    """The sections, and those of the files included in them."""
    for section in sections:
        yield section
        for item in section.items:
            if not isinstance(item, SshOption):
                yield from every(item)
