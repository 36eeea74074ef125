"""Half-states of a host: what chance, by a seed, removes, changes or adds of a deployment there."""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

DEPLOYMENT = "half"
TEXTFILES = "/var/lib/half-textfiles"

# What the texts below stand behind; $n is a number by chance.
PRELUDE = f"""
root=/var/lib/fleetbpf run=/run/fleetbpf units=/etc/systemd/system pins=/sys/fs/bpf/fleetbpf
textfiles={TEXTFILES}
# one FILE...: one of those that are there
one() {{
	count=0
	for file; do
		if [ -e "$file" ] || [ -h "$file" ]; then count=$((count + 1)); fi
	done
	[ "$count" -gt 0 ] || return 1
	left=$((n % count))
	for file; do
		if [ -e "$file" ] || [ -h "$file" ]; then
			[ "$left" -gt 0 ] || break
			left=$((left - 1))
		fi
	done
	echo "$file"
}}
# loaders: the numbers of their processes, supervisors too
loaders() {{
	for exe in /proc/[0-9]*/exe; do
		case $(readlink "$exe") in "$root"/*) exe=${{exe%/exe}} && echo "${{exe#/proc/}}" ;; esac
	done
}}
# start RELEASE: by hand
start() {{
	mkdir -p "$run/half/x"
	"$1/loader" --args "$1/args" --supervise </dev/null >/dev/null 2>&1
}}
"""

# On every host.
DAMAGE: Mapping[str, str] = {
    "the root is gone": 'rm -rf "$root"',
    "the deployment is gone": 'rm -rf "$root/half"',
    "a program is gone": 'rm -rf "$(one "$root"/half/*)"',
    "the releases of a program are gone": 'rm -rf "$(one "$root"/half/*/releases)"',
    "a release is gone": 'rm -rf "$(one "$root"/half/*/releases/*)"',
    "current is gone": 'rm -f "$(one "$root"/half/*/current)"',
    "current leads nowhere": 'ln -sfn releases/0123456789ab "$(one "$root"/half/*/current)"',
    "current is another release": """
        link=$(one "$root"/half/*/current)
        ln -sfn "releases/$(ls "${link%/*}/releases" | head -n 1)" "$link"
    """,
    "current is a folder": """
        link=$(one "$root"/half/*/current) && rm -f "$link" && mkdir "$link"
    """,
    "a link to a loader is gone": 'rm -f "$(one "$root"/half/*/releases/*/loader)"',
    "arguments are gone": 'rm -f "$(one "$root"/half/*/releases/*/args)"',
    "arguments are empty": 'file=$(one "$root"/half/*/releases/*/args) && : >"$file"',
    "arguments are others": """
        file=$(one "$root"/half/*/releases/*/args) && echo --quiet >>"$file"
    """,
    "a description is gone": 'rm -f "$(one "$root"/half/*/releases/*/release.json)"',
    "a description is torn": """
        file=$(one "$root"/half/*/releases/*/release.json) && printf '{"build_' >"$file"
    """,
    "all objects are gone": 'rm -rf "$root/objects"',
    "an object is gone": 'rm -f "$(one "$root"/objects/*)"',
    "an object is another": """
        file=$(one "$root"/objects/*) && echo no >"$file.new" && mv "$file.new" "$file"
    """,
    "an object may not run": 'chmod 0600 "$(one "$root"/objects/*)"',
    "a spool is gone": 'rm -rf "$(one "$root"/half/*/spool)"',
    "a segment is gone": 'rm -f "$(one "$root"/half/*/spool/*/*.log)"',
    "the run folder is gone": 'rm -rf "$run"',
    "the deployment's run folder is gone": 'rm -rf "$run/half"',
    "a state is gone": 'rm -f "$(one "$run"/half/*/*/state)"',
    "a state is torn": 'file=$(one "$run"/half/*/*/state) && printf "{" >"$file"',
    "a state tells another process": """
        file=$(one "$run"/half/*/*/state) && sed -i 's/"pid": *[0-9]*/"pid": 1/' "$file"
    """,
    "a process is killed": 'set -- $(loaders); shift $((n % ($# + 1))); [ $# = 0 ] || kill -9 "$1"',
    "all are killed": "kill -9 $(loaders)",
    "a release runs by hand": 'start "$(one "$root"/half/*/releases/*)"',
    "the oldest release runs by hand": """
        folder=$(one "$root"/half/*/releases) && start "$folder/$(ls -tr "$folder" | head -n 1)"
    """,
    "the pins are gone": 'rm -rf "$pins"',
    "pins of nobody": 'mkdir -p "$pins/half/gone/0123456789ab"',
    "a program of nobody": """
        mkdir -p "$root/half/gone/releases" && cp -a "$(one "$root"/half/*/releases/*)" \\
            "$root/half/gone/releases/"
    """,
    "an object of nobody": 'cp "$(one "$root"/objects/*)" "$root/objects/$(printf %064d 7)"',
    "a metric of nobody": 'echo x 1 >"$textfiles/fleetbpf-half-gone.prom"',
    "the metrics are gone": 'rm -f "$textfiles"/*',
    "a lock of nobody": """
        mkdir -p "$root" && chmod 0700 "$root" && mkdir "$root/.lock.999999" &&
            ln -s .lock.999999 "$root/lock"
    """,
}

