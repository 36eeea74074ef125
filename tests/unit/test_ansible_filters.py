"""Ansible's filters: Ansible itself is asked, and answers as fleetbpf does."""

import json
import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from fleetbpf.documents import ansible_filters
from fleetbpf.documents.templating import Renderer
from fleetbpf.wording import MisunderstoodError
from tests.tools import absent

PROGRAM = Path(__file__).parent.parent / "ansible_filtered.py"
VARIABLES = {
    "path": "/srv/data/app.tar.gz",
    "host": "web-07.dc1.example.com",
    "users": [{"name": "ann", "keys": ["a", "b"]}, {"name": "bob", "keys": []}],
    "one": {"a": 1, "b": {"c": [1, 2], "d": None}, "ü": "żółw"},
    "two": {"b": {"c": [2, 3], "e": True}, "f": "x"},
    "numbers": [3, 1, 3, 2],
    "lists": [[1, [2, None]], [3]],
    "mixed": [{"a": 1}, {"a": 1}, {"b": 2}],
    "empty": "",
    "nothing": None,
}
TEMPLATES = (
    *(
        "{{ path | basename }}",
        "{{ path | dirname }}",
        "{{ path | splitext }}",
        "{{ '/' | basename }}",
    ),
    *("{{ '/a/../b//c/' | normpath }}", "{{ ['/a', 'b', 'c'] | path_join }}", "{{ '' | dirname }}"),
    *("{{ nowhere | default('x') }}", "{{ nowhere | d(7) }}", "{{ empty | default('x', true) }}"),
    *(
        "{{ host | regex_replace('^web-(\\d+)\\..*$', 'n\\1') }}",
        "{{ 7 | regex_replace('7', 'x') }}",
    ),
    "{{ host | regex_replace('E', 'x', ignorecase=True, count=2) }}",
    "{{ 'a\nb' | regex_replace('^', '> ', multiline=True) }}",
    "{{ host | regex_replace('(?P<n>[0-9]+)', '<\\g<n>>') }}",
    *("{{ host | regex_search('[0-9]+') }}", "{{ host | regex_search('nope') }}"),
    "{{ host | regex_search('(\\w+)-(\\d+)', '\\2', '\\1') }}",
    "{{ host | regex_search('(?P<n>WEB)', '\\g<n>', ignorecase=True) }}",
    *("{{ host | regex_findall('[a-z]+') }}", "{{ host | regex_findall('([a-z])([0-9])') }}"),
    *("{{ host | regex_findall('(e)x') }}", "{{ host | regex_escape }}"),
    *("{{ one | to_json }}", "{{ one | to_json(indent=2) }}", "{{ one | to_nice_json }}"),
    *("{{ 'a' | to_json }}", "{{ nothing | to_json }}", "{{ one | to_nice_json(indent=1) }}"),
    *("{{ '{\"a\": [1, 2.5, null]}' | from_json }}", "{{ one | to_json | from_json }}"),
    *("{{ one | to_yaml }}", "{{ one | to_nice_yaml }}", "{{ numbers | to_nice_yaml(indent=2) }}"),
    *("{{ 'a: [1, yes, ~]' | from_yaml }}", "{{ one | to_yaml | from_yaml }}"),
    *("{{ 'żółw' | b64encode }}", "{{ 'xbzDs8WCdw==' | b64decode }}"),
    "{{ '??>>' | b64encode(urlsafe=true) }}",
    *("{{ 'a' | hash }}", "{{ 'a' | hash('sha256') }}", "{{ 'a' | md5 }}", "{{ 'a' | sha1 }}"),
    *("{{ 'a' | checksum }}", "{{ host | to_uuid }}", "{{ 'a' | hash('nope') }}"),
    *(
        "{{ one | combine(two) }}",
        "{{ one | combine(two, recursive=True) }}",
        "{{ [one, two] | combine }}",
    ),
    *(
        f"{{{{ one | combine(two, recursive=True, list_merge='{how}') }}}}"
        for how in ("keep", "append", "prepend", "append_rp", "prepend_rp", "nope")
    ),
    *("{{ two | dict2items }}", "{{ two | dict2items('k', 'v') }}", "{{ numbers | dict2items }}"),
    *("{{ two | dict2items | items2dict }}", "{{ [{'k': 1}] | items2dict }}"),
    *(
        "{{ true | ternary('a', 'b') }}",
        "{{ '' | ternary('a', 'b') }}",
        "{{ nothing | ternary(1, 2, 3) }}",
    ),
    *("{{ host | mandatory }}", "{{ nowhere | mandatory }}", "{{ nowhere | mandatory('say it') }}"),
    *(f"{{{{ {each} | bool }}}}" for each in ("'yes'", "'On'", "'0'", "1", "0", "true", "'off'")),
    *("{{ '42' | int }}", "{{ 'x' | int }}", "{{ 'x' | int(5) }}", "{{ '0x1f' | int(base=16) }}"),
    *("{{ 'a,b,c' | split(',') }}", "{{ ' a  b ' | split }}", "{{ 'a,b,c' | split(',', 1) }}"),
    *('{{ "it\'s" | quote }}', "{{ 'plain' | quote }}"),
    *("{{ numbers | unique }}", "{{ mixed | unique }}", "{{ ['a', 'A', 'a'] | unique }}"),
    *(
        f"{{{{ numbers | {how}([3, 4]) | sort }}}}"
        for how in ("union", "intersect", "difference", "symmetric_difference")
    ),
    *("{{ mixed | difference([{'b': 2}]) }}", "{{ mixed | union([{'c': 3}]) }}"),
    "{{ mixed | intersect([{'a': 1}]) }}",
    *(
        "{{ lists | flatten }}",
        "{{ lists | flatten(levels=1) }}",
        "{{ lists | flatten(skip_nulls=False) }}",
    ),
    *("{{ users | subelements('keys') }}", "{{ users | subelements('nope', skip_missing=True) }}"),
    *(
        "{{ users | subelements('nope') }}",
        "{{ 'a' | extract(one) }}",
        "{{ 'b' | extract(one, ['c', 1]) }}",
    ),
    *(
        "{{ [0, 2] | map('extract', numbers) | list }}",
        "{{ [1, 2] | zip(['a', 'b', 'c']) | list }}",
    ),
    *("{{ path | ansible.builtin.basename }}", "{{ users | map(attribute='name') | join(',') }}"),
    *("{{ users | selectattr('keys') | list | length }}", "{{ one.b.c | sum }}"),
)


