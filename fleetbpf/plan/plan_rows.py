"""A plan as programs read it: the fields of a change in JSON documents and saved plans."""

from typing import Any

from fleetbpf.plan.plan import Change


def of(change: Change) -> dict[str, Any]:
    """One change, without its host."""
    fields: dict[str, Any] = {
        "program": change.program,
        "action": change.action.value,
        "cause": change.cause.value,
        "reason": change.reason,
        "moves": [{"what": m.what, "was": m.was, "now": m.now} for m in change.moves],
        "was": change.was,
        "release": change.release.id if change.release else "",
        "obstacles": [{"what": p.what, "hint": p.hint} for p in change.obstacles],
    }
    return {**fields, "diff": change.diff} if change.diff else fields
