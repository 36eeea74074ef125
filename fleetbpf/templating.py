"""Jinja2 in the strings of manifests and inventories: sandboxed, undefined is an error.

A string that is one expression as a whole keeps the expression's type (`"{{ port }}"` is a number
if `port` is one); anything around it makes it text. jinja2 is imported only for strings that hold
a template.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import TYPE_CHECKING

from fleetbpf.secret import Secret
from fleetbpf.wording import MisunderstoodError, did_you_mean, listed, quoted

if TYPE_CHECKING:
    from jinja2 import Template
    from jinja2.sandbox import SandboxedEnvironment

LONGEST = 1_000_000  # characters or digits that one operation may make
BEGINNINGS = ("{{", "{%", "{#")


class Unsafe(str):
    """Text that is never a template, whatever it looks like."""

    __slots__ = ()


def is_template(text: str) -> bool:
    """Whether the text holds Jinja2 syntax at all."""
    return any(beginning in text for beginning in BEGINNINGS) and not isinstance(text, Unsafe)


class Renderer:
    """Renders strings; each is compiled once, however many hosts there are."""

    def __init__(self) -> None:
        self._compiled: dict[str, tuple[Template, frozenset[str]]] = {}

    def render(self, value: object, variables: Mapping[str, object]) -> object:
        """`value` with every template in it rendered; variables may hold templates themselves.

        Raises MisunderstoodError: an undefined variable, a syntax error, a failing expression.
        """
        return self._render(value, variables, ())

    def check(self, text: str) -> None:
        """Raise MisunderstoodError when the template's syntax is wrong."""
        if is_template(text):
            self._compile(text)

    def _render(
        self, value: object, variables: Mapping[str, object], within: tuple[str, ...]
    ) -> object:
        match value:
            case str():
                return self._text(value, variables, within) if is_template(value) else value
            case list() | tuple():
                return [self._render(item, variables, within) for item in value]
            case Secret():
                return self._render(value.reveal(), variables, within)
            case dict():
                return {key: self._render(item, variables, within) for key, item in value.items()}
            case _:
                return value

    def _text(self, text: str, variables: Mapping[str, object], within: tuple[str, ...]) -> object:
        """One template, after the variables that it names."""
        template, names = self._compile(text)
        known = {
            name: self._variable(name, variables, within) for name in sorted(names & set(variables))
        }
        missing = sorted(names - set(variables))
        try:
            return _render(template, known)
        except Exception as error:  # a template can raise anything its expressions can
            raise _rendering_error(error, text, missing, variables) from error

    def _variable(
        self, name: str, variables: Mapping[str, object], within: tuple[str, ...]
    ) -> object:
        """A variable's value, its own templates rendered."""
        if name in within:
            chain = " → ".join((*within[within.index(name) :], name))
            raise MisunderstoodError(f"the variable {quoted(name)} needs itself: {chain}")
        return self._render(variables[name], variables, (*within, name))

    def _compile(self, text: str) -> tuple[Template, frozenset[str]]:
        """The template and the variables it names."""
        from jinja2 import TemplateSyntaxError, meta

        if text not in self._compiled:
            environment = _environment()
            try:
                names = meta.find_undeclared_variables(environment.parse(text))
                template = environment.from_string(text)
            except (TemplateSyntaxError, RecursionError) as error:
                reason = getattr(error, "message", None) or "nested too deeply"
                raise MisunderstoodError(
                    f"the template {quoted(text)}: {reason.rstrip('.')}"
                ) from error
            # `{{ range(3) }}`: what Jinja2 brings along is not a variable of ours.
            self._compiled[text] = template, frozenset(names - set(environment.globals))
        return self._compiled[text]


def _render(template: Template, variables: Mapping[str, object]) -> object:
    """The template's value: its only piece as it is, several pieces as one text."""
    from jinja2 import Undefined

    pieces = list(template.root_render_func(template.new_context(dict(variables))))
    for piece in pieces:
        if isinstance(piece, Undefined):
            str(piece)  # a strict undefined raises here
    return pieces[0] if len(pieces) == 1 else "".join(map(str, pieces))


def _rendering_error(
    error: Exception, text: str, missing: list[str], variables: Mapping[str, object]
) -> MisunderstoodError:
    """What a failing template is told as."""
    from jinja2 import UndefinedError

    if isinstance(error, MisunderstoodError):
        return error
    if isinstance(error, UndefinedError) and missing:
        noun = "variable" if len(missing) == 1 else "variables"
        verb = "is" if len(missing) == 1 else "are"
        names = listed([quoted(name) for name in missing])
        hint = did_you_mean(missing[0], map(str, variables), noun="known variables")
        return MisunderstoodError(f"the {noun} {names} {verb} not defined", hint)
    return MisunderstoodError(f"the template {quoted(text)}: {error or type(error).__name__}")


@functools.cache
def _environment() -> SandboxedEnvironment:
    """Jinja2 without access to Python's insides and without endless numbers and texts."""
    from jinja2 import StrictUndefined
    from jinja2.exceptions import SecurityError
    from jinja2.nativetypes import NativeCodeGenerator
    from jinja2.sandbox import SandboxedEnvironment

    class Environment(SandboxedEnvironment):
        """Expressions keep their types; powers and products keep within bounds."""

        code_generator_class = NativeCodeGenerator
        intercepted_binops = frozenset({"**", "*"})

        def call_binop(self, _: object, operator: str, left: object, right: object) -> object:
            """The two operations that can make something endless from something short."""
            if _largest(operator, left, right) > LONGEST:
                message = f"the result of `{operator}` would be too large"
                raise SecurityError(message)
            return self.binop_table[operator](left, right)

    environment = Environment(undefined=StrictUndefined, keep_trailing_newline=True)
    # What comes out differently each time would make every apply a change.
    del environment.globals["lipsum"], environment.filters["random"]
    return environment


def _largest(operator: str, left: object, right: object) -> int:
    """About how many characters, items or bits `left * right` or `left ** right` has."""
    match operator, left, right:
        case "**", int(), int():
            return left.bit_length() * abs(right)
        case "*", int(), int():
            return left.bit_length() + right.bit_length()
        case "*", int(), str() | list() | tuple():
            return left * len(right)
        case "*", str() | list() | tuple(), int():
            return len(left) * right
        case _:
            return 0
