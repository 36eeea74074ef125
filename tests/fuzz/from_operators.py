"""What people write: manifests, inventories, settings, patterns, templates, ssh's files, plans."""

import functools
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

from fleetbpf import quantities
from fleetbpf.connections.keys import known_hosts
from fleetbpf.connections.settings import Operator
from fleetbpf.connections.ssh_config import ssh_files
from fleetbpf.connections.ssh_config.resolution import Resolver
from fleetbpf.deploy import saved_plan
from fleetbpf.documents import json_source
from fleetbpf.documents.templating import Renderer
from fleetbpf.errors import FleetbpfError, InputError
from fleetbpf.inventory import groups, inventory, inventory_ini, inventory_script, patterns, vault
from fleetbpf.inventory.draft import Draft
from fleetbpf.manifest import manifest, settings, targets
from fleetbpf.model import cron
from fleetbpf.model.hook import Hook
from fleetbpf.model.inventory import Inventory
from fleetbpf.wording import MisunderstoodError
from tests.fuzz.mutation import change_text
from tests.fuzz.target import Read, Target, named

ROOT = Path(__file__).parents[2]
CASES = ROOT / "tests" / "cases"
SOURCES = tuple(path.name for path in (ROOT / "examples").glob("*.bpf.c"))  # beside manifests
HOSTS = "web1,web2,db[1:3],"
GROUPS = """
all: {children: {web: {hosts: {web1: , web2: {uplink: eth0}}}, db: {hosts: {"db[1:3]": }}}}
"""
SETTINGS = b"""\
inventory: [inventories/hosts.yml, "web1,web2"]
header_folders: include
forks: 20
timeout: 30
host_timeout: 600
lock_timeout: 1m30s
mirror_limit: 4GiB
password_command: pass show fleet/{{ inventory_hostname | quote }}
color: auto
verbosity: 1
log: ~/fleetbpf.log
"""
PATTERNS = (b"all:!web2", b"web*,db[1]", b"~web[0-9]", b"web1:&all:!db3", b"db[0:2]", b"all[1-3]")
TEMPLATES = (
    b"{% for host in groups.web %}{{ host | upper }}:{{ port + 1 }}{% endfor %}",
    b"{{ names | join(', ') | quote }} {{ '%05d' | format(port) }}",
    b"{{ {'a': [1, 2.5, none, true]} | tojson(indent=2) }}{# nothing #}",
    b"{% set x = port ** 3 - 7 %}{% if x > 5 and name is defined %}{{ x // 3 % 11 }}{% endif %}",
    b"{{ text.split(' ')[1:] | map('length') | sum }}{{ text[::-1] ~ name.center(40) }}",
    b"{{ names | sort | first | default('x') | replace('a', 'bb') | truncate(9) | int(base=16) }}",
    b"{% macro m(a, b=2) %}{{ a * b }}{% endmacro %}{{ m(port) }}{{ m('-', 30) }}",
)
VARIABLES = {
    "groups": {"web": ["web1", "web2"]},
    "names": ["ann", "bob"],
    "name": "web1",
    "port": 8080,
    "text": "some words of text",
}
WORDS = (
    *(b"17 3 * * *", b"*/15 0-6,22 1 jan-mar mon-fri", b"@daily", b"4MiB", b"1.5 GiB", b"1h30m5s"),
    *(b"10000/s", b"20%", b">=5.10", b"kprobe/vfs_read+0x10", b"xdp/eth0@skb", b"tc/eth0/ingress"),
    *(b"uprobe//bin/sh:main+4@77", b"perf_event/cpu-clock@99", b"usdt//lib/x.so:a:b", b"iter/task"),
    *(
        b"tracepoint/syscalls/sys_enter_execve",
        b"sockops//sys/fs/cgroup",
        b"netfilter/ipv4/local_in@5",
    ),
)
READERS_OF_WORDS: tuple[Callable[[str], object], ...] = (
    *(cron.parse, quantities.size, quantities.duration, quantities.rate, quantities.percent),
    *(quantities.kernel, Hook.parse),
)
KNOWN_HOSTS = b"""\
web1,10.0.0.1 ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl
@revoked [web2]:2222,*.example.org,!x.example.org ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAAAgQ==
@cert-authority *.prod ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTY=
|1|F1E1KeoE/eEWhi10WpGv4OdiO6Y=|3988QV0VE8wmZL7suNrYQLITLCg= ssh-ed25519 AAAAC3NzaC1lZDI1NTE5
# a comment
"""
PLAN = b"""\
{"fleetbpf_plan": 1, "deployment": "demo", "manifest": "demo.yml", "inventory": ["hosts.yml"],
 "limit": null, "made_by": "ann@desk", "made_at": "2026-11-24T12:00:00+00:00",
 "basis": {"manifest demo.yml": "cafe", "hello (x86_64): the loader that was built": "beef"},
 "hosts": {"web1": {"architecture": "x86_64", "changes": [{"program": "hello",
  "action": "update", "was": "r1", "release": "r2", "prune": ["r0"], "retire": [],
  "obstacles": [{"what": "a", "hint": "b"}]}]}, "web2": {"architecture": null, "changes": []}}}
"""
SCRIPT = b"""\
{"web": {"hosts": ["web1", "web2"], "vars": {"ansible_port": 22, "ansible_group_priority": 5},
 "children": ["db"]}, "db": ["db1"], "lone": {"x": {"y": [1, 2.5e3, null, true, "\\u00fc"]}},
 "_meta": {"hostvars": {"web1": {"ansible_host": "10.0.0.1", "v": {"__ansible_unsafe": "{{"}}}}}
"""


