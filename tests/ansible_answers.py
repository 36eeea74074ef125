"""What Ansible itself makes of inventories: a program of its own, run once for many of them.

stdin: a JSON list of {"folder", "sources", "manifest", "patterns"}; stdout: for each one
{"list": document, "graph": text, "patterns": {pattern: [host, …]}}; an error is a text instead.
"""

import contextlib
import io
import json
import os
import sys
from collections.abc import Callable
from multiprocessing import get_context
from typing import Any

os.environ |= {"ANSIBLE_INVENTORY_ANY_UNPARSED_IS_FAILED": "true"}
os.environ |= {"ANSIBLE_HOST_PATTERN_MISMATCH": "ignore", "ANSIBLE_DEPRECATION_WARNINGS": "false"}


def main() -> None:
    # Once, before the processes part: each has Ansible's global state for itself.
    import ansible.cli.inventory
    import ansible.plugins.inventory.ini
    import ansible.plugins.inventory.yaml  # noqa: F401

    with get_context("fork").Pool(2, maxtasksperchild=1) as pool:
        json.dump(pool.map(answers, json.load(sys.stdin), chunksize=1), sys.stdout)


def answers(case: dict[str, Any]) -> dict[str, object]:
    """Ansible's answers about one inventory: what `ansible-inventory --list` prints, and more."""
    from ansible.cli.inventory import InventoryCLI

    os.chdir(case["folder"])
    words = ["ansible-inventory", "--list", "--vars", "--playbook-dir", case["manifest"]]
    for source in case["sources"]:
        words += ["-i", source]
    command = InventoryCLI(words)
    return {
        "list": tried(lambda: json.loads(printed(command.run))),
        "graph": tried(command.inventory_graph),
        "patterns": tried(lambda: matches(command.inventory, case["patterns"])),
    }


def tried(ask: Callable[[], object]) -> object:
    """An answer, or the error there was instead."""
    try:
        return ask()
    except Exception as error:
        return f"{type(error).__name__}: {error}"


def printed(run: Callable[[], None]) -> str:
    """What a command prints before it exits."""
    said = io.StringIO()
    with contextlib.redirect_stdout(said), contextlib.suppress(SystemExit):
        run()
    return said.getvalue()


def matches(manager: Any, patterns: list[str]) -> dict[str, list[str]]:
    """The hosts of each pattern; a pattern with a file is a `--limit`, as Ansible has it."""
    found = {}
    for pattern in patterns:
        manager.subset(pattern if "@" in pattern else None)
        found[pattern] = list(map(str, manager.get_hosts("all" if "@" in pattern else pattern)))
    return found


if __name__ == "__main__":
    main()
