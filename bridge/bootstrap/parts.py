"""What a wired bridge is made of."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Final, Literal, Protocol, TypeAlias

import redis
import structlog

from bridge import jobs
from bridge.core.errors import Mistake
from bridge.core.mapping.model import Mappings
from bridge.core.mapping.webhooks import WebhookRules
from bridge.core.ports import Clock, Connector
from bridge.runtime.driver import Driver
from bridge.runtime.live_mappings import LiveFolder, Reading
from bridge.settings import ConnectionSettings, Settings
from bridge.store import Store
from bridge.sync.terms import Terms
from bridge.transport import CallCounter

log = structlog.get_logger(__name__)

SLICE_SECONDS: Final = 30.0
"""How long a drain works before others have their turn."""


Dialect: TypeAlias = Literal["current", "legacy"]
"""Of Assembly's API."""


class SystemConnector(Connector, Protocol):
    """A connector that can also be asked whether its key is good."""

    def probe(self) -> None:
        """The cheapest read that needs the key. Raises ``RemoteError``."""


class Bell(Protocol):
    """The doorbell as processes see it."""

    def ring(self, connection: str) -> None: ...

    def try_ring(self, connection: str) -> bool:
        """Whether a worker has a job for this connection now."""

    def listening(self) -> tuple[str, ...]:
        """Names of the workers that listen."""


@dataclass(frozen=True, slots=True)
class Rules:
    """All that one folder of mappings says."""

    mappings: Mappings
    webhooks: WebhookRules
    warnings: tuple[Mistake, ...]


@dataclass(frozen=True, slots=True)
class WiredConnection:
    """One connection with its connectors by system. ``mappings`` and ``webhooks`` are those of this moment."""

    name: str
    settings: ConnectionSettings
    connectors: Mapping[str, SystemConnector]
    calls: Mapping[str, CallCounter]
    files: LiveFolder[Rules]

    @property
    def reading(self) -> Reading[Rules]:
        """The rules in force, and what is wrong with a newer edit of the files."""
        return self.files.reading

    @property
    def mappings(self) -> Mappings:
        return self.files.current.mappings

    @property
    def webhooks(self) -> WebhookRules:
        return self.files.current.webhooks

    @property
    def warnings(self) -> tuple[Mistake, ...]:
        return self.files.current.warnings


class Drains:
    """Counts the drains under way in this process, so that its end can wait for them."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._running = 0

    def __enter__(self) -> None:
        with self._lock:
            self._running += 1

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._running -= 1

    @property
    def idle(self) -> bool:
        return self._running == 0


@dataclass(frozen=True, slots=True)
class Bridge:
    """Everything, wired. ``stopping`` ends what runs; ``close`` also lets go of files and sockets."""

    settings: Settings
    store: Store
    connections: Mapping[str, WiredConnection]
    doorbell: Bell
    clock: Clock
    driver: Driver
    redis_url: str | None
    terms: Callable[[str], Terms]
    """A connection's connectors, mappings and timings as of now. Raises ``UsageError`` for one that does not exist."""
    stopping: threading.Event = field(default_factory=threading.Event)
    drains: Drains = field(default_factory=Drains)
    _closing: contextlib.ExitStack = field(default_factory=contextlib.ExitStack)

    def drain(self, connection: str, begin: Callable[[], None] = lambda: None) -> None:
        """Work off what is due, for a time slice; ring again if more is left."""
        if connection not in self.connections or self.stopping.is_set():
            return
        try:
            with self.drains:
                left = self.driver.drain(connection, SLICE_SECONDS, self.stopping, begin).left
        except Exception:
            log.exception("drain failed", connection=connection)  # the duty loop comes again in a second
            return
        if left:
            self.doorbell.ring(connection)

    def answer_bell(self, worker: str, connection: str) -> None:
        """What a ring starts, in a thread of its own, so that the bells of other connections are heard meanwhile."""
        begin = partial(self._take_down_bell, worker, connection)
        threading.Thread(target=self.drain, args=(connection, begin), name=f"drain-{connection}", daemon=True).start()

    def _take_down_bell(self, worker: str, connection: str) -> None:
        """Before anything is looked at: a ring from now on is a new one. Until then it would only say what is known."""
        if self.redis_url is not None:
            with contextlib.suppress(redis.RedisError), jobs.connect(self.redis_url) as client:
                jobs.take_down_bell(client, worker, connection)

    def close(self) -> None:
        """Only once nothing is under way: what still runs loses the database."""
        self.stopping.set()
        self._closing.close()
