"""CPU of `fleetbpf --help`, beside that of starting Python at all."""

import sys

import measuring
from measuring import Case

PYTHON = sys.executable


def main() -> None:
    options = measuring.options(__doc__ or "")
    cases = [
        Case(
            name="fleetbpf --help, CPU",
            ours=lambda: measuring.cpu_ms([PYTHON, "-m", "fleetbpf", "--help"]),
            peer=lambda: measuring.cpu_ms([PYTHON, "-c", "pass"]),
            peer_name="python3 -c pass",
            unit="ms",
        )
    ]
    rounds = measuring.QUICK_ROUNDS if options.quick else measuring.ROUNDS
    measuring.tell(measuring.measure(cases, rounds=rounds), as_json=options.json)


if __name__ == "__main__":
    main()
