"""Functions that write to what they are called with, which no call shows.

Since Linux 6.18 a uprobe's function may change the registers of the process that it is in. So the
context is followed from register 1 through registers and the stack, as the verifier does, but in
less detail: what may be the context counts as it.
"""

import struct
from collections.abc import Iterator
from typing import NamedTuple

from fleetbpf.objects.elf import Elf

SHAPE = struct.Struct("<BBhi")
LOAD_WIDE, LOAD, STORE, STORE_REGISTER, ALU, JUMP, JUMP32, ALU64 = range(8)  # classes
MOVE, ADD, CONSTANT = 0xBF, 0x0F, 0x18
WHOLE = 0x18  # a load or store of 8 bytes, as a pointer has
GO, GO_FAR, CALL, EXIT = 0x05, 0x06, 0x80, 0x90
FRAME = 10  # the register with the end of the stack's frame
CONTEXT, ARGUMENTS, CALLED = 0b10, 0b111110, 0b111111  # registers: 1, 1 to 5, 0 to 5
CALLING_BACK = {164, 180, 181, 209}  # bpf_for_each_map_elem, _find_vma, _loop, _user_ringbuf_drain
SLOTS = 16  # the first bit for the stack, of 8 bytes each; the registers' are below
DEEPEST = 16  # functions that call each other; the kernel takes 8
MOST = 1_000_000  # steps; the kernel's verifier gives up there too


class Instruction(NamedTuple):
    """One instruction."""

    operation: int
    target: int  # register
    source: int  # register
    offset: int
    number: int

    @property
    def kind(self) -> int:
        """Its class."""
        return self.operation & 7


