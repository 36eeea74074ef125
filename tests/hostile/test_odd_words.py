"""Numbers without an end, homes of nobody, users without a name: each is told at its place."""

import json
import os
from pathlib import Path

import pytest

from fleetbpf.build.event_plan import _Planner
from fleetbpf.cli import main
from fleetbpf.connections.settings import ConnectionSettings, Operator
from fleetbpf.connections.ssh_config import ssh_files
from fleetbpf.connections.ssh_config.resolution import Resolver
from fleetbpf.documents.templating import Renderer
from fleetbpf.errors import ExitCode, InputError, Problem
from fleetbpf.files import homes
from fleetbpf.inventory import inventory
from fleetbpf.manifest import manifest, settings, targets
from fleetbpf.model import btf
from fleetbpf.model.facts import Orphan, OrphanKind
from fleetbpf.model.inventory import Host
from fleetbpf.objects.fields import Field
from fleetbpf.plan import orphans
from fleetbpf.wording import MisunderstoodError

NINES = "9" * 5000
HEX = "0x" + "f" * 5000
BINARY = "0b" + "1" * 20_000
OCTAL = "0o" + "7" * 6000
ENDLESS = {"decimal": NINES, "hex": HEX, "binary": BINARY, "octal": OCTAL, "signed": f"-{HEX}"}
endless = pytest.mark.parametrize("number", ENDLESS.values(), ids=ENDLESS)


@pytest.mark.parametrize(
    "text",
    [
        f"{{{{ {NINES} }}}}",
        f"{{{{ {HEX} }}}}",
        f"{{{{ {BINARY} }}}} bits",
        f"{{% set n = {OCTAL} %}}{{{{ n }}}}",
        "{{ 10 ** 5000 }}",
        "a {{ 10 ** 5000 }}",
        "{{ (10 ** 4000) * (10 ** 4000) }}",
        "{{ ('f' * 5000) | int(base=16) }}",
        "{{ ('f' * 5000) | int(base=16) ~ '' }}",
        "{{ [2 ** 13999, 2 ** 13999, 2 ** 13999] | sum }}",
        "{{ -(('f' * 5000) | int(base=16)) | abs }}",
        "{{ '%d' % (('f' * 5000) | int(base=16)) }}",
        "{% for a in '12' %}" * 25 + "{% endfor %}" * 25,
    ],
    ids=lambda text: text[:40],
)
def test_a_template_is_told_that_its_number_is_too_long(text: str) -> None:
    with pytest.raises(MisunderstoodError, match=r"^the template .* (too l|nested too deeply)"):
        Renderer().render(text, {})


def test_a_number_that_can_be_written_out_stays_one() -> None:
    assert Renderer().render("{{ 10 ** 3000 }}", {}) == 10**3000
    assert Renderer().render("{{ 0xff }}{{ -1 }}", {}) == "255-1"


