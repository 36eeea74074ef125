"""Questions to a person: passwords are asked for on the terminal, and not shown."""

import argparse
import getpass
import os
import warnings

from fleetbpf.cli.terminal.progress import Progress
from fleetbpf.connections.passwords import Passwords, given
from fleetbpf.errors import InputError, Problem
from fleetbpf.secret import SecretKind


def passwords(options: argparse.Namespace, shown: Progress) -> Passwords:
    """The secrets that the command line, the environment and the settings give for all hosts.

    What shows progress keeps off the terminal while a person is asked for more.
    """

    def ask_meanwhile(question: str) -> str:
        with shown.paused():
            return ask(question)

    asked = {SecretKind.LOGIN: options.ask_pass, SecretKind.BECOME: options.ask_become_pass}
    kinds = {kind for kind, wanted in asked.items() if wanted}
    commands = {kind: getattr(options.settings, f"{kind.value}_command") for kind in SecretKind}
    found = given(os.environ, lines=commands, asked=kinds, ask=ask)
    return Passwords(found, ask=ask_meanwhile, found=options.secrets)


def ask(question: str) -> str:
    """What a person types; InputError when there is no terminal."""
    with warnings.catch_warnings():
        warnings.simplefilter("error", getpass.GetPassWarning)
        try:
            return getpass.getpass(question)
        except (getpass.GetPassWarning, EOFError) as error:
            what = f"there is no terminal to ask on: {question.rstrip(': ')}"
            hint = "give it by FLEETBPF_PASSWORD, FLEETBPF_BECOME_PASSWORD or their _COMMAND forms"
            raise InputError(Problem(where="password", what=what, hint=hint)) from error
