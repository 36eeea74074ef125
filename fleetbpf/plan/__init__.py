"""The decision: what must change on a host, and why. Pure."""
