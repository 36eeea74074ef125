"""`lab down`: end the hosts, and leave nothing but the cache."""

import shutil
from contextlib import suppress

from fleetbpf.debian.archive import Say
from fleetbpf.lab import processes
from fleetbpf.lab.folder import LabFolder
from fleetbpf.lab.up import is_ours


def down(lab: LabFolder, say: Say) -> tuple[str, ...]:
    """End every host of `lab` and remove its files; the names of the hosts that were there.

    An inventory that the lab did not write stays.
    """
    if not lab.state.exists():
        return ()
    with lab.locked():
        names = tuple(sorted(folder.name for folder in lab.state.glob("hosts/*")))
        for name in names:
            ended = processes.end(lab.pid_file(name))
            say(f"{name}: {'ended' if ended else 'was not running'}, removed")
        if lab.inventory.exists() and is_ours(lab.inventory):
            lab.inventory.unlink()
        shutil.rmtree(lab.state)
    for folder in (lab.inventory.parent, lab.state.parent):
        with suppress(OSError):  # others have files there
            folder.rmdir()
    return names
