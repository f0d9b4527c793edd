"""DESIGN §5: what passes is tried again with full jitter, and never more rarely than the cap."""

from __future__ import annotations

import random

import pytest

from bridge.core.mapping.model import Mappings
from bridge.sync.terms import Terms, Timings

TIMINGS = Timings(retry_base=1, retry_cap=60)


@pytest.mark.parametrize(("attempts", "ceiling"), [(0, 1), (3, 8), (5, 32), (6, 60), (1000, 60)])
def test_a_pause_is_anything_up_to_a_ceiling_that_doubles(attempts: int, ceiling: float) -> None:
    terms = Terms({}, Mappings(()), TIMINGS, random.Random(1))
    pauses = [terms.backoff(attempts) for _ in range(500)]
    assert 0 <= min(pauses) < ceiling * 0.05
    assert ceiling * 0.95 < max(pauses) <= ceiling
