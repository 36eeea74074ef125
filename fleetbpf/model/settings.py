"""The format of fleetbpf.yml: what a person wants of every run, whatever the manifest says."""

import os
from pathlib import Path, PurePosixPath
from typing import Annotated, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    Strict,
    StrictInt,
    WithJsonSchema,
)

from fleetbpf.defaults import (
    DEFAULT_FORKS,
    DEFAULT_LOCK_TIMEOUT,
    DEFAULT_MIRROR_LIMIT,
    DEFAULT_ROOT,
    LONGEST_WAIT,
)
from fleetbpf.files import homes
from fleetbpf.model.layout import root_folder
from fleetbpf.model.values import Expected, Size, Text, Wait, at_least, at_most

LOG_OFF = "off"


def with_home(text: str) -> str:
    """Refuse `~ann/…` where this machine knows no home folder of ann; hosts are no path."""
    if "," not in text:
        homes.expanded(text)
    return text


def state_file() -> str:
    """Where the log is by the XDG Base Directory Specification."""
    base = os.environ.get("XDG_STATE_HOME") or homes.home() / ".local" / "state"
    return str(Path(base, "fleetbpf", "commands.log"))


Count = Annotated[StrictInt, at_least(1, "1"), Expected("a number")]
Seconds = Annotated[Count, at_most(LONGEST_WAIT, f"{LONGEST_WAIT}"), Expected("a number")]
Verbosity = Annotated[Literal[-1, 0, 1, 2], Expected("-1 (quiet), 0, 1 or 2")]
Color = Annotated[Literal["auto", "always", "never"], Expected("auto, always or never")]
PathText = Annotated[Text, AfterValidator(with_home)]
Sources = Annotated[
    tuple[PathText, ...],
    BeforeValidator(lambda value: [value] if isinstance(value, str) else value),
    WithJsonSchema({"type": ["string", "array"], "items": {"type": "string"}}),
    Expected("an inventory or a list of them"),
]
Folders = Annotated[
    tuple[PathText, ...],
    BeforeValidator(lambda value: [value] if isinstance(value, str) else value),
    WithJsonSchema({"type": ["string", "array"], "items": {"type": "string"}}),
    Expected("a folder or a list of them"),
]
LogFile = Annotated[
    PathText,
    BeforeValidator(lambda value: LOG_OFF if value is False else value),
    WithJsonSchema({"type": ["string", "boolean"]}),
    Expected("a file, or `off`"),
]


RootFolder = Annotated[
    PurePosixPath,
    BeforeValidator(lambda value: root_folder(value) if isinstance(value, str) else value),
    Strict(),
    WithJsonSchema({"type": "string"}),
    Expected("a folder of hosts, as /opt/fleetbpf"),
]


class Settings(BaseModel):
    """What fleetbpf.yml and the FLEETBPF_* variables can say."""

    # A setting that is an option as well has the option's name (its `dest`); the option then has
    # no default of its own, so that cli.settings sees whether the command line gave it.
    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        title="fleetbpf.yml",
        defer_build=True,  # until something is validated: most people have no such file
    )

    inventory: Sources = Field((), description="where the hosts are, as `-i` takes it")
    header_folders: Folders = Field(
        (),
        description="folders that programs may read, beside their project's and the system's",
    )
    forks: Count = Field(DEFAULT_FORKS, description="hosts at once")
    timeout: Seconds | None = Field(
        None,
        description="seconds to connect to a host and log in there; 10 to connect, or "
        "`ConnectTimeout` of ssh_config, and 60 in all when left out",
    )
    host_timeout: Seconds | None = Field(
        None, description="seconds that a host may take in all; as long as it needs when left out"
    )
    lock_timeout: Wait = Field(
        DEFAULT_LOCK_TIMEOUT,
        description="how long to wait for another fleetbpf at work on a host, as `10m`",
        json_schema_extra={"default": f"{DEFAULT_LOCK_TIMEOUT:g}s"},
    )
    mirror_limit: Size = Field(
        DEFAULT_MIRROR_LIMIT,
        description="the most that `logs/` keeps of one host, in bytes and one file or folder for "
        "each 64 KiB: `4GiB` when left out",
        json_schema_extra={"default": "4GiB"},
    )
    password_command: Text | None = Field(
        None, description="a command that prints the password to log in with"
    )
    become_password_command: Text | None = Field(
        None, description="a command that prints the password of sudo, doas or su"
    )
    key_passphrase_command: Text | None = Field(
        None, description="a command that prints the passphrase of encrypted keys"
    )
    color: Color = Field("auto", description="colors in what is said: on a terminal, always, never")
    verbosity: Verbosity = Field(
        0, description="-1 is --quiet, 1 and 2 are -v and -vv", json_schema_extra={"default": 0}
    )
    root: RootFolder = Field(
        PurePosixPath(DEFAULT_ROOT),
        description="fleetbpf's folder on hosts that have no `fleetbpf_root` in the inventory",
        json_schema_extra={"default": DEFAULT_ROOT},
    )
    log: LogFile = Field(
        default_factory=state_file,
        description="every command that is sent to a host is told there, secrets masked; or `off`",
    )
