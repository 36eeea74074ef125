"""The files that fleetbpf generates: Jinja2 templates, rendered in one place."""

import functools
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jinja2 import Environment


def rendered(name: str, /, **values: object) -> str:
    """The template `<name>` beside this file with `values`; an unknown name is an error."""
    return environment().get_template(name).render(values)


@functools.cache
def environment() -> "Environment":
    """Templates of text, not of HTML: nothing is escaped, line ends of blocks are dropped."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    return Environment(
        loader=PackageLoader("fleetbpf.documents"),
        undefined=StrictUndefined,
        autoescape=False,  # noqa: S701 — C and systemd units, never HTML
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
