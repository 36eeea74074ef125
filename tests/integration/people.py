"""An SSH server on a machine with people of several rights, who exist only for it.

Its /etc is a copy in a mount namespace of its own, so sudo, doas and su are the machine's real ones
and nothing of the machine is changed.
"""

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from tests.integration import sshd

SCRIPT = Path(__file__).with_name("people.sh")
PASSWORD = "pä ss%w"  # with a space, a sign beyond ASCII and what a prompt of sudo would expand
HASH = (
    "$6$fleetbpf$VBg710LTEPqD1JpRkmJxbR3hSWushHRE2qecMZ8.qzlhBui9ZvsADHazkITv9slrd"
    "EDAH/Fzd6jWAXroAgSEC0"
)
ROOT_PASSWORD = "rootpw"
ROOT_HASH = (
    "$6$fleetbpf$9AwpT7zqozt0bNGO0iMfQfiO8k3zZX9Kv265pfP7QKNDJO9wTqUC0VlwV18P8zCIY"
    "f0bDNyypiEVmAPz2Z0FK1"
)
DAY_OF_2020 = 18262  # since 1970, as shadow(5) counts
FIRST_UID = 64001

PEOPLE: Mapping[str, str] = {  # each with what sudoers says of them
    "alice": "alice ALL=(root) ALL",
    "bob": "bob ALL=(root) NOPASSWD: ALL",
    "carol": "",  # may become nobody
    "dora": "dora ALL=(root) ALL\nDefaults:dora requiretty",
    "eve": "",  # must renew her password
}
SUDOERS = """
Defaults env_reset
Defaults use_pty
Defaults lecture=always
Defaults secure_path="/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
root ALL=(ALL:ALL) ALL
"""
DOAS = "permit alice as root\npermit nopass bob as root\n"
LOGIN = """
AuthorizedKeysFile /media/authorized_keys
PasswordAuthentication yes
KbdInteractiveAuthentication yes
UsePAM yes
"""


def start(
    folder: Path, *, login: str = LOGIN, shells: Mapping[str, str] = MappingProxyType({})
) -> sshd.Server:
    """Start the server; `login` says how one may enter.

    `shells` are the login shells of people who have another than sh. What lies in the folder's
    `home` are their start-up files.
    """
    write(folder, shells)
    wrapper = ("unshare", "--mount", "sh", str(SCRIPT), str(folder))
    return sshd.start(folder, first=login, wrapper=wrapper)


def write(folder: Path, shells: Mapping[str, str]) -> None:
    """The lines that the copies of passwd, group, shadow and sudoers get."""
    ids = {name: FIRST_UID + number for number, name in enumerate(PEOPLE)}
    passwd = "".join(
        f"{name}:x:{id_}:{id_}::/media:{shells.get(name, '/bin/sh')}\n" for name, id_ in ids.items()
    )
    groups = "".join(f"{name}:x:{id_}:\n" for name, id_ in ids.items())
    aged = {name: 0 if name == "eve" else DAY_OF_2020 for name in PEOPLE}
    shadow = "".join(f"{name}:{HASH}:{day}:0:99999:7:::\n" for name, day in aged.items())
    rights = "\n".join(filter(None, PEOPLE.values()))
    texts = {
        "passwd": passwd,
        "group": groups,
        "shadow": f"{shadow}root:{ROOT_HASH}:{DAY_OF_2020}:0:99999:7:::\n",
        "sudoers": f"{SUDOERS}{rights}\n",
        "doas.conf": DOAS,
    }
    for name, text in texts.items():
        (folder / name).write_text(text)
