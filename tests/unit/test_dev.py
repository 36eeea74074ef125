"""`./dev`: what it installs, who does it, and what it says to a user who cannot."""

import shutil
import subprocess
from pathlib import Path

import pytest

DEV = Path(__file__).parents[2] / "dev"
# Programs of a Debian machine: `here` holds the installed packages, `lists` those that apt knows.
PROGRAMS = {
    "apt-cache": 'grep -qx "$2" lists',
    "apt-get": """
echo "apt-get $*" >>done
case $1 in
update) echo bpftool >>lists ;;
install)
	for word; do
		case $word in -* | install) ;; *) echo "$word" >>here ;; esac
	done
	;;
esac
""",
    "dpkg-query": 'for last; do :; done; grep -qx "$last" here && echo "install ok installed"',
    "id": 'case $1 in -u) echo "$USER_ID" ;; *) echo ann ;; esac',
    "sudo": 'echo "sudo $*" >>done; [ -z "${SUDO_REFUSES:-}" ] || exit 1; exec "$@"',
}
TOOLS = ("sh", "dirname", "grep", "sed", "cksum", "cat", "xargs", "env", "true")


@pytest.fixture
def machine(tmp_path: Path) -> Path:
    """A folder with `dev`, a venv that is made already, and a machine's programs."""
    shutil.copy(DEV, tmp_path)
    programs = tmp_path / "programs"
    programs.mkdir()
    for name, text in PROGRAMS.items():
        install(programs / name, text)
    for name in TOOLS:
        found = shutil.which(name)
        assert found is not None
        (programs / name).symlink_to(found)
    for name in ("pyproject.toml", "requirements-dev.lock"):
        (tmp_path / name).touch()
    scripts = tmp_path / ".venv" / "bin"
    scripts.mkdir(parents=True)
    install(scripts / "fleetbpf", ":")
    install(scripts / "python", ":")
    made_for = subprocess.run(
        ["cksum", "pyproject.toml", "requirements-dev.lock"],
        cwd=tmp_path,
        capture_output=True,
        check=True,
    )
    (tmp_path / ".venv" / ".made-for").write_bytes(made_for.stdout)
    for name in ("here", "lists", "done"):
        (tmp_path / name).touch()
    return tmp_path


def install(program: Path, text: str) -> None:
    program.write_text(f"#!/bin/sh\n{text}\n")
    program.chmod(0o755)


def setup(machine: Path, *, user: int = 0, **more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [machine / "dev", "setup"],
        env={"PATH": str(machine / "programs"), "USER_ID": str(user), **more},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def done(machine: Path) -> list[str]:
    return (machine / "done").read_text().splitlines()


def test_packages_are_announced_once_apt_knows_which_there_are(machine: Path) -> None:
    said = setup(machine)
    assert said.returncode == 0, said.stderr
    assert done(machine)[0] == "apt-get update -qq"
    plain = said.stderr.replace("\033[0m", "")
    before, announced = plain.split("installing packages: ")
    assert "apt-get update" in before
    assert " bpftool" in announced
    assert "linux-tools" not in said.stderr
    assert set(announced.split()).issuperset((machine / "here").read_text().split())


def test_only_what_is_missing_is_installed(machine: Path) -> None:
    setup(machine)
    here = (machine / "here").read_text().split()
    (machine / "here").write_text("".join(f"{name}\n" for name in here if name != "clang"))
    (machine / "done").write_text("")
    setup(machine)
    assert done(machine)[1].split()[-1:] == ["clang"]
    assert "gcc" not in done(machine)[1].split()


def test_a_user_with_sudo_installs_by_it(machine: Path) -> None:
    said = setup(machine, user=1000)
    assert said.returncode == 0, said.stderr
    assert "sudo apt-get update -qq" in done(machine)


@pytest.mark.parametrize("has_sudo", [True, False])
def test_a_user_who_cannot_install_gets_the_command_for_the_administrator(
    machine: Path, has_sudo: bool
) -> None:
    if not has_sudo:
        (machine / "programs" / "sudo").unlink()
    said = setup(machine, user=1000, SUDO_REFUSES="yes")
    assert said.returncode == 1
    assert "ann cannot install them" in said.stderr
    update, install = said.stderr.splitlines()[-2:]
    assert update == "  apt-get update"
    assert install.startswith("  apt-get install -y --no-install-recommends clang ")
    assert install.endswith(" libclang-rt-dev")
    assert "not found" not in said.stderr
    assert not [line for line in done(machine) if line.startswith("apt-get")]


def test_a_user_who_lacks_nothing_needs_no_sudo(machine: Path) -> None:
    setup(machine)
    (machine / "done").write_text("")
    (machine / "programs" / "sudo").unlink()
    said = setup(machine, user=1000)
    assert said.returncode == 0, said.stderr
    assert done(machine) == []
