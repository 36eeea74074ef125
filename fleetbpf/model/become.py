"""How one becomes root on a host."""

from enum import Enum

from fleetbpf.frozen import frozen


class BecomeMethod(Enum):
    """The programs that can make a user root."""

    SUDO = "sudo"
    DOAS = "doas"
    SU = "su"


@frozen
class BecomeWay:
    """The program that a host has for it, and how it is called."""

    method: BecomeMethod = BecomeMethod.SUDO
    executable: str = ""  # a name or a path there; "" = the method's
    flags: tuple[str, ...] = ()  # beside those that fleetbpf needs itself

    @property
    def program(self) -> str:
        """What is executed."""
        return self.executable or self.method.value
