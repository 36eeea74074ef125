"""What fleetbpf asks hosts by each script, and what its commands make of the answers."""

import json
from pathlib import Path
from typing import Any

from fleetbpf.audit import audit, status
from fleetbpf.cli import facts as cli_facts
from fleetbpf.cli import history as cli_history
from fleetbpf.cli import maps as cli_maps
from fleetbpf.cli import status as cli_status
from fleetbpf.cli import unlock as cli_unlock
from fleetbpf.cli.output import Output
from fleetbpf.deploy import check
from fleetbpf.deploy.activation import ACTIVATE, Activation, Step
from fleetbpf.execution import Completed
from fleetbpf.host import facts, history, inspection, lock, survey
from fleetbpf.host import unlock as unlocking
from fleetbpf.host.lock import Claim
from fleetbpf.host.protocol import Script
from fleetbpf.model.layout import HostLayout
from fleetbpf.model.rollout import Health
from fleetbpf.plan.plan import plan
from fleetbpf.records import maps
from fleetbpf.records.records import as_json
from tests.hostile import honest
from tests.unit import samples

LAYOUT = HostLayout()
STEPS = (
    Step(verb="start", program="hello", was="r1", release="r2", object="cafe"),
    Step(verb="prune", program="hello", was="r1", release="r0"),
    Step(verb="delete", program="gone", was="r7"),
)
ORDER = Activation(
    deployment="demo", layout=LAYOUT, claim=Claim(who="ann", why="", patience=0)
).order(STEPS, Health())
ALL_WISHES = (facts.UNITS, facts.SPOOLS, facts.MISSES)
QUESTIONS: dict[str, tuple[Script[Any, Any], Any]] = {
    "facts": (facts.FACTS, facts.Question(deployment="demo", wishes=ALL_WISHES)),
    "survey": (survey.SURVEY, LAYOUT),
    "history": (history.HISTORY, LAYOUT),
    "unlock": (unlocking.UNLOCK, unlocking.Question(layout=LAYOUT, force=False)),
    "inspect": (inspection.INSPECT, LAYOUT),
    "maps": (maps.MAPS, maps.Question(program="hello")),
    "check": (check.CHECK, check.Question(layout=LAYOUT, objects={"hello": "cafe"})),
    "activate": (ACTIVATE, ORDER),
}


def words_of(script: Script[Any, Any], question: Any) -> list[str]:
    """What a script is told."""
    return [str(word) for word in script.words(question)]


def true_answer(name: str) -> bytes:
    """What an honest host says to it."""
    script, question = QUESTIONS[name]
    return honest.says(name, words_of(script, question), b"")


def read_answer(name: str, answer: bytes) -> Any:
    """What an answer means; HostError where it is not valid."""
    script, question = QUESTIONS[name]
    return script.read_answer(question, Completed(status=0, stdout=answer), host="web1")


def show(name: str, told: Any) -> None:
    """What commands make of an answer, for people and for programs."""
    output = Output()
    match name:
        case "facts":
            rows = status.rows("web1", "demo", [("demo", "hello")], told, Path("/nowhere"))
            output.table(cli_status.HEADERS, [cli_status.cells(row) for row in rows])
            plan("web1", "demo", [samples.release()], told)
            output.line("\n".join(lock.remark(told.lock)))
        case "survey":
            cli_facts.tell(output, "web1", told)
        case "history":
            output.table(cli_history.HEADERS, [cli_history.cells("web1", e) for e in told.entries])
        case "inspect":
            output.line("\n".join(audit.foreign("web1", program).what for program in told))
        case "maps":
            for record in maps.records(told, QUESTIONS[name][1], host="web1"):
                cli_maps.tell(output, record)
                json.dumps(as_json(record))
        case "unlock":
            output.line(cli_unlock.told(told))
        case _:
            repr(told)
