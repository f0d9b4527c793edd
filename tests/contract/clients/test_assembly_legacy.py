"""Assembly's legacy dialect: every operation, and what the engine sees of it."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import pytest
from client_remotes import Remote

from bridge.clients.assembly import LegacyClient
from bridge.connectors import AssemblyConnector, AssemblyOptions, LegacyConnector
from bridge.core.errors import AlreadyThere, NotThere, OutcomeUnknown, ParentNotThere, Rejected
from bridge.core.records import Patch, Record, Ref, Step


@pytest.fixture
def remote(assembly_remote: Remote) -> Remote:
    assembly_remote.control.switches(dialect="legacy")
    return assembly_remote


@pytest.fixture
def legacy(remote: Remote) -> LegacyClient:
    return LegacyClient(remote.http)


@pytest.fixture
def connector(legacy: LegacyClient) -> LegacyConnector:
    return LegacyConnector(legacy, AssemblyOptions(page_size=2))


class TestClient:
    def test_accounts(self, legacy: LegacyClient) -> None:
        made = legacy.accounts.create("Company", "Acme", "acme.com", {"source_specific_ids": ["crm/1 a"]}).value
        for key in (made, "acme.com", "crm/1 a"):
            assert legacy.accounts.get(key).value["id"] == made
        legacy.accounts.update(made, {"name": "New", "added_source_specific_ids": ["c-2"]})
        assert sorted(legacy.accounts.get("c-2").value["source_specific_ids"]) == ["c-2", "crm/1 a"]
        assert [one["name"] for one in legacy.accounts.list(limit=1).value.items] == ["New"]
        legacy.accounts.delete("acme.com")
        with pytest.raises(NotThere):
            legacy.accounts.get(made)

    def test_pages(self, legacy: LegacyClient) -> None:
        ids = {legacy.accounts.create("Company", f"C{number}", f"c{number}.com").value for number in range(5)}
        assert {row["id"] for page in legacy.accounts.pages(limit=2) for row in page.items} == ids

    def test_additional_properties(self, legacy: LegacyClient) -> None:
        made = legacy.accounts.create("Company", "Acme", "acme.com").value
        assert legacy.properties.create(made, {"A": 1, "B": 2}).value == made
        with pytest.raises(AlreadyThere):
            legacy.properties.create(made, {"A": 1})
        legacy.properties.update("acme.com", {"A": 3})
        legacy.properties.delete(made, ["B"])
        assert legacy.properties.get(made).value["additional_properties"] == {"A": 3}

    def test_labels(self, legacy: LegacyClient) -> None:
        gold = legacy.labels.create("Tier", "Gold", "#545A92").value
        assert legacy.labels.get(gold).value["name"] == "Gold"
        assert [one["id"] for one in legacy.labels.list("Tier").value.items] == [gold]
        legacy.labels.update(gold, {"name": "Golden"})
        legacy.labels.delete(gold)
        assert legacy.labels.list().value.items == ()

    def test_usage(self, legacy: LegacyClient) -> None:
        made = legacy.accounts.create("Company", "Acme", "acme.com").value
        loose = legacy.usage.add("Message", "2026-01-01T00:00:00Z", "Hello").value
        log = legacy.usage.add("Action", "2026-01-02T00:00:00Z", "In", attribute="Login", account=made).value
        assert [one["id"] for one in legacy.usage.list("acme.com").value.items] == [log]
        assert {row["id"] for page in legacy.usage.pages(limit=2) for row in page.items} == {loose, log}
        assert legacy.usage.update(log, {"content": "Out"}).value == log
        legacy.usage.delete(log)
        assert legacy.usage.list(made).value.items == ()

    @pytest.mark.parametrize("key", ["labels", "add_props", "", ".."])
    def test_names_that_mean_something_else_are_never_sent(
        self, legacy: LegacyClient, remote: Remote, key: str
    ) -> None:
        before = remote.control.stats()["total"]
        with pytest.raises(Rejected):
            legacy.accounts.get(key)
        assert remote.control.stats()["total"] == before


def write(connector: LegacyConnector | AssemblyConnector, verb: str, patch: Patch) -> str:
    made = patch.record_id
    for step in connector.steps(verb, patch):
        sent = connector.send(step if step.record_id else dataclasses.replace(step, record_id=made))
        made = sent.record_id or made
    assert made is not None
    return made


def company(connector: LegacyConnector, key: str = "c-1", **values: Any) -> str:
    return write(
        connector, "create", Patch("accounts", None, {"name": "Acme", "domain": f"{key}.com", **values}, bind=key)
    )


def customer(connector: LegacyConnector, company_id: str, key: str = "p-1") -> str:
    values = {"name": "Ada", "domain": f"{key}@acme.com", "company_id": company_id}
    return write(connector, "create", Patch("contacts", None, values, bind=key))


def read(connector: LegacyConnector, object: str, record_id: str) -> Mapping[str, Any]:
    found = connector.get(Ref("assembly", object, record_id))
    assert found is not None
    return found.raw


def listed(connector: LegacyConnector, object: str) -> list[str]:
    return [one.ref.id for page in connector.pages(object) for one in page.records]


class TestConnector:
    def test_companies_and_customers(self, connector: LegacyConnector) -> None:
        acme = company(connector)
        ada = customer(connector, acme)
        assert (listed(connector, "accounts"), listed(connector, "contacts")) == ([acme], [ada])
        assert read(connector, "contacts", ada)["company_id"] == acme
        assert connector.get(Ref("assembly", "accounts", ada)) is None
        children = connector.children("contacts", Ref("assembly", "accounts", acme))
        assert [one.ref.id for page in children for one in page.records] == [ada]
        found = connector.find_by_key("contacts", "p-1")
        assert found is not None
        assert found.ref.id == ada

    def test_a_key_that_is_anothers_domain_or_id_finds_nobody(self, connector: LegacyConnector) -> None:
        acme = company(connector)
        assert connector.find_by_key("accounts", "c-1.com") is None
        assert connector.find_by_key("accounts", acme) is None

    def test_updates_in_this_dialects_words(self, connector: LegacyConnector, legacy: LegacyClient) -> None:
        acme = company(connector, **{"additional_properties.A": 1, "additional_properties.B": 2})
        one, two = (legacy.labels.create("AccountTag", name, "#000000").value for name in ("One", "Two"))
        write(connector, "update", Patch("accounts", acme, {"tags": [one]}, {"tags": []}))
        patch = Patch(
            "accounts",
            acme,
            {"name": "New", "tags": [two], "additional_properties.A": 5, "additional_properties.B": None},
            {"tags": [one]},
            bind="c-2",
            unbind="c-1",
        )
        assert [step.verb for step in connector.steps("update", patch)] == [
            "update",
            "set_properties",
            "remove_properties",
        ]
        write(connector, "update", patch)
        raw = read(connector, "accounts", acme)
        assert (raw["name"], raw["tags"], raw["source_specific_ids"]) == ("New", [two], ["c-2"])
        assert raw["additional_properties"] == {"A": 5}

    def test_steps_settle_each_path_once(self, connector: LegacyConnector) -> None:
        patch = Patch("accounts", "a", {"name": "N", "additional_properties.A": 1, "additional_properties.B": None})
        settled = [dict(step.values) for step in connector.steps("update", patch)]
        assert settled == [{"name": "N"}, {"additional_properties.A": 1}, {"additional_properties.B": None}]
        only = connector.steps("update", Patch("accounts", "a", {"additional_properties.A": 1}))
        assert [step.verb for step in only] == ["set_properties"]

    def test_a_create_is_no_upsert_and_its_key_finds_it(self, connector: LegacyConnector, remote: Remote) -> None:
        (step,) = connector.steps("create", Patch("accounts", None, {"name": "A", "domain": "a.com"}, bind="c-1"))
        assert step.payload.get("upsert") is not True
        assert not connector.traits("accounts").upsert
        remote.control.fault("reset", applied=True, method="POST", next=1)
        with pytest.raises(OutcomeUnknown):
            connector.send(step)
        assert connector.find_by_key("accounts", "c-1") is not None
        with pytest.raises(AlreadyThere):
            connector.send(step)

    def test_a_company_that_is_not_there(self, connector: LegacyConnector) -> None:
        with pytest.raises(ParentNotThere):
            customer(connector, "01945162-52fc-739b-98de-e2ac9f2eec49")

    def test_labels_and_deletes(self, connector: LegacyConnector) -> None:
        payload = {"kind": "labels.Tier", "name": "Gold", "color": "#545A92"}
        made = connector.send(Step("assembly", "labels", "label", None, payload)).record_id
        assert connector.tables()["labels.Tier"].ids("gold") == (made,)
        acme = company(connector)
        write(connector, "delete", Patch("accounts", acme))
        assert connector.get(Ref("assembly", "accounts", acme)) is None

    def test_find(self, connector: LegacyConnector) -> None:
        acme = company(connector)
        ada = customer(connector, acme)
        found: tuple[Record, ...] = connector.find("accounts", "domain", "c-1.com")
        assert [one.ref.id for one in found] == [acme]
        assert [one.ref.id for one in connector.find("contacts", "domain", "p-1@acme.com")] == [ada]
        assert [one.ref.id for one in connector.find("accounts", "name", "ACME")] == [acme]
        assert connector.find("accounts", "domain", "p-1@acme.com") == ()

    def test_what_the_dialect_has_not(self, connector: LegacyConnector) -> None:
        for object in ("deals", "notes"):
            traits = connector.traits(object)
            assert not any((traits.creatable, traits.readable, traits.updatable, traits.deletable))
            with pytest.raises(Rejected):
                connector.steps("create", Patch(object, None, {"name": "x"}, bind="k"))
        assert not connector.traits("accounts").updated_after
        assert any("deals" in lack for lack in connector.lacks)


@pytest.mark.parametrize("dialect", ["current", "legacy"])
class TestUsageLogs:
    @pytest.fixture
    def either(
        self, dialect: str, assembly_remote: Remote, assembly_connector: AssemblyConnector
    ) -> LegacyConnector | AssemblyConnector:
        assembly_remote.control.switches(dialect=dialect)
        return assembly_connector if dialect == "current" else LegacyConnector(LegacyClient(assembly_remote.http))

    def account(self, remote: Remote) -> str:
        values = {"account_type": "Company", "name": "Acme", "domain": "acme.com"}
        return str(remote.control.create("accounts", values)["id"])

    def log(self, account: str, key: str = "a-1", **values: Any) -> Patch:
        values = {
            "on": account,
            "timestamp": "2026-03-20T15:30:00Z",
            "content": "Intro",
            "metadata.kind": "call",
            **values,
        }
        return Patch("usage", None, values, bind=key)

    def test_a_log_goes_once_and_is_brought_up_to_date(
        self, either: LegacyConnector | AssemblyConnector, assembly_remote: Remote, dialect: str
    ) -> None:
        account = self.account(assembly_remote)
        for number in range(3):
            write(either, "create", self.log(account, f"b-{number}"))
        first = write(either, "create", self.log(account))
        assert write(either, "create", self.log(account)) == first
        assert write(either, "create", self.log(account, content="Changed")) == first
        logs = assembly_remote.control.dump("usage")
        assert len(logs) == 4
        (mine,) = [row for row in logs if row["id"] == first]
        assert mine["content"] == "Changed"
        assert mine["metadata"] == {"kind": "call", "source_specific_id": "a-1"}

    def test_a_lost_answer_leaves_one_log(
        self, either: LegacyConnector | AssemblyConnector, assembly_remote: Remote, dialect: str
    ) -> None:
        account = self.account(assembly_remote)
        assembly_remote.control.fault("reset", applied=True, method="POST", next=1)
        with pytest.raises(OutcomeUnknown):
            write(either, "create", self.log(account))
        write(either, "create", self.log(account))
        assert len(assembly_remote.control.dump("usage")) == 1

    def test_no_account_no_log(
        self, either: LegacyConnector | AssemblyConnector, assembly_remote: Remote, dialect: str
    ) -> None:
        with pytest.raises(ParentNotThere):
            write(either, "create", self.log("01945162-52fc-739b-98de-e2ac9f2eec49"))
        with pytest.raises(Rejected):
            either.steps("create", Patch("usage", None, {"content": "x"}, bind="k"))
