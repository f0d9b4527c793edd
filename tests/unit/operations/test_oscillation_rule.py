"""The oscillation breaker's rule: what is a flip, and when it is one too many."""

from __future__ import annotations

from itertools import cycle, islice
from operator import eq
from typing import Any

import pytest

from bridge.core.guards import Turn, flips, is_flip, swings
from bridge.core.records import ABSENT

MOST = 4


def quarrel(length: int) -> list[Turn]:
    """The CRM's automation says x, Assembly's says y; the bridge carries each to the other side."""
    both = cycle([Turn("assembly", "y", "x"), Turn("crm", "x", "y")])
    return list(islice(both, length))


def test_each_carrying_back_is_a_flip() -> None:
    assert [flips(quarrel(length), eq) for length in range(7)] == [0, 0, 1, 2, 3, 4, 5]


@pytest.mark.parametrize(("written", "stops"), [(4, False), (5, True)])
def test_after_k_flips_the_next_one_is_stopped(written: int, stops: bool) -> None:
    *before, coming = quarrel(written + 1)
    assert swings(before, coming, MOST, eq) is stops


def test_a_new_value_passes_even_then() -> None:
    assert not swings(quarrel(5), Turn("crm", "x", "z"), MOST, eq)


def test_a_person_who_changes_their_mind_makes_no_flip() -> None:
    undecided = list(islice(cycle([Turn("assembly", "a", "b"), Turn("assembly", "b", "a")]), 20))
    assert flips(undecided, eq) == 0


def test_an_edit_that_is_reverted_again_and_again_counts() -> None:
    once = Turn("assembly", "theirs", "ours", "reverted")
    assert flips([once] * 5, eq) == 4
    assert swings([once] * 5, once, MOST, eq)
    carried = Turn("assembly", "theirs", "ours", "carried")
    assert flips([carried] * 5, eq) == 0


@pytest.mark.parametrize(("old", "new"), [(ABSENT, "x"), ("x", ABSENT), (ABSENT, ABSENT)])
def test_what_nobody_can_read_compares_with_nothing(old: Any, new: Any) -> None:
    assert not is_flip(Turn("crm", "a", new), [Turn("assembly", old, "b")], eq)
