"""The book of operations: each thing that can be done in a world by its name, with how often it is drawn."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from tests.simulation.world import World


@dataclass(frozen=True, slots=True)
class Operation:
    """``name`` at virtual second ``at``, with numbers to choose by."""

    at: float
    name: str
    dice: tuple[int, ...]

    def __str__(self) -> str:
        return f"{self.at:8.2f} {self.name} {self.dice}"


Act: TypeAlias = Callable[[World, tuple[int, ...]], bool]
"""True if there was something to do it to."""

ACTS: dict[str, Act] = {}
WEIGHTS: dict[str, float] = {}


def act(weight: float) -> Callable[[Act], Act]:
    def register(function: Act) -> Act:
        ACTS[function.__name__] = function
        WEIGHTS[function.__name__] = weight
        return function

    return register
