"""Runs, their items and scans."""

from __future__ import annotations

import pytest
from support.stores import HandClock, claim_one, company, contact, draft, finish

from bridge.core.effects import Again, AwaitParent, Done, Entry, Notice, Outcome, Park
from bridge.core.errors import UsageError
from bridge.core.records import Link, Reference
from bridge.store import ItemDraft, ItemRow, RunRow, ScanRow, Store


def planned(store: Store, *records: str, stream: str = "companies", calls: int = 1) -> RunRow:
    run = store.runs.create("default", [stream])
    items = [ItemDraft(stream, "update", "crm", record, left_id=record, calls=calls) for record in records]
    store.runs.add_items(run.id, items)
    return run


def queued(store: Store, *records: str, stream: str = "companies") -> RunRow:
    run = planned(store, *records, stream=stream)
    assert store.runs.enqueue_items(run.id, stream, 100) == len(records)
    return run


def items(store: Store, run: RunRow) -> list[ItemRow]:
    return list(store.runs.items_page(run.id).items)


def counts(store: Store, run: RunRow) -> dict[str, int]:
    row = store.runs.get(run.id)
    assert row is not None
    return dict(row.counts)


# --- runs ------------------------------------------------------------------------------------------------------


def test_the_same_key_starts_a_run_once(store: Store) -> None:
    first = store.runs.create("default", ["companies"], idempotency_key="k")
    assert store.runs.create("default", ["companies"], idempotency_key="k") == first
    store.runs.update(first.id, state="done")
    again = store.runs.create("default", ["companies"], idempotency_key="k")
    assert (again.id, again.state) == (first.id, "done")
    assert store.runs.create("default", ["companies"], idempotency_key="other").id != first.id


def test_one_run_a_connection_is_active(store: Store) -> None:
    first = store.runs.create("default", ["companies"])
    with pytest.raises(UsageError) as refused:
        store.runs.create("default", ["contacts"])
    assert refused.value.status == 409
    assert store.runs.active("default") == first
    store.runs.create("second", ["companies"])
    store.runs.update(first.id, state="failed", error="listing failed")
    assert store.runs.active("default") is None
    store.runs.create("default", ["contacts"])
    with pytest.raises(UsageError):
        store.runs.resume(first.id)


def test_counts_and_calls_add_up(store: Store) -> None:
    run = store.runs.create("default", ["companies"])
    store.runs.update(run.id, counts={"unchanged": 2}, calls={"crm": 5}, phase={"at": 1}, eta_seconds=9)
    store.runs.update(run.id, counts={"unchanged": 3, "created": 1}, calls={"assembly": 1})
    row = store.runs.get(run.id)
    assert row is not None
    assert (row.counts, row.calls) == ({"unchanged": 5, "created": 1}, {"crm": 5, "assembly": 1})
    assert (row.phase, row.eta_seconds) == ({"at": 1}, 9)


def test_runs_are_listed_newest_first_in_pages(store: Store, clock: HandClock) -> None:
    made = []
    for number in range(5):
        made.append(store.runs.create("default", [], state="done", dry_run=bool(number % 2)).id)
        clock.pass_(number % 2)
    seen: list[str] = []
    cursor = None
    while True:
        page = store.runs.page(connection="default", cursor=cursor, limit=2)
        seen += [run.id for run in page.items]
        if page.next is None:
            break
        cursor = page.next
    assert sorted(seen) == sorted(made)
    assert set(seen[-2:]) == set(made[:2])


# --- items -----------------------------------------------------------------------------------------------------


def test_items_keep_their_order_seed_and_price(store: Store) -> None:
    run = store.runs.create("default", ["companies"])
    seed = {"crm": {"id": "2", "name": None}}
    store.runs.add_items(run.id, [ItemDraft("companies", "update", "crm", "1", calls=2)], phase={"page": 1})
    store.runs.add_items(
        run.id, [ItemDraft("companies", "create", "crm", "2", detail={"why": 1}, seed=seed)], counts={"unchanged": 7}
    )
    first, second = items(store, run)
    assert (first.seq, first.calls, second.seq, second.seed, second.detail) == (1, 2, 2, seed, {"why": 1})
    assert counts(store, run) == {"unchanged": 7}
    assert store.runs.planned_calls(run.id) == 2
    assert [item.record_id for item in store.runs.items_page(run.id, action="create").items] == ["2"]


