"""What several commands take: the manifest, the inventory and the limit."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from fleetbpf.cli import tree
from fleetbpf.cli.host_words import Manifests, add_hosts
from fleetbpf.defaults import (
    COLORS,
    DEFAULT_CONNECT_TIMEOUT,
    DEFAULT_FORKS,
    DEFAULT_LOCK_TIMEOUT,
    DEFAULT_TIMEOUT,
    LONGEST_WAIT,
)
from fleetbpf.documents import digits
from fleetbpf.errors import InputError, Problem
from fleetbpf.files import named_files

if TYPE_CHECKING:
    from fleetbpf.model.inventory import Host, Inventory
    from fleetbpf.model.manifest import Manifest
    from fleetbpf.model.target import Target

HOSTS = "hosts"  # the group of `--help` with what says which hosts, and how they are reached
OWN_INVENTORY = Path("inventories/hosts.yml")
LAB_INVENTORY = Path("inventories/lab.yml")


def add_common(parser: argparse.ArgumentParser, *, nested: bool = False) -> None:
    """Add what every command takes: `--json`, how much is said, and in which colors.

    A nested one, of a subcommand's own parser, leaves alone what its parent has read already.
    """
    common = parser.add_argument_group("output")
    unset = argparse.SUPPRESS if nested else None
    default = argparse.SUPPRESS if nested else False
    common.add_argument(
        "--json",
        action="store_true",
        default=default,
        help="print JSON: one document, after the records of logs, maps and run",
    )
    common.add_argument(
        "-q",
        "--quiet",
        dest="verbosity",
        action="store_const",
        const=-1,
        default=unset,
        help="say nothing but errors and the result",
    )
    common.add_argument(
        "-v",
        "--verbose",
        dest="verbosity",
        action="count",
        default=unset,
        help="tell each command on a host; -vv: and what the host said",
    )
    common.add_argument("--color", choices=COLORS, default=unset, help="colors (default: auto)")


def add_manifest(
    parser: argparse.ArgumentParser,
    *,
    what: str = "the manifest's file",
    nargs: Literal["*", "+"] | None = None,
) -> None:
    """Add the positional MANIFEST: one, one or several ("+"), or none as well ("*")."""
    if nargs is None:
        parser.add_argument("manifest", metavar="MANIFEST", type=Path, help=what)
    else:
        parser.add_argument(
            "manifest", metavar="MANIFEST", type=Path, nargs=nargs, action=Manifests, help=what
        )


def add_inventory(parser: argparse.ArgumentParser) -> None:
    """Add `-i/--inventory` and `--limit`."""
    add_sources(parser)
    hosts = tree.group(parser, HOSTS)
    hosts.add_argument(
        "--limit", metavar="PATTERN", help="only hosts that this host pattern matches too"
    )


def add_sources(parser: argparse.ArgumentParser) -> None:
    """Add `-i/--inventory`."""
    hosts = tree.group(parser, HOSTS)
    hosts.add_argument(
        "-i",
        "--inventory",
        metavar="SOURCE",
        action="append",
        help="an inventory: a file, a folder, an executable script or HOST,…; may come several "
        f"times (default: {OWN_INVENTORY} or {LAB_INVENTORY})",
    )
    hosts.add_argument(
        "-e",
        "--extra-vars",
        metavar="NAME=VALUE",
        action="append",
        help="a variable that wins over all others, as in Ansible: name=value, {name: value} or "
        "@FILE; may come several times",
    )


def add_forks(parser: argparse.ArgumentParser) -> None:
    """Add `--forks`, and what else every command that opens connections takes."""
    hosts = tree.group(parser, HOSTS)
    hosts.add_argument(
        "--forks",
        metavar="N",
        type=forks,
        help=f"hosts at once (default: {DEFAULT_FORKS})",
    )
    hosts.add_argument(
        "-T",
        "--timeout",
        metavar="SECONDS",
        type=seconds,
        help="to connect to a host and log in there (default: "
        f"{DEFAULT_CONNECT_TIMEOUT} to connect, {DEFAULT_TIMEOUT} in all)",
    )
    hosts.add_argument(
        "--host-timeout",
        metavar="SECONDS",
        type=seconds,
        help="that a host may take in all (default: as long as it needs)",
    )
    hosts.add_argument(
        "--accept-new-host-keys",
        action="store_true",
        help="note host keys that are not known yet in known_hosts; without it such hosts are "
        "refused, and hosts whose key has changed always are",
    )


def add_passwords(parser: argparse.ArgumentParser) -> None:
    """Add `-k` and `-K`."""
    hosts = tree.group(parser, HOSTS)
    hosts.add_argument(
        "-k", "--ask-pass", action="store_true", help="ask for the SSH password, once for all hosts"
    )
    hosts.add_argument(
        "-K",
        "--ask-become-pass",
        action="store_true",
        help="ask for the password of sudo, doas or su, once for all hosts",
    )


def add_lock_timeout(parser: argparse.ArgumentParser) -> None:
    """Add `--lock-timeout`, for commands that change hosts."""
    hosts = tree.group(parser, HOSTS)
    hosts.add_argument(
        "--lock-timeout",
        metavar="DURATION",
        type=wait,
        help="how long to wait for another fleetbpf at work on a host: 10m, 30s (default: "
        f"{DEFAULT_LOCK_TIMEOUT:g}s)",
    )


def add_take_over(parser: argparse.ArgumentParser) -> None:
    """Add `--take-over`, for commands that change, or plan to change, a manifest's deployment."""
    parser.add_argument(
        "--take-over",
        action="store_true",
        help="also where the deployment is of another manifest with the same name: it is this "
        "one's from then on",
    )


