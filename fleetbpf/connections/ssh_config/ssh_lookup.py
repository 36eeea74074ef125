"""What files of ssh_config(5) say about one host: the first value of each option that counts."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import field, replace

from fleetbpf.connections.ssh_config.ssh_config import Section
from fleetbpf.connections.ssh_config.ssh_files import SshFiles
from fleetbpf.connections.ssh_config.ssh_patterns import Criterion, Patterns
from fleetbpf.connections.ssh_config.tokens import expand
from fleetbpf.frozen import frozen
from fleetbpf.model.inventory import SshOption

# Options of which every line counts, one after the other.
SEVERAL = frozenset({"identityfile", "certificatefile"})


@frozen
class Found:
    """What is known of a host so far; `options` grows while files are gone through."""

    original: str  # as the operator calls it
    host: str  # what `Host` is compared with: the same, in a second pass the final name
    local_user: str
    options: dict[str, list[SshOption]] = field(default_factory=dict)
    is_final: bool = False  # the second pass

    def take(self, option: SshOption) -> None:
        """Note an option, unless an earlier one counts."""
        keyword = option.keyword
        if keyword in SEVERAL:
            lines = self.options.setdefault(keyword, [])
            if all(option.words[:1] != line.words[:1] for line in lines):
                lines.append(option)
        elif not self._gives_way(keyword):
            self.options.setdefault(keyword, [option])

    def _gives_way(self, keyword: str) -> bool:
        """Whether the other one of a jump host and a proxy command is set already.

        As `ssh -G` shows: `ProxyJump none` leaves room for a command, `ProxyCommand none` leaves
        none for a jump host.
        """
        if keyword == "proxyjump":
            return "proxycommand" in self.options
        return keyword == "proxycommand" and self.word("proxyjump", "none").lower() != "none"

    def word(self, keyword: str, default: str = "") -> str:
        """The first argument of an option."""
        lines = self.options.get(keyword)
        return lines[0].words[0] if lines else default

    @property
    def hostname(self) -> str:
        """Where the host is, as far as it is known."""
        if self.is_final:
            return self.host
        written = self.word("hostname")
        return expand(written, {"h": self.host}) if written else self.host


@frozen
class Lookup:
    """Finds the options of hosts."""

    files: SshFiles
    local_user: str
    tokens: Callable[[Found], Mapping[str, str]]  # of `Match exec`
    succeeds: Callable[[str], bool]  # whether a command does

    def options(self, host: str, *, given: Sequence[SshOption] = ()) -> Found:
        """All options for `host`: those `given`, then what the files add, in their order.

        Raises MisunderstoodError when a token cannot be expanded.
        """
        first = Found(original=host, host=host, local_user=self.local_user)
        for option in given:
            first.take(option)
        self._collect_all(first)
        if not self.files.wants_final:
            return first
        second = replace(first, host=first.hostname, is_final=True)
        self._collect_all(second)
        return second

    def _collect_all(self, found: Found) -> None:
        for sections in self.files.files:
            self._collect(sections, found)

    def _collect(self, sections: Sequence[Section], found: Found) -> None:
        """Take the options of all sections that are about the host."""
        for section in sections:
            if self._matches(section.condition, found):
                for item in section.items:
                    if isinstance(item, SshOption):
                        found.take(item)
                    else:
                        self._collect(item, found)

    def _matches(self, condition: Patterns | tuple[Criterion, ...] | None, found: Found) -> bool:
        match condition:
            case None:
                return True
            case Patterns():
                return condition.match(found.host)
            case _:
                # One after the other: a command is not run where another condition fails.
                return all(self._holds(each, found) != each.negated for each in condition)

    def _holds(self, criterion: Criterion, found: Found) -> bool:
        match criterion.kind:
            case "all":
                return True
            case "canonical" | "final":
                return found.is_final
            case "exec":
                return self.succeeds(expand(criterion.argument, self.tokens(found)))
            case "host":
                return matches(criterion, found.hostname.lower())
            case "originalhost":
                return matches(criterion, found.original.lower())
            case "user":
                return matches(criterion, found.word("user", found.local_user))
            case "localuser":
                return matches(criterion, found.local_user)
            case _:
                return matches(criterion, found.word("tag"))


def matches(criterion: Criterion, name: str) -> bool:
    """Whether a condition's patterns mean `name`."""
    return criterion.patterns is not None and criterion.patterns.match(name)
