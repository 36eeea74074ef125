"""Answers to what a host asks by keyboard-interactive: the password, and nothing else."""

from collections.abc import Sequence

Prompts = Sequence[tuple[str, bool]]  # what is asked, and whether the answer may be seen

MOST_PROMPTS = 16  # in one round; PAM's modules ask one or two
LONGEST_TALE = 1000  # characters of what a host tells beside


class Answers:
    """Says the password to the first hidden question; what else is asked stays without an answer.

    Called by paramiko's thread, once for each round of questions.
    """

    def __init__(self, password: str) -> None:
        self.password = password
        self.said = False  # whether the password was
        self.unanswered = ""  # what the host told and asked for beside the password

    def __call__(self, title: str, instructions: str, prompts: Prompts) -> list[str]:
        """The answers to one round, which may have no questions."""
        told = (title, instructions, *(question for question, _ in prompts))
        if not self.said and len(prompts) == 1 and not prompts[0][1]:
            self.said = True
            return [self.password]
        said = " ".join(" ".join((self.unanswered, *told)).split())
        self.unanswered = said[:LONGEST_TALE]
        return ["" for _ in prompts]
