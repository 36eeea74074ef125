"""What Ansible itself makes of inventories: a program of its own, run once for many of them.

stdin: a JSON list of {"folder", "sources", "manifest", "patterns"}; stdout: for each one
{"list": document, "graph": text, "patterns": {pattern: [host, …]}}; an error is a text instead.
"""

import contextlib
import io
import json
import os
import sys
from multiprocessing import get_context
from typing import Any

os.environ |= {"ANSIBLE_INVENTORY_ANY_UNPARSED_IS_FAILED": "true"}
os.environ |= {"ANSIBLE_HOST_PATTERN_MISMATCH": "ignore", "ANSIBLE_DEPRECATION_WARNINGS": "false"}

QUESTIONS = ("list", "graph", "patterns")


def main() -> None:
    # Once, before the processes part: each has Ansible's global state for itself.
    import ansible.cli.inventory
    import ansible.plugins.inventory.ini
    import ansible.plugins.inventory.yaml  # noqa: F401

    cases = json.load(sys.stdin)
    jobs = [(question, case) for case in cases for question in QUESTIONS]
    with get_context("fork").Pool(2, maxtasksperchild=1) as pool:
        found = iter(pool.map(answer, jobs, chunksize=1))
    json.dump([{question: next(found) for question in QUESTIONS} for _ in cases], sys.stdout)


def answer(job: tuple[str, dict[str, Any]]) -> object:
    """Ansible's answer to one question about one inventory."""
    question, case = job
    os.chdir(case["folder"])
    try:
        match question:
            case "list":
                return json.loads(command(case, "--list"))
            case "graph":
                return command(case, "--graph", "--vars")
            case _:
                return matches(case)
    except Exception as error:
        return f"{type(error).__name__}: {error}"


def command(case: dict[str, Any], *actions: str) -> str:
    """What `ansible-inventory` prints."""
    from ansible.cli.inventory import InventoryCLI

    words = ["ansible-inventory", *actions]
    for source in case["sources"]:
        words += ["-i", source]
    if case["manifest"]:
        words += ["--playbook-dir", case["manifest"]]
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed), contextlib.suppress(SystemExit):
        InventoryCLI(words).run()
    return printed.getvalue()


def matches(case: dict[str, Any]) -> dict[str, list[str]]:
    """The hosts of each pattern; a pattern with a file is a `--limit`, as Ansible has it."""
    from ansible.inventory.manager import InventoryManager
    from ansible.parsing.dataloader import DataLoader

    manager = InventoryManager(loader=DataLoader(), sources=case["sources"])
    found = {}
    for pattern in case["patterns"]:
        manager.subset(pattern if "@" in pattern else None)
        found[pattern] = list(map(str, manager.get_hosts("all" if "@" in pattern else pattern)))
    return found


if __name__ == "__main__":
    main()
