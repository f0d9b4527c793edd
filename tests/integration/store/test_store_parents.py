"""Children wait for their parent, are released by its link and parked with it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from support.stores import HandClock, claim_one, company, contact, draft, finish, linked, ref

from bridge.core.effects import Again, AwaitParent, Done, Park
from bridge.core.records import Lane, Reference
from bridge.store import ChangeFilter, ChangeRow, Hint, Store

PARENT = ref(company("p"))


def row_of(store: Store, hint: Hint) -> ChangeRow:
    row = store.changes.of_record("default", hint.stream, hint.side, hint.record_id)
    assert row is not None
    return row


def waiting_child(store: Store, id: str = "c", lane: Lane = "live") -> None:
    finish(store, claim_one(store, contact(id), lane=lane), AwaitParent(PARENT))


@pytest.mark.parametrize("lane", ["live", "backfill"])
def test_a_child_brings_its_parent_in_its_own_lane_and_waits(store: Store, lane: Lane) -> None:
    waiting_child(store, lane=lane)
    child, parent = row_of(store, contact("c")), row_of(store, company("p"))
    assert (child.state, child.cause, child.waits_for) == ("waiting", "parent", PARENT)
    assert (parent.state, parent.lane) == ("pending", lane)


def test_the_parents_link_releases_its_children(store: Store, clock: HandClock) -> None:
    waiting_child(store)
    (parent,) = store.changes.claim("default", 10, 60)
    clock.pass_(3)
    finish(store, parent, link=draft(parent, "p", "ap"))
    child = row_of(store, contact("c"))
    assert (child.state, child.due_at, child.waits_for, child.cause) == ("pending", clock.now(), None, "")


def test_a_child_that_waits_for_the_other_end_is_released_too(store: Store) -> None:
    finish(store, claim_one(store, contact("c")), AwaitParent(Reference("companies", "assembly", "ap")))
    claim = claim_one(store, company("p"))
    finish(store, claim, link=draft(claim, "p", "ap"))
    assert row_of(store, contact("c")).state == "pending"


def test_a_half_bound_parent_keeps_its_children_waiting(store: Store) -> None:
    waiting_child(store)
    (parent,) = store.changes.claim("default", 10, 60)
    finish(store, parent, Again(1, "half-bound"), link=draft(parent, "p", None, state="half"))
    assert row_of(store, contact("c")).state == "waiting"


def test_links_bound_in_bulk_release_children(store: Store) -> None:
    waiting_child(store)
    linked(store, "p", "ap")
    assert row_of(store, contact("c")).state == "pending"


def test_a_child_whose_parent_was_linked_meanwhile_goes_on_at_once(store: Store, clock: HandClock) -> None:
    claim = claim_one(store, contact("c"))
    linked(store, "p", "ap")
    finish(store, claim, AwaitParent(PARENT))
    child = row_of(store, contact("c"))
    assert (child.state, child.due_at) == ("pending", clock.now())


def test_a_child_that_wants_more_than_its_parents_link_slows_down(store: Store, clock: HandClock) -> None:
    linked(store, "p", "ap")
    waits = []
    for _ in range(4):
        claim = claim_one(store, contact("c"))
        finish(store, claim, AwaitParent(PARENT))
        waits.append(row_of(store, contact("c")).due_at - clock.now())
        clock.pass_(600)
    assert waits == [timedelta(seconds=seconds) for seconds in (0, 2, 4, 8)]


def test_a_parked_parent_parks_its_children_and_theirs_under_its_cause(store: Store) -> None:
    waiting_child(store)
    finish(store, claim_one(store, Hint("deals", "crm", "d")), AwaitParent(ref(contact("c"))))
    (parent,) = [claim for claim in store.changes.claim("default", 10, 60) if claim.change.record_id == "p"]
    finish(store, parent, Park("rejected", "the domain is taken"))
    for hint in (contact("c"), Hint("deals", "crm", "d")):
        row = row_of(store, hint)
        assert (row.state, row.cause) == ("parked", "rejected")
        assert row.detail == "waits for companies crm:p: the domain is taken"


def test_a_child_of_a_parked_parent_is_parked_at_once(store: Store) -> None:
    finish(store, claim_one(store, company("p")), Park("rejected", "the domain is taken"))
    finish(store, claim_one(store, Hint("deals", "crm", "d")), AwaitParent(ref(contact("c"))))
    (child,) = store.changes.claim("default", 10, 60)
    finish(store, child, AwaitParent(PARENT))
    for hint in (contact("c"), Hint("deals", "crm", "d")):
        assert (row_of(store, hint).state, row_of(store, hint).cause) == ("parked", "rejected")


def test_the_link_of_a_parent_that_was_parked_releases_parked_children(store: Store) -> None:
    finish(store, claim_one(store, company("p")), Park("rejected", "no"))
    waiting_child(store)
    assert row_of(store, contact("c")).state == "parked"
    claim = claim_one(store, company("p"))
    finish(store, claim, link=draft(claim, "p", "ap"))
    assert row_of(store, contact("c")).state == "pending"


def test_replaying_a_parent_releases_its_children(store: Store) -> None:
    finish(store, claim_one(store, company("p")), Park("rejected", "no"))
    waiting_child(store)
    store.changes.replay(ChangeFilter(stream="companies"))
    assert row_of(store, contact("c")).state == "pending"


def test_discarding_a_parent_parks_its_children(store: Store) -> None:
    waiting_child(store)
    store.changes.discard([row_of(store, company("p")).id])
    child = row_of(store, contact("c"))
    assert (child.state, child.cause) == ("parked", "parent")


def test_a_parent_that_rests_without_a_link_does_not_leave_children_waiting(store: Store) -> None:
    waiting_child(store)
    (parent,) = store.changes.claim("default", 10, 60)
    finish(store, parent, Done("out of scope"))
    child = row_of(store, contact("c"))
    assert (child.state, child.cause) == ("parked", "parent")
    assert "out of scope" in child.detail


def test_a_parent_that_is_hinted_meanwhile_keeps_its_children_waiting(store: Store) -> None:
    waiting_child(store)
    (parent,) = store.changes.claim("default", 10, 60)
    store.changes.hint("default", [company("p")])
    finish(store, parent, Park("rejected", "no"))
    assert row_of(store, contact("c")).state == "waiting"


def test_a_finished_parent_is_looked_at_again_for_a_new_child(store: Store) -> None:
    finish(store, claim_one(store, company("p")), Done("out of scope"))
    waiting_child(store)
    assert row_of(store, company("p")).state == "pending"
    assert row_of(store, contact("c")).state == "waiting"


def test_a_live_child_pulls_its_parent_out_of_the_backfill_lane(store: Store) -> None:
    store.changes.hint("default", [company("p")], lane="backfill", delay=60)
    waiting_child(store)
    assert row_of(store, company("p")).lane == "live"


def test_a_parent_that_is_worked_on_is_not_disturbed(store: Store) -> None:
    parent = claim_one(store, company("p"))
    waiting_child(store)
    assert row_of(store, company("p")).generation == parent.change.generation
    finish(store, parent, link=draft(parent, "p", "ap"))
    assert row_of(store, contact("c")).state == "pending"


def test_a_record_that_is_its_own_parent_is_shown_to_a_person(store: Store) -> None:
    finish(store, claim_one(store, company("p")), AwaitParent(PARENT))
    assert row_of(store, company("p")).state == "parked"


def test_a_hint_wakes_a_waiting_child(store: Store) -> None:
    waiting_child(store)
    store.changes.hint("default", [contact("c")])
    assert (row_of(store, contact("c")).state, row_of(store, contact("c")).waits_for) == ("pending", None)


def test_waiting_and_parked_are_counted_by_cause(store: Store) -> None:
    waiting_child(store)
    finish(store, claim_one(store, company("x")), Park("rejected", "no"))
    assert store.changes.causes("default") == {
        ("contacts", "waiting", "parent"): 1,
        ("companies", "parked", "rejected"): 1,
    }
