"""How far a host's clock is from this machine's, as far as one answer tells."""

from collections.abc import Iterable

from fleetbpf.frozen import frozen
from fleetbpf.host.lock import told_age

TOLERATED = 1.0  # seconds beyond what the way there and back leaves open


@frozen
class Skew:
    """A difference of clocks: what it is about, and by how much that may be wrong."""

    ahead_s: float  # seconds; negative: the host's clock is behind
    uncertainty_s: float

    @classmethod
    def between(cls, host_s: int, *, sent_s: float, came_s: float) -> "Skew":
        """The skew of a host that said `host_s` some time between the two, in whole seconds."""
        way = max(came_s - sent_s, 0.0)
        ahead = host_s + 0.5 - (sent_s + came_s) / 2
        return cls(ahead_s=round(ahead, 1), uncertainty_s=round(0.5 + way / 2, 1))

    @property
    def is_certain(self) -> bool:
        """Whether the clocks differ, whatever the way took."""
        return abs(self.ahead_s) > self.uncertainty_s + TOLERATED

    def __str__(self) -> str:
        where = "ahead of" if self.ahead_s > 0 else "behind"
        age = told_age(round(abs(self.ahead_s)))
        return f"its clock is {age} {where} this machine's (± {self.uncertainty_s:g} s)"


def remark(skew: Skew | None) -> Iterable[str]:
    """What a person should know of a host's clock."""
    if skew and skew.is_certain:
        yield str(skew)