def written(name: str, read: Callable[[Path], object]) -> Read:
    """Reads a text from a file of that name."""

    def reading(content: bytes, folder: Path) -> None:
        file = folder / name
        file.write_bytes(content)
        file.chmod(0o600)
        read(file)

    return reading


def texts(*right: str, wrong: str = "") -> Callable[[], Sequence[bytes]]:
    """The texts of some of the repository's files; those that are wrong are half of all at most."""

    def read() -> Sequence[bytes]:
        good = [text for glob in right for text in contents(glob)]
        bad = contents(wrong) if wrong else []
        return [*good * max(len(bad) // len(good), 1), *bad]

    return read


def contents(glob: str) -> list[bytes]:
    """What is in the repository's files of such a name."""
    return [file.read_bytes() for file in sorted(ROOT.glob(glob)) if file.is_file()]


@functools.cache
def hosts() -> Inventory:
    """Some hosts, for patterns and manifests."""
    return inventory.read_text(GROUPS, Path("hosts.yml"))


def read_manifest(file: Path) -> None:
    """As `plan` does, before any host is contacted."""
    for source in SOURCES:
        file.with_name(source).touch()
    targets.resolve(manifest.read(file), hosts())


def read_inventory(file: Path) -> None:
    """As every command does."""
    for host in inventory.read(str(file)).hosts.values():
        repr((host.name, host.address, host.port, host.user, host.obstacles))  # its groups: all


def read_group_variables(content: bytes, folder: Path) -> None:
    """Variables of a group, in a file beside the inventory."""
    (folder / "group_vars").mkdir()
    (folder / "group_vars" / "all.yml").write_bytes(content)
    (folder / "hosts.yml").write_text("all: {hosts: {web1: , web2: {port: '{{ x }}'}}}")
    read_inventory(folder / "hosts.yml")


def read_script(content: bytes, folder: Path) -> None:
    """What an inventory script prints."""
    file, draft = folder / "script", Draft()
    text = content.decode(errors="replace")
    document = json_source.parse(text, file, vault.Vault().tags(str(file)))
    draft.mistakes.add_document(document)
    inventory_script.Reading(document, draft, str(file)).read()
    groups.link(draft.groups, draft.hosts)
    inventory.settled(draft, (str(file),), [folder], beside=None, vault=vault.Vault())


def read_host_list(content: bytes, _: Path) -> None:
    """What `-i` has in place of a file; no argument holds a NUL."""
    text = content.decode(errors="surrogateescape").replace("\0", "")
    draft = Draft()
    inventory.read_list(text, draft)
    inventory.settled(draft, (text,), [], beside=None, vault=vault.Vault())


def read_ini(content: bytes, folder: Path) -> None:
    """An inventory in INI, whatever it looks like."""
    draft = Draft()
    inventory_ini.read(content.decode(errors="replace"), str(folder / "hosts"), draft)
    inventory.settled(draft, ("hosts",), [folder], beside=None, vault=vault.Vault())


def read_settings(content: bytes, folder: Path) -> None:
    """The file of the working directory, and each of its lines as a variable."""
    (folder / settings.FILE).write_bytes(content)
    nobody = {"XDG_CONFIG_HOME": str(folder / "none")}
    with suppress(InputError):
        settings.load(nobody, folder=folder)
    pairs = (line.partition(": ") for line in content.decode(errors="replace").splitlines())
    lines = {settings.variable(name): text.replace("\0", "") for name, _, text in pairs}
    settings.load({**lines, **nobody}, folder=folder / "none")


def read_pattern(content: bytes, _: Path) -> None:
    """A host pattern of a command line."""
    patterns.select(content.decode(errors="replace"), hosts(), where="the pattern")


def read_template(content: bytes, _: Path) -> None:
    """A string with templates, as a value and as a command."""
    text, renderer = content.decode(errors="replace"), Renderer()
    repr(renderer.render(text, VARIABLES))
    repr(renderer.command_line(text, VARIABLES))


def read_words(content: bytes, _: Path) -> None:
    """A time, a size, a hook: each reader's turn."""
    text = content.decode(errors="replace")
    for reader in READERS_OF_WORDS:
        with suppress(MisunderstoodError):
            reader(text)


def read_ssh_config(content: bytes, folder: Path) -> None:
    """The operator's own file, for a host by name and one by address; nothing of it is run."""
    (folder / ".ssh").mkdir()
    (folder / ".ssh" / "config").write_bytes(content)
    (folder / ".ssh" / "config").chmod(0o600)
    operator = Operator(home=folder, user="ann", machine="desk", system=folder / "none")
    resolver = Resolver(operator=operator, files=ssh_files.read(operator), succeeds=bool)
    for host in hosts().hosts.values():
        with suppress(FleetbpfError, MisunderstoodError):
            resolver.settings(host)


def read_known_hosts(file: Path) -> None:
    """What the file says of some hosts and keys."""
    known = known_hosts.read([file])
    for address, port in (("web1", 22), ("web2", 2222), ("a.example.org", 22), ("a.prod", 1)):
        names = known_hosts.names_of(address, port)
        known.kinds(names)
        known.judge(names, b"key")
        for entry in known.authorities(names):
            repr(entry.key)


def read_plan(file: Path) -> None:
    """A saved plan, as `apply` takes it."""
    found = saved_plan.read(file)
    list(found.stale({}))
    found.fitting(())
    repr([str(change) for host in found.hosts.values() for change in host.todo])


def of(
    name: str,
    originals: Callable[[], Sequence[bytes]],
    read: Read,
    *refused: type[Exception],
) -> Target:
    """A target whose texts are text."""
    wrong = refused or (FleetbpfError,)
    return Target(name=name, originals=originals, read=read, refused=wrong, mutate=change_text)


TARGETS = named(
    of(
        "manifest",
        texts("examples/*.yml", wrong="tests/cases/manifest/*/*.yml"),
        written("m.yml", read_manifest),
    ),
    of(
        "inventory-yaml",
        texts(
            "tests/cases/ansible/*/*.yml",
            "inventories/*.yml",
            wrong="tests/cases/inventory/*/*.yml",
        ),
        written("hosts.yml", read_inventory),
    ),
    of(
        "inventory-ini",
        texts(
            "tests/cases/ansible/*/hosts",
            "inventories/*.ini",
            wrong="tests/cases/inventory/*/*.ini",
        ),
        read_ini,
    ),
    of(
        "inventory-any",
        texts("tests/cases/ansible/*/hosts*", "inventories/*", wrong="tests/cases/inventory/*/*"),
        written("hosts", read_inventory),
    ),
    of("inventory-script", lambda: [SCRIPT], read_script),
    of("group-variables", lambda: [SETTINGS, SCRIPT], read_group_variables),
    of("host-list", lambda: [HOSTS.encode(), b"[::1]:22,web[01:20:3]x[a:c]:2222,"], read_host_list),
    of("pattern", lambda: PATTERNS, read_pattern),
    of("template", lambda: TEMPLATES, read_template, MisunderstoodError),
    of("word", lambda: WORDS, read_words),
    of("settings", lambda: [SETTINGS], read_settings),
    of("ssh-config", texts("tests/cases/ssh_config/*.conf"), read_ssh_config),
    of("known-hosts", lambda: [KNOWN_HOSTS], written("known_hosts", read_known_hosts)),
    of("saved-plan", lambda: [PLAN], written("p.json", read_plan)),
)
