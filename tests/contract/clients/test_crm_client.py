"""Every operation of the CRM, client against sandbox."""

from __future__ import annotations

import pytest
from client_remotes import ENTITY, Remote

from bridge import transport
from bridge.clients.crm import CrmClient
from bridge.core.errors import KeyRefused, NotThere, Rejected

NOBODY = "00000000-0000-4000-8000-000000000000"


def test_companies(crm: CrmClient) -> None:
    made = crm.companies.create("Acme", {"website": "https://acme.com", "relationshipType": "customer"}).value
    crm.companies.create("Beta")
    assert crm.companies.get(made["id"]).value["website"] == "https://acme.com"
    assert crm.companies.update(made["id"], {"status": "inactive"}).value["status"] == "inactive"
    assert [one["name"] for one in crm.companies.list(search="acm").value.items] == ["Acme"]
    assert [one["name"] for one in crm.companies.list(relationship="customer").value.items] == ["Acme"]
    assert [one["name"] for one in crm.companies.list(lifecycle="inactive").value.items] == ["Acme"]
    assert {one["name"] for one in crm.companies.list(owner="unassigned").value.items} == {"Acme", "Beta"}
    with pytest.raises(NotThere):
        crm.companies.get(NOBODY)
    with pytest.raises(Rejected):
        crm.companies.create("")


def test_companies_page_by_page(crm: CrmClient) -> None:
    names = {f"Company {number}" for number in range(5)}
    for name in sorted(names):
        crm.companies.create(name)
    pages = list(crm.companies.pages(limit=2))
    assert {row["name"] for page in pages for row in page.items} == names
    assert len(pages) == 3
    assert pages[0].server_date is not None


def test_contacts(crm: CrmClient) -> None:
    made = crm.contacts.create({"firstName": "Ada", "email": "ada@acme.com"}).value
    assert crm.contacts.get(made["id"]).value["firstName"] == "Ada"
    assert crm.contacts.update(made["id"], {"lastName": "Byron"}).value["lastName"] == "Byron"
    assert [one["id"] for one in crm.contacts.list().value.items] == [made["id"]]
    crm.contacts.delete(made["id"])
    with pytest.raises(NotThere):
        crm.contacts.get(made["id"])


def test_memberships(crm: CrmClient) -> None:
    acme, beta = (crm.companies.create(name).value["id"] for name in ("Acme", "Beta"))
    ada = crm.contacts.create({"firstName": "Ada"}).value["id"]
    crm.memberships.add(ada, acme)
    second = crm.memberships.add(ada, beta).value
    assert {one["companyId"] for one in crm.memberships.list(ada).value.items} == {acme, beta}
    crm.memberships.update(ada, second["id"], {"isPrimary": True})
    primary = [one["companyId"] for one in crm.memberships.list(ada).value.items if one["isPrimary"]]
    assert primary == [beta]
    assert [one["id"] for one in crm.companies.contacts(acme).value.items] == [ada]
    assert [one["id"] for one in crm.contacts.list(company_id=beta).value.items] == [ada]
    crm.memberships.delete(ada, second["id"])
    assert [one["companyId"] for one in crm.memberships.list(ada).value.items] == [acme]


def test_stages(crm: CrmClient) -> None:
    for stage in crm.stages.list().value.items:
        crm.stages.delete(stage["id"])
    won = crm.stages.create("Won", {"kind": "won"}).value["id"]
    new = crm.stages.create("New").value["id"]
    crm.stages.reorder([new, won])
    assert [one["name"] for one in crm.stages.list().value.items] == ["New", "Won"]
    assert crm.stages.update(new, {"name": "Fresh"}).value["name"] == "Fresh"
    lead = crm.leads.create("Deal", {"stageId": new}).value["id"]
    crm.stages.delete(new, {"targetStageId": won})
    assert crm.leads.get(lead).value["stageId"] == won


def test_leads(crm: CrmClient) -> None:
    acme = crm.companies.create("Acme").value["id"]
    ada = crm.contacts.create({"firstName": "Ada"}).value["id"]
    crm.stages.create("First", {"sortOrder": -1})
    stage = crm.stages.create("Haggling").value["id"]
    lead = crm.leads.create("Deal", {"companyId": acme, "contactId": ada}).value["id"]
    crm.leads.create("Other")
    assert crm.leads.update(lead, {"value": 1200}).value["value"] == 1200
    crm.leads.move(lead, {"stageId": stage})
    assert crm.leads.get(lead).value["stageId"] == stage
    for filters in ({"company_id": acme}, {"contact_id": ada}, {"stage": "Haggling"}, {"stage_id": stage}):
        assert [one["id"] for one in crm.leads.list(**filters).value.items] == [lead]
    crm.leads.delete(lead)
    assert [one["title"] for one in crm.leads.list().value.items] == ["Other"]


def test_activities_and_timeline(crm: CrmClient) -> None:
    acme = crm.companies.create("Acme").value["id"]
    ada = crm.contacts.create({"firstName": "Ada"}).value["id"]
    lead = crm.leads.create("Deal").value["id"]
    first = crm.leads.add_activity(lead, "call", "Intro").value["id"]
    second = crm.activities.create("call", "Review", {"companyId": acme, "contactId": ada}).value["id"]
    assert {one["id"] for one in crm.activities.list().value.items} == {first, second}
    for filters, expected in (
        ({"lead_id": lead}, first),
        ({"company_id": acme}, second),
        ({"contact_id": ada}, second),
    ):
        assert [one["id"] for one in crm.activities.list(**filters).value.items] == [expected]
    assert [one["subject"] for one in crm.leads.timeline(lead).value.items] == ["Intro"]


def test_tasks(crm: CrmClient) -> None:
    assert crm.tasks.list().value.items == ()


def test_outreach(crm: CrmClient, crm_remote: Remote) -> None:
    connection = crm_remote.control.create("connections", {"name": "Sales"})["id"]
    listed = crm_remote.control.create("marketing_lists", {"name": "News"})["id"]
    lead = crm.leads.create("Deal").value["id"]
    assert [one["id"] for one in crm.outreach.email_connections().value.items][-1:] == [connection]
    crm.outreach.send_email(lead, connection, "gmail", "Hello", "<p>Hello</p>")
    crm.outreach.add_to_marketing_list(listed)
    assert isinstance(crm.outreach.dashboard().value, dict)


def test_a_wrong_key_or_entity_is_refused(crm_remote: Remote) -> None:
    stranger = CrmClient(crm_remote.http, NOBODY)
    with pytest.raises(KeyRefused):
        stranger.companies.list()
    wrong = transport.open("crm", crm_remote.base_url, "Bearer ak_wrong", crm_remote.http._limiter)
    with pytest.raises(KeyRefused):
        CrmClient(wrong, ENTITY).companies.list()
    wrong.close()