def test_items_become_changes_of_the_backfill_lane(store: Store) -> None:
    run = planned(store, "1", "2", "3", calls=2)
    assert store.runs.enqueue_items(run.id, "companies", 2) == 2
    assert store.runs.open_items(run.id, "companies") == {"planned": 1, "queued": 2}
    claims = store.changes.claim("default", 10, 60)
    assert [(claim.change.lane, claim.change.record_id) for claim in claims] == [("backfill", "1"), ("backfill", "2")]
    assert {claim.change.item for claim in claims} == {item.id for item in items(store, run)[:2]}
    assert store.runs.open_calls(run.id) == 6
    finish(store, claims[0])
    assert store.runs.open_calls(run.id) == 4


def test_a_record_planned_twice_is_looked_at_once(store: Store) -> None:
    run = planned(store, "1", "2", "1")
    assert store.runs.enqueue_items(run.id, "companies", 10) == 3
    assert [item.state for item in items(store, run)] == ["voided", "queued", "queued"]
    for claim in store.changes.claim("default", 10, 60):
        finish(store, claim)
    assert store.runs.open_items(run.id) == {}


def test_a_record_planned_again_voids_its_earlier_item(store: Store) -> None:
    run = planned(store, "1", "1")
    store.runs.enqueue_items(run.id, "companies", 1)
    store.runs.enqueue_items(run.id, "companies", 1)
    assert [item.state for item in items(store, run)] == ["voided", "queued"]


def test_a_claim_brings_the_items_seed(store: Store) -> None:
    run = store.runs.create("default", ["companies"])
    seed = {"crm": {"id": "1", "name": "Acme"}}
    store.runs.add_items(run.id, [ItemDraft("companies", "create", "crm", "1", seed=seed)])
    store.runs.enqueue_items(run.id, "companies", 1)
    (claim,) = store.changes.claim("default", 10, 60)
    assert claim.seed == seed


@pytest.mark.parametrize(
    ("outcome", "notices", "state", "counted"),
    [
        (Done("created"), (), "done", {"created": 1}),
        (Done("unchanged"), (), "done", {"unchanged": 1}),
        (Done("drifted"), (), "drifted", {"drifted": 1}),
        (Done("updated"), (Notice("conflict", "", "name"),), "attention", {"attention": 1}),
        (Park("rejected", "no"), (), "attention", {"attention": 1}),
        (Park("bug", "find 12ab in the log"), (), "failed", {"failed": 1}),
        (Again(5, "transient", counts=True), (), "queued", {}),
        (AwaitParent(Reference("contacts", "crm", "p")), (), "queued", {}),
    ],
)
def test_an_item_ends_as_its_reconcile_does(
    store: Store, outcome: Outcome, notices: tuple[Notice, ...], state: str, counted: dict[str, int]
) -> None:
    run = queued(store, "1")
    (claim,) = store.changes.claim("default", 10, 60)
    finish(store, claim, outcome, notices=notices)
    assert [item.state for item in items(store, run)] == [state]
    assert counts(store, run) == counted
    assert bool(store.runs.open_items(run.id)) == (state == "queued")


def test_a_retried_item_is_counted_when_it_ends(store: Store, clock: HandClock) -> None:
    run = queued(store, "1")
    (claim,) = store.changes.claim("default", 10, 60)
    finish(store, claim, Again(5, "transient", counts=True))
    clock.pass_(5)
    (claim,) = store.changes.claim("default", 10, 60)
    finish(store, claim, Done("updated"))
    assert counts(store, run) == {"updated": 1}


def test_a_live_hint_overtakes_an_item(store: Store) -> None:
    run = queued(store, "1", "2")
    store.changes.hint("default", [company("1")])
    assert [item.state for item in items(store, run)] == ["voided", "queued"]
    assert counts(store, run) == {"voided": 1}
    (claim,) = [one for one in store.changes.claim("default", 10, 60) if one.change.record_id == "1"]
    assert (claim.change.lane, claim.change.item) == ("live", None)