def duration(text: str) -> float:
    """Seconds; raises what argparse turns into a usage error."""
    from fleetbpf import quantities
    from fleetbpf.wording import MisunderstoodError

    try:
        return quantities.duration(text)
    except MisunderstoodError as error:
        raise argparse.ArgumentTypeError(f"{error.what}; {error.hint}") from error


def wait(text: str) -> float:
    """A duration that the machine can wait at once."""
    found = duration(text)
    if found > LONGEST_WAIT:
        raise misspelt(text, f"time to wait; write at most {LONGEST_WAIT}s")
    return found


def add_fleet(
    parser: argparse.ArgumentParser,
    *,
    what: str = "the manifest's file; or several manifests",
    nargs: Literal["*", "+"] | None = "+",
) -> None:
    """Add what every command over the hosts of a manifest takes."""
    add_manifest(parser, what=what, nargs=nargs)
    add_inventory(parser)
    add_forks(parser)
    add_passwords(parser)


def add_diff(parser: argparse.ArgumentParser) -> None:
    """Add `--diff`."""
    parser.add_argument(
        "--diff", action="store_true", help="show what changes in arguments and units, as a diff"
    )


def add_prune(parser: argparse.ArgumentParser) -> None:
    """Add `--prune`."""
    tree.group(parser, HOSTS).add_argument(
        "--prune",
        action="store_true",
        help="also the hosts of the inventory that no play names: what the deployment has there is "
        "deleted (--limit narrows it)",
    )


def add_chosen(parser: argparse.ArgumentParser, *, default: str | None = None) -> None:
    """Add the positional HOSTS, host patterns or a manifest, and where to look for hosts."""
    add_hosts(
        parser,
        metavar="HOSTS",
        default=default,
        what="hosts, host patterns, or the file of a manifest for the hosts of its plays",
    )
    add_inventory(parser)
    add_forks(parser)
    add_passwords(parser)


def forks(text: str) -> int:
    """A number of hosts; raises what argparse turns into a usage error."""
    found = digits.whole(text)
    if found is None or found < 1:
        raise misspelt(text, "number of hosts; write 1 or more")
    return found


def seconds(text: str) -> int:
    """A number of seconds; raises what argparse turns into a usage error."""
    found = digits.whole(text)
    if found is None or not 1 <= found <= LONGEST_WAIT:
        raise misspelt(text, f"number of seconds; write 1 to {LONGEST_WAIT}")
    return found


def misspelt(text: str, noun: str) -> argparse.ArgumentTypeError:
    """What argparse turns into a usage error; `noun` says what the text should be."""
    from fleetbpf.wording import quoted

    return argparse.ArgumentTypeError(f"{quoted(text)} is no {noun}")


def usual_inventory() -> tuple[str, ...]:
    """The inventory that is meant where none is named, if it is there."""
    return next(((str(path),) for path in (OWN_INVENTORY, LAB_INVENTORY) if path.exists()), ())


def inventory_sources(options: argparse.Namespace) -> tuple[str, ...]:
    """The inventory's sources; InputError when none is named and no default exists."""
    found = tuple(options.inventory or ()) or usual_inventory()
    if found:
        return found
    raise InputError(
        Problem(
            where="inventory",
            what=f"there is no {OWN_INVENTORY} and no {LAB_INVENTORY} here",
            hint="name one with -i SOURCE, or start a lab with `fleetbpf lab up`",
        )
    )


def load_manifest(options: argparse.Namespace) -> "Manifest":
    """The manifest that the command line names."""
    from fleetbpf.manifest import manifest

    return manifest.read(options.manifest)


