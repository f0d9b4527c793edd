"""Each client against its sandbox, over real HTTP. One server a system and session; every test starts with an empty one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from bridge import transport
from bridge.clients.assembly import AssemblyClient
from bridge.clients.crm import CrmClient
from bridge.connectors import AssemblyConnector, AssemblyOptions, CrmConnector, CrmOptions
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


def _remote(system: server.SystemName, key: str, authorization: str) -> Iterator[Remote]:
    app = server.make(system, key=key, token=TOKEN, entity_id=ENTITY, limit_per_second=0)
    with server.serve(app) as served, Control(served.origin, TOKEN) as control:
        base_url = served.origin + server.base_path(system)
        http = transport.open(system, base_url, authorization, Unlimited(), timing=FAST)
        yield Remote(http, control, base_url)
        http.close()


@pytest.fixture(scope="session")
def crm_server() -> Iterator[Remote]:
    yield from _remote("crm", "ak_test", "Bearer ak_test")


@pytest.fixture(scope="session")
def assembly_server() -> Iterator[Remote]:
    yield from _remote("assembly", "raw-key", "raw-key")


def _fresh(remote: Remote) -> Iterator[Remote]:
    before = remote.control.switches()
    remote.control.reset()
    yield remote
    remote.control.clear_faults()
    remote.control.switches(**before)


@pytest.fixture
def crm_remote(crm_server: Remote) -> Iterator[Remote]:
    yield from _fresh(crm_server)


@pytest.fixture
def assembly_remote(assembly_server: Remote) -> Iterator[Remote]:
    yield from _fresh(assembly_server)


@pytest.fixture
def crm(crm_remote: Remote) -> CrmClient:
    return CrmClient(crm_remote.http, ENTITY)


@pytest.fixture
def assembly(assembly_remote: Remote) -> AssemblyClient:
    return AssemblyClient(assembly_remote.http)


@pytest.fixture
def crm_connector(crm: CrmClient) -> CrmConnector:
    return CrmConnector(crm, CrmOptions(page_size=2))


@pytest.fixture
def assembly_connector(assembly: AssemblyClient) -> AssemblyConnector:
    return AssemblyConnector(assembly, AssemblyOptions(page_size=2))
