"""`fleetbpf settings`: what holds for every run here, and where each setting was said."""

import argparse
import os
from pathlib import Path
from typing import TYPE_CHECKING

from fleetbpf.cli.output import Output
from fleetbpf.errors import ExitCode
from fleetbpf.quantities import told_size

if TYPE_CHECKING:
    from fleetbpf.manifest.settings import Loaded

SUMMARY = "show the settings that hold here, and where each was said"
SIZES = ("mirror_limit",)  # settings in bytes
HEADERS = ("SETTING", "VALUE", "SAID IN", "VARIABLE")


def arguments(parser: argparse.ArgumentParser) -> None:
    """Take no arguments but the common ones."""


def run(_options: argparse.Namespace, output: Output) -> ExitCode:
    """Show every setting."""
    from fleetbpf.manifest.settings import variable

    loaded = load()
    rows = [(name, *found, variable(name)) for name, found in said(loaded).items()]
    output.table(HEADERS, [(name, shown(name, value), *rest) for name, value, *rest in rows])
    settings = {
        name: {"value": value, "said_in": origin, "variable": name_of_variable}
        for name, value, origin, name_of_variable in rows
    }
    output.document({"settings": settings})
    return ExitCode.DONE


def load() -> "Loaded":
    """The settings of this run; InputError with all that is wrong in them."""
    from fleetbpf.manifest import settings

    return settings.load(os.environ, folder=Path.cwd())


def said(loaded: "Loaded") -> dict[str, tuple[object, str]]:
    """Each setting's value and where it is from."""
    names = type(loaded.settings).model_fields
    return {name: (getattr(loaded.settings, name), loaded.origin(name)) for name in names}


def shown(name: str, value: object) -> str:
    """A setting's value as fleetbpf.yml would have it; what is not set is left empty."""
    match value:
        case int() if name in SIZES:
            return told_size(value)
        case None:
            return ""
        case tuple():
            return ", ".join(map(str, value))
        case float():
            return f"{value:g}s"
        case _:
            return str(value)


def settle(options: argparse.Namespace, loaded: "Loaded") -> None:
    """Give each option that the command line leaves out the value of its setting."""
    options.settings = loaded.settings
    for name in type(loaded.settings).model_fields:
        if vars(options).get(name, "") is None:
            setattr(options, name, getattr(loaded.settings, name))
