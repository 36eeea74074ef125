"""What manifests ask of programs, and the programs that were built do not have."""

from collections.abc import Mapping, Sequence

from fleetbpf.build import event_plan
from fleetbpf.errors import Problem
from fleetbpf.manifest import constant_types, hook_checks, readouts
from fleetbpf.model.description import Description
from fleetbpf.model.recipe import Recipe
from fleetbpf.model.target import Target


def problems(
    targets: Sequence[Target], descriptions: Mapping[Recipe, Description]
) -> tuple[Problem, ...]:
    """Functions, constants, maps and events that are not there, each once for all hosts."""
    return (
        *hook_checks.problems(targets, descriptions),
        *constant_types.problems(targets, descriptions),
        *readouts.problems(targets, descriptions),
        *event_plan.problems(descriptions),
    )
