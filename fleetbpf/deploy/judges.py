"""Which hosts judge a program for all hosts of their kernel, and what is known when some have.

What a host says of itself is its own claim, and one may lie. Two judge at first; what most say is
believed for those that were not asked, and who says otherwise, or fails, is told by itself. Where
they do not agree, or fail, others are asked: as many as before, each time. So a program is tried
wherever any host of its kernel can, after few rounds, and no host is asked about it twice.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from fleetbpf.deploy.trial import Judgement, Trial, Tried, Verdict

FIRST = 2  # hosts that are asked at once
LEAD = {Verdict.OK: 2, Verdict.REFUSED: 4}  # by so many, those that say it are more than the others
Heard = Mapping[tuple[str, str], Tried | None]  # by host and program; None: the host has failed


def choose_judges(trials: Iterable[Trial], heard: Heard) -> dict[str, list[Trial]]:
    """The trials that are still to be made, by the hosts that are to make them."""
    found: dict[str, list[Trial]] = {}
    for trial in trials:
        unheard = [host for host in trial.hosts if (host, trial.program) not in heard]
        asked = len(trial.hosts) - len(unheard)
        for host in () if is_settled(trial, heard) else unheard[: max(asked, FIRST)]:
            found.setdefault(host, []).append(trial)
    return found


def is_settled(trial: Trial, heard: Heard) -> bool:
    """Do enough hosts say the same?"""
    lead = len(find(trial, heard, Verdict.OK)) - len(find(trial, heard, Verdict.REFUSED))
    return lead >= LEAD[Verdict.OK] or -lead >= LEAD[Verdict.REFUSED]


def judge(trials: Iterable[Trial], heard: Heard) -> tuple[Judgement, ...]:
    """What is known of each trial, those apart that say otherwise than most."""
    return tuple(each for trial in trials for each in judge_one(trial, heard))


def judge_one(trial: Trial, heard: Heard) -> Iterator[Judgement]:
    """What is known of one: nothing of hosts that were not asked yet, where it is not settled."""
    takes, refuses = find(trial, heard, Verdict.OK), find(trial, heard, Verdict.REFUSED)
    told = {host for (host, program), tried in heard.items() if tried and program == trial.program}
    failed = {h for h in trial.hosts if (h, trial.program) in heard} - told
    unheard = {host for host in trial.hosts if (host, trial.program) not in heard}
    open_yet = () if is_settled(trial, heard) else unheard
    left = [host for host in trial.hosts if host not in failed and host not in open_yet]
    most, others = (takes, refuses) if len(takes) >= len(refuses) else (refuses, takes)
    if not most:
        yield Judgement(trial=trial, verdict=Verdict.UNTRIED)
        return
    yield repeat(most[0], trial, [host for host in left if host not in others], heard)
    for host in others:
        yield repeat(host, trial, [host], heard)
    if open_yet:
        hosts = tuple(host for host in trial.hosts if host in open_yet)
        yield Judgement(trial=replace(trial, hosts=hosts), verdict=Verdict.UNTRIED)


def repeat(host: str, trial: Trial, hosts: Iterable[str], heard: Heard) -> Judgement:
    """What one host says, for some of the hosts of a trial."""
    tried = heard[host, trial.program]
    return Judgement(
        trial=replace(trial, hosts=tuple(hosts)),
        verdict=read(tried, trial),
        problem=tried.problems[trial.program] if tried else None,
        missing=tried.missing.get(trial.program, ()) if tried else (),
    )


def find(trial: Trial, heard: Heard, verdict: Verdict) -> list[str]:
    """The hosts that say so."""
    return [h for h in trial.hosts if read(heard.get((h, trial.program)), trial) is verdict]


def read(tried: Tried | None, trial: Trial) -> Verdict:
    """What a host says of a trial."""
    if tried is None:
        return Verdict.UNTRIED
    return Verdict.REFUSED if tried.problems[trial.program] else Verdict.OK
