"""What the functions of an object call: helpers by number, kernel functions by name.

Read from the instructions and their relocations, as libbpf and the kernel do; what can be called
otherwise is told as it is, and nothing allows it.
"""

import bisect
import struct
from collections.abc import Iterator, Mapping

from fleetbpf.frozen import frozen
from fleetbpf.model import helpers, kfuncs
from fleetbpf.model.description import Call
from fleetbpf.objects.elf import Elf
from fleetbpf.objects.source_lines import SourceLines

INSTRUCTION = struct.Struct("<BBhi")
CLASS, OPERATION = 0x07, 0xF0
JUMPS = {0x05, 0x06}  # BPF_JMP, BPF_JMP32
CALL = 0x80  # BPF_CALL, with any source: the kernel knows BPF_K (0x85) only
HELPER, SUBPROGRAM, KERNEL = 0, 1, 2  # the source register: 0, BPF_PSEUDO_CALL, …_KFUNC_CALL
PLAIN_CALL = 0x85
PRINTING = {6, 177}  # BPF_FUNC_trace_printk, BPF_FUNC_trace_vprintk
STRUCT_OPS = ".struct_ops"  # sections of maps that put functions in place of the kernel's


@frozen
class CallSite:
    """One instruction that calls."""

    section: int  # index into the sections
    offset: int  # bytes from the section's begin
    operation: int
    source: int  # register
    number: int


def sites(parts: Elf) -> Iterator[CallSite]:
    """Each instruction that calls, in whatever function."""
    for index, section in enumerate(parts.sections):
        if not section.executable:
            continue
        whole = len(section.content) // INSTRUCTION.size * INSTRUCTION.size
        code = enumerate(INSTRUCTION.iter_unpack(section.content[:whole]))
        for number, (operation, registers, _, immediate) in code:
            if operation & OPERATION == CALL and operation & CLASS in JUMPS:
                yield CallSite(
                    section=index,
                    offset=number * INSTRUCTION.size,
                    operation=operation,
                    source=registers >> 4,
                    number=immediate,
                )


def prints(parts: Elf) -> bool:
    """Whether an instruction anywhere calls a helper that prints into the trace buffer."""
    return any(site.source == HELPER and site.number in PRINTING for site in sites(parts))


def changing(parts: Elf) -> tuple[Call, ...]:
    """What is called beside what only observes, each once for each function."""
    functions, lines, outside = Functions.of(parts), SourceLines.of(parts), undefined(parts)
    found: dict[tuple[str, str], Call] = {}
    for site in sites(parts):
        name = called(site, outside.get((site.section, site.offset)))
        if name and not observes(name):
            function = functions.around(site.section, site.offset)
            place = lines.place(parts.sections[site.section].name, site.offset)
            call = Call(function=function, name=name, place=place)
            found.setdefault((function, name), call)
    replacing = (
        Call(function=section.name, name=STRUCT_OPS.removeprefix("."))
        for section in parts.sections
        if section.name.startswith(STRUCT_OPS)
    )
    return (*found.values(), *replacing)


def called(site: CallSite, symbol: str | None) -> str:
    """The name of what a site calls, "" for a function of the object.

    symbol: what it is relocated to, where that is not in the object: a kernel function, whatever
    the instruction said before (libbpf: RELO_EXTERN_CALL).
    """
    if site.operation != PLAIN_CALL:
        return "an address"
    if symbol is not None:
        return kfuncs.essential(symbol)
    match site.source:
        case 0:
            return helpers.name(site.number) or f"helper number {site.number}"
        case 1:
            return ""
        case 2:
            return f"kernel function number {site.number}"
        case other:
            return f"by way {other}"


def observes(name: str) -> bool:
    """Whether calling it changes nothing on the host."""
    return name in helpers.OBSERVING or kfuncs.observes(name)


def undefined(parts: Elf) -> Mapping[tuple[int, int], str]:
    """The symbols that the object does not define, by the places that are relocated to them."""
    return {
        (each.section, each.offset): parts.symbols[each.symbol].name
        for each in parts.relocations
        if each.symbol < len(parts.symbols) and parts.symbols[each.symbol].section == 0
    }


@frozen
class Functions:
    """Where the functions of an object begin."""

    begins: Mapping[int, tuple[tuple[int, str], ...]]  # by section: offset, name

    @classmethod
    def of(cls, parts: Elf) -> "Functions":
        """The functions of an object."""
        found: dict[int, list[tuple[int, str]]] = {}
        for symbol in parts.symbols:
            if symbol.function:
                found.setdefault(symbol.section, []).append((symbol.offset, symbol.name))
        return cls(begins={section: tuple(sorted(each)) for section, each in found.items()})

    def around(self, section: int, offset: int) -> str:
        """The function that an instruction is in; "?" for code of none."""
        known = self.begins.get(section, ())
        before = bisect.bisect_right(known, offset, key=lambda begin: begin[0])
        return known[before - 1][1] if before else "?"
