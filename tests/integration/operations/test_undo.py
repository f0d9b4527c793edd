"""Undo on the real engine: what the bridge wrote is taken back where it still stands, and nothing else."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bridge.core.errors import UsageError
from bridge.operations import undo
from bridge.store import ItemRow, RunRow, Writes
from tests.support.engine import CONNECTION, Bells, RealClock
from tests.support.family import Family, family


@pytest.fixture
def there(tmp_path: Path) -> Iterator[Family]:
    with family(tmp_path) as made:
        yield made


def items(there: Family, run: RunRow) -> list[ItemRow]:
    return list(there.bridge.store.runs.items_page(run.id).items)


def edit(there: Family, **values: Any) -> None:
    there.crm("companies", there.company, **values)
    there.look("companies", "crm", there.company)


def account(there: Family) -> dict[str, Any]:
    return there.row("assembly", "accounts", there.account)


def of_cause(cause: str, stream: str | None = None) -> Writes:
    return Writes(CONNECTION, cause=cause, stream=stream)


def test_the_plan_is_read_first_and_then_carried_out_as_it_is(there: Family) -> None:
    edit(there, name="Wrong", phone="+1 555", industry=None)
    before = there.bridge.counted()
    plan = there.undo(of_cause("carried"), dry_run=True)
    assert there.bridge.counted() == before, "a plan costs no call"
    (item,) = items(there, plan)
    assert (item.action, item.calls) == ("revert", 3)
    planned = {each["field"]: (each["side"], each["old"], each["new"]) for each in item.detail["fields"]}
    assert planned["name"] == ("assembly", "Wrong", "Acme")
    assert planned["industry"] == ("assembly", None, "Steel")

    run = there.undone(undo.apply(there.bridge.store, plan.id))
    assert (run.id, run.state, run.counts) == (plan.id, "done", {"undone": 1})
    now = account(there)
    assert (now["name"], now["phone"], now["additional_properties"]["Industry"]) == ("Acme", [], "Steel")
    assert there.name("crm") == "Wrong", "what a person typed is theirs"
    with pytest.raises(UsageError):
        undo.apply(there.bridge.store, plan.id)


def test_an_undone_field_stays_undone_until_its_next_edit(there: Family) -> None:
    edit(there, name="Wrong")
    run = there.undo(of_cause("carried"))
    link = there.link_of("companies", "crm", there.company)
    assert dict(link.pinned) == {"name": "undone"}
    there.look("companies", "crm", there.company)
    there.look("companies", "assembly", there.account)
    there.bridge.backfill("companies")
    assert there.name("assembly") == "Acme"
    lines = there.bridge.store.history.by_run(run.id).items
    assert [(line.field, line.old, line.new, line.cause) for line in lines] == [("name", "Wrong", "Acme", "undone")]
    edit(there, name="Right")
    assert there.name("assembly") == "Right"
    assert dict(there.link_of("companies", "crm", there.company).pinned) == {}


@pytest.mark.parametrize("seen", [True, False], ids=["the bridge knows", "the bridge does not know yet"])
def test_a_value_that_moved_on_is_not_reverted(there: Family, seen: bool) -> None:
    edit(there, name="Wrong", phone="+1 555")
    if not seen:
        plan = there.undo(of_cause("carried"), dry_run=True)
    there.assembly("accounts", there.account, name="Mended by hand")
    if seen:
        there.look("companies", "assembly", there.account)
        plan = there.undo(of_cause("carried"), dry_run=True)
        questions = [each["field"] for each in items(there, plan)[0].detail["questions"]]
        assert "name" in questions
    there.undone(undo.apply(there.bridge.store, plan.id))
    now = account(there)
    assert (now["name"], now["phone"]) == ("Mended by hand", [])
    assert seen or there.name("crm") == "Mended by hand", "an edit is carried, not undone"


def test_a_chain_of_writes_is_undone_to_its_beginning_but_not_across_a_stranger(there: Family) -> None:
    edit(there, name="First", phone="+1 1")
    there.assembly("accounts", there.account, phone=["+1 2"])
    there.look("companies", "assembly", there.account)
    edit(there, name="Second", phone="+1 3")
    which = undo.of_record(there.bridge.store, CONNECTION, "companies", "crm", there.company)
    plan = there.undo(Writes(CONNECTION, link_id=which.link_id, cause="carried"), dry_run=True)
    (item,) = items(there, plan)
    back = {(each["field"], each["side"]): each["new"] for each in item.detail["fields"]}
    assert back["name", "assembly"] == "Acme"
    assert back["phone", "assembly"] == ["+1 2"]


def test_what_a_backfill_made_goes_again_children_first_and_is_never_made_anew(there: Family) -> None:
    other = there.bridge.crm.control.create(
        "companies", {"name": "Borg", "website": "borg.example", "status": "active"}
    )
    there.new_contact(other["id"], firstName="Bo", lastName="Rg", email="bo@borg.example")
    kept = there.bridge.crm.control.create("companies", {"name": "Cyb", "website": "cyb.example", "status": "active"})
    filled = there.bridge.backfill("companies", "contacts")
    assert (len(there.rows("assembly", "accounts")), len(there.rows("assembly", "contacts"))) == (3, 2)
    # Times closer than a second prove nothing, and the remote's clock is known to a second, from whole seconds.
    time.sleep(2.5)
    there.assembly("accounts", there.partner("companies", kept["id"]), phone=["+1 9"])

    run = there.undo(Writes(CONNECTION, run_id=filled.id))
    assert (run.state, run.counts) == ("done", {"undone": 2, "moved on": 1})
    assert {row["name"] for row in there.rows("assembly", "accounts")} == {"Acme", "Cyb"}
    assert len(there.rows("assembly", "contacts")) == 1
    assert there.link_of("companies", "crm", other["id"]).state == "dead"
    there.bridge.backfill("companies", "contacts")
    there.look("companies", "crm", other["id"])
    assert len(there.rows("assembly", "accounts")) == 2


def test_a_company_that_the_crm_cannot_delete_is_archived(there: Family) -> None:
    there.bridge.poll()
    made = there.bridge.assembly.control.create(
        "accounts", {"type": "Company", "name": "By hand", "domain": "by-hand.example"}
    )
    there.look("companies", "assembly", made["id"])
    crm_id = there.link_of("companies", "assembly", made["id"]).ends["crm"].record_id
    run = there.undo(undo.of_record(there.bridge.store, CONNECTION, "companies", "assembly", made["id"]))
    assert run.counts == {"undone": 1}
    assert there.row("crm", "companies", crm_id)["status"] == "inactive"
    assert there.link_of("companies", "assembly", made["id"]).state == "dead"
    assert made["id"] in {row["id"] for row in there.rows("assembly", "accounts")}


def test_a_made_record_with_children_of_others_is_kept_and_shown(there: Family) -> None:
    run = there.undo(undo.of_record(there.bridge.store, CONNECTION, "companies", "crm", there.company))
    assert run.counts == {"attention": 1}
    assert {row.cause for row in there.open_items()} == {"has live children"}
    assert account(there)["name"] == "Acme"


def test_an_undo_overtaken_by_a_live_change_is_carried_out_all_the_same(there: Family) -> None:
    edit(there, name="Wrong")
    store = there.bridge.store
    run = undo.start(store, there.bridge.mappings, of_cause("carried"))
    duty = undo.Undoing(store, lambda _: there.bridge.terms, Bells(), RealClock())
    duty._plan(run, threading.Event())
    store.runs.enqueue_items(run.id, "companies", 10)
    there.bridge.hint("companies", "assembly", there.account)
    assert store.runs.open_items(run.id) == {"planned": 1}, "a live look does not do an undo's work"
    assert there.undone(run).counts == {"undone": 1}
    assert there.name("assembly") == "Acme"


def test_an_undo_is_stopped_half_way_and_resumed(there: Family) -> None:
    edit(there, name="Wrong")
    store = there.bridge.store
    run = undo.start(store, there.bridge.mappings, of_cause("carried"))
    store.runs.cancel(run.id)
    store.runs.resume(run.id)
    there.bridge.close()
    there.bridge.open()
    assert there.undone(run).counts == {"undone": 1}


def test_what_cannot_be_undone_is_refused_with_words(there: Family) -> None:
    store, mappings = there.bridge.store, there.bridge.mappings
    with pytest.raises(UsageError, match="no run"):
        undo.start(store, mappings, Writes(CONNECTION, run_id="nonesuch"))
    with pytest.raises(UsageError, match="no link"):
        undo.of_record(store, CONNECTION, "companies", "crm", "nonesuch")
    store.connections.set_mode(CONNECTION, "observing")
    with pytest.raises(UsageError, match="observes"):
        undo.start(store, mappings, of_cause("carried"))
