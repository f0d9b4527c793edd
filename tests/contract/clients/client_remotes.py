"""A sandbox with a connection to it, for the tests of clients and connectors."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from bridge import transport
from bridge.core.records import Lane
from bridge.sandbox import server
from bridge.sandbox.control import Control
from bridge.transport import Http, Slot, Timing

ENTITY = "7f1c2d3e-4b5a-4c6d-8e7f-901234567890"
TOKEN = "control"
FAST = Timing(timeout=2.0, patience=2.0, attempts=3, first_pause=0.005)


class Unlimited:
    """The sandboxes' own limit is off here; pacing has its own tests."""

    def acquire(self, lane: Lane, patience: float) -> Slot:
        return Slot("", 0, shared=False)

    def answered(self, slot: Slot, round_trip: float) -> None: ...

    def hold(self, seconds: float) -> None: ...


@dataclass(frozen=True)
class Remote:
    """A sandbox with its control plane and an open connection to it."""

    http: Http
    control: Control
    base_url: str


def serve_remote(system: server.SystemName, key: str, authorization: str) -> Iterator[Remote]:
    app = server.make(system, key=key, token=TOKEN, entity_id=ENTITY, limit_per_second=0)
    with server.serve(app) as served, Control(served.origin, TOKEN) as control:
        base_url = served.origin + server.base_path(system)
        http = transport.open(system, base_url, authorization, Unlimited(), timing=FAST)
        yield Remote(http, control, base_url)
        http.close()


def fresh(remote: Remote) -> Iterator[Remote]:
    before = remote.control.switches()
    remote.control.reset()
    yield remote
    remote.control.clear_faults()
    remote.control.switches(**before)
