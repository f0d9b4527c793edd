"""From settings to a ``Bridge``. Speaks to no remote and waits for no Redis: all is built while both are away."""

from __future__ import annotations

import contextlib
import random
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

import redis

from bridge import jobs, transport
from bridge import settings as configuration
from bridge.bootstrap.parts import Bell, Bridge, Dialect, Rules, SystemConnector, WiredConnection
from bridge.clients.assembly import AssemblyClient
from bridge.clients.assembly.legacy import LegacyClient
from bridge.clients.crm import CrmClient
from bridge.connectors import AssemblyConnector, AssemblyOptions, CrmConnector, CrmOptions, LegacyConnector, options
from bridge.core.errors import MappingError, Mistake, SettingsError, UsageError
from bridge.core.guards import Brake
from bridge.core.mapping import load_with_warnings
from bridge.core.mapping.grammar import OBJECTS
from bridge.core.mapping.webhooks import load_webhooks
from bridge.core.ports import Traits
from bridge.runtime import embedded_redis
from bridge.runtime.clock import SystemClock
from bridge.runtime.driver import Driver
from bridge.runtime.live_mappings import LiveFolder, read_folder
from bridge.settings import ConnectionSettings, InvalidSettings, Settings
from bridge.store import Store
from bridge.sync.terms import Terms, Timings

_RANDOM: Final = random.SystemRandom()


def load_settings() -> Settings:
    """Raises ``SettingsError`` with every mistake."""
    try:
        loaded = configuration.load()
        loaded.connections()
    except InvalidSettings as wrong:
        raise SettingsError(str(wrong)) from None
    return loaded


def build(settings: Settings) -> Bridge:
    """Wire everything and bring the database up to date. Raises ``SettingsError`` or ``MappingError``."""
    clock = SystemClock()
    redis_url = settings.redis_url or embedded_redis.find_running(settings.database_url)
    closing = contextlib.ExitStack()
    with closing:
        client = jobs.connect(redis_url) if redis_url else None
        if client is not None:
            closing.callback(client.close)
        doorbell: Bell = jobs.RedisDoorbell(client) if client is not None else jobs.SilentDoorbell()
        connections = {each.name: _wire(each, settings, client, closing) for each in settings.connections()}
        store = Store(settings.database_url, clock, Brake(settings.brake_counts, settings.brake_percents))
        closing.callback(store.close)
        store.migrate()
        for name in connections:
            store.connections.ensure(name)
        terms = _terms(store, connections, _timings(settings), settings.oscillation_flips)
        driver = Driver(store, terms, clock, sleep=time.sleep, in_flight=settings.max_in_flight)
        closing.callback(driver.close)
        rest = closing.pop_all()
    return Bridge(settings, store, connections, doorbell, clock, driver, redis_url, terms, _closing=rest)


def _timings(settings: Settings) -> Timings:
    return Timings(
        settle=settings.settle_seconds,
        lag=settings.remote_lag_seconds,
        lease=settings.lease_seconds,
        http_timeout=settings.http_timeout_seconds,
        margin=settings.newest_margin_seconds,
    )


def _terms(
    store: Store, connections: Mapping[str, WiredConnection], timings: Timings, most_flips: int
) -> Callable[[str], Terms]:
    told: dict[tuple[str, str], str] = {}

    def tell_objects() -> None:
        """The store must know which streams share an object, also after an edit of the mappings."""
        objects = {
            (stream.name, side): stream.object(side)
            for wired in connections.values()
            for stream in wired.mappings.streams
            for side in stream.sides
        }
        if objects != told:
            store.set_objects(objects)
            told.clear()
            told.update(objects)

    def terms(name: str) -> Terms:
        if name not in connections:
            raise UsageError(f"no connection is called {name!r}", status=404)
        tell_objects()
        wired = connections[name]
        return Terms(wired.connectors, wired.mappings, timings, _RANDOM, most_flips)

    tell_objects()
    return terms


