"""How each peer of bench/ssh.py does the job; each is given the form that suits it best."""

import json
import os
import subprocess
import sys
import venv
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from loopback import PORT, Fleet
from ssh_job import PLACE, Job

FORKS = 50
CACHE = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "fleetbpf" / "bench"
PACKAGES = ("pyinfra>=3,<4", "ansible-core>=2.17")
SSH_OPTIONS = ("BatchMode=yes", "IdentitiesOnly=yes", "LogLevel=ERROR")
# By itself OpenSSH exchanges post-quantum keys, which cost both sides tens of milliseconds.
CHEAPEST = (
    "GSSAPIAuthentication=no",
    "KexAlgorithms=curve25519-sha256",
    "Ciphers=aes128-gcm@openssh.com",
)
PYINFRA_INVENTORY = """
common = {{
    "ssh_user": "root", "ssh_port": {port}, "ssh_key": {identity!r},
    "ssh_known_hosts_file": {known_hosts!r}, "ssh_strict_host_key_checking": "yes",
}}
fleet = [(address, common) for address in {addresses!r}]
"""
PYINFRA_DEPLOY = """
from pyinfra import host
from pyinfra.facts.server import Command
from pyinfra.operations import files, server

files.put(src="{files}/loader", dest="{place}/loader", mode="700")
files.put(src="{files}/args", dest="{place}/args")
if host.get_fact(Command, {running}) != "yes":
    server.shell(commands=[{start}])
"""
PLAYBOOK = """
- hosts: all
  gather_facts: {facts}
  tasks:
    - file: {{path: "{place}", state: directory}}
    - copy: {{src: "{files}/loader", dest: "{place}/loader", mode: "0700"}}
    - copy: {{src: "{files}/args", dest: "{place}/args"}}
    - shell: {running}
      register: runs
      changed_when: false
    - shell: {start}
      when: runs.stdout != "yes"
"""
# What no guide has: everything in one archive and one command, the fewest tasks and bytes.
ARCHIVE = """
- hosts: all
  gather_facts: false
  tasks:
    - copy: {{src: "{packed}", dest: "{place}.packed"}}
    - shell: {either}
      register: done
      changed_when: done.stdout == ""
"""
TUNED = {"ANSIBLE_PIPELINING": "true", "ANSIBLE_FORKS": str(FORKS)}
ANSIBLE: Mapping[str, Mapping[str, str]] = {  # ansible.cfg's settings, as variables
    "stock": {},
    "tuned": TUNED,
    "archive": TUNED,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Peers:
    """The peers' programs, and the files they read."""

    programs: Path
    folder: Path
    fleet: Fleet
    job: Job

    def ssh(
        self,
        command: str,
        *,
        stdin: Path = Path(os.devnull),
        options: Sequence[str] = (),
        addresses: Sequence[str] = (),
    ) -> None:
        """The command on every host: one connection, one exec, `FORKS` at once."""
        known = f"UserKnownHostsFile={self.fleet.known_hosts}"
        words = [w for option in (*SSH_OPTIONS, known, *options) for w in ("-o", option)]
        words += ["-F", "none"]
        words += ["-i", str(self.fleet.identity), "-l", "root", "-p", str(PORT)]

        def one(address: str) -> None:
            with stdin.open("rb") as payload:
                subprocess.run(["ssh", *words, address, command], stdin=payload, check=True)

        with ThreadPoolExecutor(FORKS) as pool:
            list(pool.map(one, addresses or self.fleet.addresses))

    def pyinfra(self, *words: str) -> None:
        """Run pyinfra on the whole fleet."""
        command = [self.programs / "pyinfra", "-y", "--parallel", str(FORKS), "inventory.py"]
        run([*command, *words], cwd=self.folder)

    def ansible(self, flavour: str, program: str, *words: str) -> None:
        """Run one of Ansible's programs on the whole fleet."""
        known = f"-o UserKnownHostsFile={self.fleet.known_hosts} -o IdentitiesOnly=yes"
        environment: Mapping[str, str] = {
            **os.environ,
            **ANSIBLE[flavour],
            "ANSIBLE_INVENTORY": str(self.fleet.inventory),
            "ANSIBLE_SSH_COMMON_ARGS": known,
            "ANSIBLE_PYTHON_INTERPRETER": os.path.realpath(sys.executable),
            "ANSIBLE_SSH_CONTROL_PATH_DIR": str(self.folder / "cp"),
            "ANSIBLE_HOME": str(self.folder / "ansible"),
        }
        run([self.programs / program, *words], cwd=self.folder, environment=environment)


def run(
    words: Sequence[object], *, cwd: Path, environment: Mapping[str, str] | None = None
) -> None:
    """Run a tool; what it says is of interest when it fails."""
    command = [str(word) for word in words]
    done = subprocess.run(
        command, check=False, cwd=cwd, env=environment, capture_output=True, text=True
    )
    if done.returncode:
        raise SystemExit(
            f"{command}: {done.returncode}\n{done.stdout[-4000:]}{done.stderr[-4000:]}"
        )


def prepare(folder: Path, fleet: Fleet, job: Job) -> Peers:
    """Install the peers once, and write what they are to do."""
    running = f"{job.running} && echo yes || echo no"
    either = f"({job.check}) && echo same || ({job.deploy}) <{PLACE}.packed"
    values = {
        "port": PORT,
        "identity": str(fleet.identity),
        "known_hosts": str(fleet.known_hosts),
        "addresses": fleet.addresses,
        "files": job.files,
        "packed": job.packed,
        "place": PLACE,
        "running": json.dumps(running),  # a string in Python and in YAML as well
        "start": json.dumps(job.start),
        "either": json.dumps(either),
    }
    texts = {
        "inventory.py": PYINFRA_INVENTORY,
        "deploy.py": PYINFRA_DEPLOY,
        "stock.yml": PLAYBOOK,
        "tuned.yml": PLAYBOOK,
        "archive.yml": ARCHIVE,
    }
    for name, text in texts.items():
        facts = name == "stock.yml"
        (folder / name).write_text(text.format(facts=facts, **values))
    return Peers(programs=installed(), folder=folder, fleet=fleet, job=job)


def installed() -> Path:
    """The folder with the peers' programs, in a virtual environment of their own."""
    wanted = " ".join(PACKAGES)
    mark = CACHE / "peers" / ".made-for"
    if not mark.exists() or mark.read_text() != wanted:
        print(f"installing {wanted} into {CACHE}", file=sys.stderr)
        venv.create(CACHE / "peers", with_pip=True, clear=True)
        subprocess.run([CACHE / "peers" / "bin" / "pip", "install", "-q", *PACKAGES], check=True)
        mark.write_text(wanted)
    return CACHE / "peers" / "bin"
