"""What each host shall run: plays matched with hosts, and every value rendered for its host."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from enum import Enum
from pathlib import Path

from fleetbpf.documents.templating import Renderer, is_template
from fleetbpf.errors import InputError, Problem
from fleetbpf.frozen import frozen
from fleetbpf.inventory import patterns
from fleetbpf.manifest import constants
from fleetbpf.manifest import manifest as manifests
from fleetbpf.model.hook import Hook
from fleetbpf.model.inventory import Host, Inventory
from fleetbpf.model.manifest import Manifest, MapReadout, Play, Program
from fleetbpf.model.rollout import Rollout
from fleetbpf.model.target import (
    DesiredConstant,
    DesiredHook,
    DesiredMetric,
    DesiredProgram,
    DesiredReadout,
    Target,
)
from fleetbpf.model.values import folder
from fleetbpf.wording import MisunderstoodError, listed, quoted

LIMIT = "--limit"


class Scope(Enum):
    """Which hosts a run is about."""

    NAMED = "named"  # by the manifest's plays
    ALL = "all"  # of the inventory


@frozen
class Assignment:
    """One host with the plays, by their index, that name it."""

    host: Host
    plays: tuple[int, ...]


def resolve(
    manifest: Manifest,
    inventory: Inventory,
    *,
    limit: str | None = None,
    scope: Scope = Scope.NAMED,
) -> tuple[Target, ...]:
    """Everything declared, per host, in the inventory's order.

    Only hosts that match `limit`; with Scope.ALL those as well, after the others, that no play
    names: nothing is declared for them. Raises InputError with all problems: a play or a limit
    without hosts, undefined variables, hooks that are none, missing sources.
    """
    assigned, others, problems = assignments(manifest, inventory, limit, scope)
    problems += (*manifests.missing_sources(manifest), *manifests.missing_btf(manifest))
    rendering = Rendering(manifest, extra=inventory.extra)
    targets = [rendering.target(assignment) for assignment in assigned]
    InputError.raise_if_any([*problems, *rendering.problems()])
    return (*targets, *(unnamed(host, manifest) for host in others))


def unnamed(host: Host, manifest: Manifest) -> Target:
    """A host that no play names: it comes after those of all plays."""
    become = host.become if host.become is not None else any(p.become for p in manifest.plays)
    rollout = Rollout(play=len(manifest.plays))
    return Target(host=host, become=become, programs=(), rollout=rollout)


def hosts(
    manifest: Manifest, inventory: Inventory, *, limit: str | None = None
) -> tuple[tuple[Host, bool], ...]:
    """The hosts that the plays name, and whether to become root there; renders nothing."""
    assigned, _, problems = assignments(manifest, inventory, limit)
    InputError.raise_if_any(problems)
    return tuple((each.host, becomes(each, manifest)) for each in assigned)


def assignments(
    manifest: Manifest, inventory: Inventory, limit: str | None, scope: Scope = Scope.NAMED
) -> tuple[list[Assignment], list[Host], list[Problem]]:
    """Which plays name which hosts, the other hosts of the scope, and what is wrong."""
    problems: list[Problem] = []
    chosen: dict[str, list[int]] = {}
    for index, play in enumerate(manifest.plays):
        where = manifest.value_place("plays", index, "hosts")
        for host in selected(play.hosts, inventory, where, problems):
            chosen.setdefault(host.name, []).append(index)
    allowed = inventory.hosts.keys()
    if limit is not None:
        allowed = {host.name: host for host in selected(limit, inventory, LIMIT, problems)}.keys()
        if allowed and chosen and scope is Scope.NAMED and not allowed & chosen.keys():
            what = f"no play of {manifest.path} names a host of {quoted(limit)}"
            problems.append(Problem(where=LIMIT, what=what))
    found = [
        Assignment(host=host, plays=tuple(chosen[name]))
        for name, host in inventory.hosts.items()
        if name in chosen and name in allowed
    ]
    others = [
        host
        for name, host in inventory.hosts.items()
        if scope is Scope.ALL and name in allowed and name not in chosen
    ]
    every = (*(each.host for each in found), *others)
    return found, others, [*problems, *obstacles(every)]


def obstacles(hosts: Iterable[Host]) -> Iterator[Problem]:
    """What fleetbpf cannot do for these hosts, each told once for all of them."""
    found: dict[Problem, list[str]] = {}
    for host in hosts:
        for problem in host.obstacles:
            found.setdefault(problem, []).append(host.name)
    for problem, names in found.items():
        yield replace(problem, what=f"{problem.what} (for {listed(names)})")


def selected(
    pattern: str, inventory: Inventory, where: str, problems: list[Problem]
) -> tuple[Host, ...]:
    """The hosts of a pattern; what is wrong with it is added to `problems`."""
    try:
        return patterns.chosen(pattern, inventory, where=where)
    except InputError as error:
        problems += error.problems
        return ()


def becomes(assignment: Assignment, manifest: Manifest) -> bool:
    """Whether to act as root: what the host says, else whether one of its plays does."""
    if assignment.host.become is not None:
        return assignment.host.become
    return any(manifest.plays[index].become for index in assignment.plays)


@frozen
class Complaint:
    """What is wrong with a value, whichever hosts it was rendered for."""

    where: str
    what: str
    hint: str = ""


class Rendering:
    """Renders programs for hosts; collects what goes wrong, told once for all its hosts."""

    def __init__(self, manifest: Manifest, *, extra: frozenset[str]) -> None:
        """`extra` are the variables that win over those of a play, which win over a host's."""
        self._manifest = manifest
        self._extra = extra
        self._renderer = Renderer()
        self._same_everywhere: dict[str, DesiredProgram] = {}
        self._complaints: dict[Complaint, dict[str, None]] = {}

    def problems(self) -> list[Problem]:
        """All that went wrong so far, each with its hosts."""
        return [
            Problem(
                where=complaint.where,
                what=f"{complaint.what} (for {listed(list(hosts))})",
                hint=complaint.hint,
            )
            for complaint, hosts in self._complaints.items()
        ]

    def target(self, assignment: Assignment) -> Target:
        """Everything that the plays declare for this host."""
        programs: dict[str, tuple[DesiredProgram, int]] = {}
        for index in assignment.plays:
            play = self._manifest.plays[index]
            variables = self._variables(assignment.host, play)
            for name in play.programs:
                desired = self._program(name, assignment.host, variables)
                desired = replace(desired, expires=seconds(play.expires))
                first, first_index = programs.setdefault(name, (desired, index))
                if first != desired:
                    self._contradiction(name, assignment.host, first_index, index)
        target = Target(
            host=assignment.host,
            become=becomes(assignment, self._manifest),
            programs=tuple(
                programs[name][0] for name in self._manifest.programs if name in programs
            ),
            rollout=manifests.rollout(self._manifest, assignment.plays[0]),
        )
        said = assignment.host.architecture
        return target.on(said) if said is not None else target

    def _variables(self, host: Host, play: Play) -> Mapping[str, object]:
        """What templates may name; a play's variables win over the host's, `-e` over both."""
        extra = {name: host.variables[name] for name in self._extra}
        return {**host.variables, **play.vars, **extra, **host.magic}

    def _contradiction(self, program: str, host: Host, first: int, second: int) -> None:
        """Two plays put the same program on one host, with different values."""
        places = [self._manifest.value_place("plays", play) for play in (first, second)]
        self._complain(
            places[1],
            f"the program {quoted(program)} gets other values here than in the play at {places[0]}",
            "one host runs a program once: give it a second name, or the plays different hosts",
            host=host,
        )

    def _program(self, name: str, host: Host, variables: Mapping[str, object]) -> DesiredProgram:
        """The program for one host; rendered once for all when it holds no template."""
        if name in self._same_everywhere:
            return self._same_everywhere[name]
        program = self._manifest.programs[name]
        desired = DesiredProgram(
            name=name,
            source=manifests.locate(self._manifest, name) or Path(program.file),
            hooks=tuple(self._hooks(name, program, host, variables)),
            allow=program.allow,
            constants=tuple(self._constants(name, program, host, variables)),
            readouts=tuple(desired_readouts(self._manifest, name)),
            textfile=self._textfile(program, host, variables),
            events=manifests.events(self._manifest, name),
            trace_buffer=program.trace.buffer,
            spool_limit=program.limits.spool,
            rate_limit=program.limits.rate,
            record_limit=program.limits.record,
            memory_limit=program.limits.memory,
            cpu_limit=program.limits.cpu,
            requires_kernel=program.requires.kernel,
            requires_btf=program.requires.btf,
            where=self._manifest.place("programs", name),
            project=self._manifest.folder,
        )
        if not holds_template(program) and not is_template(self._manifest.textfile or ""):
            self._same_everywhere[name] = desired
        return desired

    def _textfile(self, program: Program, host: Host, variables: Mapping[str, object]) -> str:
        """The folder for metrics; "" for a program that has none."""
        if not any(readout.prometheus for readout in program.maps.values()):
            return ""
        try:
            return folder(str(self._renderer.render(self._manifest.textfile or "", variables)))
        except MisunderstoodError as error:
            where = self._manifest.value_place("textfile")
            self._complain(where, error.what, error.hint, host=host)
            return ""

    def _hooks(
        self, name: str, program: Program, host: Host, variables: Mapping[str, object]
    ) -> Iterator[DesiredHook]:
        """Each function with each of its hooks, in canonical form and once."""
        for function, entries in program.hooks.items():
            found: dict[DesiredHook, None] = {}
            for index, entry in enumerate(entries):
                where = self._manifest.value_place("programs", name, "hooks", function, index)
                try:
                    texts = [self._renderer.render(text, variables) for text in entry.first_of]
                    hook = DesiredHook(
                        function=function,
                        first_of=tuple(str(Hook.parse(str(text))) for text in texts),
                        load=entry.load,
                        optional=entry.optional,
                        unless=entry.unless,
                        where=where,
                    )
                    found[hook] = None
                except MisunderstoodError as error:
                    self._complain(where, error.what, error.hint, host=host)
            yield from found

    def _constants(
        self, name: str, program: Program, host: Host, variables: Mapping[str, object]
    ) -> Iterator[DesiredConstant]:
        """Each value of each constant; text that looks like a number stays text."""
        for each, value in program.constants.items():
            at = ("programs", name, "constants")
            try:
                rendered = self._renderer.render(value, variables)
                for path, single in constants.leaves((each,), rendered):
                    where = self._manifest.value_place(*at, *path)
                    yield DesiredConstant(path=path, value=single, where=where)
            except MisunderstoodError as error:
                where = self._manifest.value_place(*at, each)
                self._complain(where, error.what, error.hint, host=host)

    def _complain(self, where: str, what: str, hint: str, *, host: Host) -> None:
        complaint = Complaint(where=where, what=what, hint=hint)
        self._complaints.setdefault(complaint, {})[host.name] = None