@pytest.fixture(scope="module")
def theirs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, object]]:
    """Ansible's answers to all templates."""
    if find_spec("ansible") is None:
        absent("missing here: ansible-core (./dev setup installs it)")
    home = tmp_path_factory.mktemp("ansible")
    environment = {name: os.environ[name] for name in os.environ if "ANSIBLE" not in name}
    done = subprocess.run(
        [sys.executable, PROGRAM],
        input=json.dumps({"variables": VARIABLES, "templates": TEMPLATES}),
        env={**environment, "ANSIBLE_HOME": str(home)},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        cwd=home,
    )
    return dict(zip(TEMPLATES, json.loads(done.stdout), strict=True))


@pytest.mark.parametrize("text", TEMPLATES)
def test_a_filter_makes_what_ansible_makes(text: str, theirs: dict[str, dict[str, object]]) -> None:
    try:
        ours: dict[str, object] = {"value": Renderer().render(text, VARIABLES)}
    except MisunderstoodError:
        assert "error" in theirs[text], theirs[text]
        return
    assert json.loads(json.dumps(ours)) == theirs[text]


NET = "192.0.2.0/24"


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("{{ '192.0.2.5/24' | ipaddr }}", "192.0.2.5/24"),
        ("{{ 'test' | ipaddr }}", False),
        ("{{ '' | ipaddr }}", False),
        ("{{ ['192.0.2.1', 'x', '2001:db8::1', true] | ipaddr }}", ["192.0.2.1", "2001:db8::1"]),
        ("{{ ['192.0.2.1', '2001:db8::1'] | ipv4 }}", ["192.0.2.1"]),
        ("{{ ['192.0.2.1', '2001:db8::1'] | ipv6 }}", ["2001:db8::1"]),
        ("{{ '192.0.2.5/24' | ipaddr('address') }}", "192.0.2.5"),
        ("{{ '192.0.2.0/24' | ipaddr('address') }}", False),
        ("{{ '192.0.2.5/24' | ipaddr('network') }}", "192.0.2.0"),
        ("{{ '192.0.2.5/24' | ipaddr('subnet') }}", NET),
        ("{{ '192.0.2.5/24' | ipaddr('network/prefix') }}", NET),
        ("{{ '192.0.2.5/24' | ipaddr('netmask') }}", "255.255.255.0"),
        ("{{ '192.0.2.5/24' | ipaddr('hostmask') }}", "0.0.0.255"),
        ("{{ '192.0.2.5/24' | ipaddr('broadcast') }}", "192.0.2.255"),
        ("{{ '192.0.2.5/32' | ipaddr('broadcast') }}", False),
        ("{{ '192.0.2.5/24' | ipaddr('prefix') }}", 24),
        ("{{ '192.0.2.5/24' | ipaddr('size') }}", 256),
        ("{{ '192.0.2.0/24' | ipaddr('net') }}", NET),
        ("{{ '192.0.2.5/24' | ipaddr('net') }}", False),
        ("{{ '192.0.2.0/24' | ipaddr(5) }}", "192.0.2.5/24"),
        ("{{ '192.0.2.0/24' | ipaddr('-1') }}", "192.0.2.255/24"),
        ("{{ '192.0.2.0/24' | ipaddr(256) }}", False),
        ("{{ '192.0.2.0/24' | ipaddr('first_usable') }}", "192.0.2.1"),
        ("{{ '192.0.2.0/24' | ipaddr('last_usable') }}", "192.0.2.254"),
        ("{{ ['10.1.2.3', '192.0.2.1'] | ipaddr('10.0.0.0/8') }}", ["10.1.2.3"]),
        ("{{ ['10.1.2.3', '8.8.8.8'] | ipaddr('private') }}", ["10.1.2.3"]),
        ("{{ ['10.1.2.3', '8.8.8.8'] | ipaddr('public') }}", ["8.8.8.8"]),
        ("{{ '192.0.2.1' | ipaddr('revdns') }}", "1.2.0.192.in-addr.arpa."),
        ("{{ '2001:db8::1' | ipaddr('version') }}", 6),
        ("{{ '2001:db8::1' | ipwrap }}", "[2001:db8::1]"),
        ("{{ '2001:db8::1/64' | ansible.utils.ipwrap }}", "[2001:db8::1]/64"),
        ("{{ 'web1' | ipwrap }}", "web1"),
        ("{{ '2001:db8::/32' | ansible.netcommon.ipaddr('size') }}", 2**96),
    ],
)
def test_addresses_are_as_the_documentation_of_ansible_utils_has_them(
    text: str, value: object
) -> None:
    assert Renderer().render(text, {}) == value


