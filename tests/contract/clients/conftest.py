"""Each client against its sandbox, over real HTTP. One server a system and session; every test starts with an empty one."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from client_remotes import ENTITY, Remote, fresh, serve_remote

from bridge.clients.assembly import AssemblyClient
from bridge.clients.crm import CrmClient
from bridge.clients.wavo import GROUPS, WavoClient
from bridge.connectors import AssemblyConnector, AssemblyOptions, CrmConnector, CrmOptions


@pytest.fixture(scope="session")
def crm_server() -> Iterator[Remote]:
    yield from serve_remote("crm", "ak_test", "Bearer ak_test")


@pytest.fixture(scope="session")
def assembly_server() -> Iterator[Remote]:
    yield from serve_remote("assembly", "raw-key", "raw-key")


@pytest.fixture(scope="session")
def wavo_server() -> Iterator[Remote]:
    yield from serve_remote("wavo", "token", "Bearer token")


@pytest.fixture
def crm_remote(crm_server: Remote) -> Iterator[Remote]:
    yield from fresh(crm_server)


@pytest.fixture
def assembly_remote(assembly_server: Remote) -> Iterator[Remote]:
    yield from fresh(assembly_server)


@pytest.fixture
def wavo_remote(wavo_server: Remote) -> Iterator[Remote]:
    yield from fresh(wavo_server)


@pytest.fixture
def wavo(wavo_remote: Remote) -> WavoClient:
    return WavoClient(dict.fromkeys(GROUPS, wavo_remote.http))


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
