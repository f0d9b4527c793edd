"""Collecting mistakes with their places, and what the files of a mappings folder are."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from bridge.core.errors import Mistake
from bridge.core.mapping.document import Node, mistake

WEBHOOKS_FILE: Final = "webhooks.yaml"


def is_stream_file(name: str) -> bool:
    """Whether a file of the mappings folder holds a stream: not a test file, not the webhook envelope, not the schema."""
    return name.endswith((".yaml", ".yml")) and name != WEBHOOKS_FILE and not is_cases_file(name)


def is_cases_file(name: str) -> bool:
    """Whether a file holds test cases: ``companies_test.yaml``."""
    return name.endswith(("_test.yaml", "_test.yml"))


@dataclass
class Notes:
    """Collects the mistakes of one file; called by whoever finds one."""

    file: str
    mistakes: list[Mistake] = field(default_factory=list)

    def __call__(self, node: Node, message: str, hint: str = "", *, at: int = 0, warning: bool = False) -> None:
        """``at`` counts characters into a text value."""
        column = node.column + at + (1 if at and node.quoted else 0)
        severity = "warning" if warning else "error"
        self.mistakes.append(mistake(self.file, node.line, column, message, hint, severity))

    @property
    def broken(self) -> bool:
        return any(mistake.severity == "error" for mistake in self.mistakes)


def excerpt(mistake: Mistake, text: str) -> str:
    """The mistake with the line it stands on and a mark under the place, as a terminal shows it."""
    lines = text.splitlines()
    if not 0 < mistake.line <= len(lines):
        return str(mistake)
    line = lines[mistake.line - 1].replace("\t", " ")
    # A very long line is shown around the place.
    start = max(0, mistake.column - 61)
    shown = line[start : start + 120]
    return f"{mistake}\n    {shown}\n    {' ' * (mistake.column - 1 - start)}^"
