"""Durable acknowledgements: how many a second, how soon, with every guard on and the inbox counted afterwards."""

from __future__ import annotations

import time
from collections.abc import Iterator

from benchmarks.measures import Figure, percentile, verify
from tests.chaos.sender import Message, deliver, event, message
from tests.chaos.site import site


def _messages(count: int, prefix: str) -> list[Message]:
    return [message(f"{prefix}-{number}", event(f"c-{number}")) for number in range(count)]


def ingest(runs: int, *, full: bool) -> Iterator[Figure]:
    count = 20_000 if full else 6_000
    for postgres in (False, True):
        for apis in (1, 2):
            with site(apis=apis, workers=0, redis=False, remotes=False, postgres=postgres) as at:
                time.sleep(2 * (apis - 1))
                deliver(at.port, _messages(500, "warm"), connections=32)
                rates, slow, spent, sent = [], [], [], 500
                for run in range(runs):
                    flood = _messages(count, f"flood{run}")
                    began, used = time.monotonic(), sum(at.cpu_seconds(name) for name in at.processes)
                    told = deliver(at.port, flood, connections=96)
                    spent.append((sum(at.cpu_seconds(name) for name in at.processes) - used) / count * 1e6)
                    rates.append(count / (time.monotonic() - began))
                    verify(all(each.status == 202 for each in told), "an event was not acknowledged")
                    paced = _messages(1500, f"paced{run}")
                    told = deliver(at.port, paced, connections=48, rate=500)
                    slow.append(percentile([each.seconds for each in told], 99) * 1000)
                    sent += count + len(paced)
                verify(at.one("SELECT count(*) FROM inbox") == sent, "the inbox does not hold what was acknowledged")
                where = f"{'PostgreSQL' if postgres else 'SQLite'}, {apis} API process{'es' if apis > 1 else ''}"
                yield Figure(f"acknowledged, {where}", tuple(rates), "/s", "1,650")
                yield Figure(f"processor time an event, {where}", tuple(spent), "µs")
                yield Figure(f"p99 at 500/s, {where}", tuple(slow), "ms", "< 50")
