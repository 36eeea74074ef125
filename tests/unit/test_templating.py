"""Jinja2 in strings."""

import subprocess
import sys

import pytest

from fleetbpf.documents.templating import Renderer
from fleetbpf.wording import MisunderstoodError

VARIABLES: dict[str, object] = {
    "port": 22,
    "flag": True,
    "uplink": "eth{{ number }}",
    "number": 0,
    "chicken": "{{ egg }}",
    "egg": "{{ chicken }}",
    "broken": "{{ nowhere }}",
    "nested": {"list": ["{{ port }}"]},
    "hard": 'it\'s "$(x)"\n',
}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("plain", "plain"),
        ("{{ port }}", 22),
        ("port {{ port }}", "port 22"),
        ("{{ flag }}", True),
        ("{{ uplink }}", "eth0"),
        ("{{ nested.list[0] }}", 22),
        ("{{ hard }}", 'it\'s "$(x)"\n'),
        ("<{{ hard }}>\n", '<it\'s "$(x)"\n>\n'),
        ("{{ other | default('x') }}", "x"),
        ("{% if flag %}yes{% endif %}", "yes"),
        (r"{{ 'a7b' | regex_replace('\w(\d)', '<\1>') }}", "<7>b"),
        (r"{{ 'a7b' | regex_replace('\\w(\\d)', '<\\1>') }}", "<7>b"),
        (r"{{ ['a', 'b'] | join('\n\t') }}", "a\n\tb"),
        (r"{{ 'it\'s' }}\d{% raw %}'\d'{% endraw %}", r"it's\d'\d'"),
        (r"{{ 'C:\\new' ~ '\u00e9' }}", "C:\\newé"),
        ("{# nothing #}", ""),
        ("{% raw %}{{ port }}{% endraw %}", "{{ port }}"),
    ],
)
def test_a_template_gives_its_value(text: str, value: object) -> None:
    assert Renderer().render(text, VARIABLES) == value


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("{{ uplnk }}", "the variable `uplnk` is not defined"),
        ("{{ x }} {{ y }}", "the variables `x`, `y` are not defined"),
        ("{{ broken }}", "the variable `nowhere` is not defined"),
        ("{{ chicken }}", "the variable `chicken` needs itself: chicken → egg → chicken"),
        ("{{ port", "unexpected end of template"),
        ("{{ port | nope }}", "there is no filter `nope`"),
        ("{{ port | random }}", "there is no filter `random`"),
        ("{{ nested.nope }}", "has no attribute 'nope'"),
        ("{{ 1 / 0 }}", "division by zero"),
        ("{{ ''.__class__.__mro__ }}", "unsafe"),
        ("{{ 9 ** (9 ** 9) }}", "would be too large"),
        ("{{ 'a' * 999999999 }}", "would be too large"),
        ("{{ range(10 ** 9) | list }}", "Range too big"),
        ("{{ " + "(" * 900 + "1" + ")" * 900 + " }}", "nested too deeply"),
    ],
)
def test_a_template_that_fails_says_why(text: str, what: str) -> None:
    with pytest.raises(MisunderstoodError) as caught:
        Renderer().render(text, VARIABLES)

    assert what in caught.value.what


def test_an_undefined_variable_comes_with_a_name_that_is_meant() -> None:
    with pytest.raises(MisunderstoodError) as caught:
        Renderer().render("{{ uplnk }}", VARIABLES)

    assert caught.value.hint == "did you mean `uplink`?"


def test_jinja_is_imported_only_for_templates() -> None:
    program = (
        "import sys; from fleetbpf.documents.templating import Renderer\n"
        "Renderer().render('plain', {}); sys.exit('jinja2' in sys.modules)"
    )

    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
