"""Every operation of Assembly's current dialect, client against sandbox."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from client_remotes import Remote

from bridge import transport
from bridge.clients.assembly import AssemblyClient, SourceId
from bridge.core.errors import AlreadyThere, BrokenRemote, KeyRefused, NotThere, ParentNotThere, Rejected

SOON = timedelta(days=1)


def acme(assembly: AssemblyClient, key: str = "c-1") -> str:
    return assembly.accounts.create("Company", "Acme", "acme.com", {"source_specific_ids": [key]}).value


def test_accounts(assembly: AssemblyClient) -> None:
    found = acme(assembly)
    for key in (found, "acme.com", SourceId("c-1")):
        assert assembly.accounts.get(key).value["id"] == found
    assert assembly.accounts.update(found, {"name": "Acme Inc", "source_specific_ids": ["c-2"]}).value == found
    assembly.accounts.update(SourceId("c-2"), {"removed_source_specific_ids": ["c-1"]})
    account = assembly.accounts.get(found).value
    assert (account["name"], account["source_specific_ids"], account["account_type"]) == (
        "Acme Inc",
        ["c-2"],
        "Company",
    )
    assembly.accounts.delete(SourceId("c-2"))
    with pytest.raises(NotThere):
        assembly.accounts.get(found)


def test_accounts_upsert(assembly: AssemblyClient) -> None:
    made = assembly.accounts.upsert(SourceId("c-1"), "Company", "Acme", "acme.com").value
    assert assembly.accounts.upsert(SourceId("c-1"), "Company", "Acme 2", "acme.com").value == made
    assert assembly.accounts.upsert(made, "Company", "Acme 3", "acme.com").value == made
    assert assembly.accounts.get(made).value["name"] == "Acme 3"
    with pytest.raises(AlreadyThere):
        assembly.accounts.upsert(SourceId("other"), "Company", "Twin", "acme.com")


def test_accounts_lists(assembly: AssemblyClient) -> None:
    for number in range(5):
        assembly.accounts.create("Company", f"Company {number}", f"c{number}.com")
    rows = [row["name"] for page in assembly.accounts.pages(limit=2) for row in page.items]
    assert rows == [f"Company {number}" for number in range(5)]
    assert [one["name"] for one in assembly.accounts.list(name="pany 3").value.items] == ["Company 3"]
    now = datetime.now(UTC)
    assert len(next(iter(assembly.accounts.pages(updated_after=now - SOON))).items) == 5
    assert next(iter(assembly.accounts.pages(updated_after=now + SOON))).items == ()


@pytest.mark.parametrize("items", ["documented", "identical"])
def test_accounts_search(assembly: AssemblyClient, assembly_remote: Remote, items: str) -> None:
    assembly_remote.control.switches(search_items=items)
    for number in range(3):
        assembly.accounts.create(
            "Company", f"C {number}", f"c{number}.com", {"additional_properties": {"Segment": "SMB"}}
        )
    rows = [
        row["name"] for page in assembly.accounts.search(properties={"Segment": "SMB"}, limit=2) for row in page.items
    ]
    assert sorted(rows) == ["C 0", "C 1", "C 2"]
    one = [row["id"] for page in assembly.accounts.search(name="c 1", domain="c1") for row in page.items]
    assert one == [assembly.accounts.get("c1.com").value["id"]]
    assert next(iter(assembly.accounts.search(updated_after=datetime.now(UTC) + SOON))).items == ()


def test_contacts(assembly: AssemblyClient) -> None:
    company = acme(assembly)
    ada = assembly.contacts.create(
        "Ada", "ada@acme.com", {"company_id": company}, {"source_specific_ids": ["p-1"]}
    ).value
    bob = assembly.contacts.create("Bob", "bob@acme.com", {"company_domain": "acme.com"}).value
    cy = assembly.contacts.create("Cy", "cy@acme.com", {"company_source_specific_id": "c-1"}).value
    for key in (ada, "ada@acme.com", SourceId("p-1")):
        assert assembly.contacts.get(key).value["id"] == ada
    assert assembly.contacts.update(ada, {"role": "support"}).value == ada
    for key in (company, "acme.com", SourceId("c-1")):
        rows = {row["id"] for page in assembly.contacts.of_company(key, limit=2) for row in page.items}
        assert rows == {ada, bob, cy}
    everybody = {row["id"] for page in assembly.contacts.pages(limit=2) for row in page.items}
    assert everybody == {ada, bob, cy}
    assert next(iter(assembly.contacts.of_company(company, updated_after=datetime.now(UTC) + SOON))).items == ()
    assembly.contacts.update(SourceId("p-1"), {"name": "Ada B"})
    assert assembly.contacts.get(ada).value["name"] == "Ada B"
    assembly.contacts.delete(bob)
    assert len(assembly.contacts.list().value.items) == 2
    with pytest.raises(Rejected):
        assembly.contacts.create("Di", "di@nowhere.com", {"company_domain": "nowhere.com"})


def test_contacts_upsert(assembly: AssemblyClient) -> None:
    company = acme(assembly)
    made = assembly.contacts.upsert(SourceId("p-1"), "Ada", "ada@acme.com", {"company_id": company}).value
    assert assembly.contacts.upsert(SourceId("p-1"), "Ada B", "ada@acme.com", {"company_id": company}).value == made
    assert assembly.contacts.upsert(made, "Ada C", "ada@acme.com", {"company_id": company}).value == made
    assert assembly.contacts.get(made).value["name"] == "Ada C"
    assembly.contacts.delete(SourceId("p-1"))
    with pytest.raises(NotThere):
        assembly.contacts.get(made)


def test_deals(assembly: AssemblyClient) -> None:
    acme(assembly)
    deal = assembly.deals.create("Expansion", "c-1", {"source_specific_ids": ["d-1"], "amount": 100.5}).value
    other = assembly.deals.upsert("Renewal", "c-1", ["d-2"], {"stage": "Proposal"}).value
    assert assembly.deals.upsert("Renewal", "c-1", ["d-2"], {"stage": "Won"}).value == other
    assert assembly.deals.upsert("Renewal", "c-1", [], {"stage": "Lost"}, deal_id=other).value == other
    assert assembly.deals.get(SourceId("d-2")).value["stage"] == "Lost"
    assert assembly.deals.update(SourceId("d-1"), {"amount": 7}).value == deal
    assert assembly.deals.get(deal).value["amount"] == 7
    assert {row["id"] for page in assembly.deals.pages(limit=2) for row in page.items} == {deal, other}
    assert {row["id"] for page in assembly.deals.pages(account_source_specific_id="c-1") for row in page.items} == {
        deal,
        other,
    }
    assert assembly.deals.list(updated_after=datetime.now(UTC) + SOON).value.items == ()
    assembly.deals.delete(deal)
    assembly.deals.delete(SourceId("d-2"))
    assert assembly.deals.list().value.items == ()
    with pytest.raises(Rejected):
        assembly.deals.create("Orphan", "nobody")


@pytest.mark.parametrize("by_source", [False, True])
def test_additional_properties(assembly: AssemblyClient, by_source: bool) -> None:
    company = acme(assembly)
    held = {"source_specific_ids": ["p-1"]}
    contact = assembly.contacts.create("Ada", "ada@acme.com", {"company_id": company}, held).value
    deal = assembly.deals.create("Deal", "c-1", {"source_specific_ids": ["d-1"]}).value
    for item, found, source in (("accounts", company, "c-1"), ("contacts", contact, "p-1"), ("deals", deal, "d-1")):
        key = SourceId(source) if by_source else found
        assert assembly.properties.create(item, key, {"A": 1, "B": "x"}).value == found
        with pytest.raises(AlreadyThere):
            assembly.properties.create(item, key, {"A": 2})
        assembly.properties.update(item, key, {"A": 3, "C": ["y"]})
        assembly.properties.delete(item, key, ["B"])
        shown = assembly.properties.get(item, key).value
        assert shown["id"] == found
        assert len(shown["additional_properties"]) == 2
        late = assembly.properties.get(item, key, updated_after=datetime.now(UTC) + SOON).value
        assert not late["additional_properties"]


def test_labels(assembly: AssemblyClient) -> None:
    gold = assembly.labels.create("Tier", "Gold", "#545A92", "the best").value
    assembly.labels.create("Stage", "Trial", "#000000")
    assert {one["name"] for one in assembly.labels.list().value.items} >= {"Gold", "Trial"}
    assert "Trial" not in {one["name"] for one in assembly.labels.list("Tier").value.items}
    assert assembly.labels.get(gold).value["name"] == "Gold"
    assert assembly.labels.update(gold, {"name": "Golden"}).value == gold
    assembly.labels.delete(gold)
    assert "Golden" not in {one["name"] for one in assembly.labels.list().value.items}
    assert assembly.labels.list(updated_after=datetime.now(UTC) + SOON).value.items == ()


def test_usage(assembly: AssemblyClient) -> None:
    company = acme(assembly)
    at = "2026-03-20T15:30:00Z"
    log = assembly.usage.add("Action", at, "Logged in", "Login", metadata={"key": "v"}).value
    metric = assembly.usage.add("Metric", at, "Spent $20", "Spend", value=20, on=("accounts", company)).value
    with pytest.raises(Rejected):
        assembly.usage.add("Metric", at, "Spent", "Spend")
    assert assembly.usage.get(log).value["content"] == "Logged in"
    assert [one["id"] for one in assembly.usage.list(on=("accounts", SourceId("c-1"))).value.items] == [metric]
    assert {row["id"] for page in assembly.usage.pages(limit=2) for row in page.items} == {log, metric}
    assert assembly.usage.update(log, {"attribute": "Seats"}).value == log
    assembly.usage.delete(log)
    with pytest.raises(NotThere):
        assembly.usage.get(log)


@pytest.mark.parametrize("by_source", [False, True])
def test_usage_of_an_item(assembly: AssemblyClient, by_source: bool) -> None:
    company = acme(assembly)
    held = {"source_specific_ids": ["p-1"]}
    contact = assembly.contacts.create("Ada", "ada@acme.com", {"company_id": company}, held).value
    for item, found, source in (("accounts", company, "c-1"), ("contacts", contact, "p-1")):
        on = (item, SourceId(source) if by_source else found)
        logs = [assembly.usage.add("Action", f"2026-03-2{n}T15:30:00Z", "In", "Login", on=on).value for n in range(3)]
        assert [row["id"] for page in assembly.usage.pages(on=on, limit=2) for row in page.items] == logs[::-1]
        assert assembly.usage.list(on=on, updated_after=datetime.now(UTC) + SOON).value.items == ()


def test_notes(assembly: AssemblyClient, assembly_remote: Remote) -> None:
    with pytest.raises(ParentNotThere):
        assembly.notes.put("acme.com", "crm", "a-1", "Hello", "2026-04-12T10:15:00Z")
    acme(assembly)
    made = assembly.notes.put("acme.com", "crm", "a-1", "Hello", "2026-04-12T10:15:00Z", ["ada@acme.com"]).value
    again = assembly.notes.put("acme.com", "crm", "a-1", "Hi", "2026-04-12T10:15:00Z", fields={"title": "Intro"}).value
    assert again == made
    assert [one["note"] for one in assembly_remote.control.dump("notes")] == ["Hi"]


def test_the_key_goes_without_bearer(assembly_remote: Remote) -> None:
    wrong = transport.open("assembly", assembly_remote.base_url, "Bearer raw-key", assembly_remote.http._limiter)
    with pytest.raises(KeyRefused):
        AssemblyClient(wrong).accounts.list()
    wrong.close()


def test_a_source_id_that_the_remote_ignores_is_no_account(assembly: AssemblyClient, assembly_remote: Remote) -> None:
    acme(assembly)
    assembly_remote.control.switches(dialect="legacy")
    with pytest.raises(BrokenRemote):
        assembly.accounts.get(SourceId("c-1"))


@pytest.mark.parametrize("key", ["labels", "search", "upsert", "create_note", SourceId(""), SourceId(" "), ""])
def test_keys_that_mean_something_else_are_never_sent(
    assembly: AssemblyClient, assembly_remote: Remote, key: object
) -> None:
    before = assembly_remote.control.stats()["total"]
    with pytest.raises(Rejected):
        assembly.accounts.get(key)  # type: ignore[arg-type]
    assert assembly_remote.control.stats()["total"] == before
