"""Each sandbox against its own OpenAPI description: made-up requests, valid and not, get described answers and never a 5xx."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from bridge.sandbox.seed import demo
from bridge.sandbox.server import SystemName, make
from tests.support.sandboxes import ENTITY, KEYS, Box, sandbox

pytestmark = pytest.mark.slow

CHECKS = [not_a_server_error, content_type_conformance, response_schema_conformance, status_code_conformance]
GENTLE = settings(
    max_examples=6,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=list(HealthCheck),
)


def described(system: SystemName, **switches: Any) -> Any:
    schema = schemathesis.openapi.from_dict(make(system, key="k", token="t", switches=switches).openapi())
    schema.config.phases.update(phases=["fuzzing"])
    return schema


def records(system: SystemName) -> dict[str, list[dict[str, Any]]]:
    """So that some of the made-up requests find something."""
    if system == "crm":
        return demo(1, companies=5)
    if system == "wavo":
        campaign = {"campaign_id": "campaign", "contact_id": "contact", "thread_id": "thread"}
        return {
            "clients": [{"id": "client"}],
            "campaigns": [{"id": "campaign", "client_id": "client"}],
            "contacts": [{"id": "contact", "campaign_id": "campaign", "email": "a@b.co"}],
            "threads": [{"id": "thread", "campaign_id": "campaign", "contact_id": "contact"}],
            "messages": [{"id": "message", **campaign}],
        }
    return {
        "labels": [{"id": "label", "type": "Tier", "name": "T"}],
        "accounts": [{"id": "account", "name": "A", "domain": "a.co", "source_specific_ids": ["s"]}],
        "contacts": [{"id": "contact", "name": "C", "domain": "c@a.co", "company_id": "account"}],
        "deals": [{"id": "deal", "name": "D", "account_source_specific_id": "s"}],
        "usage": [{"id": "log", "timestamp": "2026-01-01T00:00:00Z", "content": "c", "account_id": "account"}],
    }


class Target:
    """A seeded sandbox, and for each path parameter now a made-up value, now one of an existing record."""

    def __init__(self, system: SystemName, box: Box, session: requests.Session) -> None:
        self.system = system
        self.box = box
        self.turn = itertools.count()
        self.session = session
        seeded = records(system)
        box.control.seed(seeded)
        self.ids = [row["id"] for rows in seeded.values() for row in rows[:3]]

    def check(self, case: Any) -> None:
        if case.path_parameters and next(self.turn) % 3:
            for name in case.path_parameters:
                case.path_parameters[name] = self.ids[next(self.turn) % len(self.ids)]
        headers = {"Authorization": KEYS[self.system] if self.system == "assembly" else f"Bearer {KEYS[self.system]}"}
        params = {"entityId": ENTITY} if self.system == "crm" else {}
        case.headers = {}
        if isinstance(case.body, dict):
            case.body.pop("entityId", None)
        if params:
            case.query = {**(case.query or {}), **params}
        case.call_and_validate(base_url=self.box.control.origin, headers=headers, checks=CHECKS, session=self.session)


@pytest.fixture(scope="module")
def crm_target() -> Iterator[Target]:
    with sandbox("crm") as box, requests.Session() as session:
        yield Target("crm", box, session)


@pytest.fixture(scope="module")
def assembly_target() -> Iterator[Target]:
    with sandbox("assembly") as box, requests.Session() as session:
        yield Target("assembly", box, session)


@pytest.fixture(scope="module")
def legacy_target() -> Iterator[Target]:
    with sandbox("assembly", switches={"dialect": "legacy"}) as box, requests.Session() as session:
        yield Target("assembly", box, session)


@pytest.fixture(scope="module")
def wavo_target() -> Iterator[Target]:
    with sandbox("wavo") as box, requests.Session() as session:
        yield Target("wavo", box, session)


@described("crm").parametrize()  # type: ignore[untyped-decorator]
@GENTLE
def test_the_crm_answers_as_described(crm_target: Target, case: Any) -> None:
    crm_target.check(case)


@described("assembly").parametrize()  # type: ignore[untyped-decorator]
@GENTLE
def test_assembly_answers_as_described(assembly_target: Target, case: Any) -> None:
    assembly_target.check(case)


@described("assembly", dialect="legacy").parametrize()  # type: ignore[untyped-decorator]
@GENTLE
def test_the_legacy_dialect_answers_as_described(legacy_target: Target, case: Any) -> None:
    legacy_target.check(case)


@described("wavo").parametrize()  # type: ignore[untyped-decorator]
@GENTLE
def test_wavo_answers_as_described(wavo_target: Target, case: Any) -> None:
    wavo_target.check(case)


def test_the_description_can_be_fetched(crm_target: Target) -> None:
    description = crm_target.box.control.openapi()
    assert description["openapi"].startswith("3.")
    assert len(description["paths"]) == 21
    assert httpx.get(f"{crm_target.box.control.origin}/openapi.json").status_code == 401
