"""Whose a deployment is: a manifest of the same name does not take it from another one unasked."""

from collections.abc import Iterator
from pathlib import Path

from fleetbpf.errors import HostError, Problem
from fleetbpf.frozen import frozen
from fleetbpf.model.facts import HostFacts
from fleetbpf.model.origin import Origin
from fleetbpf.plan import git_repository
from fleetbpf.terminal_text import printable


def identify(manifest: Path, *, own_id: str, who: str) -> Origin:
    """The origin of what a manifest's file declares."""
    file = manifest.resolve()
    top = git_repository.find_top(file)
    return Origin(
        id=own_id,
        repository=printable(git_repository.identify(top)) if top else "",
        path=printable(str(file.relative_to(top))) if top else "",
        file=printable(str(file)),
        who=printable(who),
    )


@frozen
class Owner:
    """A manifest that asks for its deployment on hosts."""

    deployment: str
    origin: Origin
    take_over: bool = False  # it may have what is another one's

    def check(self, seen: HostFacts, *, host: str) -> None:
        """Raise HostError where the deployment is another manifest's."""
        if not self.take_over:
            HostError.raise_if_any(self.conflicts(seen, host=host))

    def conflicts(self, seen: HostFacts, *, host: str) -> Iterator[Problem]:
        """That the deployment is another manifest's, in words; nothing where none is placed."""
        other = seen.origins.get(self.deployment)
        if other is None or self.origin.is_same(other) or not seen.placed(self.deployment):
            return
        by = f", applied by {other.who}" if other.who else ""
        what = f"the deployment {self.deployment} is of another manifest there: {other}{by}"
        hint = (
            "give this one another `name`, or, where it stands for the other one now, say "
            "`--take-over`; the same `id` in both files makes them one"
        )
        yield Problem(where=host, what=f"{what}; this one is {self.origin}", hint=hint)

    def is_noted(self, seen: HostFacts) -> bool:
        """Whether a host remembers this manifest, or has nothing to remember it for."""
        known = seen.origins.get(self.deployment)
        return not seen.placed(self.deployment) or self.origin.is_noted_by(known)
