"""The architectures of hosts, and what kernels, compilers and distributions call each of them."""

import os
from enum import StrEnum
from typing import assert_never


class Architecture(StrEnum):
    """What a loader is built for."""

    X86_64 = "x86_64"
    ARM64 = "arm64"

    @staticmethod
    def of_machine(machine: str) -> "Architecture | None":
        """The architecture that `uname -m` (or Ansible, or Debian) names; None: not one of ours."""
        match machine:
            case "x86_64" | "amd64":
                return Architecture.X86_64
            case "aarch64" | "arm64":
                return Architecture.ARM64
            case _:
                return None

    @staticmethod
    def here() -> "Architecture | None":
        """The architecture of this machine."""
        return Architecture.of_machine(os.uname().machine)

    @staticmethod
    def usual() -> "Architecture":
        """The architecture that is meant when nothing is said: this machine's, if it is ours."""
        return Architecture.here() or Architecture.X86_64

    @property
    def machine(self) -> str:
        """What `uname -m` says there."""
        match self:
            case Architecture.X86_64:
                return "x86_64"
            case Architecture.ARM64:
                return "aarch64"
        assert_never(self)

    @property
    def debian(self) -> str:
        """Its name in Debian's archive."""
        match self:
            case Architecture.X86_64:
                return "amd64"
            case Architecture.ARM64:
                return "arm64"
        assert_never(self)

    @property
    def triple(self) -> str:
        """What compilers call it; also Debian's name for its folders of libraries."""
        return f"{self.machine}-linux-gnu"

    @property
    def libbpf(self) -> str:
        """Its name in `-D__TARGET_ARCH_…`, by which libbpf's headers know its registers."""
        match self:
            case Architecture.X86_64:
                return "x86"
            case Architecture.ARM64:
                return "arm64"
        assert_never(self)
