"""The values that a manifest is made of: names, sizes, durations, each with its schema.

The types carry what a person should write there (`Expected`), with which `complaints` turns
pydantic's errors into sentences.
"""

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from pydantic import (
    AfterValidator,
    BeforeValidator,
    PlainValidator,
    StrictStr,
    WithJsonSchema,
)
from pydantic_core import PydanticKnownError

from fleetbpf import quantities
from fleetbpf.defaults import LONGEST_WAIT
from fleetbpf.documents.templating import Renderer, is_template
from fleetbpf.model import cron, powers
from fleetbpf.model.hints import Hint
from fleetbpf.wording import MisunderstoodError, did_you_mean, kind, quoted

NAME = re.compile(r"[a-z0-9]([a-z0-9_-]{0,38}[a-z0-9])?")
MANIFEST_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/@+-]{0,99}")
IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,126}")

FIELD = re.compile(rf"{IDENTIFIER.pattern}(?:\.{IDENTIFIER.pattern}){{0,15}}")
CASE = re.compile(rf"{IDENTIFIER.pattern}|-?[0-9]{{1,20}}|0x[0-9a-fA-F]{{1,16}}")

RESERVED = ("history", "lock", "objects")  # in /var/lib/fleetbpf, beside the deployments

# A place in a map's entry: key.pid, value[2].bytes
ENTRY_PATH = re.compile(r"(key|value)(\.[A-Za-z_][A-Za-z0-9_]*|\[[0-9]{1,9}\])*")
LARGEST_STEP = 2**63
METRIC = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
LABEL = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")
FOLDER = re.compile(r"(/[A-Za-z0-9_-][A-Za-z0-9._-]*)+")

SHORTEST_INTERVAL = 0.1  # seconds


@dataclass(frozen=True, slots=True)
class Expected:
    """What belongs in a place, for "expected …, found …"."""

    what: str


def understood(parse: Callable[[str], object]) -> BeforeValidator:
    """Let `parse` make the value of a text; anything else than text is a wrong type."""

    def validate(value: object) -> object:
        if not isinstance(value, str):
            raise PydanticKnownError("string_type")
        return parse(value)

    return BeforeValidator(validate)


def at_least(least: float, shown: str) -> AfterValidator:
    """Refuse a smaller number; `shown` is `least` as a manifest writes it."""

    def validate(number: float) -> float:
        if number < least:
            raise MisunderstoodError(f"too little: it must be at least {shown}")
        return number

    return AfterValidator(validate)


def at_most(most: float, shown: str) -> AfterValidator:
    """Refuse a larger number; `shown` is `most` in words."""

    def validate(number: float) -> float:
        if number > most:
            raise MisunderstoodError(f"too much: it must be at most {shown}")
        return number

    return AfterValidator(validate)


def matching(pattern: re.Pattern[str], noun: str, hint: str) -> AfterValidator:
    """Refuse a text that does not match `pattern` as a whole."""

    def validate(text: str) -> str:
        if not pattern.fullmatch(text):
            raise MisunderstoodError(f"{quoted(text)} is not {noun}", hint)
        return text

    return AfterValidator(validate)


def not_reserved(name: str) -> str:
    """Refuse a deployment's name that is a folder of fleetbpf's own beside the deployments."""
    if name in RESERVED:
        raise MisunderstoodError(f"{quoted(name)} is fleetbpf's own on each host")
    return name


def schema(**keywords: object) -> WithJsonSchema:
    """The JSON Schema of a type that is written otherwise than it is kept."""
    return WithJsonSchema(dict(keywords))


def source_name(text: str) -> str:
    """The path of a program's source; raises MisunderstoodError."""
    if not Path(text).name.endswith(".bpf.c") or Path(text).name == ".bpf.c":
        hint = "name a C file, like hello.bpf.c"
        raise MisunderstoodError(f"{quoted(text)} does not end in .bpf.c", hint)
    return text


def object_name(text: str) -> str:
    """The path of an object, whatever its compiler calls it; raises MisunderstoodError."""
    if not Path(text).name or text.endswith(".c"):
        hint = "name an object, like hello.bpf.o; C files are for `source`"
        raise MisunderstoodError(f"{quoted(text)} is not an object's name", hint)
    return text


