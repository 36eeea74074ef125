"""`group_vars/` and `host_vars/`, beside an inventory or a manifest: files and folders by name."""

from collections.abc import Iterator
from pathlib import Path

from fleetbpf.errors import InputError, Problem
from fleetbpf.inventory import inventory_text
from fleetbpf.inventory.draft import Draft, Variables
from fleetbpf.inventory.drafting import Drafting
from fleetbpf.inventory.vault import Vault

SUFFIXES = ("", ".yml", ".yaml", ".json")  # in the order in which Ansible looks; the first counts


class VariableFolder:
    """One `group_vars/` or `host_vars/`; only the files of known names are read, each once."""

    def __init__(self, path: Path, draft: Draft, vault: Vault) -> None:
        self._path = path
        self._draft = draft
        self._vault = vault
        self._entries = frozenset(self._list())
        self._known: dict[str, Variables] = {}

    def of(self, name: str) -> Variables:
        """The variables of a group or a host, merged from all of its files."""
        if not self._entries:
            return {}
        if name not in self._known:
            found = [self._read(path) for path in self._files(name)]
            self._known[name] = {key: value for each in found for key, value in each.items()}
        return self._known[name]

    def _list(self) -> list[str]:
        """The names in the folder; none when it is not there."""
        try:
            return [path.name for path in self._path.iterdir()]
        except FileNotFoundError:
            return []
        except OSError as error:
            problem = Problem(where=str(self._path), what=f"cannot read it: {error.strerror}")
            self._draft.mistakes.add_error(str(self._path), InputError(problem))
            return []

    def _files(self, name: str) -> Iterator[Path]:
        """The file of a name, or all files in the folder of that name."""
        for suffix in SUFFIXES:
            if f"{name}{suffix}" in self._entries:
                path = self._path / f"{name}{suffix}"
                yield from files_below(path) if path.is_dir() else (path,)
                return

    def _read(self, path: Path) -> Variables:
        """The variables in one file; an empty one has none."""
        drafting = Drafting(self._draft, str(path))
        try:
            document = inventory_text.document(path, self._vault)
        except InputError as error:
            self._draft.mistakes.add_error(str(path), error)
            return {}
        if document is None:
            return {}
        self._draft.mistakes.add_document(document)
        return drafting.variables_of(document, ())


def files_below(folder: Path) -> Iterator[Path]:
    """The files of a folder and of those in it whose names have no suffix, in order of names."""
    for path in sorted(folder.iterdir()):
        if path.name.startswith(".") or path.name.endswith("~"):
            continue
        if path.is_dir() and not path.suffix:
            yield from files_below(path)
        elif path.is_file() and path.suffix in SUFFIXES:
            yield path
