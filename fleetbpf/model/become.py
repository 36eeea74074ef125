"""How one becomes root on a host."""

from dataclasses import dataclass
from enum import Enum


class BecomeMethod(Enum):
    """The programs that can make a user root."""

    SUDO = "sudo"
    DOAS = "doas"
    SU = "su"


@dataclass(frozen=True, slots=True, kw_only=True)
class BecomeWay:
    """The program that a host has for it, and how it is called."""

    method: BecomeMethod = BecomeMethod.SUDO
    executable: str = ""  # a name or a path there; "" = the method's
    flags: tuple[str, ...] = ()  # beside those that fleetbpf needs itself

    @property
    def program(self) -> str:
        """What is executed."""
        return self.executable or self.method.value