def writes(parts: Elf, section: int, offset: int) -> bool:
    """Whether the function that begins at an offset (bytes) may write to its context."""
    return _Follower(parts).follow(section, offset // SHAPE.size)


class _Follower:
    """Follows the context through a function, and through those that it calls."""

    def __init__(self, parts: Elf) -> None:
        self._parts = parts
        self._symbols = {(each.section, each.offset): each.symbol for each in parts.relocations}
        self._code: dict[int, tuple[Instruction, ...]] = {}
        self._spilled = False  # the context was in memory: whatever is loaded may be it
        self._scattered = False  # it was put where another register led, in the frame too perhaps
        self._lent = False  # a helper got it that calls functions back
        self._wrote = False
        self._steps = 0
        self._done: set[object] = set()  # functions, with what was the context in their arguments

    def follow(self, section: int, first: int) -> bool:
        """Whether it is written to; again from the beginning for what was learnt late."""
        known = None
        while not self._wrote and known != (self._spilled, self._scattered, self._lent):
            known = (self._spilled, self._scattered, self._lent)
            self._done.clear()
            self._function(section, first, CONTEXT, frozenset())
        return self._wrote

    def _function(self, section: int, first: int, state: int, above: frozenset[object]) -> None:
        """Follow one function; a state's bits are registers and slots that may be the context."""
        here = (section, first, state)
        if here in self._done:
            return
        self._done.add(here)
        self._wrote = self._wrote or len(above) > DEEPEST
        code = self._instructions(section)
        states, waiting = {first: state}, [first]
        while waiting and not self._wrote:
            at = waiting.pop()
            self._steps += 1
            if self._steps > MOST:
                self._wrote = True  # too much to tell: it has to be allowed
            elif 0 <= at < len(code):
                after = self._step(section, at, states[at], above | {here})
                for following in ways(at, code[at]):
                    joined = states.get(following, 0) | after
                    if states.get(following) != joined:
                        states[following] = joined
                        waiting.append(following)

    def _step(self, section: int, at: int, state: int, above: frozenset[object]) -> int:
        """The state behind an instruction."""
        each = self._instructions(section)[at]
        match each.kind:
            case 2 | 3:
                return self._stored(each, state)
            case 1:
                return put(state, each.target, value=self._loads(each, state))
            case 7 if each.operation == MOVE:
                return put(state, each.target, value=has(state, each.source))
            case 7 if each.operation == ADD:
                return put(
                    state, each.target, value=has(state, each.target) or has(state, each.source)
                )
            case 4:
                return put(state, each.target, value=False)
            case 7 if each.operation & 0xF0 == MOVE & 0xF0:
                return put(state, each.target, value=False)
            case 0:
                self._calls_back(section, at, each, above)
                return put(state, each.target if each.operation == CONSTANT else 0, value=False)
            case 5 if each.operation & 0xF0 == CALL:
                return self._called(section, at, state, above)
            case _:
                return state

    def _stored(self, each: Instruction, state: int) -> int:
        moved = each.kind == STORE_REGISTER and has(state, each.source)
        if has(state, each.target):
            self._wrote = True
        self._spilled = self._spilled or moved
        if each.target != FRAME:
            self._scattered = self._scattered or moved
        elif each.operation & WHOLE == WHOLE:
            return put(state, slot(each.offset), value=moved)
        return state

    def _loads(self, each: Instruction, state: int) -> bool:
        """Whether what is loaded may be the context."""
        if each.operation & WHOLE != WHOLE:
            return False
        if each.source == FRAME:
            return self._scattered or has(state, slot(each.offset))
        return self._spilled

    def _called(self, section: int, at: int, state: int, above: frozenset[object]) -> int:
        """Behind a call: its arguments are gone, its result may be one of them."""
        each = self._instructions(section)[at]
        given = state & ARGUMENTS
        if each.source == 1:
            place = self._begin(section, at, each)
            self._function(*place, given, above)
            return put(state & ~CALLED, 0, value=bool(given))
        self._lent = self._lent or (each.number in CALLING_BACK and bool(given))
        return state & ~CALLED

    def _calls_back(
        self, section: int, at: int, each: Instruction, above: frozenset[object]
    ) -> None:
        """Follow a function whose address is taken, for a helper to call it."""
        symbol = self._symbols.get((section, at * SHAPE.size))
        if symbol is None or symbol >= len(self._parts.symbols):
            return
        target = self._parts.symbols[symbol].section
        if target < len(self._parts.sections) and self._parts.sections[target].executable:
            place = self._begin(section, at, each._replace(number=each.number // SHAPE.size - 1))
            self._function(*place, ARGUMENTS if self._lent else 0, above)

    def _begin(self, section: int, at: int, each: Instruction) -> tuple[int, int]:
        """Where the function begins that an instruction names (libbpf: RELO_CALL)."""
        symbol = self._symbols.get((section, at * SHAPE.size))
        if symbol is None or symbol >= len(self._parts.symbols):
            return section, at + each.number + 1
        found = self._parts.symbols[symbol]
        return found.section, found.offset // SHAPE.size + each.number + 1

    def _instructions(self, section: int) -> tuple[Instruction, ...]:
        if section not in self._code:
            known = section < len(self._parts.sections)
            content = self._parts.sections[section].content if known else b""
            whole = content[: len(content) // SHAPE.size * SHAPE.size]
            self._code[section] = tuple(
                Instruction(operation, registers & 0xF, registers >> 4, offset, number)
                for operation, registers, offset, number in SHAPE.iter_unpack(whole)
            )
        return self._code[section]


def ways(at: int, each: Instruction) -> Iterator[int]:
    """The instructions that may come next."""
    operation = each.operation & 0xF0
    jumps = each.kind in {JUMP, JUMP32} and operation != CALL
    if jumps and operation == EXIT:
        return
    if each.operation == GO_FAR:
        yield at + each.number + 1
        return
    if jumps:
        yield at + each.offset + 1
    if each.operation != GO:
        yield at + (2 if each.operation == CONSTANT else 1)


def slot(offset: int) -> int:
    """The bit for 8 bytes of the stack."""
    return SLOTS + min(max(-offset // 8, 0), 64)


def has(state: int, bit: int) -> bool:
    """Whether a register or a slot may be the context."""
    return bool(state >> bit & 1)


def put(state: int, bit: int, *, value: bool) -> int:
    """The state with a register or a slot that may, or cannot, be the context."""
    return state | 1 << bit if value else state & ~(1 << bit)
