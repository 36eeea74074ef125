"""What is wrong in several files, told file by file in the order in which they were read."""

from collections.abc import Iterable

from fleetbpf.documents.composing import Mistake, Place
from fleetbpf.documents.source import START, Document
from fleetbpf.errors import InputError, Problem


class Mistakes:
    """Collects mistakes with their files; the same one is told once."""

    def __init__(self) -> None:
        self._files: dict[str, dict[Problem, Place]] = {}
        self._broken: dict[str, set[int]] = {}  # lines that are wrong as YAML

    def begin(self, file: str) -> None:
        """A file is read now: its mistakes come after those of the files before."""
        self._files.setdefault(file, {})

    def add(self, file: str, *found: Mistake) -> None:
        """Mistakes at places of a file."""
        for mistake in found:
            if mistake.place.line not in self._broken.get(file, ()):
                where = f"{file}:{mistake.place}"
                problem = Problem(where=where, what=mistake.what, hint=mistake.hint)
                self._files.setdefault(file, {})[problem] = mistake.place

    def add_document(self, document: Document) -> None:
        """The mistakes in a document's YAML; what follows from them is not told for their lines."""
        file = str(document.path)
        self.add(file, *document.mistakes)
        self._broken[file] = {mistake.place.line for mistake in document.mistakes}

    def add_error(self, file: str, error: InputError) -> None:
        """What hindered the reading of a file; its problems know their places themselves."""
        self._files.setdefault(file, {}).update(dict.fromkeys(error.problems, START))

    def problems(self) -> Iterable[Problem]:
        """Everything, file by file, in the order of places."""
        for found in self._files.values():
            yield from sorted(found, key=lambda problem: found[problem])
