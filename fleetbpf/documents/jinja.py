"""Jinja2 for strings of manifests and inventories: sandboxed, and bounded in memory and time."""

import functools
import re
from collections.abc import Callable, Iterator
from typing import Any

from jinja2 import StrictUndefined, nodes
from jinja2.compiler import CodeGenerator, Frame
from jinja2.meta import TrackingCodeGenerator
from jinja2.nativetypes import NativeCodeGenerator
from jinja2.runtime import Context
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.visitor import NodeTransformer

from fleetbpf.documents import ansible_filters, metering
from fleetbpf.documents.shell_words import inserted, quote
from fleetbpf.wording import MisunderstoodError, did_you_mean, quoted

# What comes out differently each time would make every apply a change.
UNSTEADY = ("random",)
# Made for web pages; each makes much of little, or reads long texts slowly.
FOR_WEB_PAGES = ("forceescape", "pprint", "striptags", "urlize", "wordwrap", "xmlattr")

METHODS = frozenset(
    (
        *("capitalize", "casefold", "center", "count", "endswith", "find", "format", "index"),
        *("isalnum", "isalpha", "isascii", "isdecimal", "isdigit", "isidentifier", "islower"),
        *("isnumeric", "isprintable", "isspace", "istitle", "isupper", "join", "ljust", "lower"),
        *("lstrip", "partition", "removeprefix", "removesuffix", "replace", "rfind", "rindex"),
        *("rjust", "rpartition", "rsplit", "rstrip", "split", "splitlines", "startswith", "strip"),
        *("swapcase", "title", "upper", "zfill"),
        *("copy", "get", "items", "keys", "values"),
    )
)
PLAIN = (str, bytes, int, float, list, tuple, dict, range)
ESCAPED = re.compile(r"\\(.)", re.DOTALL)
ESCAPES = "\\'\"nrtxuU"  # that Jinja2's texts have; `\d` and `\1` are of regular expressions
COUNTED, MADE, JOINED, MEASURED = ("fleetbpf " + name for name in ("loop", "made", "~", "slice"))


class Native(NativeCodeGenerator):
    """Expressions keep their types; nothing is computed while a template is compiled."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # Jinja2 3.1 optimizes whatever its environment says: 600 characters `- - -` took 11 s.
        self.optimizer = None

    def _output_child_to_const(
        self, node: nodes.Expr, frame: Frame, finalize: CodeGenerator._FinalizeInfo
    ) -> Any:
        if not isinstance(node, nodes.TemplateData):
            raise nodes.Impossible
        return super()._output_child_to_const(node, frame, finalize)


class Metering(NodeTransformer):
    """Puts a counting filter around what Jinja2 itself computes, without a filter or a call."""

    def visit_For(self, node: nodes.For) -> nodes.Node:  # noqa: N802 (Jinja2's name)
        """Each turn of a loop costs what its body is made of."""
        found = self.generic_visit(node)
        cost = nodes.Const(1 + sum(1 for _ in node.find_all(nodes.Node)))
        node.iter = filtered(node.iter, COUNTED, cost)
        return found

    def visit_Concat(self, node: nodes.Concat) -> nodes.Node:  # noqa: N802
        """`a ~ b`."""
        self.generic_visit(node)
        return filtered(nodes.List(node.nodes, lineno=node.lineno), JOINED)

    def visit_Getitem(self, node: nodes.Getitem) -> nodes.Node:  # noqa: N802
        """`a[1:]` copies; it costs what `a` does."""
        self.generic_visit(node)
        if isinstance(node.arg, nodes.Slice):
            node.node = filtered(node.node, MEASURED)
        return node

    def visit_List(self, node: nodes.Expr) -> nodes.Node:  # noqa: N802
        """`[a, a]` counts `a` twice."""
        self.generic_visit(node)
        return filtered(node, MADE)

    def visit_Dict(self, node: nodes.Dict) -> nodes.Node:  # noqa: N802
        """As a list."""
        return self.visit_List(node)

    def visit_Tuple(self, node: nodes.Tuple) -> nodes.Node:  # noqa: N802
        """As a list; what is assigned to is none."""
        return self.generic_visit(node) if node.ctx != "load" else self.visit_List(node)


def filtered(node: nodes.Node, name: str, *arguments: nodes.Expr) -> nodes.Filter:
    """`node | name(arguments)`."""
    return nodes.Filter(node, name, list(arguments), [], None, None, lineno=node.lineno)


class Environment(ImmutableSandboxedEnvironment):
    """Jinja2 without access to Python's insides, and without anything endless."""

    code_generator_class = Native
    concat = staticmethod(metering.joined)
    intercepted_binops = frozenset({"**", "*", "%", "+", "-"})

    def _parse(self, source: str, name: str | None, filename: str | None) -> nodes.Template:
        if "\\" in source:
            tokens = self.lexer.tokeniter(source, name, filename)
            source = "".join(
                ESCAPED.sub(kept, text) if kind == "string" else text for _, kind, text in tokens
            )
        tree = super()._parse(source, name, filename)
        Metering().visit(tree)
        return tree

    def is_safe_attribute(self, obj: Any, attr: str, value: Any) -> bool:
        """Whether a template may use it: of plain values' methods, those that are known."""
        if isinstance(obj, PLAIN) and callable(value) and attr not in METHODS:
            return False
        return super().is_safe_attribute(obj, attr, value)

    def call_binop(self, _: Context, operator: str, left: Any, right: Any) -> Any:
        """An operation that can make something endless from something short."""
        metering.estimate_operation(operator, left, right)
        return metering.made(self.binop_table[operator](left, right))

    def call(self, context: Context, called: Any, /, *args: Any, **kwargs: Any) -> Any:
        """A call, its result counted."""
        own = getattr(getattr(called, "__wrapped__", called), "__self__", None)
        args = tuple(map(settled, args))
        metering.estimate(getattr(called, "__name__", ""), own, (*args, *kwargs.values()))
        return metering.made(super().call(context, called, *args, **kwargs))


