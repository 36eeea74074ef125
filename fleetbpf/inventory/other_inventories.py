"""Which other inventories know a name: those beside the ones that are used, and the lab's."""

from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path

from fleetbpf.documents import source
from fleetbpf.errors import InputError
from fleetbpf.inventory import inventory_ini, inventory_sources, inventory_text, inventory_yaml
from fleetbpf.inventory.draft import Draft
from fleetbpf.inventory.inventory_sources import Format
from fleetbpf.inventory.vault import HEADER, Vault
from fleetbpf.wording import listed

USUAL = Path("inventories")
SUFFIXES = ("", ".ini", ".json", ".yaml", ".yml")
MOST = 20  # files that are looked into
LARGEST = 2**20  # bytes of one


def hint(name: str, used: Sequence[str]) -> str:
    """What to write where an unknown name is one of another inventory; empty where it is not."""
    found = [f"-i {path}" for path in others(used) if knows(path, name)]
    return f"another inventory has it: {listed(found)}" if found else ""


def others(used: Sequence[str]) -> Iterator[Path]:
    """The files beside the sources that are `used`, and in the usual folder."""
    sources = [Path(name) for name in used if "," not in name]
    taken = {path.absolute() for path in sources}
    folders = dict.fromkeys((*(path.parent for path in sources), USUAL))
    files = (path for folder in folders for path in files_of(folder))
    unused = (path for path in files if path.absolute() not in taken)
    return islice({path.absolute(): path for path in unused}.values(), MOST)


def files_of(folder: Path) -> Iterator[Path]:
    """The files of a folder that may be inventories and are texts: no script is run for a hint."""
    try:
        paths = sorted(folder.iterdir())
    except OSError:
        return
    for path in paths:
        if path.suffix in SUFFIXES and path.is_file() and not inventory_sources.is_script(path):
            yield path


def knows(path: Path, name: str) -> bool:
    """Whether the inventory has a host or a group of this name. What is none has nothing."""
    try:
        if path.stat().st_size > LARGEST:
            return False
        draft = drafted(path, source.read_text(path))
    except (InputError, OSError):
        return False
    known = name in draft.hosts or name in draft.groups
    return known and not any(draft.mistakes.problems())


def drafted(path: Path, text: str) -> Draft:
    """What the file itself says; nothing is decrypted. Raises InputError."""
    draft = Draft()
    if text.startswith(HEADER) or not inventory_text.holds_anything(text):
        return draft
    match inventory_sources.text_format(path, text):
        case Format.YAML:
            inventory_yaml.read(inventory_text.parsed(text, path, Vault()), draft)
        case Format.INI:
            inventory_ini.read(text, str(path), draft)
        case _:
            pass
    return draft
