"""What a process on this machine may take: for tools that read what a stranger wrote."""

import contextlib
import resource

from fleetbpf.frozen import frozen


@frozen
class Allowance:
    """The most of each that a process may take, and each process that it starts."""

    memory: int  # bytes of addresses
    processor: int  # seconds
    file: int  # bytes of each file that it writes

    def give(self, process: int) -> None:
        """Set the limits of a process that has just been started."""
        limits = {
            resource.RLIMIT_AS: self.memory,
            resource.RLIMIT_CPU: self.processor,
            resource.RLIMIT_FSIZE: self.file,
            resource.RLIMIT_CORE: 0,
        }
        for kind, most in limits.items():
            with contextlib.suppress(ProcessLookupError):  # it has ended already
                _, hard = resource.prlimit(process, kind)
                least = most if hard == resource.RLIM_INFINITY else min(most, hard)
                resource.prlimit(process, kind, (least, least))