# What `audit` tells, and only `destroy --all` removes: an instance may be a container's.
STRAY: Mapping[str, str] = {
    "a tracefs instance of nobody": """
        mkdir /sys/kernel/tracing/instances/fleetbpf.half.gone.0123456789ab
    """,
}

# Where there is systemd.
UNITS: Mapping[str, str] = {
    "a unit is gone": 'rm -f "$(one "$units"/fleetbpf-half.*@.service)"',
    "a unit is gone, and systemd knows": """
        rm -f "$(one "$units"/fleetbpf-half.*@.service)" && systemctl daemon-reload
    """,
    "a unit is another": """
        file=$(one "$units"/fleetbpf-half.*@.service) && sed -i s/^Restart=.*/Restart=no/ "$file"
    """,
    "a unit is empty": 'file=$(one "$units"/fleetbpf-half.*@.service) && : >"$file"',
    "a unit is masked": """
        file=$(one "$units"/fleetbpf-half.*@.service) && ln -sf /dev/null "$file" &&
            systemctl daemon-reload
    """,
    "a drop-in": """
        file=$(one "$units"/fleetbpf-half.*@.service) && mkdir -p "$file.d" &&
            printf '[Service]\\nNice=5\\n' >"$file.d/nice.conf" && systemctl daemon-reload
    """,
    "a drop-in of one release": """
        link=$(one "$units"/multi-user.target.wants/fleetbpf-half.*) &&
            folder=/run/systemd/system/${link##*/}.d && mkdir -p "$folder" &&
            printf '[Service]\\nNice=5\\n' >"$folder/nice.conf" && systemctl daemon-reload
    """,
    "a unit does not start at boot": """
        rm -f "$(one "$units"/multi-user.target.wants/fleetbpf-half.*)"
    """,
    "a unit of nobody": """
        cp "$(one "$units"/fleetbpf-half.*@.service)" "$units/fleetbpf-half.gone@.service" &&
            systemctl enable fleetbpf-half.gone@0123456789ab.service
    """,
    "stopped": "systemctl stop 'fleetbpf-half.*'",
    "another release is started": """
        folder=$(one "$root"/half/*/releases) program=${folder%/*} &&
            systemctl start "fleetbpf-half.${program##*/}@$(ls -tr "$folder" | head -n 1)"
    """,
}

# Everything on a host that may be of fleetbpf, a line each.
SNAPSHOT = (
    PRELUDE
    + """
find "$root" "$run" "$pins" "$textfiles" "$units" /run/systemd/system /tmp /opt 2>/dev/null |
    grep -e fleetbpf -e half
ls /sys/kernel/tracing/instances | grep fleetbpf
loaders
for file in /proc/[0-9]*/comm; do
    read -r comm <"$file" && [ "$comm" = loader ] && echo "$file: $comm"
done
! command -v systemctl >/dev/null || systemctl list-units --all --plain --no-legend 'fleetbpf*'
true
"""
)

# How many processes run each executable of fleetbpf's, by the program it was started for.
RUNNING = (
    PRELUDE
    + """
for pid in $(loaders); do
    tr '\\0' '\\n' <"/proc/$pid/cmdline" | sed -n 's,.*/half/\\([^/]*\\)/.*,\\1,p' | head -n 1
done | sort
"""
)

# As if fleetbpf had never been there, for the round after one that found a fault.
SCRUB = (
    PRELUDE
    + """
systemctl stop 'fleetbpf*'
rm -rf "$units"/fleetbpf-* "$units"/*.wants/fleetbpf-* /run/systemd/system/fleetbpf-*
systemctl daemon-reload
systemctl reset-failed
for pid in $(loaders) $(loaders); do kill -KILL "$pid"; done
rm -rf "$root" "$run" "$pins" "$textfiles"/*
for folder in /sys/kernel/tracing/instances/fleetbpf.*; do rmdir "$folder"; done
true
"""
)


@dataclass(frozen=True, kw_only=True)
class HalfState:
    """What is done to a host, in this order."""

    seed: int
    names: tuple[str, ...]

    def __str__(self) -> str:
        return f"seed {self.seed}: {', '.join(self.names)}"

    @property
    def script(self) -> str:
        """A shell text for root; a step that finds nothing to do does not end it."""
        chance = random.Random(self.seed)
        texts = {**DAMAGE, **STRAY, **UNITS}
        steps = [
            f"n={chance.randrange(1000)}; {{ {texts[name].strip()}\n}} 2>/dev/null"
            for name in self.names
        ]
        return "\n".join((PRELUDE, *steps, "true"))


def choose(seed: int, *, systemd: bool, stray: bool = False) -> HalfState:
    """One to four things that happened to a host; `stray`: those that no apply mends, too."""
    chance = random.Random(seed)
    names: Sequence[str] = [*DAMAGE, *(STRAY if stray else ()), *(UNITS if systemd else ())]
    return HalfState(seed=seed, names=tuple(chance.sample(names, chance.randint(1, 4))))
