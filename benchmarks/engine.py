"""The engine end to end: real API, worker, Redis and SQLite against sandboxes in processes of their own."""

# ruff: noqa: B023  what is waited for is looked at within the same round
from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

from benchmarks.measures import Figure, until, verify
from tests.chaos.common import companies, industry, keys_of, remotes
from tests.chaos.sender import deliver, event, message
from tests.chaos.site import NO_BRAKE, NO_LIMIT, Site, site

FREE = {"limit_per_second": 0}


def _accounts(assembly: Any) -> int:
    return int(assembly.health()["records"]["accounts"])


def _run(at: Site, **body: object) -> dict[str, Any]:
    """A backfill of companies to its end."""
    run = at.admin("POST", "/backfills", {"connection": "default", "streams": ["companies"], **body})
    until(
        lambda: at.admin("GET", f"/backfills/{run['id']}")["state"] in ("done", "failed"), 3600, "the backfill", 0.25
    )
    found: dict[str, Any] = at.admin("GET", f"/backfills/{run['id']}")
    verify(found["state"] == "done", f"the backfill ended as {found['state']}")
    return found


def _one_each(crm: Any, assembly: Any, count: int) -> None:
    keys = keys_of(assembly.records("accounts"))
    verify(len(keys) == count and max(keys.values()) == 1, "not one account for each company")
    verify(set(keys) == {row["id"] for row in crm.records("companies")}, "the keys are not the CRM's ids")


def engine(runs: int, *, full: bool) -> Iterator[Figure]:
    """Backfill and live reconciles of one worker, nothing in its way."""
    count, edits = (5_000, 2_000) if full else (1_500, 500)
    applied, live, spent = [], [], []
    for _ in range(runs):
        with site(**NO_BRAKE, **NO_LIMIT, settle_seconds=60, crm=FREE, assembly=FREE) as at:
            crm, assembly = remotes(at)
            crm.seed({"companies": companies(count)})
            run = at.admin("POST", "/backfills", {"connection": "default", "streams": ["companies"]})
            until(lambda: _accounts(assembly) > 0, 120, "the first create")
            used = at.cpu_seconds("worker")
            seconds = until(lambda: _accounts(assembly) >= count, 600, "the last create")
            spent.append((at.cpu_seconds("worker") - used) / count * 1000)
            applied.append(count / seconds)
            until(lambda: at.admin("GET", f"/backfills/{run['id']}")["state"] == "done", 60, "the end", 0.2)
            _one_each(crm, assembly, count)
            live.append(_live(at, edits))
    yield Figure("backfill, creates applied by one worker", tuple(applied), "records/s", "400")
    yield Figure("backfill, the worker's processor time a create", tuple(spent), "ms")
    yield Figure("live, edits reconciled by one worker", tuple(live), "records/s", "200")


def _live(at: Site, edits: int) -> float:
    """Edits that wait in the inbox, from the moment the connection goes on."""
    crm, assembly = remotes(at)
    at.admin("POST", "/connections/default/pause")
    ids = [row["id"] for row in crm.dump("companies")][:edits]
    for id in ids:
        crm.patch("companies", id, {"industry": "edited"})
    deliver(at.port, [message(f"edit-{id}", event(id)) for id in ids], connections=16)
    began = time.monotonic()
    at.admin("POST", "/connections/default/resume")
    until(
        lambda: sum(industry(row) == "edited" for row in assembly.records("accounts")) == edits, 300, "the edits", 0.1
    )
    return edits / (time.monotonic() - began)


def saturation(runs: int, *, full: bool) -> Iterator[Figure]:
    """The share of 30 calls a second that a backfill of one worker uses, the remote being 150 ms away and strict."""
    seconds = 60 if full else 20
    for window in ("sliding", "fixed"):
        rates = []
        for _ in range(runs):
            with site(
                **NO_BRAKE, proxied=("assembly",), crm=FREE, assembly={"limit_per_second": 30, "window": window}
            ) as at:
                crm, assembly = remotes(at)
                at.proxies["assembly"].weather.latency = 0.15
                crm.seed({"companies": companies(30 * (seconds + 20))})
                at.admin("POST", "/backfills", {"connection": "default", "streams": ["companies"]})
                until(lambda: _accounts(assembly) > 60, 120, "the first creates")
                before, began = assembly.stats()["total"], time.monotonic()
                time.sleep(seconds)
                stats = assembly.stats()
                rates.append((stats["total"] - before) / (time.monotonic() - began) / 30 * 100)
                verify(stats["too_many"] == 0, f"{stats['too_many']} refused by the limit")
        yield Figure(f"share of the limit used, {window} window", tuple(rates), "%", "96.6")


def calls(_runs: int, *, full: bool) -> Iterator[Figure]:
    """Assembly calls per record; the same in every run."""
    count = 1_000 if full else 300
    with site(**NO_BRAKE, **NO_LIMIT, settle_seconds=1, poll_interval_seconds=3600, crm=FREE, assembly=FREE) as at:
        crm, assembly = remotes(at)
        crm.seed({"companies": companies(count)})

        def spent(action: Callable[[], object]) -> float:
            before = assembly.stats()["total"]
            action()
            until(lambda: at.busy() == 0, 120, "rest", 0.2)
            return float((assembly.stats()["total"] - before) / count)

        def edit() -> None:
            ids = [row["id"] for row in crm.dump("companies")]
            for id in ids:
                crm.patch("companies", id, {"industry": "edited"})
            deliver(at.port, [message(f"edit-{id}", event(id)) for id in ids], connections=8)
            until(lambda: all(industry(row) == "edited" for row in assembly.records("accounts")), 120, "edits", 0.1)

        def echo() -> None:
            ids = [row["id"] for row in crm.dump("companies")]
            deliver(at.port, [message(f"echo-{id}", event(id)) for id in ids], connections=8)
            time.sleep(1)

        yield Figure("Assembly calls per new record", (spent(lambda: _run(at)),), "calls", "≤ 1.02")
        yield Figure("Assembly calls per unchanged record of a backfill", (spent(lambda: _run(at)),), "calls", "≤ 0.02")
        yield Figure("Assembly calls per webhook edit", (spent(edit),), "calls", "≤ 2")
        yield Figure("Assembly calls per echo", (spent(echo),), "calls", "0")
        _one_each(crm, assembly, count)


def growth(_runs: int, *, full: bool) -> Iterator[Figure]:
    """What a larger installation pays: per event, for a listing, in memory and on disk."""
    for size in (1_000, 10_000, 100_000) if full else (1_000, 5_000):
        with site(**NO_BRAKE, **NO_LIMIT, settle_seconds=60, poll_interval_seconds=3600, crm=FREE, assembly=FREE) as at:
            crm, assembly = remotes(at)
            crm.seed({"companies": companies(size)})
            _run(at)
            began = time.monotonic()
            _run(at)
            listing = time.monotonic() - began
            rate = _live(at, 200)
            _one_each(crm, assembly, size)
            disk = sum(path.stat().st_size for path in at.folder.glob("bridge.db*")) / 1e6
            yield Figure(f"{size:,} links: time per live edit", (1000 / rate,), "ms")
            yield Figure(f"{size:,} links: a backfill that finds nothing", (listing,), "s")
            yield Figure(f"{size:,} links: memory of the worker", (at.memory_mb("worker"),), "MB", "< 200")
            yield Figure(f"{size:,} links: database", (disk,), "MB")
