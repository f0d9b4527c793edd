"""Faults on demand: which requests go wrong, how, and whether the system had already done what was asked."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any, Literal, get_args

from bridge.sandbox.messages import Refusal, Row

Kind = Literal["status", "latency", "hang", "reset", "truncate", "not_json"]


@dataclass(slots=True)
class Fault:
    """One rule. ``operation`` and ``path`` are shell patterns.

    - ``status`` answers ``status`` (with ``retry_after`` seconds as Retry-After if given).
    - ``latency`` waits ``seconds`` plus up to ``jitter`` more, then answers as usual.
    - ``hang`` holds the connection for ``seconds``, then cuts it.
    - ``reset`` cuts the connection without an answer.
    - ``truncate`` sends half of the true answer's body, then cuts the connection.
    - ``not_json`` sends a body that is not JSON under the true answer's status.

    ``applied``: the request is carried out first (``truncate`` and ``not_json`` always do). ``next`` limits how often the rule
    strikes; ``probability`` decides each time.
    """

    kind: Kind
    id: int = 0
    operation: str = "*"
    method: str = "*"
    path: str = "*"
    probability: float = 1.0
    next: int | None = None
    status: int = 500
    retry_after: float | None = None
    seconds: float = 0.0
    jitter: float = 0.0
    applied: bool = False
    struck: int = 0

    def matches(self, operation: str, method: str, path: str) -> bool:
        return (
            (self.next is None or self.struck < self.next)
            and fnmatchcase(operation, self.operation)
            and self.method in ("*", method)
            and fnmatchcase(path, self.path)
        )


class Faults:
    """The rules in force. Latency rules add up; of the others the first that strikes decides."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(f"faults:{seed}")
        self.rules: list[Fault] = []
        self._next_id = 1

    def add(self, given: Mapping[str, Any]) -> Fault:
        known = {name for name in Fault.__slots__ if name not in ("id", "struck")}
        if unknown := sorted(set(given) - known):
            raise Refusal(400, f"unknown in a fault: {', '.join(unknown)}; there are {', '.join(sorted(known))}")
        if given.get("kind") not in get_args(Kind):
            raise Refusal(400, f"a fault's kind is one of {', '.join(get_args(Kind))}")
        fault = Fault(**given, id=self._next_id)
        if fault.kind in ("truncate", "not_json"):
            fault.applied = True
        self._next_id += 1
        self.rules.append(fault)
        return fault

    def clear(self, fault_id: int | None = None) -> None:
        self.rules = [rule for rule in self.rules if fault_id is not None and rule.id != fault_id]

    def draw(self, operation: str, method: str, path: str) -> tuple[float, Fault | None]:
        """Seconds to wait, and the fault that strikes this request."""
        wait = 0.0
        for rule in self.rules:
            if not rule.matches(operation, method, path) or self._random.random() >= rule.probability:
                continue
            rule.struck += 1
            if rule.kind != "latency":
                return wait, rule
            wait += rule.seconds + self._random.random() * rule.jitter
        return wait, None

    def show(self) -> list[Row]:
        return [{name: getattr(rule, name) for name in Fault.__slots__} for rule in self.rules]
