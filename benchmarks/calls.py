"""How many calls of Assembly a record costs: all that arrive there, listings, labels and polls included."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

from benchmarks.backfills import FREE, at_rest, backfill, edit, one_each
from benchmarks.measures import Figure, until
from tests.chaos.common import companies, remotes
from tests.chaos.sender import deliver, event, message
from tests.chaos.site import NO_BRAKE, NO_LIMIT, site


def calls(_runs: int, *, full: bool) -> Iterator[Figure]:
    """The same in every run, on every machine. Polling and the periodic listing, which cost by the minute
    and not by the record, happen once."""
    count = 5_000 if full else 1_000
    with site(**NO_BRAKE, **NO_LIMIT, settle_seconds=1, poll_interval_seconds=3600, crm=FREE, assembly=FREE) as at:
        crm, assembly = remotes(at)
        crm.seed({"companies": companies(count)})

        def spent(action: Callable[[], object], each: int = count) -> float:
            before = assembly.stats()["total"]
            action()
            until(lambda: at.busy() == 0, 120, "rest", 0.2)
            return float((assembly.stats()["total"] - before) / each)

        def echo() -> None:
            ids = [row["id"] for row in crm.dump("companies")]
            deliver(at.port, [message(f"echo-{id}", event(id)) for id in ids], connections=8)
            time.sleep(1)

        per = f"of {count:,}"
        yield Figure(f"Assembly calls per new record {per}", (spent(lambda: backfill(at)),), "calls", "≤ 1.02")
        at_rest(at)
        yield Figure(f"Assembly calls per unchanged record {per}", (spent(lambda: backfill(at)),), "calls", "≤ 0.02")
        yield Figure("Assembly calls per webhook edit", (spent(lambda: edit(at, 300), 300),), "calls", "≤ 2")
        yield Figure("Assembly calls per echo", (spent(echo),), "calls", "0")
        one_each(crm, assembly, count)
