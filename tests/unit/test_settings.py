"""fleetbpf.yml and the variables: which wins, what is wrong, and what nobody should trust."""

from pathlib import Path

import pytest

from fleetbpf import cli
from fleetbpf.cli.settings import settle, shown
from fleetbpf.errors import InputError
from fleetbpf.manifest import settings
from fleetbpf.model.settings import Settings


@pytest.fixture
def home(tmp_path: Path) -> dict[str, str]:
    """An environment whose user has a fleetbpf.yml of their own."""
    folder = tmp_path / "config" / "fleetbpf"
    folder.mkdir(parents=True)
    (folder / "fleetbpf.yml").write_text("forks: 1\ncolor: never\ninventory: hosts\n")
    return {"XDG_CONFIG_HOME": str(tmp_path / "config")}


@pytest.fixture
def here(tmp_path: Path) -> Path:
    folder = tmp_path / "here"
    folder.mkdir(mode=0o755)
    return folder


def test_the_environment_wins_over_this_folder_and_that_over_the_user(
    home: dict[str, str], here: Path
) -> None:
    (here / "fleetbpf.yml").write_text("forks: 2\nverbosity: 1\n")
    loaded = settings.load({**home, "FLEETBPF_FORKS": "3"}, folder=here)
    found = loaded.settings
    assert (found.forks, found.verbosity, found.color) == (3, 1, "never")
    assert loaded.origin("forks") == "FLEETBPF_FORKS"
    assert loaded.origin("verbosity") == "fleetbpf.yml:2:12"
    assert loaded.origin("color").endswith("config/fleetbpf/fleetbpf.yml:2:8")
    assert loaded.origin("log") == "built in"


def test_the_command_line_wins_over_all(home: dict[str, str], here: Path) -> None:
    options = cli.parser().parse_args(["status", "m.yml", "--forks", "9"])
    settle(options, settings.load(home, folder=here))
    assert (options.forks, options.color) == (9, "never")


def test_a_relative_path_begins_at_its_own_file(home: dict[str, str], here: Path) -> None:
    found = settings.load(home, folder=here).settings
    assert found.inventory == (f"{home['XDG_CONFIG_HOME']}/fleetbpf/hosts",)


def test_a_list_of_hosts_is_no_path(home: dict[str, str], here: Path) -> None:
    found = settings.load({**home, "FLEETBPF_INVENTORY": "a,b"}, folder=here).settings
    assert found.inventory == ("a,b",)


def test_everything_wrong_is_told_at_once_with_its_place(here: Path) -> None:
    (here / "fleetbpf.yml").write_text("frks: 2\nverbosity: loud\n")
    with pytest.raises(InputError) as raised:
        settings.load({"FLEETBPF_FORKS": "0", "XDG_CONFIG_HOME": "/none"}, folder=here)
    assert str(raised.value) == (
        "fleetbpf.yml:1:1: unknown key `frks`\n  hint: did you mean `forks`?\n"
        "fleetbpf.yml:2:12: expected -1 (quiet), 0, 1 or 2, found a string\n"
        "FLEETBPF_FORKS: too little: it must be at least 1"
    )


def test_a_file_where_everybody_may_write_is_passed_over(home: dict[str, str], here: Path) -> None:
    (here / "fleetbpf.yml").write_text("forks: 2\n")
    here.chmod(0o777)
    loaded = settings.load(home, folder=here)
    assert loaded.settings.forks == 1
    assert "everybody may write" in loaded.warnings[0]


def test_a_file_that_is_named_is_read_wherever_it_is(home: dict[str, str], here: Path) -> None:
    (here / "other.yml").write_text("forks: 2\n")
    here.chmod(0o777)
    named = {**home, "FLEETBPF_SETTINGS": str(here / "other.yml")}
    assert settings.load(named, folder=here).settings.forks == 2


def test_a_file_that_is_named_must_be_there(here: Path) -> None:
    named = {"FLEETBPF_SETTINGS": str(here / "none.yml"), "XDG_CONFIG_HOME": "/none"}
    with pytest.raises(InputError, match="cannot read it"):
        settings.load(named, folder=here)


def test_a_variable_that_is_misspelt_is_told_and_others_are_not() -> None:
    names = ("FLEETBPF_FROKS", "FLEETBPF_FORKS", "FLEETBPF_PASSWORD", "FLEETBPF_SETTINGS")
    assert list(settings.misspelt(dict.fromkeys(names, "1"))) == [
        "FLEETBPF_FROKS is no setting: did you mean FLEETBPF_FORKS?"
    ]


def test_a_file_of_comments_says_nothing(here: Path) -> None:
    (here / "fleetbpf.yml").write_text("# forks: 2\n\n")
    assert settings.load({"XDG_CONFIG_HOME": "/none"}, folder=here).origins == {}


def test_off_turns_the_log_off_in_a_file_and_in_the_environment(here: Path) -> None:
    (here / "fleetbpf.yml").write_text("log: off\n")
    assert settings.load({"XDG_CONFIG_HOME": "/none"}, folder=here).settings.log == "off"
    in_environment = {"XDG_CONFIG_HOME": "/none", "FLEETBPF_LOG": "off"}
    assert settings.load(in_environment, folder=here).settings.log == "off"


@pytest.mark.parametrize(
    ("value", "text"), [(None, ""), (("a", "b"), "a, b"), (3.0, "3s"), (0, "0"), ("auto", "auto")]
)
def test_a_value_is_shown_as_it_is_written(value: object, text: str) -> None:
    assert shown("forks", value) == text


def test_every_setting_has_a_description() -> None:
    assert [name for name, f in Settings.model_fields.items() if not f.description] == []
