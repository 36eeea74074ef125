"""What a manifest says of a function's hooks: one, several, the first that works, or none."""

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StrictBool,
    StrictStr,
    model_validator,
)

from fleetbpf.documents.templating import Renderer, is_template
from fleetbpf.model.hook import Hook
from fleetbpf.model.hook_kinds import BY_WORD, KINDS, Parameter
from fleetbpf.model.values import Expected, Identifier, schema
from fleetbpf.wording import MisunderstoodError, did_you_mean, kind, quoted

CONDITIONS = ("first_of", "optional", "unless")
LOAD = "load"  # in place of a hook
PARAMETERS = tuple(parameter.value for parameter in Parameter)


def canonical(text: str) -> str:
    """A hook in its one form; one with a template is parsed once it is rendered."""
    if is_template(text):
        Renderer().check(text)
        return text
    return str(Hook.parse(text))


def as_text(value: object) -> object:
    """A hook as its text: `{xdp: eth0, mode: skb}` is xdp/eth0@skb."""
    if not isinstance(value, dict):
        return value
    parts = {str(key): part for key, part in value.items()}
    word, place = the_place(parts)
    hook = text_of(word, place) if word == "hook" else f"{word}/{text_of(word, place)}"
    for key in parts.keys() - {word}:
        hook += f"@{parameter(hook, key, parts[key])}"
    return hook


def the_place(parts: Mapping[str, object]) -> tuple[str, object]:
    """The key that says where, and its value; raises MisunderstoodError."""
    found = [key for key in parts if key == "hook" or key in BY_WORD]
    unknown = [key for key in parts if key not in found and key not in PARAMETERS]
    if unknown:
        known = ("hook", *CONDITIONS, *PARAMETERS, *BY_WORD)
        hint = did_you_mean(unknown[0], known, noun="known keys")
        raise MisunderstoodError(f"unknown key {quoted(unknown[0])}", hint)
    if not found:
        what = "this does not say where to attach"
        raise MisunderstoodError(what, "write {hook: kprobe/do_unlinkat} or {xdp: eth0}")
    if len(found) > 1:
        keys = " and ".join(map(quoted, found))
        raise MisunderstoodError(f"{keys} both say where to attach", "write a list of two hooks")
    return found[0], parts[found[0]]


def text_of(key: str, value: object) -> str:
    """The value of a key that is text or a number; raises MisunderstoodError."""
    if isinstance(value, str) or (isinstance(value, int) and not isinstance(value, bool)):
        return str(value)
    raise MisunderstoodError(f"expected a string for {quoted(key)}, found {kind(value)}")


def parameter(hook: str, key: str, value: object) -> str:
    """What stands behind the @ of a hook for a key of its mapping; raises MisunderstoodError."""
    word = hook.partition("/")[0]
    hook_kind = BY_WORD.get(word)
    if hook_kind is None or hook_kind.parameter is not Parameter(key):
        takers = [item.word for item in KINDS if item.parameter is Parameter(key)]
        raise MisunderstoodError(
            f"a hook of the type {quoted(word)} has no {quoted(key)}",
            f"those that have it: {', '.join(takers)}",
        )
    return text_of(key, value)


HookText = Annotated[
    StrictStr,
    BeforeValidator(as_text),
    AfterValidator(canonical),
    Expected("a hook"),
]


class HookEntry(BaseModel):
    """One place for a function, with what is to happen where it is not there."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    first_of: Annotated[tuple[HookText, ...], Expected("a list of hooks")] = Field(
        (), description="the first of these that works; none: the source's SEC()"
    )
    load: StrictBool = Field(default=False, description="loaded, not attached")
    optional: StrictBool = Field(default=False, description="go on without, where none works")
    unless: Identifier | None = Field(
        None, description="only where that function could not be attached"
    )

    @model_validator(mode="before")
    @classmethod
    def _spelled_out(cls, value: object) -> Any:
        """`kprobe/x`, `{hook: …}` and `{xdp: …}` are lists of one alternative; `load` is none."""
        if value in (LOAD, {LOAD: True}):
            return {LOAD: True}
        if isinstance(value, str):
            return {"first_of": (value,)}
        if not isinstance(value, dict):
            return value
        place = {key: part for key, part in value.items() if key not in CONDITIONS}
        conditions = {key: part for key, part in value.items() if key in CONDITIONS}
        if not place:
            return value
        if "first_of" in value:
            what = f"`first_of` and {quoted(str(next(iter(place))))} both say where to attach"
            raise MisunderstoodError(what, "put all of them into `first_of`")
        return {"first_of": (place,), **conditions}


def entries(value: object) -> object:
    """One hook stands for a list of one."""
    return (value,) if isinstance(value, str | dict) else value


def alone(found: tuple[HookEntry, ...]) -> tuple[HookEntry, ...]:
    """`load` says that there is no hook; raises MisunderstoodError where there is one as well."""
    if len(found) > 1 and any(entry.load for entry in found):
        what = f"{quoted(LOAD)} is for a function that is attached nowhere"
        raise MisunderstoodError(what, "a function with a hook is loaded anyway")
    return found


HOOK_SCHEMA: dict[str, Any] = {
    "anyOf": [
        {"type": "string", "examples": [LOAD, *(kind.form for kind in KINDS)]},
        {
            "type": "object",
            "properties": {
                "hook": {"type": "string", "description": "where: kprobe/do_unlinkat"},
                "first_of": {
                    "type": "array",
                    "description": "the first of these hooks that works",
                },
                "optional": {"type": "boolean", "description": "go on without"},
                "unless": {
                    "type": "string",
                    "description": "only where that function could not be attached",
                },
                **{name: {"type": ["string", "integer"]} for name in PARAMETERS},
                **{word: {"type": "string"} for word in BY_WORD},
            },
            "additionalProperties": False,
        },
    ]
}

Hooks = Annotated[
    Annotated[
        tuple[
            Annotated[HookEntry, Expected("a hook, or a mapping like {hook: kprobe/f}")],
            ...,
        ],
        Field(min_length=1),
        Expected("a hook or a list of hooks"),
    ],
    BeforeValidator(entries),
    AfterValidator(alone),
    schema(anyOf=[*HOOK_SCHEMA["anyOf"], {"type": "array", "items": HOOK_SCHEMA}]),
    Expected("a hook or a list of hooks"),
]
