"""Where things lie: on a host, and in the operator's working directory."""

from pathlib import Path, PurePosixPath

from fleetbpf.defaults import DEFAULT_MIRROR_LIMIT
from fleetbpf.frozen import frozen
from fleetbpf.secret import Mask, unmasked


@frozen
class HostLayout:
    """The folders of a host that are fleetbpf's."""

    root: PurePosixPath = PurePosixPath("/var/lib/fleetbpf")  # releases, objects, spools, the lock
    run: PurePosixPath = PurePosixPath("/run/fleetbpf")  # state of running loaders; gone at reboot
    units: PurePosixPath = PurePosixPath("/etc/systemd/system")

    def release(self, deployment: str, program: str, release: str) -> PurePosixPath:
        """The folder of a release: loader, args, release.json."""
        return self.root / deployment / program / "releases" / release

    def spool(self, deployment: str, program: str, release: str) -> PurePosixPath:
        """The folder of a release's segments."""
        return self.root / deployment / program / "spool" / release

    def state(self, deployment: str, program: str, release: str) -> PurePosixPath:
        """The folder of a running loader's state, failure and verifier log."""
        return self.run / deployment / program / release


@frozen
class Workspace:
    """The operator's working directory: mirrored logs, failure logs, audit reports."""

    folder: Path
    mirror_limit: int = DEFAULT_MIRROR_LIMIT  # bytes of one host in logs/
    mask: Mask = unmasked  # takes secrets out of what is kept of hosts' words

    @property
    def logs(self) -> Path:
        """Mirrored spools: logs/<host>/<deployment>/<program>/<release>/<segment>.log."""
        return self.folder / "logs"

    def verifier_log(self, host: str, deployment: str, program: str) -> Path:
        """What the verifier said of a program when a host's kernel refused it last."""
        return self.logs / host / deployment / program / "verifier.log"

    @property
    def reports(self) -> Path:
        """Audit reports: reports/<deployment>/<UTC time>.json."""
        return self.folder / "reports"
