"""What commands print with `--json`, read by tests and judged by its published schema."""

import functools
import importlib.util
import json
import os
from collections.abc import Mapping
from typing import Any

from fleetbpf.cli import documents

NEEDED = importlib.util.find_spec("jsonschema") is not None or os.environ.get("CI") == "true"


@functools.cache
def judge_of(command: str) -> Any:
    """What judges the documents of a command, and the lines of its stream."""
    import jsonschema

    schema = documents.json_schema(command)
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


def judge(command: str, value: object) -> None:
    """Fail for what is not as the schema of the command has it."""
    if not NEEDED:
        return  # a venv of before
    found = [
        f"{error.json_path}: {error.message:.300}"
        for each in judge_of(command).iter_errors(value)
        for error in (each, *each.context)
    ]
    assert not found, "\n".join(found)


def read(text: str) -> dict[str, Any]:
    """The one document of a command that is no stream."""
    document: dict[str, Any] = json.loads(text)
    judge(document["command"] or "version", document)
    return document


def hosts(text: str) -> Mapping[str, dict[str, Any]]:
    """The hosts of a document by their names."""
    return {row["host"]: row for row in read(text)["hosts"]}


def stream(text: str) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """The records of a stream, and the document that ends it."""
    *records, last = map(json.loads, text.splitlines())
    for each in (*records, last):
        judge(last["command"], each)
    return records, last


def records(text: str) -> list[dict[str, Any]]:
    """The records of a stream."""
    return stream(text)[0]
