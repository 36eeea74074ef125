"""All of fleetbpf, imported: a process that is forked from it works from its first moment on."""

import importlib
import pkgutil

import fleetbpf

for module in pkgutil.walk_packages(fleetbpf.__path__, "fleetbpf."):
    if not module.name.endswith("__main__"):
        importlib.import_module(module.name)
