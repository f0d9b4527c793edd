"""One life of each record, with every open point of the APIs played every way.

Every switch of a sandbox is here or in the list of those that change no answer's meaning for a client; a new one fails
until somebody has thought about it.
"""

from __future__ import annotations

import dataclasses
from typing import Any, get_args, get_type_hints

import pytest
from client_remotes import ENTITY, Remote

from bridge.clients.assembly import AssemblyClient
from bridge.clients.crm import CrmClient
from bridge.connectors import AssemblyConnector, AssemblyOptions, CrmConnector, CrmOptions
from bridge.core.ports import Connector
from bridge.core.records import Patch, Record, Ref
from bridge.sandbox.switches import AssemblySwitches, CrmSwitches

Way = tuple[str, Any, dict[str, Any]]
"""A switch, its value, and the connector's options for it."""

CRM_WAYS: list[Way] = [
    ("list_envelope", "data", {}),
    ("list_envelope", "bare", {}),
    ("object_envelope", "named", {}),
    ("object_envelope", "data", {}),
    ("created_status", 200, {}),
    ("delete_body", "empty", {}),
    ("delete_body", "none", {}),
    ("duplicate_status", 400, {}),
    ("duplicate_status", 422, {}),
    ("page_size", 2, {}),
    ("limit_with_page", False, {}),
    ("embedded_memberships", False, {}),
    ("membership_path", "company", {"membership_id": "company"}),
    ("first_membership_primary", False, {}),
    ("stage_field", "stage", {"stage_field": "stage"}),
    ("updated_field", "modified", {"updated_at": "modified"}),
    ("unknown_fields", "ignore", {}),
    ("date_header", False, {}),
    ("stamp_grain", "milliseconds", {}),
    ("stamp_grain", "seconds", {}),
]
CRM_OTHERS = {
    "limit_per_second": "pacing: tests/unit/transport",
    "limit_window": "pacing: tests/unit/transport",
    "limit_seconds": "pacing: tests/unit/transport",
    "key_expired": "test_probe_and_clock",
    "clock_skew_seconds": "test_http.py: the remote's clock",
    "stale_reads_ms": "the engine's: lag",
    "null_clears": "the engine's: clears are read back",
    "membership_path": "'repeated' is the example's slip: no id to send",
    "memberships_move_contact": "the engine's: membership events are hints",
    "membership_events": "the engine's: webhooks",
    "stage_delete_field": "test_crm_client.py::test_stages",
    "read_scope": "test_probe_and_clock",
    "write_scope": "a 403 like any other",
}

ASSEMBLY_WAYS: list[Way] = [
    ("error_body", "text", {}),
    ("duplicate_status", 400, {}),
    ("duplicate_status", 422, {}),
    *[("unknown_parent_status", status, {}) for status in (404, 409, 422)],
    ("contact_company_field", "account_id", {}),
    ("contact_company_field", "", {}),
    ("contact_company_field", "firm", {"contact_company_paths": ("firm",)}),
    ("deal_account_field", "", {}),
    ("deal_account_field", "account", {"deal_account_paths": ("account",)}),
    ("list_limit", 2, {}),
    ("last_cursor", "null", {}),
    ("last_cursor", "zero", {}),
    ("additional_properties", "list", {}),
    ("additional_properties", "attributes_cached", {}),
    ("add_props_shape", "map", {}),
    ("search_items", "identical", {}),
    ("url_source_id_linked", False, {}),
    ("upsert_matches_body_source_ids", True, {}),
    ("shared_source_ids", False, {}),
    ("account_delete", "cascade", {}),
    ("participants_required", False, {}),
    ("labels_path", "account", {"labels_path": "/account/labels"}),
    ("date_header", False, {}),
    ("stamp_grain", "milliseconds", {}),
    ("stamp_grain", "seconds", {}),
]
ASSEMBLY_OTHERS = {
    "limit_per_second": "pacing: tests/unit/transport",
    "limit_window": "pacing: tests/unit/transport",
    "limit_seconds": "pacing: tests/unit/transport",
    "key_expired": "test_probe",
    "clock_skew_seconds": "test_http.py: the remote's clock",
    "stale_reads_ms": "the engine's: lag",
    "dialect": "test_assembly_legacy.py",
    "null_clears": "the engine's: clears are read back",
    "name_limit": "the engine's: echo rules",
    "lower_domains": "the engine's: echo rules",
    "add_props_move_updated_at": "the engine's: full listings",
    "labels_move_updated_at": "the engine's: full listings",
    "upsert_matches_domain": "an upsert that adopts by domain answers the twin's id",
    "deal_lookup": "never both at once",
    "account_delete": "'refuse' is a refusal like any other",
}


@pytest.mark.parametrize(
    ("kind", "ways", "others"),
    [(CrmSwitches, CRM_WAYS, CRM_OTHERS), (AssemblySwitches, ASSEMBLY_WAYS, ASSEMBLY_OTHERS)],
)
def test_every_switch_is_played_or_explained(kind: type[Any], ways: list[Way], others: dict[str, str]) -> None:
    hints = get_type_hints(kind)
    for field in dataclasses.fields(kind):
        played = {value for name, value, _ in ways if name == field.name}
        choices = set(get_args(hints[field.name])) if hints[field.name] is not bool else {True, False}
        open_ones = {choice for choice in choices if isinstance(choice, str | int)} - {field.default} - played
        assert field.name in others or (played and not open_ones), f"{field.name}: {open_ones or 'never played'}"


