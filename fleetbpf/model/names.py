"""The one rule for names of programs, deployments and releases, whoever says them."""

import re

# What may be part of a path: it is no `..`, has no slash, and no dot or hyphen in front.
NAME = r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}"


def is_name(text: str) -> bool:
    """Whether a text may name a program, a deployment, a release, or a file of one."""
    return re.fullmatch(NAME, text) is not None
