"""A host whose server is Dropbear: it takes commands of at most 9,000 bytes."""

import getpass
import subprocess
from collections.abc import Iterator

import pytest

from fleetbpf.connections.becoming import BecomingConnection
from fleetbpf.connections.routes import Routes
from fleetbpf.execution.command import Command
from fleetbpf.host.facts import FACTS, Question
from fleetbpf.model.inventory import Host
from tests.integration.sshd import ADDRESS, answers, free_port, make_key
from tests.tools import need, need_root
from tests.waiting import wait_until

pytestmark = pytest.mark.ssh
PAYLOAD = bytes(range(256)) * 4000
# Root's own home stays as it is: the server has another one.
BOOT = """
mount -t tmpfs -o mode=0700 tmpfs /root && mkdir -m 700 /root/.ssh || exit
install -m 600 "$1/identity.pub" /root/.ssh/authorized_keys
exec dropbear -F -E -s -P "$1/pid" -p "$2" -r "$1/host"
"""


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Host]:
    """A host with Dropbear."""
    need("dropbear", "dropbearkey", "ssh-keygen", "unshare")
    need_root()
    folder = tmp_path_factory.mktemp("dropbear")
    make_key(folder / "identity")
    made = ["dropbearkey", "-t", "ed25519", "-f", str(folder / "host")]
    told = subprocess.run(made, check=True, capture_output=True, text=True).stdout
    key = next(line for line in told.splitlines() if line.startswith("ssh-ed25519 "))
    port = free_port()
    (folder / "known_hosts").write_text(f"[{ADDRESS}]:{port} {' '.join(key.split()[:2])}\n")
    words = ["unshare", "--mount", "sh", "-c", BOOT, "sh", str(folder), f"{ADDRESS}:{port}"]
    with (
        (folder / "log").open("wb") as log,
        subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=log, stderr=log) as running,
    ):
        try:
            wait_until(lambda: answers(port), seconds=60, what="dropbear answers")
            yield Host(
                name="web1",
                address=ADDRESS,
                port=port,
                user=getpass.getuser(),
                identity_file=folder / "identity",
                known_hosts_file=folder / "known_hosts",
            )
        finally:
            running.terminate()


@pytest.fixture
def connection(host: Host, routes: Routes) -> Iterator[BecomingConnection]:
    with routes.open(host, timeout=60) as opened:
        yield opened


def test_a_script_of_any_length_is_run(connection: BecomingConnection) -> None:
    assert len(FACTS.command(Question(), become=False).words[2]) > 9000
    assert FACTS.ask(connection, Question(), host="web1", become=False).kernel


def test_a_long_word_and_a_payload_arrive_whole(connection: BecomingConnection) -> None:
    word = "it's" * 20_000
    command = Command("sh", "-c", 'printf %s "$1" | wc -c; cat; exit 7', "sh", word)
    done = connection.run(command, stdin=PAYLOAD, timeout=60)
    assert (done.status, done.stdout) == (7, b"80000\n" + PAYLOAD)


def test_an_order_reaches_the_shell_that_stays(connection: BecomingConnection) -> None:
    staying = Command("sh", "-c", 'echo; echo end; read -r words; echo "$words"; cat', stays=True)
    connection.run(staying, timeout=60)
    done = connection.run(Command("true", order="two words"), stdin=PAYLOAD, timeout=60)
    assert (done.status, done.stdout) == (0, b"two words\n" + PAYLOAD)
