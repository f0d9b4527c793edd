"""Listings in pages whose rows shift while they are read.

Every page is asked for one row early: that row must be the last one of the page before. If it is another, rows have
come or gone in front, and the place is found again further back. Rows may come twice; none between two pages is
skipped. What moves from behind to the front during the scan has changed, so a look for changes finds it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from bridge.core.errors import BrokenRemote, Transient
from bridge.transport.answer import Raw, Rows

Fetch = Callable[[int, int], Rows[Raw]]
"""(offset, limit) -> rows"""
MOST_SHIFTS = 50
"""Shifts per listing before it is given up for now."""


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a listing stands: how many rows lie before it, and the ids of the last page, in order."""

    position: int
    last: tuple[str, ...]


def row_id(row: Raw) -> str:
    return str(row.get("id", ""))


def by_offset(fetch: Fetch, limit: int) -> Iterator[Rows[Raw]]:
    """All rows, page by page. Advances by the rows received (a limit may be clamped) and ends when the remote says
    so, or, where it says nothing, when no new row comes. Raises ``Transient`` when the rows shift too much to follow."""
    page = fetch(0, limit)
    place = _Place(len(page.items), tuple(map(row_id, page.items)))
    yield page
    shifts = 0
    shifted = False
    while (page.items or shifted) and page.more is not False:
        page, place, shifted = _next(fetch, limit, place)
        shifts += shifted
        if shifts > MOST_SHIFTS:
            raise Transient("the list changes faster than it can be read")
        if page.items:
            yield page
        elif page.more and not shifted:
            raise Transient("the list promises more rows and gives none")


def _next(fetch: Fetch, limit: int, place: _Place) -> tuple[Rows[Raw], _Place, bool]:
    """The rows after ``place``, found again if they have moved; whether they had."""
    back = 1
    while True:
        offset = max(place.position - back, 0)
        seen = fetch(offset, max(limit, 2))
        ids = tuple(map(row_id, seen.items))
        if back == 1 and ids and ids[0] == place.last[-1]:
            return _after(seen, 1, offset, place, shifted=False)
        at = _where(ids, place.last)
        if at is not None:
            return _after(seen, at + 1, offset, place, shifted=True)
        if offset == 0:
            raise Transient("the list changed too much between two pages to go on")
        back = max(back * 2, limit)


def _where(ids: tuple[str, ...], last: tuple[str, ...]) -> int | None:
    """The index of the latest row of the page before that is still there."""
    for known in reversed(last):
        if known in ids:
            return ids.index(known)
    return None


def _after(seen: Rows[Raw], start: int, offset: int, place: _Place, *, shifted: bool) -> tuple[Rows[Raw], _Place, bool]:
    rest = seen.items[start:]
    last = tuple(map(row_id, rest)) or place.last
    position = offset + len(seen.items) if rest else offset + start
    return Rows(rest, seen.server_date, seen.more), _Place(position, last), shifted


def by_number(fetch: Callable[[int], Rows[Raw]]) -> Iterator[Rows[Raw]]:
    """All rows of a listing that counts pages from 1 and tells neither a total nor an end: until an empty page.

    A remote that repeats a page does not know the parameter that asks for it; to go on would be endless, to stop would
    lose the rest.
    """
    before: tuple[str, ...] = ()
    number = 1
    while True:
        page = fetch(number)
        ids = tuple(map(row_id, page.items))
        if not ids:
            return
        if ids == before:
            raise BrokenRemote("the list repeats its first page: is the page parameter's name right?")
        yield page
        before, number = ids, number + 1
