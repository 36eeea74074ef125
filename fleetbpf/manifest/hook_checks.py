"""What is wrong with the hooks that a manifest asks for, as the objects tell; nothing contacted."""

from collections.abc import Iterable, Iterator, Mapping

from fleetbpf.errors import Problem
from fleetbpf.model import hook_kinds, powers
from fleetbpf.model.description import Description, Function
from fleetbpf.model.recipe import Recipe
from fleetbpf.model.target import DesiredHook, DesiredProgram, Target
from fleetbpf.wording import did_you_mean, quoted


def problems(
    targets: Iterable[Target], descriptions: Mapping[Recipe, Description]
) -> tuple[Problem, ...]:
    """All of them, each once for all hosts."""
    programs = (program for target in targets for program in target.programs)
    found = (
        problem for program in programs for problem in of(program, descriptions[program.recipe])
    )
    return tuple(dict.fromkeys(found))


def of(program: DesiredProgram, description: Description) -> Iterator[Problem]:
    """What is wrong with the hooks of one program."""
    for hook in program.hooks:
        names = (hook.function,) if hook.unless is None else (hook.function, hook.unless)
        yield from (unknown(name, hook, description) for name in names if lacks(description, name))
    yield from forbidden(program, description)


def lacks(description: Description, name: str) -> bool:
    """Whether the object has no function of that name."""
    return all(function.name != name for function in description.functions)


def unknown(name: str, hook: DesiredHook, description: Description) -> Problem:
    """A function that is not there."""
    known = [function.name for function in description.functions]
    return Problem(
        where=hook.where,
        what=f"{description.program} has no function {quoted(name)}",
        hint=did_you_mean(name, known, noun="its functions"),
    )


def forbidden(program: DesiredProgram, description: Description) -> Iterator[Problem]:
    """What the program may change on a host though the manifest does not allow it."""
    found = [
        (what, name) for what, name in changes(program, description) if name not in program.allow
    ]
    names = dict.fromkeys((*program.allow, *(name for _, name in found if powers.is_known(name))))
    for what, name in found:
        hint = f"if that is meant, write `allow: [{', '.join(names)}]` here"
        if not powers.is_known(name):
            hint = "nothing allows that: name a hook, a helper or a kernel function that there is"
        told = f"{what}, and the manifest does not allow it"
        yield Problem(where=program.where, what=told, hint=hint)


def changes(program: DesiredProgram, description: Description) -> Iterator[tuple[str, str]]:
    """What the program may change on a host, and by which name a manifest allows it."""
    for name, hook in places(program.hooks, description.functions):
        kind, _ = hook_kinds.split(hook)
        if kind is None:
            what = f"{name} is in the section {quoted(hook)}, which may change what a host does"
            yield what, powers.of_section(hook)
        elif kind.changes:
            yield f"{name} on {hook} may change what the host does", kind.changes
    for function in description.functions:
        if function.writes and may_observe(function, program.hooks):
            what = f"{function.name} writes to registers of what it observes"
            yield f"{what}, which may change what the host does", powers.REGISTERS
    for held in description.maps:
        if held.type in powers.SOCKET_MAPS:
            what = f"{held.name} is a map that takes sockets in, which may change what a host does"
            yield what, powers.SOCKET_MAPS[held.type]
    for call in description.calls:
        place = f" at {call.place}" if call.place else ""
        what = f"{call.function} calls {call.name}{place}, which may change what the host does"
        yield what, call.name


def may_observe(function: Function, hooks: Iterable[DesiredHook]) -> bool:
    """Whether a function may go to a hook that needs no leave: its section's, or another.

    A socket filter may write notes to the packet's copy that it gets (`cb`): nobody else sees them.
    """
    texts = {function.section.removeprefix("?"), *(text for _, text in places(hooks, [function]))}
    kinds = [hook_kinds.split(text)[0] for text in texts]
    return any(kind is None or not (kind.changes or kind.word == "socket") for kind in kinds)


def places(
    hooks: Iterable[DesiredHook], functions: Iterable[Function]
) -> Iterator[tuple[str, str]]:
    """Each function with each hook that it may go to, those of its own section too."""
    wanted = tuple(hooks)
    for function in functions:
        mine = [hook for hook in wanted if hook.function == function.name]
        if not mine and function.attached:
            yield function.name, function.section
        for hook in (each for each in mine if not each.load):
            texts = hook.first_of or (function.section.removeprefix("?"),)
            yield from ((function.name, text) for text in texts)


def btf_user(program: DesiredProgram, description: Description) -> str:
    """A function that must be typed by the kernel's BTF, as "f on fentry/x"; "" = none must."""
    for function, hooks in required(program, description):
        if all(map(is_typed, hooks)):
            return f"{function} on {hooks[0]}"
    return ""


def required(
    program: DesiredProgram, description: Description
) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Each function that must be attached, with the hooks of which one has to work."""
    replaced = {hook.unless for hook in program.hooks}
    for function in description.functions:
        mine = [hook for hook in program.hooks if hook.function == function.name]
        asked = [DesiredHook(function=function.name)] if function.attached else []
        for hook in mine or asked:
            if (
                not hook.load
                and not hook.optional
                and hook.unless is None
                and function.name not in replaced
            ):
                yield function.name, tuple(text for _, text in places([hook], [function]))


def is_typed(hook: str) -> bool:
    """Whether a hook or a section is typed by the kernel's BTF."""
    kind, _ = hook_kinds.split(hook)
    return kind is not None and kind.btf
