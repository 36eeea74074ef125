"""The job that everybody does in bench/ssh.py: a loader and its arguments, checked and started.

What has to lie on a host afterwards is taken from fleetbpf's own release, byte for byte.
"""

import shlex
import shutil
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from fleetbpf.build.builders import Builders
from fleetbpf.files import archive
from fleetbpf.files.archive import Compression
from fleetbpf.inventory import inventory as inventories
from fleetbpf.manifest import manifest as manifests
from fleetbpf.manifest import targets
from fleetbpf.plan.release import Release, sha256

MANIFEST = f"""
name: bench
programs:
  victims: {{source: {Path(__file__).with_name("ssh.bpf.c")}}}
plays: [{{hosts: all, programs: [victims]}}]
"""
PLACE = PurePosixPath("/srv/victims")  # where the peers put it
# As fleetbpf finds it on the hosts, which have this machine's programs.
COMPRESSION = Compression.ZSTD if shutil.which("zstd") else Compression.GZIP


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """The files of the job, in a folder of this machine, and what a host is told to do."""

    folder: Path
    manifest: Path
    state: PurePosixPath  # of the running loader
    mkdir: tuple[str, ...]
    sums: str

    @property
    def start(self) -> str:
        """Start the loader; it returns when its program is attached."""
        loader = "./loader --args args --supervise </dev/null >/dev/null"
        return f"mkdir -p {' '.join(self.mkdir)} && cd {PLACE} && {loader}"

    @property
    def running(self) -> str:
        """Succeed if the loader runs."""
        # As fleetbpf looks: the process that wrote the state is still that loader.
        return (
            f"read -r line <{self.state}/state && pid=${{line#*'\"pid\":'}} && "
            f'[ "$(readlink /proc/${{pid%%[!0-9]*}}/exe)" = {PLACE}/loader ]'
        )

    @property
    def deploy(self) -> str:
        """All of a first deploy, with the packed files on stdin."""
        stage = f"{PLACE}.new"
        return " && ".join(
            (
                f"umask 077; mkdir -p {stage}",
                f"{COMPRESSION} -dc | tar -xf - -C {stage} && cd {stage}",
                f"printf %s {shlex.quote(self.sums)} | sha256sum -c --quiet",
                f"chmod 700 loader && mv -T {stage} {PLACE}",
                self.start,
            )
        )

    @property
    def check(self) -> str:
        """Succeed if everything is there as it should be, and runs."""
        sums = f"printf %s {shlex.quote(self.sums)} | sha256sum -c --quiet"
        return f"cd {PLACE} && {sums} && {self.running}"

    @property
    def packed(self) -> Path:
        """The files in one compressed archive."""
        return self.folder / "payload.tar.packed"

    @property
    def files(self) -> Path:
        """The folder with the files as they go to the hosts."""
        return self.folder / "files"


def prepare(folder: Path, inventory: Path) -> Job:
    """Build the loader and lay everything out in `folder`."""
    path = folder / "bench.yml"
    path.write_text(MANIFEST)
    manifest = manifests.read(path)
    (program,) = targets.resolve(manifest, inventories.read(str(inventory)))[0].programs
    artifact = Builders().artifact(program.recipe)
    release = Release(deployment=manifest.name, program=program, build_key=artifact.key)
    files = {"loader": artifact.loader.read_bytes(), "args": release.args}
    place = (manifest.name, program.name, release.id)
    job = Job(
        folder=folder,
        manifest=path,
        state=release.layout.state(*place),
        mkdir=(str(release.layout.spool(*place)), str(release.layout.state(*place))),
        sums="".join(f"{sha256(content)}  {name}\n" for name, content in files.items()),
    )
    job.files.mkdir()
    for name, content in files.items():
        (job.files / name).write_bytes(content)
    (job.files / "loader").chmod(0o700)
    job.packed.write_bytes(archive.archive(files, compression=COMPRESSION))
    return job
