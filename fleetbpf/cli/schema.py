"""`fleetbpf schema`: the manifest's format as JSON Schema, for editors."""

import argparse
import json

from fleetbpf.cli.output import Output
from fleetbpf.errors import ExitCode

SUMMARY = "print the JSON Schema of manifests"


def arguments(parser: argparse.ArgumentParser) -> None:
    """The command has no arguments of its own."""


def run(options: argparse.Namespace, output: Output) -> ExitCode:  # noqa: ARG001
    """Print the schema; it is one JSON document with and without `--json`."""
    schema = json_schema()
    output.line(json.dumps(schema, indent=2))
    output.document(schema)
    return ExitCode.DONE


def json_schema() -> dict[str, object]:
    """The JSON Schema of a manifest."""
    from fleetbpf.model.manifest import Manifest

    dialect = {"$schema": "https://json-schema.org/draft/2020-12/schema"}
    return dialect | Manifest.model_json_schema(mode="validation")
