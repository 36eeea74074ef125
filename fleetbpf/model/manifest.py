"""The manifest's format: frozen pydantic models, which are its JSON Schema as well."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, PrivateAttr, StrictBool, StrictStr

from fleetbpf.documents.source import Document
from fleetbpf.model.hook_entry import Hooks
from fleetbpf.model.rollout import Count, Percentage, Serial
from fleetbpf.model.target import DEFAULT_SPOOL_LIMIT, DEFAULT_TRACE_BUFFER
from fleetbpf.model.values import (
    CaseValue,
    ConstantValue,
    CronTime,
    DeploymentName,
    Duration,
    EntryPath,
    Expected,
    FieldPath,
    FolderText,
    HintName,
    Histogram,
    Identifier,
    KernelRange,
    LabelName,
    ManifestId,
    MetricName,
    Name,
    ObjectName,
    Pattern,
    Percent,
    Power,
    Rate,
    Scale,
    Size,
    SourceName,
    Text,
    VariableName,
    Wait,
    at_least,
)

MIB = 1024 * 1024
SMALLEST_TRACE_BUFFER = 4096  # one page per CPU
SMALLEST_SPOOL = 64 * 1024
SMALLEST_MEMORY = MIB
SMALLEST_RECORD = 256


class Model(BaseModel):
    """What all parts of a manifest have in common: they do not change, and know all their keys."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Metric(Model):
    """What a map is in Prometheus' eyes."""

    type: (
        Annotated[Literal["counter", "gauge", "histogram"], Expected("counter, gauge or histogram")]
        | None
    ) = Field(None, description="left out: counter, or histogram for one")
    help: Text = Field("", description="what the metric tells")
    labels: Annotated[
        dict[LabelName, EntryPath], Expected("a mapping of labels to places in an entry")
    ] = Field({}, description="label: where in an entry its value is, `key` or `key.comm`")
    value: EntryPath = Field("value", description="where in an entry the number is")
    scale: Scale = Field(1.0, description="what numbers and bounds are multiplied with")


class MapReadout(Model):
    """A map whose contents are read out again and again."""

    every: Duration = Field(description="time between two readouts")
    per_cpu: Annotated[Literal["list", "sum"], Expected("`list` or `sum`")] = Field(
        "list", description="of a per-CPU map: the value of each processor, or their sum"
    )
    clear: StrictBool = Field(
        default=False, description="take out of a hash what has been read: each record has the news"
    )
    histogram: Histogram | None = Field(
        None, description="log2 or {linear: STEP}: what the slots in keys or values stand for"
    )
    stacks: Annotated[
        dict[EntryPath, Identifier], Expected("a mapping of places in an entry to maps")
    ] = Field({}, description="place in an entry: the stack trace map that has its stack")
    prometheus: Annotated[
        dict[MetricName, Annotated[Metric, Expected("a mapping like {labels: {command: key}}")]],
        Expected("a mapping of metrics to what they are"),
    ] = Field({}, description="metrics of the map, for node_exporter's textfile collector")


class Events(Model):
    """A ring buffer whose records become events."""

    struct: Identifier | None = Field(
        None, description="what a record is; left out, the value type in the ring's definition"
    )
    by: FieldPath | None = Field(
        None, description="where a record is one of several structs, the field that tells which"
    )
    structs: Annotated[
        dict[CaseValue, Identifier], Expected("a mapping of the field's values to structs")
    ] = Field({}, description="value of the field `by`, an enum's name or a number: struct")
    fields: Annotated[
        dict[FieldPath, HintName], Expected("a mapping of fields to what they are")
    ] = Field({}, description="field: what it is, where its type does not say it")


class Trace(Model):
    """What becomes of the lines that a program prints with bpf_printk."""

    buffer: Annotated[Size, at_least(SMALLEST_TRACE_BUFFER, "4KiB")] = Field(
        DEFAULT_TRACE_BUFFER,
        description="the kernel's buffer, per CPU",
        json_schema_extra={"default": "4MiB"},
    )


class Requires(Model):
    """What a host must have for the program to be put there."""

    kernel: KernelRange = Field("", description="the oldest kernel that will do")
    btf: StrictBool = Field(default=False, description="the kernel must have BTF")


class Limits(Model):
    """What a program may use on a host."""

    memory: Annotated[Size, at_least(SMALLEST_MEMORY, "1MiB")] | None = Field(
        None, description="the loader's memory"
    )
    cpu: Percent | None = Field(None, description="the loader's time; 100% is one CPU")
    spool: Annotated[Size, at_least(SMALLEST_SPOOL, "64KiB")] = Field(
        DEFAULT_SPOOL_LIMIT,
        description="records kept on the host; the oldest go first",
        json_schema_extra={"default": "256MiB"},
    )
    rate: Rate | None = Field(
        None, description="lines and events a second; what is above is counted as lost"
    )
    record: Annotated[Size, at_least(SMALLEST_RECORD, "256B")] | None = Field(
        None, description="one record in the spool; a larger one is counted as lost"
    )


