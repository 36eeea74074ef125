"""The texts of an inventory's files: decrypted where they are encrypted, YAML or JSON parsed."""

from pathlib import Path

from fleetbpf.documents import json_source, source
from fleetbpf.documents.source import Document
from fleetbpf.errors import InputError
from fleetbpf.inventory.vault import Vault


def read(path: Path, vault: Vault) -> str:
    """The file's plain text; raises InputError."""
    return vault.opened(source.read_text(path), path)


def document(path: Path, vault: Vault) -> Document | None:
    """The document in a YAML or JSON file; None when it is empty. Raises InputError."""
    text = read(path, vault)
    return parsed(text, path, vault) if holds_anything(text) else None


def parsed(text: str, path: Path, vault: Vault) -> Document:
    """The document in a text; as with Ansible, JSON is tried first: it may hold tabs."""
    tags = vault.tags(str(path))
    if text.lstrip().startswith("{"):
        try:
            return json_source.parse(text, path, tags)
        except InputError:
            pass  # YAML has such mappings, too, and says better what is wrong
    return source.parse(text, path, tags=tags)


def holds_anything(text: str) -> bool:
    """Whether there is anything but comments, spaces and YAML's dashes."""
    lines = (line.partition("#")[0].strip() for line in text.splitlines())
    return any(line not in ("", "---", "...") for line in lines)
