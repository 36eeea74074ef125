"""Bug reports: the traceback of an error that nobody foresaw, in a file that can be sent."""

import sys
import tempfile
import traceback

from fleetbpf import __version__
from fleetbpf.errors import Problem
from fleetbpf.secret import Mask


class Reports:
    """The reports of one run; the same traceback is written once, however many hosts have it."""

    def __init__(self, mask: Mask) -> None:
        self._mask = mask
        self._files: dict[str, str] = {}  # by traceback

    def problem(self, host: str, error: BaseException) -> Problem:
        """A bug that ended the work on one host, in words."""
        text = self._mask("".join(traceback.format_exception(error)))
        if text not in self._files:
            self._files[text] = write(text)
        what = f"a bug of fleetbpf: {error!r:.200}"
        return Problem(where=host, what=what, hint=f"please report {self._files[text]}")


def write(text: str) -> str:
    """Keep a traceback in a new file; its path, or why there is none."""
    try:
        with tempfile.NamedTemporaryFile(
            "w",
            prefix="fleetbpf-bug-",
            suffix=".txt",
            delete=False,
            encoding="utf-8",
            errors="backslashreplace",
        ) as file:
            file.write(f"fleetbpf {__version__}, Python {sys.version}\n\n{text}")
    except OSError as error:
        return f"it; its traceback could not be kept: {error.strerror}"
    return file.name
