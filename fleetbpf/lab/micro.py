"""The first and only file system of a micro host: busybox, sshd, modules, a name."""

from collections.abc import Sequence
from importlib.resources import files

from fleetbpf.lab import cpio, modules
from fleetbpf.lab.identity import Identity
from fleetbpf.lab.kernels import Kernel
from fleetbpf.lab.userland import SSHD, Userland

FOLDERS = (
    *("bin", "sbin", "usr/bin", "usr/sbin", "dev", "proc", "sys", "run", "mnt"),
    *("var/lib", "var/log", "var/empty/sshd", "etc/init.d"),
)
INITTAB = f"""\
::sysinit:/etc/init.d/rcS
::respawn:/{SSHD} -D -e
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


def system(userland: Userland) -> list[cpio.Entry]:
    """What every micro host of one architecture has: programs, accounts, the init script."""
    init = files("fleetbpf").joinpath("lab", "guest", "micro-init.sh").read_bytes()
    return [
        *(cpio.folder(name) for name in FOLDERS),
        cpio.folder("tmp", mode=0o1777),
        cpio.folder("root", mode=0o700),
        cpio.folder("root/.ssh", mode=0o700),
        # The kernel opens it for /init before any file system is mounted.
        cpio.device("dev/console", 5, 1),
        userland.busybox,
        # busybox is the program by whose name it is called.
        cpio.symlink("init", "/bin/busybox"),
        cpio.symlink("bin/sh", "/bin/busybox"),
        cpio.file("etc/init.d/rcS", init, mode=0o755),
        cpio.file("etc/inittab", INITTAB),
        cpio.file("etc/ssh/sshd_config", SSHD_CONFIG),
        cpio.file("etc/passwd", ACCOUNTS),
        cpio.file("etc/group", GROUP),
        cpio.file("etc/shadow", SHADOW, mode=0o600),
        *userland.sshd(),
    ]
