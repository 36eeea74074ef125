"""What a run's commands are told to: the progress, the log, and a person who wants to know all."""

import argparse
import sys
from pathlib import Path

from fleetbpf.cli.output import Output
from fleetbpf.cli.terminal.progress import Progress
from fleetbpf.connections.watched import Exchange, Watcher
from fleetbpf.execution import Completed
from fleetbpf.execution.command import Command
from fleetbpf.fleet.command_log import CommandLog
from fleetbpf.frozen import frozen
from fleetbpf.model.settings import LOG_OFF
from fleetbpf.wording import counted

STATES = {
    "facts.sh": "facts",
    "activate.sh": "sending",
    "collect.sh": "collecting",
    "check.sh": "trying",
    "inspect.sh": "inspecting",
    "maps.sh": "reading",
    "history.sh": "reading",
    "survey.sh": "facts",
    "unlock.sh": "unlocking",
}
ARRIVED = b"arrived\t"  # what activate.sh says when all is there and it begins to start programs
AFTERWARDS = {"facts.sh": "building"}  # what a host waits for when it has answered


@frozen
class Watching:
    """One run's eyes."""

    output: Output
    shown: Progress
    log: CommandLog

    @classmethod
    def of(cls, options: argparse.Namespace, shown: Progress) -> "Watching":
        """What the command line and the settings ask for."""
        output = Output.of(options)
        file = options.settings.log
        log = CommandLog(
            path=None if file == LOG_OFF else Path(file),
            started=sys.argv,
            whole=output.verbosity >= 2,
            mask=output.mask,
            warn=output.warning,
        )
        return cls(output=output, shown=shown, log=log)

    def watcher(self) -> Watcher:
        """What a connection tells."""
        return Watcher(begun=self.begun, heard=self.heard, ended=self.ended)

    def begun(self, host: str, command: Command) -> None:
        """A command was sent."""
        self.shown.at(host, STATES.get(command.name, command.title))
        if self.output.verbosity >= 1:
            self.output.detail(f"{host}: {' '.join((command.title, *command.arguments))}")

    def heard(self, host: str, command: Command, piece: bytes) -> None:
        """A host said something; a line that is cut in two is only a word in the table missed."""
        if command.name == "activate.sh" and ARRIVED in piece:
            self.shown.at(host, "starting")

    def ended(self, exchange: Exchange) -> None:
        """A command has ended."""
        if state := AFTERWARDS.get(exchange.command.name):
            self.shown.at(exchange.host, state)
        self.log.write(exchange)
        if self.output.verbosity >= 1:
            self.output.detail(f"{exchange.host}: {outcome(exchange)}")
        if self.output.verbosity >= 2 and exchange.completed:
            for line in said(exchange.completed):
                self.output.detail(f"{exchange.host}: {line}", level=2)


def outcome(exchange: Exchange) -> str:
    """A command's end in a line."""
    end = f"status {exchange.completed.status}" if exchange.completed else exchange.error
    sizes = f"{counted(exchange.sent, 'byte')} sent, {exchange.received} received"
    return f"{exchange.command.title}: {end} after {exchange.seconds:.2f} s, {sizes}"


def said(completed: Completed) -> list[str]:
    """What a host said, line by line."""
    streams = ((">", completed.stdout), ("!", completed.stderr))
    return [
        f"{mark} {line}"
        for mark, stream in streams
        for line in stream.decode("utf-8", "replace").splitlines()
    ]