def hint_name(text: str) -> str:
    """What a field may be; raises MisunderstoodError."""
    if text not in set(Hint):
        raise MisunderstoodError(f"unknown hint {quoted(text)}", did_you_mean(text, Hint))
    return text


def power(name: str) -> str:
    """What a program may do, as `allow` names it; raises MisunderstoodError."""
    found = powers.canonical(name)
    if not powers.is_known(found):
        hint = did_you_mean(name, powers.NAMES, noun="there are")
        raise MisunderstoodError(f"{quoted(name)} is nothing that has to be allowed", hint)
    return found


def scale(value: object) -> object:
    """A factor; text like `1e-9`, which YAML 1.1 does not take for a number, is one too."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise PydanticKnownError("float_type")
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    except ValueError:
        raise PydanticKnownError("float_type") from None
    if not math.isfinite(number) or number <= 0:
        raise MisunderstoodError(f"a value cannot be multiplied with {quoted(str(value))}")
    return number


def label(text: str) -> str:
    """A label's name that Prometheus does not keep for itself."""
    if text.startswith("__"):
        raise MisunderstoodError(f"{quoted(text)} is one of Prometheus' own labels")
    return text


def folder(text: str) -> str:
    """An absolute path that a unit file can name as it is; raises MisunderstoodError."""
    if is_template(text):
        Renderer().check(text)
    elif not FOLDER.fullmatch(text):
        hint = "an absolute path of letters, digits and ._-"
        raise MisunderstoodError(f"{quoted(text)} is no folder for metrics", hint)
    return text


def histogram(value: object) -> str:
    """How slots stand for values, as the loader takes it: "log2", "linear:10"."""
    match value:
        case "log2":
            return "log2"
        case {"linear": int() as step, **others} if not others and not isinstance(step, bool):
            if step not in range(1, LARGEST_STEP):
                raise MisunderstoodError(f"a slot cannot be {step} wide", "a whole number from 1")
            return f"linear:{step}"
        case _:
            raise MisunderstoodError(
                f"a histogram is `log2` or a mapping like {{linear: 10}}, found {kind(value)}"
            )


def cron_text(text: str) -> str:
    """A crontab's five fields; raises MisunderstoodError."""
    return cron.parse(text).text


def pattern_text(text: str) -> str:
    """A host pattern; whether it names hosts, the inventory must say."""
    if not text.strip():
        raise MisunderstoodError("the host pattern is empty", "write `all` for every host")
    return text


