"""What is inside a compiled program: functions, constants and maps, as its BTF and ELF tell."""

from enum import StrEnum

from fleetbpf.frozen import frozen
from fleetbpf.model.btf import Types


@frozen
class Function:
    """One BPF function and the ELF section that holds it."""

    name: str
    section: str  # as in SEC("…"): "tracepoint/syscalls/sys_enter_execve", "tp_btf", "?kprobe/x"
    writes: bool = False  # it may write to what it is called with, a uprobe's registers
    held: bool = False  # a map of programs has it from the start: it must be loaded
    called: bool = False  # and only tail calls go there, if no manifest says otherwise

    @property
    def attached(self) -> bool:
        """Whether it goes where its section says, if no manifest says otherwise."""
        return not self.called and not self.section.startswith("?")


class ConstantKind(StrEnum):
    """How a constant's value is written."""

    INTEGER = "integer"
    BOOLEAN = "boolean"  # true or false
    ENUM = "enum"  # a name, or a number
    TEXT = "text"  # a char array; NUL-padded, at least one NUL at its end
    ARRAY = "array"  # element by element: --set sizes[2]=7
    STRUCT = "struct"  # field by field: --set limits.low=1
    OTHER = "other"  # a float or a pointer: it cannot be set


@frozen
class Constant:
    """One `const volatile` global that may be set before the program is loaded."""

    name: str
    section: str  # ".rodata", ".rodata.mine"
    c_type: str  # as its author wrote it, for people: "u64", "enum color", "char[16]"
    size: int  # bytes
    kind: ConstantKind
    type: int  # BTF type id


@frozen
class Map:
    """One map as declared in the section .maps."""

    name: str
    type: int  # enum bpf_map_type
    key_type: int | None  # BTF type id; None where only a size is declared
    value_type: int | None
    key_size: int  # bytes
    value_size: int
    max_entries: int
    shape: str = ""  # of one that all releases of the program share: what they must agree on


@frozen
class EventStruct:
    """A struct that records of a ring buffer may hold."""

    name: str  # "exec_event", of `struct exec_event` or of a typedef
    type: int  # BTF type id
    size: int  # bytes that a record has at least; its tail begins there
    tail: str = ""  # the flexible array at its end


@frozen
class Ring:
    """One ring buffer, and the struct that its definition names as the value's type."""

    name: str
    struct: str = ""
    perf: bool = False  # a perf event array, which is read on request only


@frozen
class Call:
    """A call of something that may change what happens: a helper, or a kernel function."""

    function: str  # that the call is in
    name: str
    place: str = ""  # in the source: "hello.bpf.c:17"


@frozen
class Description:
    """All that the loader's generator, the manifest's checks and `--describe` need to know."""

    program: str  # the source's name without .bpf.c: "hello"
    functions: tuple[Function, ...]  # in the order of the ELF
    constants: tuple[Constant, ...]
    maps: tuple[Map, ...]
    prints: bool  # some function calls bpf_trace_printk or bpf_trace_vprintk
    needs_btf: bool  # it has CO-RE relocations: the kernel must carry BTF, whatever the hooks
    types: Types
    rings: tuple[Ring, ...] = ()
    events: tuple[EventStruct, ...] = ()  # none where there is no ring
    calls: tuple[Call, ...] = ()

    @property
    def spoken_of(self) -> tuple[int, ...]:
        """The ids of the types that a loader or a manifest may speak of."""
        found = (
            *(item.type for item in self.constants),
            *(item.type for item in self.events),
            *(part for item in self.maps for part in (item.key_type, item.value_type)),
        )
        return tuple(filter(None, found))
