"""One round of a poll against a listing that moves while it is read."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bridge.core.errors import Transient
from bridge.core.guards import Brake
from bridge.core.mapping import load
from bridge.core.ports import Page, Traits
from bridge.core.records import Record, Ref
from bridge.store import Store
from bridge.sync.poll import poll
from bridge.sync.terms import Terms, Timings
from tests.support.engine import RealClock, shipped_texts

START = datetime(2026, 11, 22, 12, tzinfo=UTC)
OVERLAP = timedelta(seconds=5)


class Listing:
    """Deals in pages of two; ``between`` runs after each page that was read."""

    system = "assembly"

    def __init__(self) -> None:
        self.rows: list[tuple[str, datetime]] = []
        self.now = START
        self.between: Any = lambda: None
        self.asked: list[datetime | None] = []

    def traits(self, object: str) -> Traits:
        return Traits(updated_after=object == "deals", readable=object == "deals")

    def pages(self, object: str, *, updated_after: datetime | None = None, lane: str = "live") -> Iterator[Page]:
        self.asked.append(updated_after)
        at = 0
        while True:
            found = [row for row in self.rows if updated_after is None or row[1] >= updated_after]
            page = found[at : at + 2]
            yield Page(
                tuple(
                    Record(Ref("assembly", "deals", key), {"id": key, "at": str(stamp)}, stamp) for key, stamp in page
                ),
                self.now,
            )
            at += 2
            if at >= len(found):
                return
            self.between()

    def clock_offset(self) -> timedelta:
        return timedelta()

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(name)


@pytest.fixture
def world() -> Iterator[tuple[Store, Listing, Terms]]:
    store = Store("sqlite://", RealClock(), Brake({}, {}))
    store.migrate()
    store.connections.ensure("default", "live")
    listing = Listing()
    mappings = load(shipped_texts())
    terms = Terms({"crm": listing, "assembly": listing}, mappings, Timings(), None)  # type: ignore[dict-item,arg-type]
    poll(store, "default", terms, overlap=OVERLAP)
    yield store, listing, terms
    store.close()


def hinted(store: Store) -> set[str]:
    return {row.record_id for row in store.changes.page(limit=200).items}


def edit(listing: Listing, key: str, seconds: float) -> None:
    listing.now = START + timedelta(seconds=seconds)
    listing.rows = [row for row in listing.rows if row[0] != key]
    listing.rows.insert(0, (key, listing.now))


def test_a_row_that_slipped_past_a_page_is_found_by_the_second_scan(world: tuple[Store, Listing, Terms]) -> None:
    store, listing, terms = world
    for number in range(5):
        edit(listing, f"d{number}", 10 + number)
    listing.now = START + timedelta(seconds=60)
    once = iter([True])

    def delete_a_read_row() -> None:
        # Everything behind it moves up by one: the row at the page's edge is skipped.
        if next(once, False):
            listing.rows.pop(0)

    listing.between = delete_a_read_row
    poll(store, "default", terms, overlap=OVERLAP)
    assert hinted(store) == {"d0", "d1", "d2", "d3", "d4"}


def test_a_stream_of_new_rows_does_not_keep_the_checkpoint_back(world: tuple[Store, Listing, Terms]) -> None:
    """A backfill of ours creates deals all the while; two scans have to do."""
    store, listing, terms = world
    for number in range(6):
        edit(listing, f"d{number}", 10 + number)
    fresh = iter(range(100, 1000))
    listing.between = lambda: edit(listing, f"d{next(fresh)}", 70)
    listing.now = START + timedelta(seconds=60)
    before = len(listing.asked)
    poll(store, "default", terms, overlap=OVERLAP)
    assert len(listing.asked) - before == 2
    saved = store.checkpoints.get("default", "poll/assembly/deals")
    assert saved["at"] == (START + timedelta(seconds=55)).isoformat()


def test_the_checkpoint_stays_an_overlap_behind_what_was_seen(world: tuple[Store, Listing, Terms]) -> None:
    store, listing, terms = world
    edit(listing, "d1", 10)
    listing.now = START + timedelta(seconds=300)
    poll(store, "default", terms, overlap=OVERLAP)
    # A commit that becomes visible late carries an older stamp than what was seen already.
    listing.rows.append(("late", START + timedelta(seconds=7)))
    poll(store, "default", terms, overlap=OVERLAP)
    assert hinted(store) == {"d1", "late"}


def test_the_checkpoint_never_passes_the_remotes_clock(world: tuple[Store, Listing, Terms]) -> None:
    store, listing, terms = world
    edit(listing, "d1", 3600)
    listing.now = START + timedelta(seconds=20)
    poll(store, "default", terms, overlap=OVERLAP)
    assert store.checkpoints.get("default", "poll/assembly/deals")["at"] == (START + timedelta(seconds=15)).isoformat()


def test_a_round_that_dies_between_two_pages_starts_again_where_it_began(world: tuple[Store, Listing, Terms]) -> None:
    """The first page shows the newest rows: a checkpoint that moved with it would leave the older ones behind for good."""
    store, listing, terms = world
    for number, key in enumerate(("d1", "d2", "d3")):
        edit(listing, key, 10 + 20 * number)

    def die() -> None:
        raise Transient("the remote hung up")

    listing.between = die
    with pytest.raises(Transient):
        poll(store, "default", terms, overlap=OVERLAP)
    assert hinted(store) == {"d2", "d3"}
    listing.between = lambda: None
    poll(store, "default", terms, overlap=OVERLAP)
    assert hinted(store) == {"d1", "d2", "d3"}
