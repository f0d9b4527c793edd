"""What the engine sees of Assembly, with each open point played each way."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from client_remotes import Remote

from bridge.clients.assembly import AssemblyClient
from bridge.connectors import AssemblyConnector, AssemblyOptions
from bridge.core.errors import AlreadyThere, BrokenRemote, KeyRefused, OutcomeUnknown, ParentNotThere, Rejected
from bridge.core.records import Patch, Record, Ref, Step


def write(connector: AssemblyConnector, verb: str, patch: Patch) -> str:
    made = patch.record_id
    for step in connector.steps(verb, patch):
        sent = connector.send(step if step.record_id else dataclasses.replace(step, record_id=made))
        made = sent.record_id or made
    assert made is not None
    return made


def company(connector: AssemblyConnector, key: str = "c-1", **values: Any) -> str:
    values = {"name": "Acme", "domain": f"{key}.com", **values}
    return write(connector, "create", Patch("accounts", None, values, bind=key))


def contact(connector: AssemblyConnector, company_id: str, key: str = "p-1", **values: Any) -> str:
    values = {"name": "Ada", "domain": f"{key}@acme.com", "company_id": company_id, **values}
    return write(connector, "create", Patch("contacts", None, values, bind=key))


def deal(connector: AssemblyConnector, key: str = "d-1", account: str = "c-1", **values: Any) -> str:
    values = {"name": "Expansion", "account_source_specific_id": account, **values}
    return write(connector, "create", Patch("deals", None, values, bind=key))


def read(connector: AssemblyConnector, object: str, record_id: str) -> Mapping[str, Any]:
    found = connector.get(Ref("assembly", object, record_id))
    assert found is not None
    return found.raw


def listed(connector: AssemblyConnector, object: str, **since: Any) -> dict[str, Record]:
    return {one.ref.id: one for page in connector.pages(object, **since) for one in page.records}


def update(connector: AssemblyConnector, object: str, record_id: str, values: Mapping[str, Any], **was: Any) -> None:
    write(connector, "update", Patch(object, record_id, values, was))


@pytest.fixture
def world(assembly_connector: AssemblyConnector) -> dict[str, str]:
    acme = company(assembly_connector)
    return {"accounts": acme, "contacts": contact(assembly_connector, acme), "deals": deal(assembly_connector)}


class TestReading:
    @pytest.mark.parametrize("shape", ["map", "list", "attributes_cached"])
    def test_properties_are_a_map_however_shown(
        self, assembly_connector: AssemblyConnector, assembly_remote: Remote, world: dict[str, str], shape: str
    ) -> None:
        assembly_remote.control.switches(additional_properties=shape)
        for object, record_id in world.items():
            update(assembly_connector, object, record_id, {'additional_properties."CRM owner"': "u1"})
            for raw in (read(assembly_connector, object, record_id), listed(assembly_connector, object)[record_id].raw):
                assert raw["additional_properties"] == {"CRM owner": "u1"}

    @pytest.mark.parametrize("name", ["company_id", "account_id", ""])
    def test_a_contacts_company_where_it_shows_one(
        self, assembly_connector: AssemblyConnector, assembly_remote: Remote, world: dict[str, str], name: str
    ) -> None:
        assembly_remote.control.switches(contact_company_field=name)
        shown = read(assembly_connector, "contacts", world["contacts"]).get("company_id", "absent")
        assert shown == (world["accounts"] if name else "absent")

    @pytest.mark.parametrize("name", ["account_source_specific_id", ""])
    def test_a_deals_account_where_it_shows_one(
        self, assembly_connector: AssemblyConnector, assembly_remote: Remote, world: dict[str, str], name: str
    ) -> None:
        assembly_remote.control.switches(deal_account_field=name)
        shown = read(assembly_connector, "deals", world["deals"]).get("account_source_specific_id", "absent")
        assert shown == ("c-1" if name else "absent")

    def test_customers_are_no_companies(self, assembly_connector: AssemblyConnector, world: dict[str, str]) -> None:
        assert list(listed(assembly_connector, "accounts")) == [world["accounts"]]
        assert list(listed(assembly_connector, "contacts")) == [world["contacts"]]
        assert assembly_connector.get(Ref("assembly", "accounts", world["contacts"])) is None
        assert assembly_connector.find_by_key("accounts", "p-1") is None
        assert assembly_connector.find("accounts", "domain", "p-1@acme.com") == ()

    @pytest.mark.parametrize("shared", [True, False])
    def test_keys_do_not_cross_from_companies_to_contacts(
        self, assembly_connector: AssemblyConnector, assembly_remote: Remote, world: dict[str, str], shared: bool
    ) -> None:
        assembly_remote.control.switches(shared_source_ids=shared)
        assert assembly_connector.find_by_key("contacts", "c-1") is None

    def test_join_keys_find_and_are_shown(self, assembly_connector: AssemblyConnector, world: dict[str, str]) -> None:
        for object, key in (("accounts", "c-1"), ("contacts", "p-1"), ("deals", "d-1")):
            found = assembly_connector.find_by_key(object, key)
            assert found is not None
            assert found.ref == Ref("assembly", object, world[object])
            assert assembly_connector.join_keys(found) == (key,)
            assert assembly_connector.find_by_key(object, "nobody") is None

    def test_another_dialect_is_noticed(
        self, assembly_connector: AssemblyConnector, assembly_remote: Remote, world: dict[str, str]
    ) -> None:
        assembly_remote.control.switches(dialect="legacy")
        with pytest.raises(BrokenRemote):
            assembly_connector.find_by_key("accounts", "c-1")

    def test_what_changed_since(self, assembly_connector: AssemblyConnector, world: dict[str, str]) -> None:
        now = datetime.now(UTC)
        for object, record_id in world.items():
            assert list(listed(assembly_connector, object, updated_after=now - timedelta(days=1))) == [record_id]
            assert listed(assembly_connector, object, updated_after=now + timedelta(days=1)) == {}
            assert listed(assembly_connector, object)[record_id].updated_at is not None

    @pytest.mark.parametrize("clamp", [1000, 3])
    @pytest.mark.parametrize("cursor", ["offset", "null", "zero"])
    def test_lists_come_whole(self, assembly: AssemblyClient, assembly_remote: Remote, clamp: int, cursor: str) -> None:
        assembly_remote.control.switches(list_limit=clamp, last_cursor=cursor)
        connector = AssemblyConnector(assembly, AssemblyOptions(page_size=5))
        acme = company(connector)
        deals = {deal(connector, f"d-{number}") for number in range(7)}
        people = {contact(connector, acme, f"p-{number}") for number in range(7)}
        assert set(listed(connector, "deals")) == deals
        assert set(listed(connector, "contacts")) == people

    def test_rows_that_shift_are_not_skipped(self, assembly: AssemblyClient, assembly_remote: Remote) -> None:
        connector = AssemblyConnector(assembly, AssemblyOptions(page_size=3))
        ids = [company(connector, f"c-{number}", name=f"Company {number}") for number in range(9)]
        seen: set[str] = set()
        for number, page in enumerate(connector.pages("accounts")):
            seen |= {one.ref.id for one in page.records}
            if number == 0:
                assembly_remote.control.delete("accounts", ids[0])
            if number == 1:
                assembly_remote.control.patch("accounts", ids[1], {"name": "Zebra"})
        assert seen == set(ids)

    def test_find(self, assembly_connector: AssemblyConnector, world: dict[str, str], assembly_remote: Remote) -> None:
        other = company(assembly_connector, "c-2", name="Other", **{"additional_properties.Segment": "SMB"})
        for object, path, value, expected in (
            ("accounts", "domain", "c-2.com", other),
            ("accounts", "name", "other", other),
            ("accounts", "additional_properties.Segment", "SMB", other),
            ("accounts", "additional_properties.Segment", "smb", other),
            ("contacts", "domain", "p-1@acme.com", world["contacts"]),
            ("contacts", "name", "ada", world["contacts"]),
            ("deals", "name", "EXPANSION", world["deals"]),
        ):
            assert [one.ref.id for one in assembly_connector.find(object, path, value)] == [expected]
        calls = assembly_remote.control.stats()["total"]
        for object, value in (
            ("accounts", "labels"),
            ("accounts", other),
            ("contacts", "c-2.com"),
            ("contacts", "company"),
        ):
            assert assembly_connector.find(object, "domain", value) == ()
        assert assembly_remote.control.stats()["total"] == calls

    def test_children(
        self, assembly_connector: AssemblyConnector, assembly_remote: Remote, world: dict[str, str]
    ) -> None:
        other = company(assembly_connector, "c-2", name="Other")
        keyless = assembly_remote.control.create(
            "accounts", {"account_type": "Company", "name": "By hand", "domain": "hand.com"}
        )
        contact(assembly_connector, other, "p-2")
        deal(assembly_connector, "d-2", "c-2")

        def ids(object: str, account: str) -> list[str]:
            pages = assembly_connector.children(object, Ref("assembly", "accounts", account))
            return [one.ref.id for page in pages for one in page.records]

        assert ids("contacts", world["accounts"]) == [world["contacts"]]
        assert ids("deals", world["accounts"]) == [world["deals"]]
        assert ids("deals", keyless["id"]) == []


class TestWriting:
    def test_creates_are_upserts_under_the_key(
        self, assembly_connector: AssemblyConnector, world: dict[str, str]
    ) -> None:
        assert company(assembly_connector) == world["accounts"]
        assert contact(assembly_connector, world["accounts"]) == world["contacts"]
        assert deal(assembly_connector) == world["deals"]
        for object in world:
            assert assembly_connector.traits(object).upsert

    @pytest.mark.parametrize("linked", [True, False])
    def test_the_key_is_linked_whether_or_not_the_url_does_it(
        self, assembly_connector: AssemblyConnector, assembly_remote: Remote, linked: bool
    ) -> None:
        assembly_remote.control.switches(url_source_id_linked=linked)
        made = company(assembly_connector, "c-9")
        assert read(assembly_connector, "accounts", made)["source_specific_ids"] == ["c-9"]

    @pytest.mark.parametrize("status", [400, 409, 422])
    @pytest.mark.parametrize("body", ["json", "text"])
    def test_a_domain_that_exists(
        self,
        assembly_connector: AssemblyConnector,
        assembly_remote: Remote,
        world: dict[str, str],
        status: int,
        body: str,
    ) -> None:
        assembly_remote.control.switches(duplicate_status=status, error_body=body)
        with pytest.raises(AlreadyThere):
            company(assembly_connector, "c-2", domain="c-1.com")

    @pytest.mark.parametrize("status", [400, 404, 409, 422])
    @pytest.mark.parametrize("body", ["json", "text"])
    def test_a_parent_that_does_not(
        self, assembly_connector: AssemblyConnector, assembly_remote: Remote, status: int, body: str
    ) -> None:
        assembly_remote.control.switches(unknown_parent_status=status, error_body=body)
        with pytest.raises(ParentNotThere):
            contact(assembly_connector, "01945162-52fc-739b-98de-e2ac9f2eec49")
        with pytest.raises(ParentNotThere):
            deal(assembly_connector, account="nobody")

    def test_only_what_changed_is_sent(self, assembly_connector: AssemblyConnector, world: dict[str, str]) -> None:
        (step,) = assembly_connector.steps(
            "update", Patch("accounts", world["accounts"], {"name": "New"}, {"name": "Acme"})
        )
        assert step.payload == {"body": {"name": "New"}}
        assert step.values == {"name": "New"}

    def test_properties_are_set_and_removed(self, assembly_connector: AssemblyConnector, world: dict[str, str]) -> None:
        for object, record_id in world.items():
            update(
                assembly_connector, object, record_id, {"additional_properties.A": 1, "additional_properties.B": "x"}
            )
            update(
                assembly_connector, object, record_id, {"additional_properties.A": None, "additional_properties.B": "y"}
            )
            assert read(assembly_connector, object, record_id)["additional_properties"] == {"B": "y"}

    def test_steps_say_what_they_settle(self, assembly_connector: AssemblyConnector) -> None:
        patch = Patch("accounts", "a", {"name": "N", "additional_properties.A": None}, bind="k")
        first, second = assembly_connector.steps("update", patch)
        assert (first.verb, first.values, first.payload["body"]["source_specific_ids"]) == (
            "update",
            {"name": "N"},
            ["k"],
        )
        assert (second.verb, second.values) == ("remove_properties", {"additional_properties.A": None})

    def test_tags_are_added_and_taken_away(
        self, assembly_connector: AssemblyConnector, assembly: AssemblyClient, world: dict[str, str]
    ) -> None:
        one, two, three = (
            assembly.labels.create("AccountTag", name, "#000000").value for name in ("One", "Two", "Three")
        )
        account = world["accounts"]
        update(assembly_connector, "accounts", account, {"tags": [one, two]}, tags=[])
        update(assembly_connector, "accounts", account, {"tags": [two, three]}, tags=[one, two])
        assert sorted(read(assembly_connector, "accounts", account)["tags"]) == sorted([two, three])

    def test_keys_are_added_and_taken_away(self, assembly_connector: AssemblyConnector, world: dict[str, str]) -> None:
        for object, record_id in world.items():
            key = f"new-{object}"
            old = assembly_connector.join_keys(assembly_connector.get(Ref("assembly", object, record_id)))[0]  # type: ignore[arg-type]
            write(assembly_connector, "update", Patch(object, record_id, bind=key, unbind=old))
            assert read(assembly_connector, object, record_id)["source_specific_ids"] == [key]
        assert [step.verb for step in assembly_connector.steps("update", Patch("deals", "d", bind="k"))] == ["bind"]

    def test_contacts_and_deals_change_their_company(
        self, assembly_connector: AssemblyConnector, world: dict[str, str]
    ) -> None:
        other = company(assembly_connector, "c-2", name="Other")
        update(assembly_connector, "contacts", world["contacts"], {"company_id": other})
        update(assembly_connector, "deals", world["deals"], {"account_source_specific_id": "c-2"})
        assert read(assembly_connector, "contacts", world["contacts"])["company_id"] == other
        assert read(assembly_connector, "deals", world["deals"])["account_source_specific_id"] == "c-2"

    def test_deletes(self, assembly_connector: AssemblyConnector, world: dict[str, str]) -> None:
        for object in ("deals", "contacts", "accounts"):
            write(assembly_connector, "delete", Patch(object, world[object]))
            assert assembly_connector.get(Ref("assembly", object, world[object])) is None

    def test_notes_go_once_under_their_key(
        self, assembly_connector: AssemblyConnector, assembly_remote: Remote, world: dict[str, str]
    ) -> None:
        values = {"domain": "c-1.com", "note": "Hello", "original_timestamp": "2026-04-12T10:15:00Z", "title": "Intro"}
        first = write(assembly_connector, "create", Patch("notes", None, values, bind="a-1"))
        again = write(assembly_connector, "create", Patch("notes", None, values | {"note": "Hi"}, bind="a-1"))
        assert first == again
        (stored,) = assembly_remote.control.dump("notes")
        assert (stored["note"], stored["source"], stored["source_specific_id"]) == ("Hi", "crm", "a-1")
        with pytest.raises(ParentNotThere):
            write(assembly_connector, "create", Patch("notes", None, values | {"domain": "nobody.com"}, bind="a-2"))

    def test_labels(self, assembly_connector: AssemblyConnector) -> None:
        assert assembly_connector.tables()["labels.Tier"].ids("Gold") == ()
        payload = {"kind": "labels.Tier", "name": "Gold", "color": "#545A92"}
        made = assembly_connector.send(Step("assembly", "labels", "label", None, payload)).record_id
        assert assembly_connector.tables()["labels.Tier"].ids("gold") == (made,)
        with pytest.raises(Rejected):
            assembly_connector.send(Step("assembly", "labels", "label", None, payload | {"kind": "labels.Colour"}))

    def test_what_is_missing_for_a_create_is_told_before_it_is_sent(
        self, assembly_connector: AssemblyConnector
    ) -> None:
        with pytest.raises(Rejected, match="domain"):
            assembly_connector.steps("create", Patch("accounts", None, {"name": "Acme"}, bind="c"))
        with pytest.raises(Rejected):
            assembly_connector.steps("delete", Patch("notes", "n"))

    def test_a_lost_answer_to_an_upsert_is_harmless_to_repeat(
        self, assembly_connector: AssemblyConnector, assembly_remote: Remote
    ) -> None:
        assembly_remote.control.fault("reset", applied=True, method="PUT", next=1)
        with pytest.raises(OutcomeUnknown):
            company(assembly_connector)
        made = company(assembly_connector)
        assert [row["id"] for row in assembly_remote.control.dump("accounts")] == [made]


def test_probe(assembly_connector: AssemblyConnector, assembly_remote: Remote) -> None:
    assembly_connector.probe()
    assembly_remote.control.switches(key_expired=True)
    with pytest.raises(KeyRefused):
        assembly_connector.probe()
