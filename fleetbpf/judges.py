"""Which host judges a program for all hosts of its kernel, and what is known when some have.

What a host says of itself is its own claim: one that fails, or refuses what others take, is told
by itself, and others judge for the rest: one more, then twice as many each time. So a program is
tried wherever any host of its kernel can, after few rounds, and no host is asked about it twice.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from fleetbpf.model.trial import Judgement, Trial, Tried, Verdict

MOST_REFUSALS = 4  # hosts that refuse a program for all the others; asked 1, 1 and 2 at a time
Heard = Mapping[tuple[str, str], Tried | None]  # by host and program; None: the host has failed


def choose_judges(trials: Iterable[Trial], heard: Heard) -> dict[str, list[Trial]]:
    """The trials that are still to be made, by the hosts that are to make them."""
    found: dict[str, list[Trial]] = {}
    for trial in trials:
        unheard = [host for host in trial.hosts if (host, trial.program) not in heard]
        asked = len(trial.hosts) - len(unheard)
        refusals = len(find(trial, heard, Verdict.REFUSED))
        settled = find(trial, heard, Verdict.OK) or refusals >= MOST_REFUSALS
        for host in () if settled else unheard[: max(asked, 1)]:
            found.setdefault(host, []).append(trial)
    return found


def judge(trials: Iterable[Trial], heard: Heard) -> tuple[Judgement, ...]:
    """What is known of each trial, those apart that refused what another host takes."""
    return tuple(each for trial in trials for each in judge_one(trial, heard))


def judge_one(trial: Trial, heard: Heard) -> Iterator[Judgement]:
    """What is known of one."""
    takes, refuses = find(trial, heard, Verdict.OK), find(trial, heard, Verdict.REFUSED)
    told = {host for (host, program), tried in heard.items() if tried and program == trial.program}
    failed = {h for h in trial.hosts if (h, trial.program) in heard} - told
    left = [host for host in trial.hosts if host not in failed]
    if takes:
        yield repeat(takes[0], trial, [host for host in left if host not in refuses], heard)
        for host in refuses:
            yield repeat(host, trial, [host], heard)
    elif refuses:
        yield repeat(refuses[0], trial, left, heard)
    else:
        yield Judgement(trial=trial, verdict=Verdict.UNTRIED)


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