def _wire(
    connection: ConnectionSettings, settings: Settings, client: redis.Redis | None, closing: contextlib.ExitStack
) -> WiredConnection:
    calls = {"crm": transport.CallCounter(), "assembly": transport.CallCounter()}

    def http(system: str, base_url: str, key: str, authorization: str, rate: float) -> transport.Http:
        opened = transport.open(
            system,
            base_url,
            authorization,
            _limiter(transport.limiter_name(base_url, key), rate, client, settings.max_processes),
            timing=transport.Timing(timeout=settings.http_timeout_seconds),
            calls=calls[system],
        )
        closing.callback(opened.close)
        return opened

    key = connection.crm_api_key.get_secret_value()
    crm_http = http("crm", connection.crm_base_url, key, f"Bearer {key}", connection.crm_rate_limit)
    key = connection.assembly_api_key.get_secret_value()
    assembly_http = http("assembly", connection.assembly_base_url, key, key, connection.assembly_rate_limit)
    crm_options = options(CrmOptions, connection.crm_options, name=f"{connection.name}: CRM_OPTIONS")
    assembly_options = options(
        AssemblyOptions, connection.assembly_options, name=f"{connection.name}: ASSEMBLY_OPTIONS"
    )
    connectors: dict[str, SystemConnector] = {
        "crm": CrmConnector(CrmClient(crm_http, connection.crm_entity_id, crm_options.names), crm_options),
        "assembly": _assembly(connection.assembly_dialect, assembly_http, assembly_options),
    }
    traits = _traits(connectors)
    files = LiveFolder(connection.mappings_dir, lambda texts: _rules(texts, traits))
    return WiredConnection(connection.name, connection, connectors, calls, files)


def _assembly(dialect: Dialect, http: transport.Http, options: AssemblyOptions) -> SystemConnector:
    if dialect == "legacy":
        return LegacyConnector(LegacyClient(http, options.labels_path), options)
    return AssemblyConnector(AssemblyClient(http, options.labels_path), options)


def _traits(connectors: Mapping[str, SystemConnector]) -> dict[tuple[str, str], Traits]:
    return {(side, name): connector.traits(name) for side, connector in connectors.items() for name in OBJECTS[side]}


def _rules(texts: Mapping[str, str], traits: Mapping[tuple[str, str], Traits]) -> Rules:
    """Raises ``MappingError`` with the mistakes of the streams and of the webhooks' description together."""
    mistakes: list[Mistake] = []
    try:
        mappings, warnings = load_with_warnings(texts, traits=traits)
    except MappingError as wrong:
        mistakes += wrong.mistakes
    try:
        webhooks = load_webhooks(texts)
    except MappingError as wrong:
        mistakes += wrong.mistakes
    if mistakes:
        raise MappingError(mistakes)
    return Rules(mappings, webhooks, warnings)


def read_rules(folder: Path, dialect: Dialect = "current") -> Rules:
    """A folder of mappings by itself, without settings. Raises ``MappingError``, or ``SettingsError`` if it has no files."""
    return _rules(read_folder(folder), _documented_traits(dialect))


def _documented_traits(dialect: Dialect) -> dict[tuple[str, str], Traits]:
    """What the systems can do with default options; asks no remote."""
    silent = transport.LocalLimiter(transport.Rate(1))
    nowhere = transport.open("none", "http://127.0.0.1:9", "none", silent)
    return _traits(
        {"crm": CrmConnector(CrmClient(nowhere, "")), "assembly": _assembly(dialect, nowhere, AssemblyOptions())}
    )


def _limiter(name: str, rate: float, client: redis.Redis | None, processes: int) -> transport.Limiter:
    allowed = transport.Rate(int(rate)) if rate >= 1 else transport.Rate(1, seconds=1 / rate)
    if client is None:
        return transport.LocalLimiter(allowed.share(processes))
    return transport.RedisLimiter(client, name, allowed, processes)