def kept(found: re.Match[str]) -> str:
    """A backslash with its character: kept as two, as by Ansible, but for what ends a line."""
    return found[0] if found[1] in ESCAPES else f"\\{found[0]}"


def settled(value: object) -> object:
    """A value; what comes one by one as a list."""
    return list(metering.counted(value)) if isinstance(value, Iterator) else value


def metered(name: str, filter_: Callable[..., Any]) -> Callable[..., Any]:
    """A filter that is estimated before, and counted after."""
    context = 1 if hasattr(filter_, "jinja_pass_arg") else 0

    @functools.wraps(filter_)
    def run(*args: Any, **kwargs: Any) -> Any:
        given = (*args[:context], *map(settled, args[context:]))
        value, *more = given[context:]
        metering.estimate(name, value, (*more, *kwargs.values()))
        return metering.made(filter_(*given, **kwargs))

    return run


def measured(value: object) -> object:
    """A value that is about to be copied."""
    return metering.made(value)


def variables(text: str, known: Environment) -> set[str]:
    """The names that a template does not define itself: jinja2.meta's, without its optimizer."""
    generator = TrackingCodeGenerator(known)
    generator.optimizer = None
    generator.visit(known.parse(text))
    return generator.undeclared_identifiers


def refuse_unknown_filters(text: str, known: Environment) -> None:
    """Raise MisunderstoodError for a filter that is not known, with one that may be meant."""
    for node in known.parse(text).find_all(nodes.Filter):
        if node.name not in known.filters:
            near = did_you_mean(node.name, known.filters, noun="")
            meant = f"{near} " if near.endswith("?") else ""
            hint = f"{meant}docs/inventory.md lists the filters"
            raise MisunderstoodError(f"there is no filter {quoted(node.name)}", hint)


def environment(*, for_shell: bool = False) -> Environment:
    """The environment of templates; `for_shell`: their values come out marked as such."""
    found = Environment(
        undefined=StrictUndefined,
        keep_trailing_newline=True,
        finalize=inserted if for_shell else None,
    )
    del found.globals["lipsum"]
    for name in (*UNSTEADY, *FOR_WEB_PAGES):
        del found.filters[name]
    found.filters |= {**ansible_filters.FILTERS, "quote": quote}
    found.filters = {name: metered(name, each) for name, each in found.filters.items()}
    found.filters |= {
        f"{collection}.{name}": found.filters[name]
        for collection, names in ansible_filters.COLLECTIONS.items()
        for name in names
    }
    found.filters |= {
        COUNTED: metering.counted,
        JOINED: metering.joined,
        MADE: metering.made,
        MEASURED: measured,
    }
    return found
