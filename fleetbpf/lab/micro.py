"""The first and only file system of a micro host: busybox, this machine's sshd, modules, a name."""

from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path

from fleetbpf.connections.local import LocalConnection
from fleetbpf.lab import cpio, modules, tools
from fleetbpf.lab.busybox import needed, static_busybox
from fleetbpf.lab.identity import Identity
from fleetbpf.lab.kernels import Kernel

FOLDERS = (
    *("bin", "sbin", "usr/bin", "usr/sbin", "dev", "proc", "sys", "run", "mnt"),
    *("var/lib", "var/log", "var/empty/sshd", "etc/init.d"),
)
# Since OpenSSH 9.8 sshd executes these; where they lie is compiled in.
SSHD_PARTS = tuple(
    Path(folder) / name
    for folder in ("/usr/lib/openssh", "/usr/lib/ssh", "/usr/libexec/openssh")
    for name in ("sshd-session", "sshd-auth")
)
INITTAB = """\
::sysinit:/etc/init.d/rcS
::respawn:{sshd} -D -e
::ctrlaltdel:/bin/reboot
::shutdown:/bin/umount -a -r
"""
SSHD_CONFIG = """\
HostKey /etc/ssh/ssh_host_ed25519_key
PermitRootLogin prohibit-password
PasswordAuthentication no
KbdInteractiveAuthentication no
UseDNS no
MaxStartups 200
MaxSessions 200
PidFile none
LogLevel ERROR
"""
ACCOUNTS = """\
root:x:0:0:root:/root:/bin/sh
sshd:x:22:22:sshd:/run/sshd:/bin/false
nobody:x:65534:65534:nobody:/:/bin/false
"""
GROUP = "root:x:0:\nsshd:x:22:\nnogroup:x:65534:\n"
# A star, not an exclamation mark: no password fits, and the account is not locked.
SHADOW = "root:*:19000:0:99999:7:::\nsshd:*:19000::::::\nnobody:*:19000::::::\n"


def initramfs(kernel: Kernel, identity: Identity, system: Sequence[cpio.Entry]) -> bytes:
    """The initramfs of one micro host; `system` is what all of them share."""
    return cpio.archive(
        (
            *system,
            *modules.entries(kernel.modules),
            *identity.entries(),
            cpio.file("root/.ssh/authorized_keys", identity.authorized_key, mode=0o600),
        )
    )


def system(local: LocalConnection) -> list[cpio.Entry]:
    """What every micro host has: busybox, sshd and its libraries, accounts, the init script."""
    sshd = Path(tools.find("sshd") or "/usr/sbin/sshd")
    programs = [sshd, *(part for part in SSHD_PARTS if part.exists())]
    libraries = {path for program in programs for path in needed(program, local)}
    init = files("fleetbpf").joinpath("lab", "guest", "micro-init.sh").read_bytes()
    return [
        *(cpio.folder(name) for name in FOLDERS),
        cpio.folder("tmp", mode=0o1777),
        cpio.folder("root", mode=0o700),
        cpio.folder("root/.ssh", mode=0o700),
        # The kernel opens it for /init before any file system is mounted.
        cpio.device("dev/console", 5, 1),
        cpio.file("bin/busybox", static_busybox(local), mode=0o755),
        # busybox is the program by whose name it is called.
        cpio.symlink("init", "/bin/busybox"),
        cpio.symlink("bin/sh", "/bin/busybox"),
        cpio.file("etc/init.d/rcS", init, mode=0o755),
        cpio.file("etc/inittab", INITTAB.format(sshd=sshd)),
        cpio.file("etc/ssh/sshd_config", SSHD_CONFIG),
        cpio.file("etc/passwd", ACCOUNTS),
        cpio.file("etc/group", GROUP),
        cpio.file("etc/shadow", SHADOW, mode=0o600),
        *(copied(path) for path in (*programs, *sorted(libraries))),
    ]


def copied(path: Path) -> cpio.Entry:
    """A file of this machine at the same place on the host."""
    return cpio.file(str(path).lstrip("/"), path.read_bytes(), mode=0o755)