def send(connector: Connector, verb: str, patch: Patch) -> str:
    made = patch.record_id
    for step in connector.steps(verb, patch):
        sent = connector.send(step if step.record_id else dataclasses.replace(step, record_id=made))
        made = sent.record_id or made
    assert made is not None
    return made


def listed(connector: Connector, object: str) -> dict[str, Record]:
    return {one.ref.id: one for page in connector.pages(object) for one in page.records}


def agree(connector: Connector, object: str, record_id: str) -> dict[str, Any]:
    """The record, which must be the same read alone and in the list."""
    found = connector.get(Ref(connector.system, object, record_id))
    assert found is not None
    assert dict(listed(connector, object)[record_id].raw) == dict(found.raw)
    assert found.updated_at is not None
    return dict(found.raw)


@pytest.mark.parametrize(("switch", "value", "options"), CRM_WAYS, ids=[f"{n}={v}" for n, v, _ in CRM_WAYS])
def test_a_life_in_the_crm(
    crm_remote: Remote, crm: CrmClient, switch: str, value: Any, options: dict[str, Any]
) -> None:
    crm_remote.control.switches(**{switch: value})
    connector = CrmConnector(CrmClient(crm_remote.http, ENTITY), CrmOptions(page_size=3, **options))
    companies = [send(connector, "create", Patch("companies", None, {"name": f"Company {n}"})) for n in range(7)]
    assert set(listed(connector, "companies")) == set(companies)
    acme, beta = companies[:2]
    ada = send(connector, "create", Patch("contacts", None, {"firstName": "Ada", "companyId": acme}))
    assert agree(connector, "contacts", ada)["companyId"] == acme
    send(connector, "update", Patch("contacts", ada, {"companyId": beta, "lastName": "B"}, {"companyId": acme}))
    raw = agree(connector, "contacts", ada)
    assert (raw["companyId"], raw["lastName"]) == (beta, "B")
    first, second = (crm.stages.create(name).value["id"] for name in ("First", "Second"))
    lead = send(connector, "create", Patch("leads", None, {"title": "Deal", "companyId": acme, "stageId": first}))
    send(connector, "update", Patch("leads", lead, {"stageId": second, "value": 7}))
    raw = agree(connector, "leads", lead)
    assert (raw["stageId"], raw["value"]) == (second, 7)
    values = {"type": "call", "subject": "Intro", "leadId": lead}
    activity = send(connector, "create", Patch("activities", None, values))
    assert agree(connector, "activities", activity)["leadId"] == lead
    assert [one.ref.id for one in connector.find("companies", "name", "company 3")] == [companies[3]]
    for object, record_id in (("leads", lead), ("contacts", ada)):
        send(connector, "delete", Patch(object, record_id))
        assert connector.get(Ref("crm", object, record_id)) is None


@pytest.mark.parametrize(("switch", "value", "options"), ASSEMBLY_WAYS, ids=[f"{n}={v}" for n, v, _ in ASSEMBLY_WAYS])
def test_a_life_in_assembly(assembly_remote: Remote, switch: str, value: Any, options: dict[str, Any]) -> None:
    assembly_remote.control.switches(**{switch: value})
    given = AssemblyOptions(page_size=3, **options)
    connector = AssemblyConnector(AssemblyClient(assembly_remote.http, given.labels_path), given)
    companies = [
        send(connector, "create", Patch("accounts", None, {"name": f"C{n}", "domain": f"c{n}.com"}, bind=f"c-{n}"))
        for n in range(7)
    ]
    assert set(listed(connector, "accounts")) == set(companies)
    acme = companies[0]
    label = connector.steps("update", Patch("accounts", acme, {"additional_properties.A": 1, "name": "Acme"}))
    for step in label:
        connector.send(step)
    raw = agree(connector, "accounts", acme)
    assert (raw["additional_properties"], raw["source_specific_ids"]) == ({"A": 1}, ["c-0"])
    send(connector, "update", Patch("accounts", acme, {"additional_properties.A": None}))
    assert agree(connector, "accounts", acme)["additional_properties"] == {}
    values = {"name": "Ada", "domain": "ada@c0.com", "company_id": acme}
    ada = send(connector, "create", Patch("contacts", None, values, bind="p-1"))
    assert agree(connector, "contacts", ada).get("company_id", acme) == acme
    deals = [
        send(
            connector,
            "create",
            Patch("deals", None, {"name": f"D{n}", "account_source_specific_id": "c-0"}, bind=f"d-{n}"),
        )
        for n in range(5)
    ]
    assert set(listed(connector, "deals")) == set(deals)
    assert agree(connector, "deals", deals[0]).get("account_source_specific_id", "c-0") == "c-0"
    found = connector.find_by_key("deals", "d-1")
    assert found is not None
    assert found.ref.id == deals[1]
    assert (
        len([one for page in connector.children("deals", Ref("assembly", "accounts", acme)) for one in page.records])
        == 5
    )
    note = {"domain": "c0.com", "note": "Hello", "original_timestamp": "2026-04-12T10:15:00Z"}
    assert send(connector, "create", Patch("notes", None, note, bind="a-1"))
    assert connector.tables()["labels.Tier"].names == {}
    for object, record_id in (("deals", deals[0]), ("contacts", ada), ("accounts", acme)):
        send(connector, "delete", Patch(object, record_id))
        assert connector.get(Ref("assembly", object, record_id)) is None