def load_inventory(options: argparse.Namespace) -> "Inventory":
    """The inventory that the command line, the environment or the defaults name.

    The group_vars/ and host_vars/ beside the command's manifest, if it has one, count as well.
    """
    from fleetbpf.inventory import extra_variables, inventory

    manifest = vars(options).get("manifest")
    beside = manifest.parent if manifest is not None else None
    extra = extra_variables.read(vars(options).get("extra_vars") or ())
    found = inventory.read(*inventory_sources(options), beside=beside, extra=extra)
    return found.rooted(options.settings.root)


def load_both(options: argparse.Namespace) -> "tuple[Manifest, Inventory]":
    """Manifest and inventory; one InputError with all that is wrong in either."""
    try:
        manifest = load_manifest(options)
    except InputError as error:
        problems = [*error.problems]
        try:
            load_inventory(options)
        except InputError as other:
            problems += other.problems
        raise InputError(*problems) from error
    return manifest, load_inventory(options)


def load_targets(options: argparse.Namespace) -> "tuple[Manifest, tuple[Target, ...]]":
    """The manifest, and what each of its hosts shall run. Nothing is contacted."""
    from fleetbpf.manifest import targets

    manifest, inventory = load_both(options)
    scope = targets.Scope.ALL if vars(options).get("prune") else targets.Scope.NAMED
    return manifest, targets.resolve(manifest, inventory, limit=options.limit, scope=scope)


def load_hosts(options: argparse.Namespace) -> "tuple[Manifest, tuple[Target, ...]]":
    """The manifest and its hosts, with nothing rendered: a source may be gone already."""
    from fleetbpf.manifest import targets
    from fleetbpf.model.target import Target

    manifest, inventory = load_both(options)
    found = targets.hosts(manifest, inventory, limit=options.limit)
    return manifest, tuple(Target(host=h, become=become, programs=()) for h, become in found)


def load_chosen(options: argparse.Namespace) -> "tuple[Target, ...]":
    """The hosts that HOSTS and `--limit` name."""
    return load_hosts(options)[1] if names_manifest(options) else matching(options)


def load_declared(options: argparse.Namespace) -> "tuple[str, tuple[Target, ...]]":
    """A manifest's deployment with what its hosts shall run, or "" with the hosts of a pattern."""
    if not names_manifest(options):
        return "", matching(options)
    manifest, targets = load_targets(options)
    return manifest.name, targets


def names_manifest(options: argparse.Namespace) -> bool:
    """Whether HOSTS is a manifest: a file that exists; it is `options.manifest` then.

    InputError where it may be meant as either, or is the name of a file that is not there.
    """
    named = Path(options.hosts)
    is_yaml = named.suffix in {".yml", ".yaml"}
    if not named_files.is_file(named):
        if is_yaml:
            from fleetbpf.documents.source import meant

            what = "there is no such manifest, and hosts are not called so"
            raise InputError(Problem(where=options.hosts, what=what, hint=meant(named)))
        return False
    if "/" not in options.hosts and not is_yaml and options.hosts in names_of_hosts(options):
        what = "it is a file here, and a host or a group of the inventory"
        hint = f"write ./{named} for the manifest, or {named}, for the host or the group"
        raise InputError(Problem(where=options.hosts, what=what, hint=hint))
    options.manifest = named
    return True


def names_of_hosts(options: argparse.Namespace) -> "frozenset[str]":
    """The hosts and groups of the inventory; none where there is no inventory to read."""
    try:
        inventory = load_inventory(options)
    except InputError:  # a manifest's own place may be needed to read it: then it is told there
        return frozenset()
    return frozenset((*inventory.hosts, *inventory.groups))


def matching(options: argparse.Namespace) -> "tuple[Target, ...]":
    """The hosts that the pattern HOSTS and `--limit` both name; InputError where none is."""
    from fleetbpf.inventory import patterns
    from fleetbpf.model.target import Target
    from fleetbpf.wording import quoted

    inventory = load_inventory(options)
    hosts = patterns.chosen(options.hosts, inventory)
    if options.limit is not None:
        allowed = patterns.chosen(options.limit, inventory, where="--limit")
        hosts = tuple(host for host in hosts if host in allowed)
        if not hosts:
            what = f"none of the hosts of {quoted(options.hosts)} is one of {quoted(options.limit)}"
            raise InputError(Problem(where="--limit", what=what))
    return tuple(Target(host=host, become=becomes(host), programs=()) for host in hosts)


def becomes(host: "Host") -> bool:
    """Whether root must do the work: as the inventory says, else unless we log in as root."""
    from fleetbpf.files import homes

    return host.become if host.become is not None else (host.user or homes.user()) != "root"
