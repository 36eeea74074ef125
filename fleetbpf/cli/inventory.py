"""`fleetbpf inventory`: which hosts and groups there are, and where each variable is from."""

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING

from fleetbpf.cli.options import add_common, add_sources, load_inventory
from fleetbpf.cli.output import Output
from fleetbpf.errors import ExitCode, InputError, Problem
from fleetbpf.wording import did_you_mean, quoted

if TYPE_CHECKING:
    from fleetbpf.model.inventory import Host, Inventory

SUMMARY = "show the inventory: list of hosts, graph of groups, variables of a host"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    verbs = parser.add_subparsers(title="verbs", dest="verb", metavar="VERB", required=True)
    listing = verbs.add_parser("list", help="hosts, how each is reached, and their groups")
    listing.add_argument(
        "pattern", metavar="PATTERN", nargs="?", default="all", help="a host pattern"
    )
    listing.add_argument("--names", action="store_true", help="names only, one a line")
    graph = verbs.add_parser("graph", help="groups, and the hosts in each")
    graph.add_argument("group", metavar="GROUP", nargs="?", default="all", help="where to begin")
    graph.add_argument("--vars", action="store_true", help="show variables, too")
    host = verbs.add_parser("host", help="a host's variables, and where each was written")
    host.add_argument("host", metavar="HOST", help="the name of a host")
    for verb in (listing, graph, host):
        add_sources(verb)
        verb.add_argument(
            "--manifest",
            metavar="FILE",
            type=Path,
            help="count the group_vars/ and host_vars/ beside this manifest as well",
        )
        add_common(verb, nested=True)


def run(options: argparse.Namespace, output: Output) -> ExitCode:
    """Show what the verb says."""
    inventory = load_inventory(options)
    match options.verb:
        case "list":
            show_list(inventory, options, output)
        case "graph":
            show_graph(inventory, options, output)
        case _:
            show_host(inventory, options.host, output)
    return ExitCode.DONE


def show_list(inventory: "Inventory", options: argparse.Namespace, output: Output) -> None:
    """A line for each host; with --json what `ansible-inventory --list` prints is in it."""
    from fleetbpf.inventory import inventory_listing, patterns

    hosts = patterns.chosen(options.pattern, inventory)
    if options.names:
        for host in hosts:
            output.line(host.name)
        output.document({"hosts": [{"host": host.name} for host in hosts]})
        return
    rows = [(host.name, reached(host), ", ".join(groups_of(host))) for host in hosts]
    output.table(("HOST", "REACHED", "GROUPS"), rows)
    listing = inventory_listing.document(inventory, [host.name for host in hosts])
    output.document({"hosts": [row(host) for host in hosts], "inventory": listing})


def show_graph(inventory: "Inventory", options: argparse.Namespace, output: Output) -> None:
    """What `ansible-inventory --graph` prints; with --json the groups as a list."""
    from fleetbpf.inventory import inventory_listing

    if options.group not in inventory.groups:
        hint = did_you_mean(options.group, inventory.groups, noun="groups")
        what = f"no group is called {quoted(options.group)}"
        raise InputError(Problem(where=inventory.name, what=what, hint=hint))
    for line in inventory_listing.graph(inventory, options.group, variables=options.vars):
        output.line(line)
    groups = inventory_listing.reachable(inventory, options.group)
    told = [inventory_listing.summary(group, variables=options.vars) for group in groups]
    output.document({"groups": told})


def show_host(inventory: "Inventory", name: str, output: Output) -> None:
    """A host's variables with their places."""
    from fleetbpf.inventory import inventory_listing

    if name not in inventory.hosts:
        hint = did_you_mean(name, inventory.hosts, noun="hosts")
        what = f"no host is called {quoted(name)}"
        raise InputError(Problem(where=inventory.name, what=what, hint=hint))
    host = inventory.hosts[name]
    output.line(f"{name}: {reached(host)}; {', '.join(groups_of(host))}")
    rows = []
    for variable, value in sorted(host.variables.items()):
        shown = json.dumps(inventory_listing.printable(value), ensure_ascii=False)
        rows.append((variable, shown, str(host.origins.get(variable, ""))))
    output.table(("VARIABLE", "VALUE", "WRITTEN IN"), rows)
    for problem in host.obstacles:
        output.problem(problem)
    variables = inventory_listing.printable(host.variables)
    output.document({"hosts": [{**row(host), "variables": variables}]})


def row(host: "Host") -> dict[str, object]:
    """A host for the JSON document."""
    return {"host": host.name, "reached": reached(host), "groups": groups_of(host)}


def reached(host: "Host") -> str:
    """How the host is reached, as far as the inventory says so."""
    from fleetbpf.model.inventory import ConnectionKind

    if host.connection is ConnectionKind.LOCAL:
        return "local"
    address = f"[{host.address}]" if ":" in host.address else host.address
    user = f"{host.user}@" if host.user else ""
    return f"{user}{address}:{host.port}" if host.port else f"{user}{address}"


def groups_of(host: "Host") -> list[str]:
    """The groups that a host is in, without `all`."""
    names = host.magic.get("group_names")
    return list(map(str, names)) if isinstance(names, list) else []
