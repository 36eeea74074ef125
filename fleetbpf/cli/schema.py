"""`fleetbpf schema`: manifests, fleetbpf.yml and what `--json` prints, as JSON Schema."""

import argparse
import json

from fleetbpf.cli.output import Output
from fleetbpf.errors import ExitCode, InputError, Problem

SUMMARY = "print the JSON Schema of manifests, of fleetbpf.yml, or of a command's --json"
DIALECT = {"$schema": "https://json-schema.org/draft/2020-12/schema"}


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument(
        "format",
        nargs="?",
        choices=("manifest", "settings"),
        default="manifest",
        help="of what: manifests (the default) or settings, fleetbpf.yml",
    )
    parser.add_argument(
        "--command",
        dest="of_command",
        metavar="NAME",
        nargs="+",
        help="of what this command prints with --json: plan, lab up",
    )


def run(options: argparse.Namespace, output: Output) -> ExitCode:
    """Print the schema; with `--json` it is a field of a document."""
    words = options.of_command
    schema = schema_of_command(" ".join(words)) if words else json_schema(options.format)
    output.lines(json.dumps(schema, indent=2))
    output.document({"schema": schema})
    return ExitCode.DONE


def json_schema(name: str = "manifest") -> dict[str, object]:
    """The JSON Schema of a format."""
    from fleetbpf.model.manifest import Manifest
    from fleetbpf.model.settings import Settings

    model = Settings if name == "settings" else Manifest
    return DIALECT | model.model_json_schema(mode="validation")


def schema_of_command(name: str) -> dict[str, object]:
    """The JSON Schema of what a command prints with `--json`; InputError where there is none."""
    from fleetbpf.cli import documents
    from fleetbpf.wording import did_you_mean, quoted

    if name not in documents.DOCUMENTS:
        hint = did_you_mean(name, documents.DOCUMENTS, noun="commands")
        what = f"no command {quoted(name)} prints a document"
        raise InputError(Problem(where="--command", what=what, hint=hint))
    return DIALECT | documents.json_schema(name)
