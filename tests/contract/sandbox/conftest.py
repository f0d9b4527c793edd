"""One served sandbox of each system for all tests of this folder; each test starts from an empty one with default switches."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

import httpx
import pytest

from bridge.sandbox.switches import WAVO_GROUPS, AssemblySwitches, CrmSwitches, Switches, WavoSwitches
from tests.contract.sandbox.assembly_calls import made
from tests.support.sandboxes import Box, sandbox


@pytest.fixture(scope="session")
def crm_box() -> Iterator[Box]:
    with sandbox("crm") as box:
        yield box


@pytest.fixture(scope="session")
def assembly_box() -> Iterator[Box]:
    with sandbox("assembly") as box:
        yield box


@pytest.fixture(scope="session")
def wavo_box() -> Iterator[Box]:
    with sandbox("wavo") as box:
        yield box


@pytest.fixture(scope="session")
def crm_client(crm_box: Box) -> Iterator[httpx.Client]:
    params = {"entityId": crm_box.entity_id}
    with httpx.Client(
        base_url=crm_box.url, headers={"Authorization": f"Bearer {crm_box.key}"}, params=params
    ) as client:
        yield client


@pytest.fixture(scope="session")
def assembly_client(assembly_box: Box) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=assembly_box.url, headers={"Authorization": assembly_box.key}) as client:
        yield client


@pytest.fixture(scope="session")
def wavo_client(wavo_box: Box) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=wavo_box.url, headers={"Authorization": f"Bearer {wavo_box.key}"}) as client:
        yield client


def _afresh(box: Box, switches: Switches) -> None:
    box.control.reset()
    box.control.switches(**dataclasses.asdict(switches))


@pytest.fixture
def crm(crm_box: Box, crm_client: httpx.Client) -> httpx.Client:
    _afresh(crm_box, CrmSwitches())
    return crm_client


@pytest.fixture
def assembly(assembly_box: Box, assembly_client: httpx.Client) -> httpx.Client:
    _afresh(assembly_box, AssemblySwitches(limit_per_second=None))
    return assembly_client


@pytest.fixture
def wavo(wavo_box: Box, wavo_client: httpx.Client) -> httpx.Client:
    _afresh(wavo_box, dataclasses.replace(WavoSwitches(), **dict.fromkeys(WAVO_GROUPS)))  # type: ignore[arg-type]
    return wavo_client


@pytest.fixture
def company(assembly: httpx.Client) -> str:
    """The id of a company with two source ids."""
    body = {"type": "Company", "name": "n", "domain": "account.com", "source_specific_ids": ["acct-ssid-123", "second"]}
    return made(assembly.post("/accounts", json=body))
