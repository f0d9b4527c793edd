"""``/metrics`` for Prometheus, read from SQL and Redis at each scrape: any process may answer for all of them.

Labels are configured names and causes; nothing of a record is ever in them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

from fastapi import APIRouter, Response
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector
from redis.exceptions import RedisError

from bridge.bootstrap import Bridge
from bridge.store import Store

_MODES = ("observing", "live", "paused")


def router(bridge: Bridge) -> APIRouter:
    routes = APIRouter(tags=["metrics"])
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_State(bridge))

    @routes.get("/metrics")
    def metrics() -> Response:
        """The state of every connection, for Prometheus."""
        return Response(generate_latest(registry), headers={"Content-Type": CONTENT_TYPE_LATEST})

    return routes


class _State(Collector):
    def __init__(self, bridge: Bridge) -> None:
        self._bridge = bridge

    def describe(self) -> Iterable[GaugeMetricFamily]:
        """Nothing: otherwise registering would read the database."""
        return ()

    def collect(self) -> Iterator[GaugeMetricFamily]:
        store, names = self._bridge.store, sorted(self._bridge.connections)
        yield _modes(store, names)
        yield _changes(store, names)
        yield _links(store, names)
        yield _attention(store, names)
        yield _holds(store, names)
        yield _backfills(store, names)
        yield from _redis(self._bridge)


def _modes(store: Store, names: Iterable[str]) -> GaugeMetricFamily:
    family = GaugeMetricFamily("bridge_connection_mode", "1 for the mode it is in.", labels=("connection", "mode"))
    now = {row.name: row.mode for row in store.connections.all()}
    for name in names:
        for mode in _MODES:
            family.add_metric((name, mode), float(now.get(name) == mode))
    return family


def _changes(store: Store, names: Iterable[str]) -> GaugeMetricFamily:
    family = GaugeMetricFamily("bridge_changes", "Records to look at, by state.", labels=("connection", "state"))
    for name in names:
        counts = store.changes.counts(name)
        for state in ("pending", "leased", "waiting", "parked"):
            family.add_metric((name, state), counts.get(state, 0))
    return family


def _links(store: Store, names: Iterable[str]) -> GaugeMetricFamily:
    family = GaugeMetricFamily("bridge_links", "Linked records.", labels=("connection", "stream", "state"))
    for name in names:
        for (stream, state), count in sorted(store.links.counts(name).items()):
            family.add_metric((name, stream, state), count)
    return family


def _attention(store: Store, names: Iterable[str]) -> GaugeMetricFamily:
    family = GaugeMetricFamily("bridge_attention", "What waits for a person.", labels=("connection", "stream", "cause"))
    for name in names:
        counts = Counter[tuple[str, str]]()
        for group in store.attention.groups(name):
            counts[group.stream, group.cause] += group.count
        for (stream, cause), count in sorted(counts.items()):
            family.add_metric((name, stream, cause), count)
    return family


def _holds(store: Store, names: Iterable[str]) -> GaugeMetricFamily:
    family = GaugeMetricFamily("bridge_holds", "Classes of changes that the brake holds.", labels=("connection",))
    for name in names:
        family.add_metric((name,), len(store.holds.page(connection=name, state="held", limit=1000).items))
    return family


def _backfills(store: Store, names: Iterable[str]) -> GaugeMetricFamily:
    family = GaugeMetricFamily("bridge_backfill_active", "1 while a backfill is under way.", labels=("connection",))
    for name in names:
        family.add_metric((name,), float(store.runs.active(name) is not None))
    return family


def _redis(bridge: Bridge) -> Iterator[GaugeMetricFamily]:
    up, listening = 1.0, 0
    try:
        listening = len(bridge.doorbell.listening())
    except RedisError:
        up = 0.0
    yield GaugeMetricFamily("bridge_redis_up", "Whether Redis answers; work goes on without.", value=up)
    yield GaugeMetricFamily("bridge_workers_listening", "Worker processes that hear rings.", value=listening)
