"""Login shells of all kinds, and start-up files that say something: no command minds either."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path, PurePosixPath

import pytest

from fleetbpf.connections.becoming import BecomingConnection
from fleetbpf.connections.passwords import Passwords
from fleetbpf.connections.routes import Routes
from fleetbpf.connections.settings import Operator
from fleetbpf.errors import HostError
from fleetbpf.execution.command import Command
from fleetbpf.host import facts
from fleetbpf.model.become import BecomeMethod, BecomeWay
from fleetbpf.model.layout import HostLayout
from fleetbpf.secret import Given, SecretKind
from tests.integration import people, sshd
from tests.integration.people import PASSWORD, ROOT_PASSWORD
from tests.tools import need, need_root

pytestmark = pytest.mark.ssh

SHELLS = ("bash", "dash", "zsh", "fish", "tcsh", "mksh")
BINARY = bytes(range(256)) * 500 + b"\n\n"
WORDS = ("it's", 'say "hi"', "$(id) `id` $HOME", "!! !x", "\\n \\\\ \\'", "a\nb", "äöü", "", "*~#&")
SAYS = 'printf "%s|" "$@"; cat; echo oops >&2; exit 7'

# What start-up files do, by their names there; each shell that has them reads its own.
POSIX, FISH, CSH = (".bashrc", ".zshenv"), (".config/fish/config.fish",), (".tcshrc",)


def everywhere(posix: str, *, fish: str = "", csh: str = "") -> Mapping[str, str]:
    """The same words for all shells, or others for those that read other ones."""
    texts = [(POSIX, posix), (FISH, fish or posix), (CSH, csh or posix)]
    return {name: f"{text}\n" for names, text in texts for name in names}


NOISE: Mapping[str, Mapping[str, str]] = {
    "quiet": {},
    "a line": everywhere("echo Welcome"),
    "no newline": everywhere("printf Welcome"),
    "complaints": everywhere("sh -c 'echo Welcome >&2; printf more >&2'"),
    "megabytes": everywhere("head -c 3000000 /dev/zero"),
    "megabytes of complaints": everywhere("sh -c 'head -c 3000000 /dev/zero >&2'"),
    "binary": everywhere("head -c 5000 /bin/sh"),
    "what an answer begins with": everywhere("printf 'fleetbpf\\tfacts\\nuid\\t7\\nend\\n'"),
    "what an answer ends with": everywhere("printf '\\nend\\n'"),
    "signs of a mark": everywhere("printf '\\036\\036abc\\036'"),
    "a question of sudo": everywhere("sh -c 'printf \"[sudo] password: \" >&2'"),
    "a question": everywhere("printf 'Password: '"),
    "aliases": everywhere(
        "alias sh=false dd=false; sh() { false; }",
        fish="function sh; false; end; function dd; false; end",
        csh="alias sh false; alias dd false; alias eval false",
    ),
    "strict": {
        **everywhere("umask 777", csh="umask 777; set noclobber"),
        **dict.fromkeys(POSIX, "set -euo pipefail; set -o noclobber; umask 777\n"),
    },
    "traces": {
        **dict.fromkeys(POSIX, "set -xv; PROMPT_COMMAND='echo prompt'; trap 'echo bug' DEBUG\n"),
        ".config/fish/config.fish": "set fish_trace 1\n",
        ".tcshrc": "set echo verbose\n",
    },
    "another shell": {
        ".bashrc": 'exec zsh -c "$BASH_EXECUTION_STRING"\n',
        ".zshenv": '[ -n "$SECOND" ] || SECOND=1 exec bash -c "$ZSH_EXECUTION_STRING"\n',
    },
    "questions": everywhere("read x; read y", fish="read x; read y", csh="set x = $<; set y = $<"),
    "last words": {
        ".bashrc": "trap 'echo bye; printf more >&2; exit 3' EXIT\n",
        ".zshenv": "trap 'echo bye; printf more >&2' EXIT\n",
        ".config/fish/config.fish": "function bye --on-event fish_exit; echo bye; end\n",
    },
    "no end": {".bashrc": "trap 'echo bye; sleep 60' EXIT\n"},
    "work in the background": everywhere("sleep 20 &"),
}


def serve(folder: Path, shell: str, noise: str) -> sshd.Server:
    """A host whose people all have this login shell, with start-up files of this kind."""
    for name, text in {**NOISE, **JOINED}[noise].items():
        file = folder / "home" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    paths = {"tcsh": "/usr/bin/tcsh", "mksh": "/usr/bin/mksh", "fish": "/usr/bin/fish"}
    path = paths.get(shell, f"/bin/{shell}")
    login = f"SetEnv HOME=/media/home\n{people.LOGIN}"
    return people.start(folder, login=login, shells=dict.fromkeys(people.PEOPLE, path))


def opened(
    town: sshd.Server,
    *,
    user: str = "bob",
    method: BecomeMethod = BecomeMethod.SUDO,
    password: str | None = None,
) -> BecomingConnection:
    given = {} if password is None else {SecretKind.BECOME: Given(password)}
    nobody = Operator(home=town.folder, environment={}, system=town.folder)
    host = town.host(user=user, become_way=BecomeWay(method=method))
    return Routes(nobody, Passwords(given)).open(host, timeout=60)


def see_an_answer(connection: BecomingConnection, *, become: bool) -> None:
    command = Command("sh", "-c", SAYS, "sh", *WORDS, become=become)
    done = connection.run(command, stdin=BINARY, timeout=60)
    assert done.stdout == "".join(f"{word}|" for word in WORDS).encode() + BINARY
    assert (done.status, done.stderr) == (7, b"oops\n")


@pytest.fixture(scope="module")
def towns(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[tuple[str, str], sshd.Server]]:
    """The hosts so far, by their shell and noise."""
    found: dict[tuple[str, str], sshd.Server] = {}
    yield found
    for server in found.values():
        sshd.stop(server)


@pytest.fixture
def town(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    towns: dict[tuple[str, str], sshd.Server],
) -> sshd.Server:
    """A host with the shell and the noise that a test names."""
    need("sshd", "ssh-keygen", "unshare", "sudo", "doas", request.param[0])
    need_root()
    if request.param not in towns:
        towns[request.param] = serve(tmp_path_factory.mktemp("town"), *request.param)
    return towns[request.param]


ALL = [(shell, noise) for shell in SHELLS for noise in ("quiet", "aliases")] + [
    (shell, noise)
    for noise in NOISE
    for shell in ("bash", "zsh", "fish", "tcsh")
    if noise not in ("quiet", "aliases")
]


# Start-up files that send standard error to standard output as well.
JOINED: Mapping[str, Mapping[str, str]] = {
    "one stream": dict.fromkeys(POSIX, "exec 2>&1\n"),
    "a record of the session": {".bashrc": "exec > >(tee /dev/null) 2>&1\n"},
}

NOISY = [("bash", "no newline"), ("bash", "a question"), ("bash", "megabytes of complaints")]
NOISY += [("bash", "what an answer begins with"), ("bash", "what an answer ends with")]
NOISY += [
    ("bash", "no end"),
    ("fish", "a line"),
    ("tcsh", "a question of sudo"),
    ("zsh", "last words"),
]


@pytest.mark.parametrize("town", ALL, indirect=True, ids=": ".join)
def test_words_and_streams_pass_every_login_shell_unchanged(town: sshd.Server) -> None:
    with opened(town) as connection:
        see_an_answer(connection, become=False)
        see_an_answer(connection, become=True)


@pytest.mark.parametrize(
    "town", [("bash", noise) for noise in JOINED] + [("zsh", "one stream")], indirect=True
)
@pytest.mark.parametrize("become", [False, True])
def test_an_answer_is_whole_where_both_streams_are_one(town: sshd.Server, *, become: bool) -> None:
    command = Command("sh", "-c", "cat; exit 7", become=become)
    with opened(town) as connection:
        done = connection.run(command, stdin=BINARY, timeout=60)
    assert (done.status, done.stdout) == (7, BINARY)


@pytest.mark.parametrize(
    "town", [*((shell, "quiet") for shell in SHELLS), *NOISY], indirect=True, ids=": ".join
)
def test_facts_come_from_every_host(town: sshd.Server, tmp_path: Path) -> None:
    layout = replace(HostLayout(), root=PurePosixPath(tmp_path / "none"))
    with opened(town) as connection:
        assert facts.ask(connection, layout, host="web1", become=True).kernel


@pytest.mark.parametrize("town", NOISY, indirect=True, ids=": ".join)
@pytest.mark.parametrize(
    ("user", "password", "method"),
    [
        ("alice", PASSWORD, BecomeMethod.SUDO),
        ("bob", PASSWORD, BecomeMethod.SUDO),
        ("carol", ROOT_PASSWORD, BecomeMethod.SU),
        ("alice", PASSWORD, BecomeMethod.DOAS),
        ("bob", None, BecomeMethod.DOAS),
    ],
)
def test_whoever_makes_one_root_is_told_the_password_behind_all_noise(
    town: sshd.Server, user: str, password: str | None, method: BecomeMethod
) -> None:
    command = Command("sh", "-c", "id -u; cat; exit 7", become=True)
    with opened(town, user=user, password=password, method=method) as connection:
        done = connection.run(command, stdin=BINARY, timeout=60)
    assert (done.status, done.stdout) == (7, b"0\n" + BINARY)


@pytest.mark.parametrize("town", [("bash", "questions"), ("zsh", "questions")], indirect=True)
@pytest.mark.parametrize(
    ("user", "password", "method"),
    [("alice", PASSWORD, BecomeMethod.SUDO), ("carol", ROOT_PASSWORD, BecomeMethod.SU)],
)
def test_a_start_up_file_that_asks_something_is_not_told_the_password(
    town: sshd.Server, user: str, password: str, method: BecomeMethod
) -> None:
    command = Command("sh", "-c", "id -u; cat; exit 7", become=True)
    with opened(town, user=user, password=password, method=method) as connection:
        done = connection.run(command, stdin=BINARY, timeout=60)
    assert (done.status, done.stdout) == (7, b"0\n" + BINARY)


@pytest.mark.parametrize("town", NOISY, indirect=True, ids=": ".join)
def test_a_wrong_password_is_still_told(town: sshd.Server) -> None:
    with (
        opened(town, user="alice", password="wrong") as connection,
        pytest.raises(HostError, match="sudo did not take the password"),
    ):
        connection.run(Command("id", become=True), timeout=60)


@pytest.mark.parametrize("become", [False, True])
@pytest.mark.parametrize(
    ("shell", "command", "says"),
    [
        ("/usr/sbin/nologin", "", "(exit status 1); it says: This account is currently not avail"),
        ("/bin/false", "", "(exit status 1)"),
        ("/bin/true", "", "(exit status 0)"),
        ("/bin/sh", "ForceCommand echo Only backups here; exit 3", "it says: Only backups here"),
        ("/bin/sh", "ForceCommand cat", "(exit status 0)"),
        ("/bin/sh", "ForceCommand internal-sftp", "(exit status"),
    ],
)
def test_an_account_that_runs_no_commands_gets_no_hint_about_root(
    tmp_path: Path, shell: str, command: str, says: str, *, become: bool
) -> None:
    need("sshd", "ssh-keygen", "unshare", "sudo")
    need_root()
    login = f"{people.LOGIN}\n{command}\n"
    town = people.start(tmp_path, login=login, shells=dict.fromkeys(people.PEOPLE, shell))
    try:
        with opened(town) as connection, pytest.raises(HostError) as caught:
            connection.run(Command("id", become=become), timeout=60)
    finally:
        sshd.stop(town)
    (problem,) = caught.value.problems
    assert problem.what.startswith("the login shell did not run a command ")
    assert says in problem.what
    assert "root" not in problem.hint
    assert "nologin" in problem.hint


def test_a_shell_that_works_leaves_the_hint_about_root(tmp_path: Path) -> None:
    need("sshd", "ssh-keygen", "unshare", "sudo")
    need_root()
    town = people.start(tmp_path)
    try:
        with opened(town, user="carol") as connection, pytest.raises(HostError) as caught:
            connection.run(Command("id", become=True), timeout=60)
    finally:
        sshd.stop(town)
    assert caught.value.problems[0].what == "no command was run as root"
    assert "NOPASSWD" in caught.value.problems[0].hint
