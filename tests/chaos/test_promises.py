"""CI's version of ``python -m tests.chaos``: each row in its smallest form, as it is and with its guard taken out."""

from __future__ import annotations

import pytest

from tests.chaos.breaks import known
from tests.chaos.crash_points import POINTS
from tests.chaos.play import Row, perform
from tests.chaos.rows import ROWS

pytestmark = pytest.mark.timeout(400)
BY_NAME = [pytest.param(row, id=f"{row.number}-{row.promise.replace(' ', '-')}") for row in ROWS]


def test_the_table_is_whole() -> None:
    assert [row.number for row in ROWS] == list(range(1, 17))
    assert {row.breaks for row in ROWS} <= known()
    assert len({row.breaks for row in ROWS}) == len(ROWS)
    assert len(set(POINTS)) == 20


@pytest.mark.chaos
@pytest.mark.xdist_group("chaos")
@pytest.mark.parametrize("row", BY_NAME)
def test_the_promise_is_kept(row: Row) -> None:
    result = perform(row, "taste")
    assert result.good, f"{result.problem}\n{result.figures}"


@pytest.mark.chaos
@pytest.mark.xdist_group("chaos")
@pytest.mark.parametrize("row", BY_NAME)
def test_without_its_guard_it_is_not(row: Row) -> None:
    result = perform(row, "taste", broken=True)
    assert result.good, f"row {row.number} does not miss {row.breaks}: {result.problem}\n{result.figures}"
