"""The main job on the real engine, store, connectors and HTTP: what reaches the other side, at what price, and what never does."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bridge.sandbox.seed import demo
from tests.support.engine import CONNECTION, Engine, engine

Row = dict[str, Any]


@pytest.fixture
def bridge(tmp_path: Path) -> Iterator[Engine]:
    with engine(tmp_path) as made:
        made.crm.control.seed(demo(3, companies=8))
        yield made


@pytest.fixture
def synced(bridge: Engine) -> Engine:
    run = bridge.backfill()
    assert run.state == "done", run.error
    return bridge


def account_of(bridge: Engine, crm_id: str, kind: str = "accounts") -> Row:
    (found,) = [row for row in bridge.assembly.control.dump(kind) if crm_id in row["source_specific_ids"]]
    return found


def crm_row(bridge: Engine, kind: str, crm_id: str) -> Row:
    (found,) = [row for row in bridge.crm.control.dump(kind) if row["id"] == crm_id]
    return found


def linked(bridge: Engine, stream: str) -> list[tuple[str, str]]:
    """(CRM id, Assembly id) of every live link."""
    page = bridge.store.links.page(CONNECTION, stream, limit=500)
    return [
        (link.ends["crm"].record_id, link.ends["assembly"].record_id) for link in page.items if link.state == "live"
    ]


def test_backfill_carries_everything_that_can_be_carried(synced: Engine) -> None:
    crm, assembly = synced.crm.control, synced.assembly.control
    active = [row for row in crm.dump("companies") if row["status"] != "inactive"]
    assert len(assembly.dump("accounts")) == len(active)
    assert len(assembly.dump("deals")) == len(linked(synced, "deals"))
    waiting = {row.cause for row in synced.store.attention.page(limit=200).items}
    assert waiting <= {"required:company", "required:email", "parent", "parent out of scope", "parent:out of scope"}


def test_a_second_backfill_writes_nothing_and_reads_in_pages(synced: Engine) -> None:
    before = synced.counted()
    run = synced.backfill()
    after = synced.counted()
    told = run.calls
    assert set(told) == {"crm", "assembly"}
    assert sum(told.values()) <= sum(after[side][0] - before[side][0] for side in after)
    assert after["assembly"][1] == before["assembly"][1]
    assert after["crm"][1] == before["crm"][1]
    assert after["assembly"][0] - before["assembly"][0] <= 8
    assert after["crm"][0] - before["crm"][0] <= 12
    assert run.counts.get("created", 0) == run.counts.get("updated", 0) == 0


def test_an_edit_in_the_crm_reaches_assembly_in_two_calls(synced: Engine) -> None:
    crm_id, _ = linked(synced, "companies")[0]
    synced.crm.control.patch("companies", crm_id, {"name": "Renamed here"})
    before = synced.counted()
    synced.hint("companies", "crm", crm_id)
    synced.settle()
    assert account_of(synced, crm_id)["name"] == "Renamed here"
    assert synced.counted()["assembly"][0] - before["assembly"][0] <= 2


def test_the_echo_of_our_own_write_makes_no_assembly_call(synced: Engine) -> None:
    crm_id, assembly_id = linked(synced, "companies")[0]
    synced.poll()
    synced.assembly.control.patch("accounts", assembly_id, {"name": "Renamed there"})
    synced.poll()
    synced.settle()
    assert crm_row(synced, "companies", crm_id)["name"] == "Renamed there"
    before = synced.counted()
    synced.hint("companies", "crm", crm_id)  # the webhook that our write caused
    synced.settle()
    after = synced.counted()
    assert after["assembly"][0] == before["assembly"][0]
    assert after["crm"][1] == before["crm"][1]


def test_a_cleared_field_is_cleared_on_the_other_side(synced: Engine) -> None:
    crm_id = next(one for one, _ in linked(synced, "companies") if crm_row(synced, "companies", one)["industry"])
    assert account_of(synced, crm_id)["additional_properties"]["Industry"]
    synced.crm.control.patch("companies", crm_id, {"industry": None})
    synced.hint("companies", "crm", crm_id)
    synced.settle()
    assert "Industry" not in account_of(synced, crm_id)["additional_properties"]


def test_a_cleared_field_in_assembly_is_cleared_in_the_crm(synced: Engine) -> None:
    synced.poll()
    crm_id, deal_id = next(
        pair for pair in linked(synced, "deals") if crm_row(synced, "leads", pair[0]).get("value") is not None
    )
    synced.assembly.control.patch("deals", deal_id, {"amount": None})
    synced.poll()
    synced.settle()
    assert crm_row(synced, "leads", crm_id)["value"] is None


def test_a_moved_stage_reaches_both_ways(synced: Engine) -> None:
    synced.poll()
    crm_id, deal_id = linked(synced, "deals")[0]
    stages = {row["name"]: row["id"] for row in synced.crm.control.dump("stages")}
    now = account_of(synced, crm_id, "deals")["stage"]
    there, back = [name for name in stages if name != now][:2]
    synced.crm.control.patch("leads", crm_id, {"stageId": stages[there]})
    synced.hint("deals", "crm", crm_id)
    synced.settle()
    assert account_of(synced, crm_id, "deals")["stage"] == there
    synced.assembly.control.patch("deals", deal_id, {"stage": back})
    synced.poll()
    synced.settle()
    assert crm_row(synced, "leads", crm_id)["stageId"] == stages[back]


def test_a_renamed_stage_moves_no_record(synced: Engine) -> None:
    crm_id, _ = linked(synced, "deals")[0]
    stage_id = crm_row(synced, "leads", crm_id)["stageId"]
    synced.crm.control.patch("stages", stage_id, {"name": "Called otherwise"})
    before = synced.counted()
    run = synced.backfill("deals")
    assert synced.counted()["assembly"][1] == before["assembly"][1]
    assert run.counts.get("updated", 0) == 0


def test_a_contact_that_changes_company_changes_it_in_assembly(synced: Engine) -> None:
    contact_id, _ = linked(synced, "contacts")[0]
    memberships = [row for row in synced.crm.control.dump("memberships") if row["contactId"] == contact_id]
    companies = dict(linked(synced, "companies"))
    target = next(one for one in companies if all(row["companyId"] != one for row in memberships))
    for row in memberships:
        synced.crm.control.delete("memberships", row["id"])
    synced.crm.control.create("memberships", {"contactId": contact_id, "companyId": target, "isPrimary": True})
    synced.hint("contacts", "crm", contact_id)
    synced.settle()
    assert account_of(synced, contact_id, "contacts")["company_id"] == companies[target]


def test_an_activity_becomes_a_note_once(synced: Engine) -> None:
    crm_id, _ = linked(synced, "companies")[0]
    before = len(synced.assembly.control.dump("notes"))
    made = synced.crm.control.create(
        "activities",
        {"type": "call", "subject": "First call", "companyId": crm_id, "occurredAt": "2026-11-01T09:00:00Z"},
    )
    for _ in range(3):
        synced.hint("notes", "crm", made["id"])
        synced.settle()
    notes = synced.assembly.control.dump("notes")
    assert len(notes) == before + 1


def test_an_account_made_by_hand_arrives_in_the_crm_and_gets_its_join_key(synced: Engine) -> None:
    synced.poll()
    made = synced.assembly.control.create(
        "accounts", {"type": "Company", "name": "By hand", "domain": "by-hand.example"}
    )
    synced.poll()
    synced.settle()
    (company,) = [row for row in synced.crm.control.dump("companies") if row["name"] == "By hand"]
    assert account_of(synced, company["id"])["id"] == made["id"]
    # Its own webhook comes back: nothing is made twice.
    synced.hint("companies", "crm", company["id"])
    synced.settle()
    assert len([row for row in synced.assembly.control.dump("accounts") if row["name"] == "By hand"]) == 1


def test_a_made_up_domain_never_reaches_the_crm_and_yields_to_a_real_one(synced: Engine) -> None:
    synced.poll()
    without = [one for one, _ in linked(synced, "companies") if not crm_row(synced, "companies", one)["website"]]
    assert without
    account = account_of(synced, without[0])
    assert account["domain"].endswith(".invalid")
    synced.assembly.control.patch("accounts", account["id"], {"domain": "real-one.example"})
    synced.poll()
    synced.settle()
    assert crm_row(synced, "companies", without[0])["website"] == "real-one.example"
    crm_id, _ = linked(synced, "companies")[-1]
    synced.crm.control.patch("companies", crm_id, {"website": "https://www.new-home.example/"})
    synced.hint("companies", "crm", crm_id)
    synced.settle()
    assert account_of(synced, crm_id)["domain"] == "new-home.example"


def test_a_new_connection_only_observes(bridge: Engine) -> None:
    company = bridge.crm.control.dump("companies")[0]
    bridge.hint("companies", "crm", company["id"])
    bridge.driver.drain(CONNECTION, 1)
    bridge.poll()
    assert bridge.assembly.control.dump("accounts") == []
    assert bridge.counted()["assembly"][1] == bridge.counted()["crm"][1] == 0
    plan = bridge.backfill(dry_run=True)
    assert plan.state == "done"
    assert bridge.counted()["assembly"][1] == 0
    bridge.live()
    bridge.settle()
    assert len(bridge.assembly.control.dump("accounts")) == 1


def test_a_lost_database_binds_by_join_key_and_overwrites_nothing(synced: Engine, tmp_path: Path) -> None:
    links = {name: set(linked(synced, name)) for name in ("companies", "contacts", "deals")}
    crm_id, assembly_id = linked(synced, "companies")[0]
    synced.close()
    (tmp_path / "bridge.db").unlink()
    synced.assembly.control.patch("accounts", assembly_id, {"name": "Edited while it was lost"})
    synced.open()
    before = synced.counted(), crm_row(synced, "companies", crm_id)
    run = synced.backfill("companies", "contacts", "deals")
    assert {name: set(linked(synced, name)) for name in links} == links
    assert synced.counted()["assembly"][1] == before[0]["assembly"][1]
    assert synced.counted()["crm"][1] == before[0]["crm"][1]
    assert crm_row(synced, "companies", crm_id) == before[1]
    shown = [(row.record_id, row.field, row.cause) for row in synced.store.attention.page(limit=200).items]
    assert (crm_id, "name", "differs after rebuild") in shown
    assert run.counts.get("created", 0) == 0


def test_a_conflict_that_nobody_can_judge_waits_and_a_person_settles_it(synced: Engine) -> None:
    synced.poll()
    crm_id, assembly_id = linked(synced, "companies")[0]
    synced.crm.control.patch("companies", crm_id, {"name": "Here"})
    synced.assembly.control.patch("accounts", assembly_id, {"name": "There"})
    synced.hint("companies", "crm", crm_id)
    synced.settle()
    assert (crm_row(synced, "companies", crm_id)["name"], account_of(synced, crm_id)["name"]) == ("Here", "There")
    (item,) = [row for row in synced.store.attention.page(limit=50).items if row.field == "name"]
    assert item.cause == "conflict"
    synced.store.attention.decide(item.id, {"way": "assembly"}, dict(item.values))
    synced.settle()
    assert crm_row(synced, "companies", crm_id)["name"] == "There"
    assert [
        row for row in synced.store.attention.page(limit=50).items if row.field == "name" and row.state == "open"
    ] == []
