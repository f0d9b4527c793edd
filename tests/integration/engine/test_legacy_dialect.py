"""The engine on Assembly's legacy dialect: companies and customers both ways, and creates without an upsert that never happen twice."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from bridge.clients.assembly import LegacyClient
from bridge.connectors import LegacyConnector
from bridge.core.mapping import load
from bridge.sandbox.seed import demo
from bridge.sync.terms import Terms
from bridge.transport import LocalLimiter, Rate
from bridge.transport import open as open_http
from tests.support.engine import CONNECTION, QUICK, Engine, shipped_texts
from tests.support.sandboxes import assembly_sandbox, crm_sandbox

Row = dict[str, Any]

HASTY = dataclasses.replace(QUICK, lease=4, http_timeout=1.5)
"""A lost answer to a create is waited for as long as a lease and a call: seconds here."""


@dataclass(slots=True)
class LegacyEngine(Engine):
    def use(self, mappings: Any) -> None:
        Engine.use(self, mappings)
        fast = LocalLimiter(Rate(10_000, paced=False))
        http = open_http("assembly", self.assembly.url, self.assembly.key, fast, calls=self.calls["assembly"])
        self.https.append(http)
        connectors = {**self.terms.connectors, "assembly": LegacyConnector(LegacyClient(http))}
        self.terms = Terms(connectors, mappings, self.timings, self.terms.random)

    def account(self, crm_id: str, kind: str = "accounts") -> Row:
        (found,) = [row for row in self.assembly.control.dump(kind) if crm_id in row["source_specific_ids"]]
        return found

    def company(self, crm_id: str, kind: str = "companies") -> Row:
        (found,) = [row for row in self.crm.control.dump(kind) if row["id"] == crm_id]
        return found

    def look(self, stream: str, side: str, id: str) -> None:
        self.hint(stream, side, id)
        self.settle()

    def settle_waiting(self, seconds: float = 30) -> None:
        """Also what waits until a lost answer can no longer land."""
        end = time.monotonic() + seconds
        while self.store.changes.due(CONNECTION) is not None:
            assert time.monotonic() < end, self.store.changes.page().items
            self.settle()
            time.sleep(0.1)

    def open_items(self) -> list[Any]:
        return list(self.store.attention.page(limit=500).items)


@pytest.fixture
def bridge(tmp_path: Path) -> Iterator[LegacyEngine]:
    texts = {name: text for name, text in shipped_texts().items() if name in ("companies.yaml", "contacts.yaml")}
    with crm_sandbox() as crm, assembly_sandbox(limit_per_second=0) as asm:
        asm.control.switches(dialect="legacy")
        made = LegacyEngine(crm, asm, tmp_path, load(texts), HASTY)
        try:
            yield made
        finally:
            made.close()


@pytest.fixture
def live(bridge: LegacyEngine) -> LegacyEngine:
    bridge.live()
    return bridge


def new_company(bridge: LegacyEngine, **values: Any) -> str:
    given = {"name": "Acme", "website": "acme.example", "status": "active", "industry": "Steel", **values}
    return str(bridge.crm.control.create("companies", given)["id"])


def new_contact(bridge: LegacyEngine, company: str) -> str:
    made = bridge.crm.control.create(
        "contacts", {"firstName": "Ann", "lastName": "Doe", "email": "ann@acme.example", "jobTitle": "Chief"}
    )
    bridge.crm.control.create("memberships", {"contactId": made["id"], "companyId": company, "isPrimary": True})
    return str(made["id"])


def test_a_backfill_brings_companies_and_customers_and_a_second_one_nothing(bridge: LegacyEngine) -> None:
    bridge.crm.control.seed(demo(3, companies=8))
    run = bridge.backfill()
    assert run.state == "done", run.error
    bridge.settle()
    for kind, object in (("companies", "accounts"), ("contacts", "contacts")):
        page = bridge.store.links.page(CONNECTION, kind, limit=500)
        keys = [key for row in bridge.assembly.control.dump(object) for key in row["source_specific_ids"]]
        assert len(keys) == len(set(keys))
        assert {link.ends["crm"].record_id for link in page.items if link.state == "live"} == set(keys)
        assert keys
    before = bridge.counted()
    again = bridge.backfill()
    assert again.state == "done", again.error
    assert bridge.counted()["assembly"][1] == before["assembly"][1]
    assert bridge.counted()["crm"][1] == before["crm"][1]


def test_edits_go_both_ways_with_properties_labels_and_clears(live: LegacyEngine) -> None:
    id = new_company(live, relationshipType="customer", phone="+44 1")
    live.look("companies", "crm", id)
    account = live.account(id)
    assert account["additional_properties"]["Industry"] == "Steel"
    assert account["tier"] is not None

    live.crm.control.patch("companies", id, {"name": "Acme Ltd", "industry": None, "employees": 5})
    live.look("companies", "crm", id)
    account = live.account(id)
    assert account["name"] == "Acme Ltd"
    assert "Industry" not in account["additional_properties"]
    assert account["additional_properties"]["Employees"] == 5

    live.assembly.control.patch(
        "accounts", account["id"], {"name": "Acme PLC", "additional_properties": {"Industry": "Tin"}}
    )
    live.look("companies", "assembly", account["id"])
    assert (live.company(id)["name"], live.company(id)["industry"]) == ("Acme PLC", "Tin")
    assert live.open_items() == []


def test_a_customer_follows_its_company_and_its_edits_come_back(live: LegacyEngine) -> None:
    company = new_company(live)
    contact = new_contact(live, company)
    live.look("contacts", "crm", contact)
    person = live.account(contact, "contacts")
    assert (person["name"], person["domain"], person["role"]) == ("Ann Doe", "ann@acme.example", "Chief")
    assert person["company_id"] == live.account(company)["id"]
    live.assembly.control.patch("contacts", person["id"], {"role": "Founder"})
    live.look("contacts", "assembly", person["id"])
    assert live.company(contact, "contacts")["jobTitle"] == "Founder"


def test_what_was_made_in_assembly_is_created_in_the_crm_and_keyed(live: LegacyEngine) -> None:
    made = live.assembly.control.create(
        "accounts", {"account_type": "Company", "name": "Borg", "domain": "borg.example"}
    )
    live.look("companies", "assembly", made["id"])
    (company,) = live.crm.control.dump("companies")
    assert (company["name"], company["website"]) == ("Borg", "borg.example")
    assert live.account(company["id"])["id"] == made["id"]


@pytest.mark.parametrize("applied", [True, False])
def test_a_create_whose_answer_was_lost_happens_once(live: LegacyEngine, applied: bool) -> None:
    id = new_company(live)
    live.assembly.control.fault("reset", applied=applied, method="POST", path="/accounts", next=1)
    live.look("companies", "crm", id)
    assert len(live.assembly.control.dump("accounts")) == applied
    live.settle_waiting()
    (account,) = live.assembly.control.dump("accounts")
    assert account["source_specific_ids"] == [id]
    (link,) = live.store.links.page(CONNECTION, "companies", limit=500).items
    assert (link.state, link.ends["assembly"].record_id) == ("live", account["id"])
    assert live.open_items() == []


def test_a_customer_whose_create_was_lost_happens_once(live: LegacyEngine) -> None:
    company = new_company(live)
    live.look("companies", "crm", company)
    contact = new_contact(live, company)
    live.assembly.control.fault("reset", applied=True, method="POST", path="/accounts", next=1)
    live.look("contacts", "crm", contact)
    live.settle_waiting()
    (person,) = live.assembly.control.dump("contacts")
    assert person["source_specific_ids"] == [contact]
    (link,) = live.store.links.page(CONNECTION, "contacts", limit=500).items
    assert (link.state, link.ends["assembly"].record_id) == ("live", person["id"])
    assert live.open_items() == []


def test_a_poll_finds_edits_in_the_full_listing(live: LegacyEngine) -> None:
    id = new_company(live)
    live.look("companies", "crm", id)
    live.poll()
    live.assembly.control.patch("accounts", live.account(id)["id"], {"name": "Acme again"})
    live.poll()
    live.list("assembly")
    live.settle()
    assert live.company(id)["name"] == "Acme again"


def test_a_backfill_whose_answers_are_lost_creates_each_record_once(bridge: LegacyEngine) -> None:
    ids = {new_company(bridge, name=f"Co {n}", website=f"co{n}.example") for n in range(5)}
    bridge.assembly.control.fault("reset", applied=True, method="POST", path="/accounts", next=3)
    run = bridge.backfill("companies")
    assert run.state == "done", run.error
    bridge.settle()
    keys = [key for row in bridge.assembly.control.dump("accounts") for key in row["source_specific_ids"]]
    assert sorted(keys) == sorted(ids)
    links = bridge.store.links.page(CONNECTION, "companies", limit=500).items
    assert {link.ends["crm"].record_id for link in links if link.state == "live"} == ids
    assert bridge.open_items() == []
