"""Pages of a list that changes while it is read."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.core.errors import BrokenRemote, Transient
from bridge.transport import Rows, by_number, by_offset


class Remote:
    """A sorted list; ``edits`` happen before the n-th request."""

    def __init__(
        self,
        ids: list[str],
        edits: dict[int, Callable[[list[str]], None]] | None = None,
        most: int = 1000,
        tells: bool = True,
    ) -> None:
        self.ids = list(ids)
        self.edits = edits or {}
        self.most = most
        self.tells = tells
        self.requests: list[tuple[int, int]] = []

    def fetch(self, offset: int, limit: int) -> Rows[dict[str, object]]:
        self.edits.get(len(self.requests), lambda _ids: None)(self.ids)
        self.requests.append((offset, limit))
        end = offset + min(limit, self.most)
        rows = tuple({"id": one} for one in self.ids[offset:end])
        return Rows(rows, more=end < len(self.ids) if self.tells else None)

    def read(self, limit: int) -> list[str]:
        return [str(row["id"]) for page in by_offset(self.fetch, limit) for row in page.items]


IDS = [f"{number:03}" for number in range(10)]


@pytest.mark.parametrize("tells", [True, False])
@pytest.mark.parametrize("count", [0, 1, 2, 3, 9, 10])
def test_a_quiet_list_comes_whole_and_once(count: int, tells: bool) -> None:
    assert Remote(IDS[:count], tells=tells).read(3) == IDS[:count]


def test_a_clamped_limit_loses_nothing() -> None:
    assert Remote(IDS, most=2).read(5) == IDS
    assert Remote(IDS, most=2, tells=False).read(5) == IDS


def test_a_row_deleted_in_front_does_not_hide_another() -> None:
    remote = Remote(IDS, {1: lambda ids: ids.remove("000")})
    assert set(remote.read(3)) == set(IDS)


def test_a_row_inserted_in_front_is_no_loss() -> None:
    remote = Remote(IDS, {1: lambda ids: ids.insert(0, "new")})
    assert set(remote.read(3)) >= set(IDS)


def test_the_row_at_the_seam_may_be_the_one_that_goes() -> None:
    remote = Remote(IDS, {1: lambda ids: ids.remove("002")})
    assert set(remote.read(3)) == set(IDS)


def test_a_whole_page_may_go() -> None:
    def cut(ids: list[str]) -> None:
        del ids[1:4]

    assert set(Remote(IDS, {2: cut}).read(3)) >= set(IDS) - {"001", "002", "003"}


def test_a_list_that_is_replaced_gives_up_for_now() -> None:
    def replace(ids: list[str]) -> None:
        ids[:] = [f"other{number}" for number in range(9)]

    with pytest.raises(Transient):
        Remote(IDS, {1: replace}).read(3)


def test_promised_rows_that_never_come_end_it() -> None:
    def fetch(offset: int, limit: int) -> Rows[dict[str, object]]:
        return Rows(tuple({"id": one} for one in IDS[offset : offset + limit]), more=True)

    with pytest.raises(Transient):
        list(by_offset(fetch, 100))


def test_a_list_that_never_holds_still_ends() -> None:
    count = iter(range(10_000))

    def fetch(offset: int, limit: int) -> Rows[dict[str, object]]:
        shift = next(count)
        return Rows(tuple({"id": str(offset + n - shift)} for n in range(limit)), more=True)

    with pytest.raises(Transient):
        list(by_offset(fetch, 3))


@given(
    size=st.integers(0, 40),
    limit=st.integers(2, 9),
    edits=st.lists(st.tuples(st.integers(1, 12), st.booleans(), st.integers(0, 60)), max_size=6),
    tells=st.booleans(),
)
@settings(max_examples=200, deadline=None)
def test_rows_that_stay_are_never_skipped(
    size: int, limit: int, edits: list[tuple[int, bool, int]], tells: bool
) -> None:
    gone: set[str] = set()

    def edit(insert: bool, place: int) -> Callable[[list[str]], None]:
        def apply(ids: list[str]) -> None:
            if insert:
                ids.insert(place % (len(ids) + 1), f"new{place}-{len(ids)}")
            elif ids:
                gone.add(ids.pop(place % len(ids)))

        return apply

    ids = [f"{number:03}" for number in range(size)]
    remote = Remote(ids, {at: edit(insert, place) for at, insert, place in edits}, tells=tells)
    try:
        seen = set(remote.read(limit))
    except Transient:
        return
    assert seen >= set(ids) - gone


def test_numbered_pages_go_on_to_the_empty_one() -> None:
    pages = {1: ["a", "b"], 2: ["c"]}

    def fetch(number: int) -> Rows[dict[str, object]]:
        return Rows(tuple({"id": one} for one in pages.get(number, [])))

    assert [row["id"] for page in by_number(fetch) for row in page.items] == ["a", "b", "c"]


def test_a_repeated_page_is_an_unknown_parameter_not_an_end() -> None:
    with pytest.raises(BrokenRemote):
        list(by_number(lambda _number: Rows(({"id": "a"},))))
