"""Durable acknowledgements: how many a second, how soon, with every guard on and the inbox counted afterwards."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Final

from benchmarks.load import Sent, nothing_stored, send
from benchmarks.measures import Figure, percentile, verify
from tests.chaos.site import Site, site

RATE: Final = 500
CONNECTIONS: Final = 96


def ingest(runs: int, *, full: bool) -> Iterator[Figure]:
    yield from _sender(runs)
    count = 20_000 if full else 6_000
    for postgres in (False, True):
        for apis in (1, 2):
            with site(apis=apis, workers=0, redis=False, remotes=False, postgres=postgres, durable=True) as at:
                where = f"{'PostgreSQL' if postgres else 'SQLite'}, {apis} API process{'es' if apis > 1 else ''}"
                yield from _measure(at, where, runs, count)


def _sender(runs: int, count: int = 20_000) -> Iterator[Figure]:
    with nothing_stored() as port:
        sent = [send(port, "nothing", count, connections=CONNECTIONS) for _ in range(runs)]
    yield Figure(
        "the sender alone, against a server that does nothing", tuple(count / each.seconds for each in sent), "/s"
    )
    yield Figure("the sender's processor time an event", tuple(each.spent / count * 1e6 for each in sent), "µs")


def _measure(at: Site, where: str, runs: int, count: int) -> Iterator[Figure]:
    time.sleep(2 * (len(at.processes) - 1))  # only the first one's start was waited for
    warm, paced = 500, 4 * RATE
    send(at.port, "warm", warm, connections=32)
    rates, spent, half, slow = [], [], [], []
    for run in range(runs):
        used = _cpu_seconds(at)
        flood = _acknowledged(send(at.port, f"flood{run}", count, connections=CONNECTIONS))
        spent.append((_cpu_seconds(at) - used) / count * 1e6)
        rates.append(count / flood.seconds)
        calm = _acknowledged(send(at.port, f"paced{run}", paced, connections=CONNECTIONS, rate=RATE))
        half.append(percentile(calm.took, 50) * 1000)
        slow.append(percentile(calm.took, 99) * 1000)
    stored = at.one("SELECT count(*) FROM inbox")
    verify(stored == warm + runs * (count + paced), "the inbox does not hold what was acknowledged")
    yield Figure(f"acknowledged, {where}", tuple(rates), "/s", "1,650")
    yield Figure(f"processor time an event, {where}", tuple(spent), "µs")
    yield Figure(f"p50 at {RATE}/s, {where}", tuple(half), "ms")
    yield Figure(f"p99 at {RATE}/s, {where}", tuple(slow), "ms", "< 50")


def _acknowledged(sent: Sent) -> Sent:
    verify(sent.all_acknowledged, f"not every event was acknowledged: {sent.statuses}")
    return sent


def _cpu_seconds(at: Site) -> float:
    return sum(at.cpu_seconds(name) for name in at.processes)
