"""Judges a finished world from its journal and its final state. Imports nothing from the bridge.

The rules are stated in terms of what users did, one module an idea; ``RULES`` is the whole list.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from tests.simulation.journal import Journal
from tests.simulation.oracle_case import Case
from tests.simulation.oracle_identity import (
    everything_linked,
    few_writes,
    keys_one_to_one,
    links_one_to_one,
    no_resurrection,
    no_twin,
)
from tests.simulation.oracle_notes import each_activity_is_one_note
from tests.simulation.oracle_people import brake_holds, forgotten_stays_forgotten
from tests.simulation.oracle_questions import no_needless_question
from tests.simulation.oracle_runs import plan_is_apply, rebuild_is_the_same
from tests.simulation.oracle_terms import Final, LinkView, Shown, Violation
from tests.simulation.oracle_values import converged, no_lost_edit
from tests.simulation.rules import Rules

__all__ = ["RULES", "Final", "LinkView", "Oracle", "Shown", "Violation"]

RULES: tuple[Callable[[Case], Iterator[Violation]], ...] = (
    links_one_to_one,
    keys_one_to_one,
    no_twin,
    everything_linked,
    converged,
    no_lost_edit,
    no_resurrection,
    few_writes,
    plan_is_apply,
    rebuild_is_the_same,
    no_needless_question,
    brake_holds,
    forgotten_stays_forgotten,
    each_activity_is_one_note,
)


class Oracle:
    def __init__(self, journal: Journal, final: Final, rules: Rules) -> None:
        self.case = Case(journal, final, rules)

    def judge(self) -> list[Violation]:
        return [violation for rule in RULES for violation in rule(self.case)]
