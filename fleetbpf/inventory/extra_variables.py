"""Variables of the command line, `-e`: as with Ansible they win over all others."""

import shlex
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from fleetbpf.documents.source import START, Document
from fleetbpf.errors import InputError, Problem
from fleetbpf.files import homes
from fleetbpf.inventory import inventory_text
from fleetbpf.inventory.draft import Draft, Variable, Variables
from fleetbpf.inventory.drafting import Drafting
from fleetbpf.inventory.host_secrets import CONCEALED
from fleetbpf.inventory.vault import Vault
from fleetbpf.wording import MisunderstoodError, quoted

OPTION = "-e"
FORMS = "write name=value, a mapping {name: value}, or @FILE for a file of YAML or JSON"


def read(texts: Sequence[str]) -> Variables:
    """The variables in what `-e` was given, the later ones winning; InputError with all mistakes.

    Values of `name=value` are text; YAML and JSON, in the text or in a file, have types.
    """
    draft, vault = Draft(), Vault()
    found: dict[str, Variable] = {}
    for text in texts:
        if text.startswith("@"):
            found |= in_file(located(text), draft, vault)
        elif text.lstrip().startswith(("{", "[")):
            found |= in_text(text, draft, vault)
        else:
            found |= in_words(text, Drafting(draft, OPTION))
    InputError.raise_if_any(draft.mistakes.problems())
    return found


def located(text: str) -> Path:
    """The file that `@FILE` names; InputError where its home folder is not there."""
    try:
        return homes.expanded(text[1:])
    except MisunderstoodError as error:
        raise InputError(Problem(where=OPTION, what=error.what, hint=error.hint)) from error


def in_file(path: Path, draft: Draft, vault: Vault) -> Variables:
    """The variables in a file, which may be vaulted."""
    drafting = Drafting(draft, str(path))
    try:
        document = inventory_text.document(path, vault)
    except InputError as error:
        draft.mistakes.add_error(str(path), error)
        return {}
    return {} if document is None else in_document(document, drafting)


def in_text(text: str, draft: Draft, vault: Vault) -> Variables:
    """The variables in a mapping on the command line."""
    drafting = Drafting(draft, OPTION)
    try:
        document = inventory_text.parsed(text, Path(OPTION), vault)
    except InputError as error:
        draft.mistakes.add_error(OPTION, error)
        return {}
    return dict(without_secrets(in_document(document, drafting), drafting))


def in_document(document: Document, drafting: Drafting) -> Variables:
    """The variables in a document, and its mistakes."""
    drafting.draft.mistakes.add_document(document)
    return drafting.variables_of(document, ())


def in_words(text: str, drafting: Drafting) -> Variables:
    """The variables in `name=value name=value`, in a shell's words."""
    try:
        words = shlex.split(text)
    except ValueError:  # a quotation that does not end
        words = []
    pairs = [word.partition("=") for word in words]
    if not pairs or any(not sign or not name.isidentifier() for name, sign, _ in pairs):
        drafting.refuse(START, f"{quoted(text)} sets no variable", FORMS)
        return {}
    origin = drafting.origin(START)
    found = {name: Variable(value=value, origin=origin) for name, _, value in pairs}
    return dict(without_secrets(found, drafting))


def without_secrets(found: Variables, drafting: Drafting) -> Iterator[tuple[str, Variable]]:
    """The variables, but for secrets: other users of this machine see command lines."""
    for name, variable in found.items():
        if name in CONCEALED:
            what = f"{quoted(name)} is a secret, and every user here can read a command line"
            hint = "put it into a file, which may be vaulted, and write -e @FILE"
            drafting.refuse(START, what, hint)
        else:
            yield name, variable


def absolute(texts: Iterable[str]) -> list[str]:
    """The same from any folder: files by their absolute paths."""
    return [f"@{located(text).absolute()}" if text.startswith("@") else text for text in texts]
