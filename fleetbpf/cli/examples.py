"""Examples for each command's `--help` and man page; a test has them all parsed."""

from collections.abc import Mapping, Sequence

Example = tuple[str, str]  # what is typed, what it does

EXAMPLES: Mapping[str, Sequence[Example]] = {
    "plan": (
        ("fleetbpf plan hello.yml --diff", "with the lines that would change"),
        ("fleetbpf plan hello.yml --detailed-exitcode", "exit 3 when there is something to do"),
    ),
    "check": (("fleetbpf check hello.yml", "would each kernel of the fleet take it?"),),
    "apply": (
        ("fleetbpf apply hello.yml", "all hosts of the manifest"),
        ("fleetbpf apply hello.yml --limit 'web:!web3'", "fewer of them"),
        ("fleetbpf apply hello.yml --prune", "and gone from hosts that no play names any more"),
        ("fleetbpf apply hello.yml opens.yml", "two manifests, one after the other"),
        ("fleetbpf apply hello.yml -i web1.example.com,", "an inventory of one host"),
        ("fleetbpf apply hello.yml --yes", "in a pipeline: also where programs are deleted"),
        ("fleetbpf apply hello.yml -e uplink=eth1", "a variable that wins over all others"),
    ),
    "run": (("fleetbpf run execs.yml --for 60s --limit web1", "and nothing of it stays there"),),
    "status": (
        ("fleetbpf status hello.yml --json", "for another program"),
        ("fleetbpf status all", "all that there is of fleetbpf's, on every host"),
    ),
    "logs": (
        ("fleetbpf logs web1 --follow", "as records come"),
        ("fleetbpf logs web --program hello", "of one program, on a group's hosts"),
        ("fleetbpf logs web1 web2", "of two hosts, in the order of time"),
        ("fleetbpf logs all --offline", "what was collected before"),
    ),
    "maps": (("fleetbpf maps web1 exec_counts --watch 5", "every 5 seconds"),),
    "rollback": (
        ("fleetbpf rollback hello.yml", "every program to the release before"),
        ("fleetbpf rollback hello.yml --limit web1 --program hello", "one of them, on one host"),
    ),
    "history": (("fleetbpf history web1", "who did what there, and what came of it"),),
    "unlock": (("fleetbpf unlock web1", "after a host lost its power in mid-apply"),),
    "facts": (("fleetbpf facts web --filter 'kernel*'", "which kernels a group has"),),
    "audit": (
        ("fleetbpf audit hello.yml --report", "and keep what was found under reports/"),
        ("fleetbpf audit --show-known", "the distribution's own BPF, which is counted only"),
    ),
    "destroy": (
        ("fleetbpf destroy hello.yml", "nothing of it is left on its hosts; asks before it begins"),
        ("fleetbpf destroy hello.yml --yes", "in a pipeline, where nobody can be asked"),
        ("fleetbpf destroy --deployment hello web", "without its manifest"),
        ("fleetbpf destroy --all web1", "everything of fleetbpf's, whatever is wrong there"),
    ),
    "schedule": (
        ("fleetbpf schedule install hello.yml", "audit at the times of its audit.cron"),
        ("fleetbpf schedule list", "what is installed here"),
    ),
    "validate": (
        ("fleetbpf validate hello.yml -i hosts.yml", "does it fit the inventory, too?"),
        ("fleetbpf validate hello.yml --build", "does it compile, and is all there that it names?"),
    ),
    "schema": (
        ("fleetbpf schema > manifest.schema.json", "for an editor"),
        ("fleetbpf schema settings", "of fleetbpf.yml"),
        ("fleetbpf schema --command plan", "of what plan prints with --json"),
    ),
    "settings": (("FLEETBPF_FORKS=10 fleetbpf settings", "as they are with a variable"),),
    "inventory": (
        ("fleetbpf inventory graph", "groups, and the hosts in each"),
        ("fleetbpf inventory host web1", "its variables, and where each was written"),
        ("fleetbpf inventory list 'web:!web3' --names", "names only, for a loop"),
    ),
    "build": (
        ("fleetbpf build hello.bpf.c --output .", "one loader, to run by hand"),
        ("fleetbpf build hello.yml --arch all", "for both architectures"),
    ),
    "lab": (
        (
            "fleetbpf lab up --host web1=debian:6.1 --host edge1=micro:5.10",
            "two hosts of your choice",
        ),
        ("fleetbpf lab test hello.yml --kernels 5.10,6.12", "on hosts that are thrown away"),
        ("fleetbpf lab ssh web1 uname -a", "a command there"),
        ("fleetbpf lab ssh web1 'dmesg | tail'", "a command line for the shell there"),
    ),
    "completion": (
        ("fleetbpf completion bash > ~/.local/share/bash-completion/completions/fleetbpf", "bash"),
        ("fleetbpf completion fish > ~/.config/fish/completions/fleetbpf.fish", "fish"),
    ),
    "manual": (("fleetbpf manual", "then: man fleetbpf-apply"),),
    "help": (("fleetbpf help lab up", "the same as fleetbpf lab up --help"),),
}


def epilog(command: str) -> str:
    """A command's examples, as its help ends with them."""
    found = EXAMPLES.get(command, ())
    if not found:
        return ""
    width = max(len(typed) for typed, _ in found)
    lines = [f"  {typed:{width}}  {does}" for typed, does in found]
    return "\n".join(("examples:", *lines))