def seconds(duration: float | None) -> int | None:
    """Whole seconds, at least one."""
    return None if duration is None else max(round(duration), 1)


def desired_readouts(manifest: Manifest, program: str) -> Iterator[DesiredReadout]:
    """Each map with how it is read out; whether the object can do that, the build says."""
    for each, readout in manifest.programs[program].maps.items():
        yield DesiredReadout(
            map=each,
            every=readout.every,
            sum=readout.per_cpu == "sum",
            clear=readout.clear,
            histogram=readout.histogram or "",
            stacks=tuple(readout.stacks.items()),
            metrics=tuple(desired_metrics(each, program, readout)),
            where=manifest.place("programs", program, "maps", each),
        )


def desired_metrics(map_: str, program: str, readout: MapReadout) -> Iterator[DesiredMetric]:
    """The metrics of a map, with what a manifest may leave out."""
    for name, metric in readout.prometheus.items():
        yield DesiredMetric(
            name=name,
            type=metric.type or ("histogram" if readout.histogram else "counter"),
            help=metric.help or f"The map {map_} of the program {program}.",
            value=metric.value,
            scale=metric.scale,
            labels=tuple(metric.labels.items()),
        )


def holds_template(program: Program) -> bool:
    """Whether some value of the program may differ between hosts."""
    entries = (entry for entries in program.hooks.values() for entry in entries)
    hooks = (text for entry in entries for text in entry.first_of)
    return any(map(is_template, hooks)) or constants.holds_template(program.constants)
