"""Answers to what a host asks by keyboard-interactive: the password, and nothing else."""

from collections.abc import Sequence

Prompts = Sequence[tuple[str, bool]]  # what is asked, and whether the answer may be seen


class Answers:
    """Says the password to the first hidden question; what else is asked stays without an answer.

    Called by paramiko's thread, once for each round of questions.
    """

    def __init__(self, password: str) -> None:
        self.password = password
        self._said = False
        self.unanswered = ""  # what the host told and asked for beside the password

    def __call__(self, title: str, instructions: str, prompts: Prompts) -> list[str]:
        """The answers to one round, which may have no questions."""
        told = (title, instructions, *(question for question, _ in prompts))
        if not self._said and len(prompts) == 1 and not prompts[0][1]:
            self._said = True
            return [self.password]
        self.unanswered = " ".join(" ".join((self.unanswered, *told)).split())
        return ["" for _ in prompts]
