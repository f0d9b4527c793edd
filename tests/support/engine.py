"""The real engine against real sandboxes over HTTP, without the processes around it: store, connectors, driver, duties."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from bridge.clients.assembly import AssemblyClient
from bridge.clients.crm import CrmClient
from bridge.connectors import AssemblyConnector, CrmConnector
from bridge.core.guards import Brake
from bridge.core.mapping import load
from bridge.core.mapping.model import Mappings
from bridge.operations import backfill
from bridge.operations.backfill import Backfill
from bridge.runtime.driver import Driver
from bridge.store import Hint, RunRow, Store
from bridge.sync.poll import list_side, poll
from bridge.sync.terms import Terms, Timings
from bridge.transport import CallCounter, Http, LocalLimiter, Rate
from bridge.transport import open as open_http
from tests.support.sandboxes import Box, assembly_sandbox, crm_sandbox

CONNECTION = "default"
SHIPPED = Path(__file__).parents[2] / "mappings"
QUICK = Timings(settle=0, lag=0.2, lease=20, http_timeout=5, retry_base=0.05, pause=0.2, busy=0.05)
NO_BRAKE = Brake({}, {})
OVERLAP = timedelta(seconds=1)


class RealClock:
    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return time.monotonic()


class Bells:
    """Rings go nowhere: the test drains."""

    def ring(self, connection: str) -> None:
        pass


def shipped_texts() -> dict[str, str]:
    return {path.name: path.read_text() for path in SHIPPED.glob("*.yaml")}


@dataclass(slots=True)
class Engine:
    """One connection's engine; ``restart`` forgets everything that lives in memory only."""

    crm: Box
    assembly: Box
    folder: Path
    mappings: Mappings
    timings: Timings = QUICK
    brake: Brake = NO_BRAKE
    calls: dict[str, CallCounter] = field(default_factory=lambda: {"crm": CallCounter(), "assembly": CallCounter()})
    https: list[Http] = field(default_factory=list)
    store: Store = field(init=False)
    terms: Terms = field(init=False)
    driver: Driver = field(init=False)

    def __post_init__(self) -> None:
        self.open()

    def open(self) -> None:
        self.store = Store(f"sqlite:///{self.folder / 'bridge.db'}", RealClock(), self.brake)
        self.store.migrate()
        self.store.connections.ensure(CONNECTION)
        self.use(self.mappings)
        self.driver = Driver(self.store, lambda _: self.terms, RealClock(), sleep=time.sleep)

    def use(self, mappings: Mappings) -> None:
        self.mappings = mappings
        fast = Rate(10_000, paced=False)
        crm = open_http("crm", self.crm.url, f"Bearer {self.crm.key}", LocalLimiter(fast), calls=self.calls["crm"])
        asm = open_http(
            "assembly", self.assembly.url, self.assembly.key, LocalLimiter(fast), calls=self.calls["assembly"]
        )
        self.https += [crm, asm]
        connectors = {
            "crm": CrmConnector(CrmClient(crm, self.crm.entity_id)),
            "assembly": AssemblyConnector(AssemblyClient(asm)),
        }
        self.terms = Terms(connectors, mappings, self.timings, random.Random(1))
        self.store.set_objects({(s.name, side): s.object(side) for s in mappings.streams for side in s.sides})

    def close(self) -> None:
        self.driver.close()
        self.store.close()
        while self.https:
            self.https.pop().close()

    def live(self) -> None:
        self.store.connections.set_mode(CONNECTION, "live")

    def hint(self, stream: str, side: str, record_id: str) -> None:
        self.store.changes.hint(CONNECTION, [Hint(stream, side, record_id)])

    def settle(self, seconds: float = 20) -> None:
        """Drain until nothing is due soon."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.driver.drain(CONNECTION, 5)
            due = self.store.changes.due(CONNECTION)
            if due is None or due > 3:
                return
            time.sleep(min(max(due, 0.01), 0.2))
        raise AssertionError(f"still busy: {self.store.changes.page().items}")

    def poll(self) -> None:
        poll(self.store, CONNECTION, self.terms, overlap=OVERLAP)

    def list(self, side: str) -> None:
        list_side(self.store, CONNECTION, self.terms, side)

    def backfill(self, *streams: str, dry_run: bool = False) -> RunRow:
        """Run one to its end, draining in another thread as a worker would."""
        run = backfill.start(self.store, self.mappings, CONNECTION, streams, dry_run=dry_run)
        duty = Backfill(self.store, lambda _: self.terms, Bells(), RealClock(), lambda _: 30.0, OVERLAP, pause=0.05)
        with self.working():
            while self.store.runs.active(CONNECTION) is not None:
                duty.run(CONNECTION, threading.Event())
        found = self.store.runs.get(run.id)
        assert found is not None
        return found

    @contextmanager
    def working(self) -> Iterator[None]:
        """Drain in another thread, as a worker would."""
        stopping = threading.Event()
        drainer = threading.Thread(target=self._drain_until, args=(stopping,))
        drainer.start()
        try:
            yield
        finally:
            stopping.set()
            drainer.join()

    def _drain_until(self, stopping: threading.Event) -> None:
        while not stopping.is_set():
            self.driver.drain(CONNECTION, 1)
            time.sleep(0.02)

    def counted(self) -> dict[str, tuple[int, int]]:
        """Calls and writes so far, per system."""
        return {name: ((now := counter.read()).total, now.writes) for name, counter in self.calls.items()}


@contextmanager
def engine(
    folder: Path, texts: Mapping[str, str] | None = None, *, assembly: Mapping[str, Any] | None = None, **more: Any
) -> Iterator[Engine]:
    with crm_sandbox() as crm, assembly_sandbox(**{"limit_per_second": 0, **(assembly or {})}) as asm:
        made = Engine(crm, asm, folder, load(dict(texts or shipped_texts())), **more)
        try:
            yield made
        finally:
            made.close()