@endless
@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("hosts.yml", "all: {{hosts: {{a: {{v: {number}}}}}}}"),
        ("hosts.ini", "a v={number}"),
        ("hosts.ini", 'a v=[1,{{"x":{number}}}]'),
        ("hosts.json", '{{"all": {{"hosts": {{"a": {{"v": {number}}}}}}}}}'),
    ],
    ids=["yaml", "ini", "nested", "json"],
)
def test_a_variable_without_an_end_stays_text(
    name: str, text: str, number: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / name
    file.write_text(text.format(number=number))
    code = main(["inventory", "list", "-i", str(file), "--json"])
    told = json.loads(capsys.readouterr().out)
    if code == ExitCode.DONE:
        assert number in str(told)
    else:  # JSON has no other numbers than decimal ones
        assert (code, name) == (ExitCode.USAGE, "hosts.json")


@pytest.mark.parametrize("priority", ["+-5", "--1", "5-", NINES, HEX, f"-{NINES}", "٣", "5.5"])
@pytest.mark.parametrize(
    "text", ["web: {{vars: {{ansible_group_priority: '{0}'}}}}", "[web]\n[web:vars]\n{1}={0}"]
)
def test_a_priority_that_is_no_number_is_told_with_its_place(
    text: str, priority: str, tmp_path: Path
) -> None:
    file = tmp_path / ("hosts.ini" if text.startswith("[") else "hosts.yml")
    file.write_text(text.format(priority, "ansible_group_priority"))
    with pytest.raises(InputError) as raised:
        inventory.read(str(file))
    (problem,) = raised.value.problems
    assert problem.where.startswith(f"{file}:")
    assert "expected a number, found" in problem.what
    assert len(problem.what) < 200


@pytest.mark.parametrize(
    ("where", "what"),
    [
        ("plays.0.serial", "is no size of a batch"),
        ("plays.0.max_fail_percentage", "it must be at most "),
        ("plays.0.health.max_lost", "it must be at most 9223372036854775807"),
        ("programs.hello.constants.limit", "does not fit into 64 bits"),
        ("plays.0.soak", "duration"),
        ("programs.hello.maps.m.prometheus.total.scale", "cannot be multiplied"),
    ],
)
@pytest.mark.parametrize("number", [NINES, HEX, "9" * 400])
def test_a_manifest_is_told_of_a_number_without_an_end(
    where: str, what: str, number: str, tmp_path: Path
) -> None:
    content: dict[str, object] = {
        "name": "demo",
        "programs": {"hello": {"source": "hello.bpf.c", "maps": {"m": {"every": "1s"}}}},
        "plays": [{"hosts": "all", "programs": ["hello"]}],
    }
    put(content, where.split("."), "NUMBER")
    file = tmp_path / "demo.yml"
    file.write_text(json.dumps(content).replace('"NUMBER"', number))
    problems = problems_of(file)
    assert all(problem.where.startswith(f"{file}:") for problem in problems)
    assert all(len(problem.what) < 300 for problem in problems)
    told = " ".join(problem.what for problem in problems)
    # A number of 5,000 digits is text, which a constant may be; a batch of 10^400 hosts is all.
    fine = where.endswith(("limit", "serial"))
    assert what in told or "found a string" in told or (fine and not told)


def problems_of(file: Path) -> tuple[Problem, ...]:
    """What is wrong with a manifest."""
    try:
        targets.resolve(manifest.read(file), inventory.read("web1,"))
    except InputError as error:
        return error.problems
    return ()


def put(content: object, way: list[str], value: object) -> None:
    """Put a value into nested mappings and lists."""
    here, *rest = way
    assert isinstance(content, dict | list)
    key: object = int(here) if isinstance(content, list) else here
    if rest:
        inside = content.setdefault(here, {}) if isinstance(content, dict) else content[int(here)]
        put(inside, rest, value)
    elif isinstance(content, dict):
        content[key] = value


@pytest.mark.parametrize("text", ["07", "-08", "0009"])
def test_a_case_with_leading_zeros_is_a_number(text: str) -> None:
    number = btf.Integer(name="int", size=4, bits=32, signed=True, boolean=False)
    planner = object.__new__(_Planner)
    planner._types = {1: number}
    assert planner._understood(text, Field(type=1, bit_offset=0)) == int(text) % 2**32


@pytest.mark.parametrize(
    "line",
    [
        f"Port {NINES}",
        f"ServerAliveCountMax {NINES}",
        f"ServerAliveInterval {NINES}",
        f"ConnectTimeout {NINES}w",
        "ConnectTimeout ٣",
        "Include ~nobody-is-called-so/config",
        "IdentityFile ~nobody-is-called-so/key",
    ],
    ids=lambda line: line[:40],
)
def test_ssh_options_are_refused_at_their_place(line: str, tmp_path: Path) -> None:
    (tmp_path / ".ssh").mkdir()
    config = tmp_path / ".ssh" / "config"
    config.write_text(f"\n{line}\n")
    operator = Operator(home=tmp_path, user="ann", machine="desk", system=tmp_path)
    host = inventory.read("web1,").hosts["web1"]
    with pytest.raises(InputError) as raised:
        settings_of(host, operator)
    assert all(problem.where.startswith(str(config)) for problem in raised.value.problems)


def settings_of(host: Host, operator: Operator) -> ConnectionSettings:
    """What ssh_config says of a host."""
    files = ssh_files.read(operator)
    return Resolver(operator=operator, files=files, succeeds=lambda _: False).settings(host)


@pytest.mark.parametrize("name", ["log", "inventory", "header_folders"])
@pytest.mark.parametrize("by", ["file", "environment"])
def test_a_setting_is_told_of_a_home_of_nobody(name: str, by: str, tmp_path: Path) -> None:
    environment = {"XDG_CONFIG_HOME": str(tmp_path / "none")}
    if by == "file":
        (tmp_path / "fleetbpf.yml").write_text(f"forks: 5\n{name}: ~nobody-is-called-so/x\n")
    else:
        environment[settings.variable(name)] = "~nobody-is-called-so/x"
    with pytest.raises(InputError) as raised:
        settings.load(environment, folder=tmp_path)
    (problem,) = raised.value.problems
    where = "fleetbpf.yml:2:" if by == "file" else settings.variable(name)
    assert problem.where.startswith(where)
    assert problem.what == "`~nobody-is-called-so/x` has no home folder here"


def test_arguments_of_ssh_may_name_a_home_of_nobody(tmp_path: Path) -> None:
    file = tmp_path / "hosts.yml"
    file.write_text("all: {hosts: {a: {ansible_ssh_args: '-F ~nobody-is-called-so/c'}}}")
    (obstacle,) = inventory.read(str(file)).hosts["a"].obstacles
    assert "has no home folder here" in obstacle.what


@pytest.mark.parametrize("name", ["timeout", "host_timeout"])
@pytest.mark.parametrize("number", ["99999999999999999999", "3000000", NINES, "٣"])
def test_a_time_that_nothing_can_wait_is_refused(
    name: str, number: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "fleetbpf.yml").write_text(f"{name}: {number}\n")
    environment = {"XDG_CONFIG_HOME": str(tmp_path / "none")}
    with pytest.raises(InputError, match=r"it must be at most 1000000|expected a number"):
        settings.load(environment, folder=tmp_path)
    with pytest.raises(SystemExit):
        main(["facts", "all", "-i", "a,", f"--{name.replace('_', '-')}", number])
    assert "is no number of seconds" in capsys.readouterr().err


@pytest.mark.parametrize("option", ["--lock-timeout", "--forks"])
def test_the_command_line_names_what_is_no_number(
    option: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        main(["destroy", "x.yml", option, "999999999d" if "lock" in option else NINES])
    assert "is no " in capsys.readouterr().err


@pytest.fixture
def unknown_user(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a container that runs with any number: no name, no home folder, no variable."""
    for name in ("LOGNAME", "USER", "LNAME", "USERNAME", "HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.delenv("XDG_CONFIG_HOME")
    monkeypatch.setattr("pwd.getpwuid", lambda uid: {}[uid])


@pytest.mark.usefixtures("unknown_user")
def test_a_user_without_a_home_is_told_to_set_one(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["inventory", "list", "-i", "web1,"]) == ExitCode.USAGE
    shown = capsys.readouterr().err
    assert shown.startswith(f"HOME: user {os.getuid()} has no home folder on this machine")


@pytest.mark.usefixtures("unknown_user")
def test_a_user_without_a_name_is_a_number(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert homes.user() == str(os.getuid())
    assert main(["facts", "all", "-i", "web1.invalid,"]) == ExitCode.UNREACHABLE


@pytest.mark.parametrize("what", [NINES, "4194305", "0", "-7", "٣", "x"])
def test_a_loader_whose_number_is_no_process_s_is_none(what: str) -> None:
    odd, sound = (
        Orphan(kind=OrphanKind.PROCESS, deployment="", program="", release="", what=each)
        for each in (what, "77")
    )
    assert orphans.pid([odd]) == 0
    assert orphans.pid([odd, sound]) == 77
