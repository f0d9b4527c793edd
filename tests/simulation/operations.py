"""What users, administrators and bad luck do in a world: drawn up front, so that a failing world can be made smaller.

An operation names its targets by numbers that are taken modulo what is there when its time comes; dropping one leaves
the others meaningful.
"""

from __future__ import annotations

import random

from tests.simulation import operations_admins, operations_attention, operations_people, operations_users
from tests.simulation.operations_book import ACTS, WEIGHTS, Act, Operation
from tests.simulation.world import World

__all__ = ["ACTS", "WEIGHTS", "Act", "Operation", "draw", "perform"]

PAGES = (operations_users, operations_admins, operations_people, operations_attention)
"""Where the operations are told: importing a page enters it in the book."""


def draw(rng: random.Random, count: int, *, span: float) -> list[Operation]:
    """``count`` operations over ``span`` seconds; some come in bursts, as people's edits do."""
    names, weights = list(WEIGHTS), list(WEIGHTS.values())
    found: list[Operation] = []
    at = 0.0
    while len(found) < count:
        burst = rng.choice((0.0, 0.0, 0.3, 3.0, 12.0))
        at += burst if burst else rng.uniform(5, 2 * span / count)
        dice = tuple(rng.randrange(1 << 16) for _ in range(5))
        found.append(Operation(round(at, 3), rng.choices(names, weights)[0], dice))
    return found


def perform(world: World, operation: Operation) -> None:
    done = ACTS[operation.name](world, operation.dice)
    if done:
        world.met("operation", operation.name)
    world.counts[f"op {operation.name}" if done else f"idle {operation.name}"] += 1
