"""Files that are the operator's own: whole, private, and not through links."""

import ast
import os
from pathlib import Path

import pytest

from fleetbpf.errors import FleetbpfError
from fleetbpf.files import private_files
from fleetbpf.files.private_files import entered, make_folder, open_file, refuse_links, write_whole


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


def test_a_file_appears_whole_with_its_mode(tmp_path: Path) -> None:
    target = tmp_path / "new" / "hello"
    write_whole(target, b"one", mode=0o755)
    write_whole(target, b"two", mode=0o755)
    assert target.read_bytes() == b"two"
    assert mode(target) == 0o755
    assert [path.name for path in target.parent.iterdir()] == ["hello"]


def test_what_cannot_be_written_leaves_nothing_and_names_its_file(tmp_path: Path) -> None:
    target = tmp_path / "hello"
    target.mkdir()
    with pytest.raises(OSError, match="directory") as caught:
        write_whole(target, b"one")
    assert caught.value.filename == str(target)
    assert list(tmp_path.iterdir()) == [target]


def test_a_folder_above_is_private_too(tmp_path: Path) -> None:
    make_folder(tmp_path / "a" / "b")
    assert mode(tmp_path / "a") == mode(tmp_path / "a" / "b") == 0o700


def test_what_is_there_keeps_its_mode(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a").chmod(0o755)
    os.close(open_file(tmp_path / "a" / "b" / "file", os.O_WRONLY, below=tmp_path))
    assert mode(tmp_path / "a") == 0o755
    assert mode(tmp_path / "a" / "b") == 0o700
    assert mode(tmp_path / "a" / "b" / "file") == 0o600


def test_a_working_folder_itself_may_be_reached_by_a_link(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    link = tmp_path / "link"
    link.symlink_to("real")
    write_whole(link / "logs" / "file", b"x", below=link)
    assert (tmp_path / "real" / "logs" / "file").read_bytes() == b"x"


def test_a_file_in_a_folders_place_is_told(tmp_path: Path) -> None:
    (tmp_path / "logs").write_bytes(b"")
    way = entered(tmp_path / "logs" / "web1", below=tmp_path)
    with pytest.raises(NotADirectoryError) as caught, way:
        pass
    assert caught.value.filename == str(tmp_path / "logs")


def test_no_way_leads_out_again(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="is not below"):
        write_whole(tmp_path / "logs" / ".." / ".." / "x", b"", below=tmp_path)


def test_a_link_in_the_place_of_a_whole_file_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("nowhere")
    write_whole(tmp_path / "link", b"x", below=tmp_path)
    assert not (tmp_path / "link").is_symlink()


def test_a_pipe_where_a_tool_would_write_is_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "console.log")
    with pytest.raises(FleetbpfError, match="no regular file"):
        refuse_links(tmp_path, below=tmp_path)


def test_a_folder_of_plain_files_and_folders_is_accepted(tmp_path: Path) -> None:
    (tmp_path / "host" / "inner").mkdir(parents=True)
    (tmp_path / "host" / "file").write_bytes(b"")
    refuse_links(tmp_path / "host", below=tmp_path)
    refuse_links(tmp_path / "new", below=tmp_path)
    assert mode(tmp_path / "new") == 0o700


MAKERS = {"write_text", "write_bytes", "mkdir", "makedirs", "touch", "symlink_to", "mkstemp"}
MAKERS |= {"copyfile", "copy2"}
# Where else files are made, and why that is right.
ELSEWHERE = {
    "files/cache.py": "a work folder that nobody else enters",
    "build/workbench.py": "a work folder that nobody else enters",
    "files/seal.py": "of several processes' keys the first one's stays, which takes a link",
    "build/static_link.py": "a temporary folder of its own",
    "cli/build.py": "the folder of `--output` is for whom the umask says",
    "cli/manual.py": "man pages are for everybody",
}


def makes_files(path: Path) -> bool:
    """Whether a module makes files or folders by itself."""
    calls = [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call)]
    for call in calls:
        name = call.func.attr if isinstance(call.func, ast.Attribute) else ""
        words = [word.value for word in call.args if isinstance(word, ast.Constant)]
        modes = [word for word in words if isinstance(word, str) and set(word) <= set("wax+bt")]
        if name in MAKERS or (name == "open" and any(set(mode) & set("wax+") for mode in modes)):
            return True
    return False


def test_no_other_module_makes_files() -> None:
    package = Path(private_files.__file__).parents[1]
    found = {str(path.relative_to(package)) for path in package.rglob("*.py") if makes_files(path)}
    assert found - {"files/private_files.py"} == set(ELSEWHERE)