@pytest.mark.parametrize(
    ("text", "what", "hint"),
    [
        ("{{ 1 | basenam }}", "there is no filter `basenam`", "did you mean `basename`?"),
        ("{{ 1 | regex_replce('a') }}", "there is no filter `regex_replce`", "`regex_replace`"),
        ("{{ [1] | shuffle }}", "there is no filter `shuffle`", "docs/inventory.md lists"),
        (r"{{ 'a1' | regex_replace('(', '') }}", "`(` is not a regular expression", ""),
        ("{{ [1] | map('nope') | list }}", "No filter named 'nope'", ""),
        ("{{ '1.1.1.1' | ipaddr('nope') }}", "`nope` is nothing that an address", "a network"),
    ],
)
def test_what_is_not_known_is_told_with_what_may_be_meant(text: str, what: str, hint: str) -> None:
    with pytest.raises(MisunderstoodError) as caught:
        Renderer().render(text, {})
    assert what in caught.value.what
    assert hint in caught.value.hint


def test_the_docs_list_the_filters() -> None:
    page = (Path(__file__).parents[2] / "docs" / "inventory.md").read_text()
    section = page.partition("### Filters")[2].partition("\n## ")[0]
    assert [name for name in ansible_filters.FILTERS if f"`{name}`" not in section] == []
