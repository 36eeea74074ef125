"""What is wrong with the hooks that a manifest asks for, as the objects tell; nothing contacted."""

from collections.abc import Iterable, Iterator, Mapping

from fleetbpf.errors import Problem
from fleetbpf.model import hook_kinds
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
    for function, hook in places(program.hooks, description.functions):
        kind, _ = hook_kinds.split(hook)
        if kind is not None and kind.changes and kind.changes not in program.allow:
            what = f"{function} on {hook} may change what the host does"
            yield disallowed(what, kind.changes, program)
    for call in description.calls:
        if call.helper not in program.allow:
            what = f"{call.function} calls {call.helper}, which changes what the host does"
            yield disallowed(what, call.helper, program)


def disallowed(what: str, name: str, program: DesiredProgram) -> Problem:
    """Something that the manifest has to allow by name."""
    names = ", ".join((*program.allow, name))
    return Problem(
        where=program.where,
        what=f"{what}, and the manifest does not allow it",
        hint=f"if that is meant, write `allow: [{names}]` here",
    )


def places(
    hooks: Iterable[DesiredHook], functions: Iterable[Function]
) -> Iterator[tuple[str, str]]:
    """Each function with each hook that it may go to, those of its own section too."""
    wanted = tuple(hooks)
    for function in functions:
        mine = [hook for hook in wanted if hook.function == function.name]
        if not mine and not function.section.startswith("?"):
            yield function.name, function.section
        for hook in mine:
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
        asked = [] if function.section.startswith("?") else [DesiredHook(function=function.name)]
        for hook in mine or asked:
            if not hook.optional and hook.unless is None and function.name not in replaced:
                yield function.name, tuple(text for _, text in places([hook], [function]))


def is_typed(hook: str) -> bool:
    """Whether a hook or a section is typed by the kernel's BTF."""
    kind, _ = hook_kinds.split(hook)
    return kind is not None and kind.btf
