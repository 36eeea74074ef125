"""fleetbpf: declarative deployment of BPF programs to fleets of Linux hosts over SSH."""

__version__ = "0.1.0"
