"""How much of a rate limit a backfill uses, the remote being 150 ms away and strict about its windows."""

from __future__ import annotations

import time
from collections.abc import Iterator

from benchmarks.backfills import FREE, accounts, one_each, start, wait_for_end
from benchmarks.measures import Figure, until, verify
from tests.chaos.common import companies, remotes
from tests.chaos.site import NO_BRAKE, Site, site

LIMIT = 30
LATENCY = 0.15


def saturation(_runs: int, *, full: bool) -> Iterator[Figure]:
    """The same in every run, as the limit is slower than any machine."""
    count = 1_800 if full else 900
    for window in ("sliding", "fixed"):
        limited = {"limit_per_second": LIMIT, "window": window}
        with site(**NO_BRAKE, proxied=("assembly",), crm=FREE, assembly=limited) as at:
            crm, assembly = remotes(at)
            at.proxies["assembly"].weather.latency = LATENCY
            crm.seed({"companies": companies(count)})
            applying, whole = _shares(at, count)
            verify((found := assembly.stats()["too_many"]) == 0, f"{found} refused by the limit")
            one_each(crm, assembly, count)
        yield Figure(
            f"share of the limit used while {count:,} creates are sent, {window} window", (applying,), "%", "96.6"
        )
        yield Figure(f"the same from the start of the backfill to its end, {window} window", (whole,), "%")


def _shares(at: Site, count: int) -> tuple[float, float]:
    """Percent of the limit, over the creates from first to last and over the whole run with its listing."""
    _, assembly = remotes(at)
    at_start, began = assembly.stats()["total"], time.monotonic()
    run = start(at)
    until(lambda: accounts(assembly) > 0, 120, "the first create", 0.02)
    at_first, first = assembly.stats()["total"], time.monotonic()
    until(lambda: accounts(assembly) >= count, 600, "the last create", 0.02)
    at_last, last = assembly.stats()["total"], time.monotonic()
    wait_for_end(at, run)
    at_end, end = assembly.stats()["total"], time.monotonic()
    return (at_last - at_first) / (last - first) / LIMIT * 100, (at_end - at_start) / (end - began) / LIMIT * 100