def test_a_live_hint_during_an_items_reconcile_counts_it_once(store: Store) -> None:
    run = queued(store, "1")
    (claim,) = store.changes.claim("default", 10, 60)
    store.changes.hint("default", [company("1")])
    finish(store, claim, Done("updated"))
    assert counts(store, run) == {"voided": 1}
    row = store.changes.of_record("default", "companies", "crm", "1")
    assert row is not None
    assert (row.state, row.lane, row.item) == ("pending", "live", None)


def test_a_pending_live_change_voids_the_item_that_comes_later(store: Store) -> None:
    store.changes.hint("default", [company("1")])
    run = queued(store, "1")
    assert [item.state for item in items(store, run)] == ["voided"]
    (claim,) = store.changes.claim("default", 10, 60)
    assert (claim.change.lane, claim.change.item) == ("live", None)


def test_an_item_wakes_a_change_at_rest(store: Store) -> None:
    finish(store, claim_one(store, company("1")), Park("rejected", "no"))
    run = queued(store, "1")
    (claim,) = store.changes.claim("default", 10, 60)
    assert (claim.change.lane, claim.change.item) == ("backfill", items(store, run)[0].id)


def test_children_parked_with_their_parent_end_their_items(store: Store) -> None:
    run = queued(store, "c", stream="contacts")
    (child,) = store.changes.claim("default", 10, 60)
    finish(store, child, AwaitParent(Reference("companies", "crm", "p")))
    (parent,) = store.changes.claim("default", 10, 60)
    finish(store, parent, Park("rejected", "no"))
    assert [item.state for item in items(store, run)] == ["attention"]
    assert store.runs.open_items(run.id) == {}


def test_a_child_of_a_parked_parent_ends_its_item(store: Store) -> None:
    finish(store, claim_one(store, company("p")), Park("rejected", "no"))
    run = queued(store, "c", stream="contacts")
    (child,) = store.changes.claim("default", 10, 60)
    finish(store, child, AwaitParent(Reference("companies", "crm", "p")))
    assert (counts(store, run), store.runs.open_items(run.id)) == ({"attention": 1}, {})


def test_a_parent_that_a_backfill_brings_keeps_the_childs_item(store: Store) -> None:
    run = queued(store, "c", stream="contacts")
    (child,) = store.changes.claim("default", 10, 60)
    finish(store, child, AwaitParent(Reference("companies", "crm", "p")))
    (parent,) = store.changes.claim("default", 10, 60)
    finish(store, parent, link=draft(parent, "p", "ap"))
    (child,) = store.changes.claim("default", 10, 60)
    assert (child.change.lane, child.change.item) == ("backfill", items(store, run)[0].id)
    finish(store, child, Done("created"))
    assert counts(store, run) == {"created": 1}


def test_a_discarded_change_voids_its_item(store: Store) -> None:
    run = queued(store, "1")
    row = store.changes.of_record("default", "companies", "crm", "1")
    assert row is not None
    store.changes.discard([row.id])
    assert [item.state for item in items(store, run)] == ["voided"]


def test_what_a_run_wrote_is_found_by_it(store: Store) -> None:
    run = queued(store, "1")
    (claim,) = store.changes.claim("default", 10, 60)
    link = finish(store, claim, link=draft(claim, "1", "a1"), history=[Entry("crm", "name", 1, 2, "carried")]).link
    finish(store, claim_one(store, company("1")), history=[Entry("crm", "name", 2, 3, "carried")])
    assert [row.new for row in store.history.by_run(run.id).items] == [2]
    assert isinstance(link, Link)


def test_a_cancelled_run_gives_up_what_nobody_works_on(store: Store) -> None:
    run = planned(store, "1", "2", "3")
    store.runs.enqueue_items(run.id, "companies", 2)
    (working,) = store.changes.claim("default", 1, 60)
    store.runs.update(run.id, state="applying", phase={"total": 3})
    assert store.runs.cancel(run.id).state == "cancelled"
    assert store.changes.claim("default", 10, 60) == []
    assert [item.state for item in items(store, run)] == ["queued", "planned", "planned"]
    finish(store, working, Done("updated"))
    assert counts(store, run) == {"updated": 1}
    assert store.runs.resume(run.id).state == "applying"
    assert store.runs.enqueue_items(run.id, "companies", 10) == 2
    assert len(store.changes.claim("default", 10, 60)) == 2


