"""The kernel verifier's log: the few lines of it that decide."""

import re

STATISTICS = re.compile(r"^(processed \d+ insns|verification time|stack depth|max_states)")
EXPLANATION = re.compile(r"^Verification failed: ", re.MULTILINE)  # kernel ≥ 7.3, at length
SOURCE = re.compile(r"^; ")
STATE = re.compile(r"^(\d+: )?(R\d+(_w)?=|from \d+ to \d+|last_idx|regs=|parent |mark_precise)")


def decisive(log: str, *, lines: int = 6) -> str:
    """The verifier's complaint with the source line and the instruction it stands at.

    That is the end of the log without its explanation, statistics and register states, the source
    line that belongs to the last instruction first.
    """
    complaint = EXPLANATION.split(log)[0]
    said = [line for line in complaint.splitlines() if line.strip()]
    told = [line for line in said if not STATISTICS.match(line) and not STATE.match(line)]
    tail = told[-lines:]
    if not any(SOURCE.match(line) for line in tail):
        sources = [line for line in told if SOURCE.match(line)]
        tail = [*sources[-1:], *tail]
    return "\n".join(tail)
