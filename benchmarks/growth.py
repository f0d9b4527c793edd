"""What a larger installation pays: per event, for a listing, in memory and on disk."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from benchmarks.backfills import FREE, at_rest, backfill, edit, one_each
from benchmarks.measures import Figure, verify
from bridge.core.effects import EndDraft, LinkDraft
from bridge.core.guards import Brake
from bridge.core.records import Shadow
from bridge.runtime.clock import SystemClock
from bridge.store import Store
from tests.chaos.common import companies, remotes
from tests.chaos.site import NO_BRAKE, NO_LIMIT, Site, site

REAL = 1_000
"""Companies that exist in the sandboxes at every size; the other links are put straight into the store."""
RARELY = 10_000_000
BATCH = 5_000
QUIET: Mapping[str, Any] = {"poll_interval_seconds": RARELY, "crm_list_interval_seconds": RARELY}


def growth(_runs: int, *, full: bool) -> Iterator[Figure]:
    yield from _links((1_000, 10_000, 100_000, 1_000_000) if full else (1_000, 10_000, 100_000))
    for size in (1_000, 10_000, 100_000) if full else (1_000, 5_000):
        yield from _listing(size)


def _links(sizes: tuple[int, ...]) -> Iterator[Figure]:
    """One installation that grows. Nothing lists: it would miss the records that exist in the store alone."""
    with site(**NO_BRAKE, **NO_LIMIT, settle_seconds=60, **QUIET, crm=FREE, assembly=FREE) as at:
        crm, assembly = remotes(at)
        crm.seed({"companies": companies(REAL)})
        backfill(at)
        at_rest(at)
        for size in sizes:
            _fill(at, size)
            used = at.cpu_seconds("worker")
            rate = edit(at, 500, f"edited-{size}")
            spent = (at.cpu_seconds("worker") - used) / 500
            verify(at.one("SELECT count(*) FROM links") == size, "not as many links as this size has")
            disk = sum(path.stat().st_size for path in at.folder.glob("bridge.db*")) / 1e6
            yield Figure(f"{size:,} links: time per live edit", (1000 / rate,), "ms")
            yield Figure(f"{size:,} links: the worker's processor time per live edit", (spent * 1000,), "ms")
            yield Figure(f"{size:,} links: memory of the worker", (at.memory_mb("worker"),), "MB", "< 200")
            yield Figure(f"{size:,} links: database", (disk,), "MB")
        one_each(crm, assembly, REAL)


def _fill(at: Site, size: int) -> None:
    """Links as a backfill makes them, until there are ``size``."""
    store = Store(at.database_url, SystemClock(), Brake({}, {}))
    first = at.one("SELECT count(*) FROM links")
    for start in range(first, size, BATCH):
        store.links.bind("default", [_link(number) for number in range(start, min(start + BATCH, size))])
    store.close()


def _link(number: int) -> LinkDraft:
    values = {
        "name": f"Company {number}",
        "website": f"https://c{number}.example",
        "status": "active",
        "industry": "v0",
    }
    shadow = Shadow(values=values, updated_at=datetime.now(UTC), version="filled")
    ends = {"crm": EndDraft(f"filled-crm-{number}", shadow), "assembly": EndDraft(f"filled-assembly-{number}", shadow)}
    return LinkDraft(None, "companies", "live", ends)


def _listing(size: int) -> Iterator[Figure]:
    """Records that exist on both sides, compared anew."""
    with site(**NO_BRAKE, **NO_LIMIT, settle_seconds=60, **QUIET, crm=FREE, assembly=FREE) as at:
        crm, assembly = remotes(at)
        crm.seed({"companies": companies(size)})
        backfill(at)
        at_rest(at)
        yield Figure(f"{size:,} records: a backfill that finds nothing", (backfill(at),), "s")
        yield Figure(f"{size:,} records: memory of the worker after it", (at.memory_mb("worker"),), "MB", "< 200")
        one_each(crm, assembly, size)
