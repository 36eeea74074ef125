"""Jinja2 in the strings of manifests and inventories: sandboxed, undefined is an error.

A string that is one expression as a whole keeps the expression's type (`"{{ port }}"` is a number
if `port` is one); anything around it makes it text. jinja2 is imported only for strings that hold
a template; what one may make and take is bounded (`metering`).
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from fleetbpf.documents import metering, shell_words
from fleetbpf.secret import Secret
from fleetbpf.wording import MisunderstoodError, did_you_mean, listed, quoted

if TYPE_CHECKING:
    from jinja2 import Template

    from fleetbpf.documents.jinja import Environment

LONGEST = 100_000  # characters of a template
BEGINNINGS = ("{{", "{%", "{#")
ONE_VARIABLE = re.compile(r"\s*\{\{-?\s*([A-Za-z_]\w*)\s*-?\}\}\s*")


class Unsafe(str):
    """Text that is never a template, whatever it looks like."""

    __slots__ = ()


def is_template(text: str) -> bool:
    """Whether the text holds Jinja2 syntax at all."""
    return any(beginning in text for beginning in BEGINNINGS) and not isinstance(text, Unsafe)


class Renderer:
    """Renders strings; each is compiled once, however many hosts there are."""

    def __init__(self) -> None:
        self._compiled: dict[tuple[str, bool], tuple[Template, frozenset[str]]] = {}

    def render(self, value: object, variables: Mapping[str, object]) -> object:
        """`value` with every template in it rendered; variables may hold templates themselves.

        Raises MisunderstoodError: an undefined variable, a syntax error, a failing expression, or
        one that makes or takes too much.
        """
        with metering.bounded():
            return self._render(value, variables, ())

    def command_line(
        self, value: object, variables: Mapping[str, object], *, twice: bool = False
    ) -> object:
        """`value` rendered as a shell's command, into which variables put nothing but words.

        twice: as `shell_words.joined`. Raises MisunderstoodError for one that puts more.
        """
        with metering.bounded():
            return self._command_line(value, variables, (), twice=twice)

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
                metering.spend(metering.EACH * len(value))
                return [self._render(item, variables, within) for item in value]
            case Secret():
                return self._render(value.reveal(), variables, within)
            case dict():
                metering.spend(metering.EACH * len(value))
                return {key: self._render(item, variables, within) for key, item in value.items()}
            case _:
                return value

    def _command_line(
        self,
        value: object,
        variables: Mapping[str, object],
        within: tuple[str, ...],
        *,
        twice: bool,
    ) -> object:
        """A variable that is the whole command says what the command is, as if it stood there."""
        text = value.reveal() if isinstance(value, Secret) else value
        if not isinstance(text, str) or not is_template(text):
            return text
        whole = ONE_VARIABLE.fullmatch(text)
        if whole and whole[1] in variables:
            refuse_circle(whole[1], within)
            inside = (*within, whole[1])
            return self._command_line(variables[whole[1]], variables, inside, twice=twice)
        found = self._pieces(text, variables, within, for_shell=True)
        # Marked pieces, whose marks str() would take away.
        pieces = [piece if isinstance(piece, str) else str(piece) for piece in found]
        try:
            return shell_words.joined(pieces, twice=twice)
        except MisunderstoodError as error:
            what = f"the template {quoted(text)}: {error.what}"
            raise MisunderstoodError(what, error.hint) from error

    def _text(self, text: str, variables: Mapping[str, object], within: tuple[str, ...]) -> object:
        """The template's value: its only piece as it is, several pieces as one text."""
        pieces = self._pieces(text, variables, within)
        return pieces[0] if len(pieces) == 1 else "".join(map(str, pieces))

    def _pieces(
        self,
        text: str,
        variables: Mapping[str, object],
        within: tuple[str, ...],
        *,
        for_shell: bool = False,
    ) -> list[object]:
        """What one template makes, after the variables that it names."""
        template, names = self._compile(text, for_shell=for_shell)
        try:
            metering.spend(len(text) + metering.RENDERING)
            known = {
                name: self._variable(name, variables, within)
                for name in sorted(names & set(variables))
            }
            return list(_pieces(template, known))
        except Exception as error:  # a template can raise anything its expressions can
            missing = sorted(names - set(variables))
            raise _rendering_error(error, text, missing, variables) from error

    def _variable(
        self, name: str, variables: Mapping[str, object], within: tuple[str, ...]
    ) -> object:
        """A variable's value, its own templates rendered."""
        refuse_circle(name, within)
        return self._render(variables[name], variables, (*within, name))

    def _compile(self, text: str, *, for_shell: bool = False) -> tuple[Template, frozenset[str]]:
        """The template and the variables it names."""
        from fleetbpf.documents import jinja

        if len(text) > LONGEST:
            what = f"the template {quoted(text)} is longer than {LONGEST} characters"
            raise MisunderstoodError(what)
        key = text, for_shell
        if key not in self._compiled:
            environment = _environment(for_shell=for_shell)
            try:
                jinja.refuse_unknown_filters(text, environment)
                names = jinja.variables(text, environment)
                template = environment.from_string(text)
            except MisunderstoodError:
                raise
            except Exception as error:  # of Jinja2, and of Python's own compiler behind it
                raise MisunderstoodError(
                    f"the template {quoted(text)}: {_compiling_error(error)}"
                ) from error
            # `{{ range(3) }}`: what Jinja2 brings along is not a variable of ours.
            self._compiled[key] = template, frozenset(names - set(environment.globals))
        return self._compiled[key]


def _compiling_error(error: Exception) -> str:
    """Why a template cannot be compiled, in words."""
    from jinja2 import TemplateSyntaxError

    match error:
        case TemplateSyntaxError():
            return (error.message or "not Jinja2").rstrip(".")
        case RecursionError() | SyntaxError():
            return "nested too deeply"
        case ValueError():
            return "a number in it is too long"
        case _:
            return str(error) or type(error).__name__


def refuse_circle(name: str, within: tuple[str, ...]) -> None:
    """Raise MisunderstoodError for a variable whose value needs the variable itself."""
    if name in within:
        chain = " → ".join((*within[within.index(name) :], name))
        raise MisunderstoodError(f"the variable {quoted(name)} needs itself: {chain}")


def _pieces(template: Template, variables: Mapping[str, object]) -> Iterator[object]:
    """What a template makes, piece by piece, each counted."""
    from jinja2 import Undefined

    total = 0
    for piece in template.root_render_func(template.new_context(dict(variables))):
        if isinstance(piece, Undefined):
            str(piece)  # a strict undefined raises here
        total += metering.size(piece)
        metering.refuse_above_largest(total)
        yield metering.made(piece)


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
    what = f"the template {quoted(text)}: {error or type(error).__name__}"
    hint = metering.HINT if isinstance(error, metering.TooMuchError) else ""
    return MisunderstoodError(what, hint)


@functools.cache
def _environment(*, for_shell: bool) -> Environment:
    """Jinja2, made when it is needed."""
    from fleetbpf.documents import jinja

    return jinja.environment(for_shell=for_shell)
