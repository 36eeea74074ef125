"""`python -m fleetbpf` is the `fleetbpf` command."""

from fleetbpf.cli import main

if __name__ == "__main__":
    raise SystemExit(main())
