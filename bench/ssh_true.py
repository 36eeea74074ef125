"""fleetbpf's side of `true` in bench/ssh.py: its connections, and no other work of it."""

import sys

from fleetbpf.connections.routes import Routes
from fleetbpf.connections.settings import Operator
from fleetbpf.execution.command import Command
from fleetbpf.fleet import fleet
from fleetbpf.inventory import inventory


def main() -> None:
    hosts = tuple(inventory.read(sys.argv[1]).hosts.values())
    routes = Routes(Operator.here())
    outcomes = fleet.on_each(
        hosts,
        lambda _, connection: connection.run(Command("true")).status,
        open_connection=lambda host, slot: routes.open(host, timeout=60.0, slot=slot),
        forks=int(sys.argv[2]),
    )
    if any(outcome.value != 0 for outcome in outcomes):
        raise SystemExit(f"failed: {[str(outcome.error) for outcome in outcomes][:3]}")


if __name__ == "__main__":
    main()
