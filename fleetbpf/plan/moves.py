"""What of a release moved: which input of its build, which argument, which limit."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from fleetbpf import quantities
from fleetbpf.frozen import frozen
from fleetbpf.model.facts import ReleaseFacts
from fleetbpf.objects.pinned_maps import SHAPE
from fleetbpf.plan.release import Release, escaped

LONGEST = 4  # moves that a reason names; a new compiler moves more


@frozen
class Move:
    """One thing that a release is made from, as it was on the host and as it is declared."""

    what: str  # "source hello.bpf.c", "constant min_uid", "hook of say_hello"
    was: str | None = ""  # None: it was not there; "": its value says nothing to people
    now: str | None = ""

    @property
    def back(self) -> "Move":
        """The move that undoes this one."""
        return Move(what=self.what, was=self.now, now=self.was)

    def __str__(self) -> str:
        if self.was is None:
            return f"{self.what} {self.now} (new)".replace("  ", " ")
        if self.now is None:
            return f"{self.what} {self.was} (gone)".replace("  ", " ")
        return f"{self.what} {self.was} → {self.now}" if self.was != self.now else self.what


def listed(moves: Sequence[Move]) -> str:
    """Moves in a row; of many, the first ones and how many more there are."""
    told = ", ".join(map(str, moves[:LONGEST]))
    return told if len(moves) <= LONGEST else f"{told} and {len(moves) - LONGEST} more"


def between(current: ReleaseFacts, release: Release) -> tuple[Move, ...]:
    """What moved from a release on a host to the declared one; () when nothing is known of it."""
    found = [*of_build(current, release), *of_arguments(current, release)]
    for name, now in release.limits().items():
        found += of_value(f"{name} limit", current.limits.get(name, ""), now)
    if current.types != release.types():
        found.append(Move(what="the kernel's types"))
    return tuple(found)


def of_build(current: ReleaseFacts, release: Release) -> Iterator[Move]:
    """The inputs of the build key that moved; a whole program where its inputs are not known."""
    if current.build_key == release.build_key:
        return
    if not current.inputs:
        yield Move(what="the program")
    for name in merged(release.inputs, current.inputs) if current.inputs else ():
        was, now = current.inputs.get(name), release.inputs.get(name)
        if name.startswith(SHAPE) and (was is None or now is None):
            continue  # nobody has looked, or there is no map with another shape
        if was != now:
            yield Move(what=name, was=version(was), now=version(now))


def version(value: str | None) -> str | None:
    """What people see of an input: the version before the digest, if it has one."""
    return None if value is None else value.partition(" ")[0] if " " in value else ""


def of_arguments(current: ReleaseFacts, release: Release) -> Iterator[Move]:
    """The arguments that moved."""
    was = named(current.args or ())
    now = named(escaped(word) for word in release.settings())
    for name in merged(now, was):
        yield from of_value(name, was.get(name, ""), now.get(name, ""))


def of_value(what: str, was: str, now: str) -> Iterator[Move]:
    """The move from one text to another, if they differ; "" is none."""
    if was != now:
        yield Move(what=what, was=was or None, now=now or None)


def merged(one: Mapping[str, str], other: Mapping[str, str]) -> Iterable[str]:
    """The names of both, each once, in order."""
    return dict.fromkeys((*one, *other))


# Options that say where a release lies and what it is called: they move with its id.
PLACE = ("--deployment", "--program", "--release", "--spool", "--run", "--btf", "--deadline")
MODIFIERS = {"--or": "or", "--optional": "optional", "--unless": "unless"}  # of an --attach
NAMES = {
    "--attach": "hook of",
    "--set": "constant",
    "--map": "map",
    "--metric": "metric of map",
}
LONGEST_SIZE = 19  # digits
SIZES = ("--trace-buffer", "--spool-limit", "--record-limit")


def named(words: Iterable[str]) -> dict[str, str]:
    """Arguments of a loader by what people call them."""
    found: dict[str, str] = {}
    for option, *values in options(words):
        if option not in PLACE:
            name, value = setting(option, [MODIFIERS.get(word, word) for word in values])
            found[name] = f"{found[name]}, {value}" if name in found else value
    return found


def options(words: Iterable[str]) -> Iterator[list[str]]:
    """Each option with its values; what modifies a hook belongs to the hook."""
    group: list[str] = []
    for word in words:
        if word.startswith("--") and word not in MODIFIERS and group:
            yield group
            group = []
        group.append(word)
    if group:
        yield group


def setting(option: str, values: Sequence[str]) -> tuple[str, str]:
    """The name and the value of one option."""
    if option in NAMES:
        name, _, first = "".join(values[:1]).partition("=")
        return f"{NAMES[option]} {name}", " ".join((first or "its own section", *values[1:]))
    value = " ".join(values)
    if option in SIZES and value.isdecimal() and len(value) <= LONGEST_SIZE:
        value = quantities.told_size(int(value))
    return option.removeprefix("--").replace("-", " "), value or "yes"
