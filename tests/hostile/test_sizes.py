"""Short inputs that would become long ones: refused soon, in little memory, with the cure."""

import resource
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from fleetbpf.connections.ssh_config.ssh_patterns import Patterns
from fleetbpf.documents import json_source, source
from fleetbpf.documents.templating import Renderer
from fleetbpf.errors import InputError
from fleetbpf.inventory import inventory, patterns
from fleetbpf.inventory.host_names import parse
from fleetbpf.wording import MisunderstoodError

SECONDS = 30.0  # of CPU, on a slow machine; each of these would take minutes or for ever
MEMORY = 600  # MiB above what was in use before


def peak() -> int:
    """The most memory that this process has ever used, in MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


DEEP = ("{{ " + "- " * 300 + "x }}", "{{ x" + ".y" * 300 + " }}", "{{ x" + "[0]" * 300 + " }}")


@pytest.fixture(autouse=True)
def _bounded() -> Iterator[None]:
    before, start = peak(), time.process_time()
    # Should a bound be missing, the kernel has one, and the machine is left alone.
    limits = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (6 << 30, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, limits)
    assert time.process_time() - start < SECONDS
    assert peak() - before < MEMORY


LOOP = "{{% set ns = namespace(x={start}) %}}{{% for i in range(60) %}}{{% set ns.x = {step} %}}"
LOOP += "{{% endfor %}}{{{{ ns.x }}}}"
TEMPLATES = (
    "{{ 'x' | center(10 ** 9) }}",
    "{{ 'x'.center(10 ** 9) }}",
    "{{ 'x'.ljust(10 ** 9) }}",
    "{{ 'x'.rjust(width) }}",
    "{{ '7'.zfill(10 ** 9) }}",
    "{{ '%1000000000d' | format(1) }}",
    "{{ '%*d' | format(10 ** 9, 1) }}",
    "{{ '%1000000000d' % 1 }}",
    "{{ '%*d' % (10 ** 9, 1) }}",
    "{{ '{:1000000000}'.format(1) }}",
    "{{ '{:{}}'.format(1, 10 ** 9) }}",
    "{{ '{0:{1}}'.format(1, width) }}",
    "{{ ('{0}' * 10000).format('x' * 100000) }}",
    "{{ 'x' * 10 ** 9 }}",
    "{{ 10 ** 9 * 'x' }}",
    "{{ [1] * 10 ** 9 }}",
    "{{ [[1] * 10000] * 10000 }}",
    "{{ ('a' * 100000) | replace('a', 'b' * 100000) }}",
    "{{ ('a' * 100000).replace('', 'b' * 100000) }}",
    "{{ range(100000) | join('x' * 100000) }}",
    "{{ ('x' * 100000).join(['a'] * 10000) }}",
    "{{ ('\\n' * 100000) | indent(100000) }}",
    "{{ ('\\n' * 100000) | indent('x' * 100000) }}",
    "{{ ('\\t' * 100000).expandtabs(100000) }}",
    "{{ ('a' * 100000).translate({97: 'b' * 100000}) }}",
    "{{ (1).to_bytes(10 ** 9, 'big') }}",
    "{{ [1] | batch(10 ** 9, 'x') | list }}",
    "{{ [1] | slice(10 ** 8) | list }}",
    "{{ 1.5 | round(10 ** 9, 'ceil') }}",
    "{{ [[[1]]] | tojson(indent=10 ** 9) }}",
    "{{ ([[1] * 1000] * 200) | sum(start=[]) }}",
    "{{ range(100000) | map('center', 100000) | list }}",
    "{{ range(100000) | map('center', 100000) | join }}",
    "{{ ('a' * 1000000) | wordwrap(1, wrapstring='x' * 1000000) }}",
    "{{ ('http://a.b ' * 10000) | urlize(rel='x' * 100000) }}",
    "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}",
    "{% for a in range(99999) %}{% for b in range(99999) %}x{% endfor %}{% endfor %}",
    "{% set r = range(99999) %}{% for a in r %}{% for b in r %}{% endfor %}{% endfor %}",
    "{% for a in range(99999) %}" + "x" * 90_000 + "{% endfor %}",
    "{% set y %}{% for a in range(99999) %}" + "x" * 90_000 + "{% endfor %}{% endset %}{{ y[0] }}",
    "{% macro f() %}"
    + "x" * 90_000
    + "{% endmacro %}{% for a in range(9999) %}{{ f() }}{% endfor %}",
    "{% macro f(n) %}{% if n %}{{ f(n - 1) }}{{ f(n - 1) }}{% endif %}{% endmacro %}{{ f(60) }}",
    "{% set n = namespace(x=[]) %}{% for i in r %}{% set n.x = n.x + [y[1:]] %}{% endfor %}",
    "{% for i in range(99999) %}{% for j in range(99) %}{{ 'z' in y }}{% endfor %}{% endfor %}",
    LOOP.format(start="'ab'", step="ns.x ~ ns.x"),
    LOOP.format(start="'ab'", step="ns.x + ns.x"),
    LOOP.format(start="'ab'", step="ns.x | replace('a', 'aa')"),
    LOOP.format(start="'ab'", step="'%s%s' | format(ns.x, ns.x)"),
    LOOP.format(start="[1]", step="[ns.x, ns.x]"),
    LOOP.format(start="[1]", step="(ns.x, ns.x)"),
    LOOP.format(start="[1]", step="{'a': ns.x, 'b': ns.x}"),
    LOOP.format(start="[1]", step="dict(a=ns.x, b=ns.x)"),
    LOOP.format(start="[1]", step="ns.x * 2"),
    LOOP.format(start="2", step="ns.x ** 9"),
    "{{ a0 }}",
    "{{ t0 }}",
    "{{ ('a' * 5000 ~ '!') | regex_search('(a+)+$') }}",
    "{{ ('a' * 5000 ~ '!') | regex_replace('(a|a)*$', '') }}",
    "{{ ('a' * 50000 ~ '!') | regex_findall('a*a*a*a*a*b') }}",
    r"{{ ('a' * 5000 ~ '!') | regex_search('^(a*)*\\1$') }}",
    "{{ y | regex_replace('', y) }}",
    r"{{ y | regex_replace('(y+)', '\\1' * 1000) }}",
    r"{{ y | regex_replace('(?:y)+', '\\g<0>' * 1000) }}",
    "{{ (y * 30) | regex_findall('((((((((((y))))))))))') }}",
    "{{ y | regex_search('y' * 2000) }}",
    "{% for i in r %}{{ 'a' | regex_search('(a+)+$' ~ i) }}{% endfor %}",
    "{{ ['żó' * 100000] | to_json }}",
    "{{ [[[[[y]]]]] | to_nice_json(indent=10 ** 9) }}",
    "{{ [y] * 9 | to_nice_yaml(indent=10 ** 9) }}",
    "{{ ('[' * 100000) | from_json }}",
    "{{ ('[' * 50000) | from_yaml }}",
    "{{ ('- a\\n' * 100000) | from_yaml }}",
    "{{ 'a: &a [x, x]\\nb: [*a, *a]\\n' | from_yaml | regex_replace('a', y) | from_yaml }}",
    "{{ r | union(r | map('string')) | zip(r, r, r) | list | to_nice_yaml | from_yaml }}",
    "{{ [[1]] * 20000 | union([[2]] * 20000) }}",
    "{{ ([[1]] * 9000) | difference([[2]] * 9000) }}",
    "{{ {'a': r} | combine({'a': r}, list_merge='append_rp') }}",
    "{{ range(99999) | map('ipaddr', '10.0.0.0/8') | map('to_uuid') | map('hash') | list }}",
    LOOP.format(start="{'a': [1]}", step="ns.x | combine(ns.x, list_merge='append')"),
    LOOP.format(start="'ab'", step="ns.x | b64encode ~ ns.x"),
    LOOP.format(start="[1]", step="ns.x | zip(ns.x) | list"),
    LOOP.format(start="'ab'", step="ns.x | regex_replace('.', 'aa')"),
)
DOUBLING = {f"a{n}": [f"{{{{ a{n + 1} }}}}"] * 2 for n in range(60)} | {"a60": 1}
TEXTS = {f"t{n}": f"{{{{ t{n + 1} }}}}" * 2 for n in range(60)} | {"t60": "lol"}


@pytest.mark.parametrize("text", TEMPLATES, ids=lambda text: text[:70])
def test_a_template_makes_no_more_than_a_person_needs(text: str) -> None:
    with pytest.raises(MisunderstoodError) as caught:
        Renderer().render(
            text, {"width": 10**9, "y": "y" * 100_000, "r": [*range(9999)], **DOUBLING, **TEXTS}
        )
    assert caught.value.what


def test_one_that_lies_deep_takes_no_longer_than_its_length() -> None:
    for text in DEEP * 3:
        with pytest.raises(MisunderstoodError):
            Renderer().render(text, {})


def test_nor_one_that_is_too_long_to_read() -> None:
    with pytest.raises(MisunderstoodError, match="longer than 100000 characters"):
        Renderer().render("{{ 1 }}" * 100_000, {})


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("{{ groups.all | map('upper') | sort | join(',') }}", None),
        ("{{ groups.all | length }}", 20_000),
        ("{% for each in groups.all %}{{ each }},{% endfor %}", None),
        ("{{ '%-20s|%05d' | format('a', 3) }}", "a                   |00003"),
        ("{{ 'a,b'.split(',')[::-1] | join('-') ~ '!' }}", "b-a!"),
        ("{% for a in [1, 2] %}{{ loop.index }}/{{ loop.length }} {% endfor %}", "1/2 2/2 "),
        ("{{ {'a': [1, {'b': 2}]} | tojson(indent=1) | length }}", 37),
        ("{{ [[1], [2, 3]] | sum(start=[]) }}", [1, 2, 3]),
        ("{{ dict(a=1).items() | list }}", [("a", 1)]),
        ("{% macro f(n) %}{{ n * 2 }}{% endmacro %}{{ f(2) }}", "4"),
    ],
)
def test_what_people_write_for_thousands_of_hosts_is_rendered(text: str, value: object) -> None:
    names = [f"web{number:05}.dc1.example.org" for number in range(20_000)]
    found = Renderer().render(text, {"groups": {"all": names}})
    assert found if value is None else found == value


def yaml(text: str) -> object:
    return source.parse(text, Path("x.yml"))


def deep(levels: int) -> str:
    """Each line is as deep as allowed, and has the line before in its midst."""
    inside = "[" * 50 + "{}" + "]" * 50
    lines = ["a0: &a0 " + inside.format("x")]
    lines += [f"a{n}: &a{n} " + inside.format(f"*a{n - 1}") for n in range(1, levels)]
    return "\n".join(lines)


LAUGHS = "a0: &a0 [lol]\n" + "\n".join(
    f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 20)
)
MERGES = "a0: &a0 {x: {y: 1}}\n" + "\n".join(
    f"a{n}: &a{n} {{<<: *a{n - 1}, x: [*a{n - 1}, *a{n - 1}]}}" for n in range(1, 60)
)


@pytest.mark.parametrize(
    ("text", "what"),
    [
        (deep(100), "more than 64 levels deep"),
        (deep(2), "more than 64 levels deep"),
        ("a: &a {b: &b {c: 1}}\n" + "x: " + "[" * 63 + "*a" + "]" * 63, "levels deep"),
        (LAUGHS, "with its aliases written out"),
        (MERGES, "deep|written out"),
        ("a: &a " + "x" * 1_000_000 + "\nb: [" + "*a," * 10_000 + "]", "written out"),
    ],
)
def test_aliases_make_nothing_deep_or_large(text: str, what: str) -> None:
    with pytest.raises(InputError, match=what) as caught:
        yaml(text)
    assert all(problem.hint for problem in caught.value.problems)
    assert "x.yml:" in str(caught.value)


def test_aliases_that_people_write_are_taken() -> None:
    yaml("a: &a {b: [1, 2]}\n" + "".join(f"x{n}: {{<<: *a, c: *a}}\n" for n in range(5000)))


@pytest.mark.parametrize("text", ['{"a": "\\ud800"}', '{"a": "\\u0000"}', "[" * 100_000])
def test_json_of_a_script_is_no_bug_of_ours(text: str) -> None:
    with pytest.raises(InputError, match=r"x\.json:1"):
        json_source.parse(text, Path("x.json"), {}).refuse_if_any(())


def test_digits_that_are_no_number_stay_text() -> None:
    document = json_source.parse(f'{{"a": {"9" * 5000}}}', Path("x.json"), {})
    assert document.value == {"a": "9" * 5000}


EXPRESSIONS = (
    "(a+)+$",
    "(a|a)+$",
    "(a*)*b",
    "(a|aa)+$",
    "(a?){200}a{200}",
    "^(a?a?)*$|b",
    "(.*.*)*x",
)


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_a_host_pattern_ends(expression: str) -> None:
    fleet = inventory.read_text("a" * 60 + "!\nweb1\n", Path("hosts"))
    try:
        patterns.select(f"~{expression}", fleet, where="m.yml:3:5")
    except InputError as error:
        [problem] = error.problems
        assert (problem.where, bool(problem.hint)) == ("m.yml:3:5", True)
        assert "takes more than" in problem.what


@pytest.mark.parametrize(
    "pattern", ["[" * 1_000_000, "*a" * 4000, "~" + "(" * 2000, "~" + "a" * 5000]
)
def test_a_long_host_pattern_ends(pattern: str) -> None:
    fleet = inventory.read_text("a" * 200 + "\n", Path("hosts"))
    with pytest.raises(InputError):
        patterns.select(f"{pattern},nowhere", fleet)


def test_expressions_of_people_match_as_before() -> None:
    fleet = inventory.read_text("web1\nweb20\ndb1\n", Path("hosts"))
    named = [host.name for host in patterns.select(r"~(web|db)\d+$:!~web\d{2}", fleet)]
    assert named == ["web1", "db1"]


def test_a_pattern_of_ssh_config_ends() -> None:
    assert not Patterns.of(["*a" * 30 + "b"]).match("a" * 255)
    assert Patterns.of(["*.[a]?"]).match("x.[a]z")


def ini(text: str) -> Callable[[], object]:
    return lambda: inventory.read_text(text, Path("hosts"))


@pytest.mark.parametrize(
    "read",
    [
        lambda: parse("a" * 1_000_000 + "[0:99999]"),
        ini("\n".join(f"x{n}[0:49999]" for n in range(2000))),
        ini("\n".join(f"[g{n}]\nx[0:99999]" for n in range(2000))),
        ini(
            "x[0:99999]\n"
            + "\n".join(f"[g{n}:children]\ng{n + 1}" for n in range(3000))
            + "\n[g3000]\nx[0:99999]"
        ),
    ],
    ids=["long name", "many ranges", "many groups", "groups in groups"],
)
def test_names_of_hosts_do_not_multiply(read: Callable[[], object]) -> None:
    with pytest.raises((InputError, MisunderstoodError)) as caught:
        read()
    assert "more than" in str(caught.value) or "longer than" in str(caught.value)


def test_values_that_are_shared_are_counted_as_written_out() -> None:
    shared: object = [1]
    for _ in range(40):
        shared = [shared, shared]
    with pytest.raises(MisunderstoodError, match=r"too large|too much"):
        Renderer().render("{{ shared | length }}{{ shared }}", {"shared": shared})
