"""Debian's packages without an installation: found, verified and unpacked, as any user."""