def test_cancelling_leaves_live_work_alone(store: Store) -> None:
    run = queued(store, "1", "2")
    store.changes.hint("default", [company("1"), contact("9")])
    store.runs.cancel(run.id)
    assert {claim.change.record_id for claim in store.changes.claim("default", 10, 60)} == {"1", "9"}


@pytest.mark.parametrize(
    ("started", "phase", "state"),
    [(False, None, "queued"), (True, {"planned": []}, "planning"), (True, {"total": 1}, "applying")],
)
def test_a_resumed_run_goes_on_where_it_stopped(
    store: Store, clock: HandClock, started: bool, phase: dict[str, int] | None, state: str
) -> None:
    run = store.runs.create("default", ["companies"])
    store.runs.update(run.id, state="failed", phase=phase, started_at=clock.now() if started else None)
    assert store.runs.resume(run.id).state == state


# --- scans -----------------------------------------------------------------------------------------------------


def rows(*ids: str) -> list[ScanRow]:
    return [
        ScanRow(id, {"id": id, "name": None}, keys=frozenset({("join", f"k{id}"), ("match", "same")})) for id in ids
    ]


def test_a_scan_is_walked_in_id_order_without_what_was_paired(store: Store) -> None:
    store.scans.add_page("run", "companies", "crm", rows("b", "a"))
    store.scans.add_page("run", "companies", "crm", rows("c", "Z"))
    store.scans.add_page("run", "companies", "assembly", rows("x"))
    first = store.scans.page("run", "companies", "crm", None, 3)
    assert [row.record_id for row in first] == ["Z", "a", "b"]
    assert [row.record_id for row in store.scans.page("run", "companies", "crm", "b", 3)] == ["c"]
    store.scans.mark_paired("run", "companies", "crm", ["a", "c"])
    assert [row.record_id for row in store.scans.unpaired_page("run", "companies", "crm", None, 9)] == ["Z", "b"]


def test_scanned_rows_are_found_by_id_and_by_key(store: Store, clock: HandClock) -> None:
    store.scans.add_page("run", "companies", "crm", rows("a", "b"))
    found = store.scans.by_ids("run", "companies", "crm", ["a", "q"])
    assert {id: row.raw for id, row in found.items()} == {"a": {"id": "a", "name": None}}
    by_key = store.scans.by_keys("run", "companies", "crm", "match", ["same", "other"])
    assert {value: [row.record_id for row in group] for value, group in by_key.items()} == {"same": ["a", "b"]}
    assert store.scans.by_keys("run", "companies", "crm", "join", ["same"]) == {}


def test_a_row_that_comes_twice_keeps_its_later_reading(store: Store, clock: HandClock) -> None:
    store.scans.add_page("run", "companies", "crm", [ScanRow("a", {"n": 1}, None, frozenset({("join", "old")}))])
    later = ScanRow("a", {"n": 2}, clock.now(), frozenset({("join", "new")}))
    store.scans.add_page("run", "companies", "crm", [ScanRow("a", {"n": 3}), later])
    (row,) = store.scans.page("run", "companies", "crm", None, 9)
    assert (row.raw, row.updated_at) == ({"n": 2}, clock.now())
    assert store.scans.by_keys("run", "companies", "crm", "join", ["old"]) == {}
    assert set(store.scans.by_keys("run", "companies", "crm", "join", ["new"])) == {"new"}


def test_clearing_takes_one_side_one_stream_or_all(store: Store) -> None:
    for stream, side in (("companies", "crm"), ("companies", "assembly"), ("contacts", "crm")):
        store.scans.add_page("run", stream, side, rows("a"))
    store.scans.clear("run", "companies", "crm")
    assert store.scans.page("run", "companies", "crm", None, 9) == ()
    assert len(store.scans.page("run", "companies", "assembly", None, 9)) == 1
    store.scans.clear("run", "companies")
    assert len(store.scans.page("run", "contacts", "crm", None, 9)) == 1
    store.scans.clear("run")
    assert store.scans.by_keys("run", "contacts", "crm", "match", ["same"]) == {}
