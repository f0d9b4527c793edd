"""One worker end to end: real API, worker, Redis and SQLite against sandboxes in processes of their own."""

from __future__ import annotations

import time
from collections.abc import Iterator
from functools import partial
from typing import Any

from benchmarks.backfills import FREE, accounts, edit, one_each, sandbox_seconds, start, wait_for_end
from benchmarks.measures import Figure, until
from tests.chaos.common import companies, remotes
from tests.chaos.site import NO_BRAKE, NO_LIMIT, Site, site


def engine(runs: int, *, full: bool) -> Iterator[Figure]:
    """Backfill and live reconciles of one worker, nothing in its way."""
    count, edits = (5_000, 2_000) if full else (1_500, 1_000)
    planned, applied, live = [], [], []
    for _ in range(runs):
        with site(**NO_BRAKE, **NO_LIMIT, settle_seconds=60, crm=FREE, assembly=FREE) as at:
            crm, assembly = remotes(at)
            crm.seed({"companies": companies(count)})
            began, used = time.monotonic(), at.cpu_seconds("worker")
            run = start(at)
            until(partial(_has, assembly, 1), 120, "the first create")
            planned.append(((at.cpu_seconds("worker") - used) / count * 1000, time.monotonic() - began))
            applied.append(_applied(at, count))
            wait_for_end(at, run, 60)
            one_each(crm, assembly, count)
            live.append(_live(at, edits))
    yield Figure("backfill, creates applied by one worker", tuple(rate for rate, _, _ in applied), "records/s", "400")
    yield Figure("backfill, the worker's processor time a create", tuple(own for _, own, _ in applied), "ms", "2.5")
    yield Figure("backfill, the sandboxes' processor time a create", tuple(other for _, _, other in applied), "ms")
    yield Figure(
        "backfill, the worker's processor time to list and plan a record", tuple(own for own, _ in planned), "ms"
    )
    yield Figure("live, edits reconciled by one worker", tuple(rate for rate, _, _ in live), "records/s", "200")
    yield Figure("live, the worker's processor time an edit", tuple(own for _, own, _ in live), "ms", "5")
    yield Figure("live, the sandboxes' processor time an edit", tuple(other for _, _, other in live), "ms")


def _has(assembly: Any, count: int) -> bool:
    return accounts(assembly) >= count


def _applied(at: Site, count: int) -> tuple[float, float, float]:
    """From the first create to the last: creates a second, processor time of the worker and of the sandboxes a create (ms)."""
    _, assembly = remotes(at)
    already, used, theirs = accounts(assembly), at.cpu_seconds("worker"), sandbox_seconds()
    seconds = until(partial(_has, assembly, count), 600, "the last create")
    share = 1000 / (count - already)
    return (
        (count - already) / seconds,
        (at.cpu_seconds("worker") - used) * share,
        (sandbox_seconds() - theirs) * share,
    )


def _live(at: Site, edits: int) -> tuple[float, float, float]:
    """Edits a second, processor time of the worker and of the sandboxes an edit (ms; handing in the edits is the sandboxes' too)."""
    used, theirs = at.cpu_seconds("worker"), sandbox_seconds()
    rate = edit(at, edits)
    return rate, (at.cpu_seconds("worker") - used) / edits * 1000, (sandbox_seconds() - theirs) / edits * 1000
