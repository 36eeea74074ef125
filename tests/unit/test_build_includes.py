"""What a source includes: as clang was seen to open it, and how long a memory of it is right."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from fleetbpf.build import includes, opened
from fleetbpf.build.includes import Included
from fleetbpf.build.opened import Miss

FOLDER = Path("/src")

WORK = Path("/work")


def told(*records: str) -> bytes:
    return b"".join(os.fsencode(record) + b"\0" for record in records)


def test_what_a_compiler_opened_is_told_from_its_source_on() -> None:
    found = opened.read(
        told(
            *("x/etc/os-release", "a/usr/lib/none", "o./hello.bpf.c", "a./linux"),
            *("o/usr/include/a.h", "o./a b#c$.h", "o../common/y.h", "a/work/program.o"),
            *("x/etc/shadow", "s./pipe", "o/src/./hello.bpf.c", "a/usr/include/a.h"),
            *("o./\udcff.h", "d./folder.h", "c./closed.h", "d/work"),
        ),
        FOLDER / "hello.bpf.c",
        WORK,
    )
    assert [str(path) for path in found.files] == [
        *("/src/hello.bpf.c", "/usr/include/a.h", "/src/a b#c$.h", "/src/../common/y.h"),
        "/src/\udcff.h",
    ]
    assert found.missed == {
        Path("/src/linux"): Miss.ABSENT,
        Path("/src/folder.h"): Miss.FOLDER,
        Path("/src/closed.h"): Miss.CLOSED,
    }
    assert (found.outside, found.special) == ((Path("/etc/shadow"),), (Path("/src/pipe"),))


@pytest.mark.parametrize("folder", ["/src", "../src", "/a/../src", "/a/./src"])
def test_a_source_is_known_by_whatever_way_its_folder_is_named(folder: str) -> None:
    source = Path(folder) / "hello.bpf.c"
    assert opened.read(told("o./hello.bpf.c", "o./a.h"), source, WORK).files == (
        source,
        Path(folder) / "a.h",
    )


def test_a_compiler_that_tells_nothing_opened_nothing() -> None:
    assert opened.read(b"", FOLDER / "hello.bpf.c", WORK).files == ()


class Tree:
    """A source that includes one header of its own and one of the system's."""

    def __init__(self, root: Path) -> None:
        self.source = root / "src" / "hello.bpf.c"
        self.header = root / "src" / "own.h"
        self.system = root / "system"
        self.shared = self.system / "sys" / "types.h"
        for path, text in (
            (self.source, '#include "own.h"\n#if __has_include("extra.h")\n#endif\n'),
            (self.header, "// own\n"),
            (self.shared, "// shared\n"),
        ):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        self.memory = root / "memory.json"

    def look(self) -> Included:
        places = ("extra.h", "sys/types.h")
        missed = {self.source.parent / place: Miss.ABSENT for place in places}
        return includes.look((self.source, self.header, self.shared), missed)


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    tree = Tree(tmp_path)
    includes.remember(tree.memory, tree.look())
    return tree


def test_an_unchanged_source_is_remembered(tree: Tree) -> None:
    assert includes.recall(tree.memory) == tree.look()


@pytest.mark.parametrize("name", ["source", "header", "shared"])
def test_a_changed_file_is_noticed_even_with_its_old_size_and_time(tree: Tree, name: str) -> None:
    path: Path = getattr(tree, name)
    before = path.stat()
    path.write_bytes(path.read_bytes().swapcase())
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert includes.recall(tree.memory) is None


def test_a_header_that_is_gone_is_noticed(tree: Tree) -> None:
    tree.header.unlink()
    assert includes.recall(tree.memory) is None


def test_a_new_header_that_would_be_found_first_is_noticed(tree: Tree) -> None:
    first = tree.source.parent / "sys" / "types.h"
    first.parent.mkdir()
    first.write_text("// mine\n")
    assert includes.recall(tree.memory) is None


def test_a_header_that_the_source_only_asks_for_is_noticed_when_it_comes(tree: Tree) -> None:
    (tree.source.parent / "extra.h").write_text("")
    assert includes.recall(tree.memory) is None


@pytest.mark.parametrize(
    ("before", "miss", "after"),
    [
        pytest.param(Path.mkdir, Miss.FOLDER, Path.rmdir, id="folder"),
        pytest.param(lambda path: path.symlink_to(path), Miss.CLOSED, Path.unlink, id="own link"),
        pytest.param(
            lambda path: path.symlink_to("later.h"),
            Miss.ABSENT,
            lambda path: path.with_name("later.h").touch(),
            id="link that leads nowhere",
        ),
    ],
)
def test_what_is_no_file_is_remembered_until_it_changes(
    tree: Tree, before: Callable[[Path], None], miss: Miss, after: Callable[[Path], None]
) -> None:
    path = tree.source.parent / "odd.h"
    before(path)
    includes.remember(tree.memory, includes.look((tree.source,), {path: miss}))
    assert includes.recall(tree.memory) is not None
    after(path)
    if miss is not Miss.ABSENT:
        path.touch()
    assert includes.recall(tree.memory) is None


def test_an_unrelated_new_file_is_not_noticed(tree: Tree) -> None:
    (tree.source.parent / "other.bpf.c").write_text("")
    assert includes.recall(tree.memory) is not None


@pytest.mark.parametrize("content", [b"", b"{}", b"[1]", b"\xff"])
def test_a_memory_that_cannot_be_read_is_no_memory(tree: Tree, content: bytes) -> None:
    tree.memory.write_bytes(content)
    assert includes.recall(tree.memory) is None
