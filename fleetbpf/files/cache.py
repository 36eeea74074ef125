"""The store of builds: entries appear whole, sealed by this user, and are verified on use."""

import contextlib
import errno
import fcntl
import hashlib
import os
import secrets
import shutil
import time
from collections.abc import Iterator
from dataclasses import field, replace
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from fleetbpf.errors import BuildError, Problem
from fleetbpf.files import seal as seals
from fleetbpf.files.private_files import FOLDER_MODE, make_folder, write_whole
from fleetbpf.files.trusted_files import opened_own, read_own, refuse_shared
from fleetbpf.frozen import frozen

FULL = {errno.ENOSPC, errno.EDQUOT}
ABSENT = {errno.ENOENT, errno.ENOTDIR, errno.ELOOP}  # a link is none of ours
RECORD = "artifact.json"
SETTLING = 60.0  # seconds in which a new work folder may not be locked yet
ABANDONED = 24 * 3600.0  # seconds after which a work folder is removed even where locks do not work


@frozen
class Entry:
    """What one build left in the store."""

    folder: Path
    digests: dict[str, str]  # file name -> SHA-256 in hex
    notes: str  # what the builder wants to know again: JSON of its own

    def path(self, name: str) -> Path:
        """The file `name` of this entry."""
        return self.folder / name


@frozen
class Record:
    """The form of `artifact.json`."""

    files: dict[str, str]
    notes: str
    seal: str  # of all of this, under this key

    def parts(self, key: str) -> tuple[str, ...]:
        """What is sealed."""
        return (key, self.notes, *(part for item in sorted(self.files.items()) for part in item))


RECORDS = TypeAdapter(Record)


@frozen
class Cache:
    """A folder of entries `<key[:2]>/<key>/`, shared by any number of processes."""

    root: Path
    key_file: Path = field(default_factory=seals.key_file)

    def find(self, key: str) -> Entry | None:
        """The entry for `key` with every file as it was stored; None when it must be built.

        BuildError where somebody else may have written it.
        """
        folder = self._folder(key)
        refuse_shared(self.root)
        try:
            record = RECORDS.validate_json(read_own(folder / RECORD))
            files = record.files.items()
            whole = all(own_digest(folder / name) == sha256 for name, sha256 in files)
        except ValidationError:
            return None
        except OSError as error:
            if error.errno not in ABSENT:
                raise
            return None
        if not whole or not seals.is_sealed(record.seal, self._secret, *record.parts(key)):
            return None
        return Entry(folder=folder, digests=record.files, notes=record.notes)

    def store(self, key: str, work: Path, names: tuple[str, ...], notes: str) -> Entry:
        """Make the files `names` of the folder `work` the entry for `key`.

        Another process may have stored the same key meanwhile: the builds are the same byte for
        byte, so whichever is whole stays.
        """
        files = {name: digest(work / name) for name in names}
        record = Record(files=files, notes=notes, seal="")
        record = replace(record, seal=seals.seal(self._secret, *record.parts(key)))
        staged = work / "entry"
        staged.mkdir(FOLDER_MODE)
        for name in names:
            keep_private(work / name)
            (work / name).rename(staged / name)
        write_whole(staged / RECORD, RECORDS.dump_json(record))
        folder = self._folder(key)
        make_folder(folder.parent)
        try:
            staged.rename(folder)
        except OSError as error:
            if error.errno not in {errno.ENOTEMPTY, errno.EEXIST}:
                raise
            self._settle(key, staged, work)
        return Entry(folder=folder, digests=record.files, notes=notes)

    @contextlib.contextmanager
    def work_folder(self) -> Iterator[Path]:
        """A new folder in the store's file system, gone afterwards; BuildError on a full disk."""
        building = self.root / "building"
        try:
            make_folder(building)
            refuse_shared(building)
            sweep(building, now=time.time())
            with locked_folder(building) as folder:
                yield folder
        except OSError as error:
            if not concerns(self.root, error):
                raise
            raise BuildError(disk_problem(self.root, error)) from error

    @property
    def _secret(self) -> bytes:
        return seals.key(self.key_file)

    def _folder(self, key: str) -> Path:
        return self.root / key[:2] / key

    def _settle(self, key: str, staged: Path, work: Path) -> None:
        """Leave the entry that is there if it is whole, else put the staged one in its place."""
        while self.find(key) is None:
            with contextlib.suppress(FileNotFoundError):
                self._folder(key).rename(work / f"damaged-{secrets.token_hex(4)}")
            with contextlib.suppress(OSError):  # somebody was faster: look again
                staged.rename(self._folder(key))
                return


def digest(path: Path) -> str:
    """The SHA-256 of a file, in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def own_digest(path: Path) -> str:
    """The SHA-256 of a file of the store; BuildError where somebody else may write it."""
    with opened_own(path) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def keep_private(path: Path) -> None:
    """Take from others what a compiler granted by the umask; nobody could enter the work folder."""
    path.chmod(path.stat().st_mode & 0o700)


@contextlib.contextmanager
def locked_folder(parent: Path) -> Iterator[Path]:
    """A new folder, locked as long as this process lives: the sweep of others leaves it alone."""
    folder = parent / f"{os.getpid()}-{secrets.token_hex(6)}"
    folder.mkdir(FOLDER_MODE)
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        with contextlib.suppress(OSError):  # a file system without locks: age decides
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield folder
    finally:
        os.close(descriptor)
        shutil.rmtree(folder, ignore_errors=True)


def sweep(building: Path, *, now: float) -> None:
    """Remove what killed builds left: folders that nobody holds locked, or older than a day."""
    for folder in building.iterdir():
        with contextlib.suppress(OSError):  # another sweep was faster
            age = now - folder.stat().st_mtime
            if age > ABANDONED or (age > SETTLING and not is_locked(folder)):
                shutil.rmtree(folder, ignore_errors=True)


def is_locked(folder: Path) -> bool:
    """Whether a living process holds the folder's lock."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


def concerns(root: Path, error: OSError) -> bool:
    """Whether an error is about the store: a full disk anywhere, or a file of its own."""
    names = (error.filename, error.filename2)
    inside = any(isinstance(name, str | Path) and Path(name).is_relative_to(root) for name in names)
    return inside or error.errno in FULL


def disk_problem(root: Path, error: OSError) -> Problem:
    """What to say when the store cannot be written."""
    if error.errno in FULL:
        what = "the disk of the build cache is full"
        return Problem(where=str(root), what=what, hint=disk_cure(root))
    hint = "make the folder writable, or set XDG_CACHE_HOME to another one"
    return Problem(where=str(root), what=f"the build cache fails: {error.strerror}", hint=hint)


def disk_cure(folder: Path) -> str:
    """What to do about a full disk."""
    return f"free some space, or set XDG_CACHE_HOME to another file system than that of {folder}"