Name = Annotated[
    StrictStr,
    matching(NAME, "a name", "a-z, 0-9, - and _ inside, at most 40 characters: exec-audit"),
    schema(type="string", pattern=f"^{NAME.pattern}$"),
    Expected("a name"),
]
DeploymentName = Annotated[Name, AfterValidator(not_reserved), Expected("a name")]
ManifestId = Annotated[
    StrictStr,
    matching(MANIFEST_ID, "an id", "a word of letters, digits and ._:/@+-, at most 100 characters"),
    schema(type="string", pattern=f"^{MANIFEST_ID.pattern}$", examples=["acme/exec-audit"]),
    Expected("an id, a word like acme/exec-audit"),
]
Identifier = Annotated[
    StrictStr,
    matching(IDENTIFIER, "a C identifier", "letters, digits and _, no digit first"),
    schema(type="string", pattern=f"^{IDENTIFIER.pattern}$"),
    Expected("a C identifier"),
]
FieldPath = Annotated[
    StrictStr,
    matching(FIELD, "a field", "names with dots between them: inner.port"),
    schema(type="string", pattern=f"^{FIELD.pattern}$", examples=["saddr", "inner.port"]),
    Expected("a field's name"),
]
CaseValue = Annotated[
    StrictStr,
    matching(CASE, "a value", "an enum's name, or a number: 2, 0x10, -1"),
    schema(type="string", pattern=f"^(?:{CASE.pattern})$"),
]
HintName = Annotated[
    StrictStr,
    AfterValidator(hint_name),
    schema(type="string", enum=list(Hint)),
    Expected("what the field is, like ipv4"),
]
VariableName = Annotated[
    StrictStr,
    matching(IDENTIFIER, "a variable's name", "letters, digits and _, no digit first"),
    schema(type="string", pattern=f"^{IDENTIFIER.pattern}$"),
]
Text = Annotated[StrictStr, Expected("a string")]
SourceName = Annotated[
    StrictStr,
    AfterValidator(source_name),
    schema(type="string", pattern=r"\.bpf\.c$"),
    Expected("a file name"),
]
ObjectName = Annotated[
    StrictStr,
    AfterValidator(object_name),
    schema(type="string", examples=["hello.bpf.o"]),
    Expected("a file name"),
]
Pattern = Annotated[StrictStr, AfterValidator(pattern_text), Expected("a host pattern")]
Size = Annotated[
    int,
    understood(quantities.size),
    schema(type="string", pattern=quantities.SIZE.pattern, examples=["4MiB"]),
    Expected('a size like "4MiB"'),
]
Duration = Annotated[
    float,
    understood(quantities.duration),
    at_least(SHORTEST_INTERVAL, "100ms"),
    schema(type="string", examples=["10s", "1m30s"]),
    Expected('a duration like "10s"'),
]
Wait = Annotated[
    Duration, at_most(LONGEST_WAIT, f"{LONGEST_WAIT}s"), Expected('a duration like "10s"')
]
Percent = Annotated[
    int,
    understood(quantities.percent),
    schema(type="string", pattern=f"^{quantities.PERCENT.pattern}$", examples=["20%"]),
    Expected('a percentage like "20%"'),
]
Rate = Annotated[
    int,
    understood(quantities.rate),
    schema(type="string", pattern=f"^{quantities.RATE.pattern}$", examples=["10000/s"]),
    Expected('a rate like "10000/s"'),
]
KernelRange = Annotated[
    str,
    understood(quantities.kernel),
    schema(type="string", pattern=f"^{quantities.KERNEL.pattern}$", examples=[">=5.10"]),
    Expected('a kernel requirement like ">=5.10"'),
]
Power = Annotated[
    StrictStr,
    AfterValidator(power),
    schema(type="string", examples=["xdp", "bpf_send_signal", "bpf_sock_destroy"]),
    Expected("a kind of hook, a helper or a kernel function"),
]
ConstantValue = Annotated[
    object,  # what is wrong with one is told with its place by fleetbpf.manifest.constants
    schema(type=["boolean", "integer", "string", "array", "object"]),
]
EntryPath = Annotated[
    StrictStr,
    matching(ENTRY_PATH, "a place in a map's entry", "write `key`, `key.field` or `value.field`"),
    schema(type="string", pattern=f"^{ENTRY_PATH.pattern}$", examples=["key.pid"]),
    Expected("a place in an entry like `key.pid`"),
]
MetricName = Annotated[
    StrictStr,
    matching(METRIC, "a metric's name", "letters, digits, _ and :, no digit first"),
    schema(type="string", pattern=f"^{METRIC.pattern}$"),
    Expected("a metric's name"),
]
LabelName = Annotated[
    StrictStr,
    matching(LABEL, "a label's name", "letters, digits and _, no digit first"),
    AfterValidator(label),
    schema(type="string", pattern=f"^{LABEL.pattern}$"),
    Expected("a label's name"),
]
Scale = Annotated[
    float,
    BeforeValidator(scale),
    schema(type=["number", "string"], examples=["1e-9"]),
    Expected("a number"),
]
FolderText = Annotated[StrictStr, AfterValidator(folder), Expected("a folder on the hosts")]
Histogram = Annotated[
    str,
    PlainValidator(histogram),
    schema(anyOf=[{"const": "log2"}, {"type": "object", "required": ["linear"]}]),
]
CronTime = Annotated[
    str,
    understood(cron_text),
    schema(type="string", examples=["17 * * * *", "@daily"]),
    Expected("a cron time like `17 * * * *`"),
]
