"""`fleetbpf schema`: the formats of manifests and of fleetbpf.yml as JSON Schema, for editors."""

import argparse
import json

from fleetbpf.cli.output import Output
from fleetbpf.errors import ExitCode

SUMMARY = "print the JSON Schema of manifests, or of fleetbpf.yml"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument(
        "format",
        nargs="?",
        choices=("manifest", "settings"),
        default="manifest",
        help="of what: manifests (the default) or settings, fleetbpf.yml",
    )


def run(options: argparse.Namespace, output: Output) -> ExitCode:
    """Print the schema; it is one JSON document with and without `--json`."""
    schema = json_schema(options.format)
    output.lines(json.dumps(schema, indent=2))
    output.document(schema)
    return ExitCode.DONE


def json_schema(name: str = "manifest") -> dict[str, object]:
    """The JSON Schema of a format."""
    from fleetbpf.model.manifest import Manifest
    from fleetbpf.model.settings import Settings

    dialect = {"$schema": "https://json-schema.org/draft/2020-12/schema"}
    model = Settings if name == "settings" else Manifest
    return dialect | model.model_json_schema(mode="validation")
