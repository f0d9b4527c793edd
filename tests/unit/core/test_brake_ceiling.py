"""DESIGN §6, Brake: ceilings against what is usual."""

from __future__ import annotations

import pytest

from bridge.core.guards import Brake


@pytest.mark.parametrize(("live_links", "ceiling"), [(0, 20), (999, 20), (1000, 20), (1001, 21), (10_000, 200)])
def test_the_ceiling_is_the_greater_of_a_count_and_a_share_of_the_live_links(live_links: int, ceiling: int) -> None:
    assert Brake({"delete": 20}, {"delete": 2}).ceiling("delete", live_links) == ceiling


def test_a_class_without_a_count_has_no_ceiling() -> None:
    assert Brake({"delete": 20}, {"create": 2}).ceiling("create", 10_000) is None
