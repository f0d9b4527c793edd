"""Makes a failing seed smaller: drops operations while the same rule is still broken."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from tests.simulation.campaign import Outcome, play
from tests.simulation.operations import Operation


def shrink(outcome: Outcome, again: Callable[[int, Sequence[Operation]], Outcome] = play) -> Outcome:
    """A run with as few operations as greedy dropping finds that breaks one of the same rules."""
    rules = {violation.rule for violation in outcome.violations}
    best = outcome
    size = max(1, len(best.operations) // 2)
    while size >= 1:
        position = 0
        while position < len(best.operations):
            fewer = [*best.operations[:position], *best.operations[position + size :]]
            tried = again(outcome.seed, fewer)
            if rules & {violation.rule for violation in tried.violations}:
                best = tried
            else:
                position += size
        size //= 2
    return best
