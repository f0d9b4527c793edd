"""Answers that are well-formed and about something else: another record must never pass for the one asked for."""

from __future__ import annotations

import httpx
import pytest

from bridge import transport
from bridge.clients.assembly import AssemblyClient, LegacyClient
from bridge.clients.crm import CrmClient
from bridge.connectors import AssemblyConnector, CrmConnector, LegacyConnector
from bridge.core.errors import BrokenRemote, ParentNotThere
from bridge.core.records import Lane, Patch, Ref
from bridge.transport import Http, Slot


class Open:
    def acquire(self, lane: Lane, patience: float) -> Slot:
        return Slot("", 0, shared=False)

    def answered(self, slot: Slot, round_trip: float) -> None: ...

    def hold(self, seconds: float) -> None: ...


def http(system: str, *answers: httpx.Response) -> Http:
    waiting = list(answers)
    handler = httpx.MockTransport(lambda _request: waiting.pop(0) if len(waiting) > 1 else waiting[0])
    return transport.open(system, "https://remote.example.com", "key", Open(), transport=handler)


OTHER = {"id": "other", "name": "Other", "domain": "other.com", "account_type": "Company", "additional_properties": {}}


@pytest.mark.parametrize("kind", ["current", "legacy"])
def test_another_account_is_no_answer_for_an_id(kind: str) -> None:
    remote = http("assembly", httpx.Response(200, json={"account": OTHER}))
    connector = (
        AssemblyConnector(AssemblyClient(remote)) if kind == "current" else LegacyConnector(LegacyClient(remote))
    )
    with pytest.raises(BrokenRemote):
        connector.get(Ref("assembly", "accounts", "asked-for"))


def test_an_account_without_the_key_is_no_answer_for_it() -> None:
    shown = {**OTHER, "source_specific_ids": ["another"]}
    connector = AssemblyConnector(AssemblyClient(http("assembly", httpx.Response(200, json={"account": shown}))))
    with pytest.raises(BrokenRemote):
        connector.find_by_key("accounts", "asked-for")


def test_another_company_is_no_answer_for_an_id() -> None:
    connector = CrmConnector(CrmClient(http("crm", httpx.Response(200, json={"id": "other", "name": "Other"})), "e"))
    with pytest.raises(BrokenRemote):
        connector.get(Ref("crm", "companies", "asked-for"))


def test_a_membership_of_nothing_is_a_missing_parent_also_as_404() -> None:
    answers = (httpx.Response(200, json=[]), httpx.Response(404, json={"error": "not found"}))
    connector = CrmConnector(CrmClient(http("crm", *answers), "e"))
    (step,) = connector.steps("update", Patch("contacts", "p", {"companyId": "gone"}, {"companyId": None}))
    with pytest.raises(ParentNotThere):
        connector.send(step)
