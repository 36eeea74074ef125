"""The process of one command: `fleetbpf`, which is `python -m fleetbpf` as well."""

import atexit
import gc

from fleetbpf.cli import main

# Objects that may hold others, more than there were, until garbage is looked for: a command's
# modules make 50,000 of them, and a host leaves about a hundred.
LOOK_AFTER = 100_000


def command() -> int:
    """Run the command line of this process; return the exit code.

    Most of what a command makes stays until its end. To go through it for garbage again and
    again, and once more before it all goes, took a quarter of the CPU of a start.
    """
    gc.set_threshold(LOOK_AFTER)
    atexit.register(gc.freeze)
    return main()


if __name__ == "__main__":
    raise SystemExit(command())