class Program(Model):
    """One BPF program: its source or object, and how it is attached and read."""

    model_config = ConfigDict(
        json_schema_extra={"oneOf": [{"required": ["source"]}, {"required": ["object"]}]}
    )

    source: SourceName | None = Field(
        None, description="a .bpf.c file beside the manifest, else in programs/"
    )
    object: ObjectName | None = Field(
        None, description="in place of a source: what a compiler has made of one"
    )
    hooks: Annotated[dict[Identifier, Hooks], Expected("a mapping of functions to hooks")] = Field(
        {}, description="BPF function: hook; left out, the source's SEC() counts"
    )
    allow: Annotated[tuple[Power, ...], Expected("a list of hooks and helpers")] = Field(
        (), description="what the program may do beside observing: [xdp, bpf_send_signal]"
    )
    constants: Annotated[
        dict[Identifier, ConstantValue], Expected("a mapping of constants to values")
    ] = Field({}, description="values of `const volatile` globals")
    maps: Annotated[
        dict[Identifier, Annotated[MapReadout, Expected("a mapping like {every: 10s}")]],
        Expected("a mapping of maps to readouts"),
    ] = Field({}, description="maps whose contents become records")
    events: Annotated[
        dict[Identifier, Annotated[Events, Expected("a mapping like {struct: exec_event}")]],
        Expected("a mapping of ring buffers to what is in them"),
    ] = Field({}, description="ring buffers whose records become events")
    trace: Annotated[Trace, Expected("a mapping like {buffer: 4MiB}")] = Trace()
    requires: Annotated[Requires, Expected('a mapping like {kernel: ">=5.10", btf: true}')] = (
        Requires()
    )
    limits: Annotated[Limits, Expected("a mapping like {memory: 64MiB, cpu: 20%}")] = Limits()

    @property
    def file(self) -> str:
        """The name of its source or object."""
        return self.source or self.object or ""


class HealthRules(Model):
    """What a new release must keep to while it soaks, before the old one stops."""

    max_lost: Count | None = Field(None, description="records that may be lost")
    min_records: Count | None = Field(None, description="records that there must be")
    max_restarts: Count = Field(0, description="times that it may die and come back")
    max_cpu: Percent | None = Field(None, description="its time; 100% is one CPU")


class Play(Model):
    """Which programs run on which hosts, and how a change gets there."""

    hosts: Pattern = Field(description="a host pattern, as in Ansible: web:&prod:!web3")
    programs: Annotated[
        tuple[Annotated[StrictStr, Expected("a program's name")], ...],
        Field(min_length=1),
        Expected("a list of program names"),
    ]
    become: StrictBool = Field(default=False, description="act as root through sudo")
    vars: Annotated[dict[VariableName, object], Expected("a mapping of variables to values")] = (
        Field({}, description="variables for the templates in this play's programs")
    )
    expires: Duration | None = Field(
        None, description="how long its programs run after an activation; the host ends them"
    )
    serial: Serial = Field(
        (), description="hosts a batch, one batch after the other: 5, 25%, or a list: [1, 10%]"
    )
    max_fail_percentage: Percentage | None = Field(
        None, description="of a batch; when more fail, no further one begins. With serial: 0"
    )
    pause: Wait | None = Field(None, description="time between a batch and the next")
    soak: Wait | None = Field(
        None, description="time that a new release must stay healthy before the old one stops"
    )
    health: Annotated[HealthRules, Expected("a mapping like {max_lost: 0}")] = Field(
        HealthRules(), description="what it must keep to meanwhile"
    )
    rollback: StrictBool = Field(
        default=False, description="when a rollout is stopped, put back what it has changed"
    )


class Known(Model):
    """BPF of somebody else that is allowed to be on a host."""

    name: Annotated[Text, Expected("a program's name or glob")]
    owner: Text = Field(
        "",
        description="the executable that holds it: its whole path, a glob, or its name in a folder "
        "of the system's",
    )
    type: Text = Field("*", description="its type in the kernel, a glob: cgroup_device")


class Audit(Model):
    """How the fleet is compared with the manifest."""

    cron: CronTime | None = Field(None, description="when: a crontab's five fields")
    known: Annotated[
        tuple[Annotated[Known, Expected("a mapping like {name: sd_*, owner: systemd}")], ...],
        Expected("a list of known BPF programs"),
    ] = ()
    defaults: StrictBool = Field(
        default=True,
        description="whether BPF of the distribution's own is known as well: `fleetbpf audit "
        "--show-known`",
    )


class Manifest(Model):
    """Which BPF programs run on which hosts."""

    name: DeploymentName = Field(description="names units, spool and logs on each host")
    id: ManifestId | None = Field(
        None,
        description="tells the manifest apart from others with its `name`, wherever it lies; left "
        "out, its path in its git repository does, or its path",
    )
    programs: Annotated[
        dict[
            Name,
            Annotated[Program, Expected("a program, a mapping like {source: hello.bpf.c}")],
        ],
        Field(min_length=1),
        Expected("a mapping of names to programs"),
    ]
    plays: Annotated[
        tuple[
            Annotated[Play, Expected("a play, a mapping with `hosts` and `programs`")],
            ...,
        ],
        Field(min_length=1),
        Expected("a list of plays"),
    ]
    btf: Text | None = Field(
        None,
        description="a folder beside the manifest with BTF for kernels that have none: "
        "<release>.btf, or as in BTFHub",
    )
    textfile: FolderText | None = Field(
        None, description="the folder on the hosts that node_exporter reads metrics from"
    )
    audit: Annotated[Audit, Expected("a mapping with `cron` and `known`")] = Audit()

    _document: Document = PrivateAttr()

    def model_post_init(self, context: object) -> None:
        """Keep the document that the manifest was read from."""
        if isinstance(context, Document):
            self._document = context

    @property
    def path(self) -> Path:
        """The manifest's file."""
        return self._document.path

    @property
    def folder(self) -> Path:
        """Where it lies: what its programs may read."""
        return self.path.absolute().parent

    @property
    def btf_folder(self) -> Path | None:
        """The folder with BTF for kernels that have none."""
        return None if self.btf is None else self.path.parent / self.btf

    def place(self, *location: str | int) -> str:
        """Where the key at `location` was written: "hello.yml:4:3"."""
        return self._document.where(self._document.key_place(*location))

    def value_place(self, *location: str | int) -> str:
        """Where the value at `location` was written: "hello.yml:4:11"."""
        return self._document.where(self._document.value_place(*location))
