"""All stories of one record: two sides × two fields × three values × edits to a depth × every crash point.

``BRIDGE_EXHAUSTIVE_DEPTH`` sets how many edits a story may have; 5 is the full tier.
"""

from __future__ import annotations

import os

import pytest

from tests.simulation.exhaustive import explore

DEPTH = int(os.environ.get("BRIDGE_EXHAUSTIVE_DEPTH", "3"))


@pytest.mark.timeout(3600)
@pytest.mark.parametrize("conflict", ["crm", "assembly", "ask"])
def test_every_story_of_one_record_ends_right(conflict: str) -> None:
    seen = explore(conflict, DEPTH)
    print(conflict, DEPTH, seen)
    assert seen.states > 100
    assert seen.kills > 5 * seen.states
    assert seen.writes > seen.states
    assert (seen.asked > 0) == (conflict == "ask")
