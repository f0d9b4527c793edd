"""What waits for a person: raised, renewed, decided, closed."""

from __future__ import annotations

from typing import Any

import pytest
from support.stores import HandClock, claim_one, commit, company, draft, finish, linked

from bridge.core.effects import Again, Decision, Done, Extend, Notice, Park, Pause
from bridge.core.errors import UsageError
from bridge.core.records import ABSENT, Reference
from bridge.store import AttentionRow, Hint, Store

VALUES = {"crm": "Acme", "assembly": "ACME Inc"}


def conflict(field: str = "name", **values: Any) -> Notice:
    return Notice(
        "conflict", "both changed", field, values or VALUES, f"conflict/{field}", ("crm", "assembly", "value")
    )


def raised(store: Store, *notices: Notice, record: str = "1", **more: Any) -> AttentionRow:
    claim = claim_one(store, company(record))
    finish(store, claim, notices=notices, **more)
    return store.attention.page().items[0]


def open_items(store: Store) -> set[tuple[str, str]]:
    return {(row.field, row.cause) for row in store.attention.page().items}


def test_a_notice_is_shown_with_both_values(store: Store) -> None:
    link = linked(store, "1", "a1")
    row = raised(store, conflict(crm=None, assembly=ABSENT))
    assert (row.field, row.cause, row.detail, row.group) == ("name", "conflict", "both changed", "conflict/name")
    assert (row.values, row.link_id, row.state) == ({"crm": None, "assembly": ABSENT}, link.id, "open")


def test_raising_it_again_renews_the_same_item(store: Store, clock: HandClock) -> None:
    first = raised(store, conflict())
    clock.pass_(5)
    again = raised(store, conflict())
    assert (again.id, again.created_at) == (first.id, first.created_at)
    assert again.updated_at > first.updated_at
    assert len(store.attention.page(state=None).items) == 1


def test_a_question_about_other_values_is_another_one(store: Store, clock: HandClock) -> None:
    """Whoever answers by number alone never answers for values they have not seen."""
    first = raised(store, conflict())
    clock.pass_(5)
    again = raised(store, conflict(crm="Other"))
    assert (again.values, again.created_at) == ({"crm": "Other"}, first.created_at)
    assert [row.id for row in store.attention.page().items] == [again.id]
    with pytest.raises(UsageError, match="settled meanwhile"):
        store.attention.decide(first.id, {"way": "crm"})


def test_an_item_is_the_same_seen_from_either_end(store: Store) -> None:
    linked(store, "1", "a1")
    first = raised(store, conflict())
    claim = claim_one(store, Hint("companies", "assembly", "a1"))
    assert claim.open_fields == {"name": "conflict"}
    finish(store, claim, notices=[conflict()])
    assert [row.id for row in store.attention.page(state=None).items] == [first.id]


def test_an_item_raised_before_the_link_belongs_to_it_afterwards(store: Store) -> None:
    first = raised(store, Notice("ambiguous", "two fit"))
    claim = claim_one(store, company("1"))
    link = finish(store, claim, link=draft(claim, "1", "a1"), keep_notices=frozenset({""})).link
    (row,) = store.attention.page().items
    assert (row.id, row.link_id) == (first.id, link.id)
    finish(store, claim_one(store, Hint("companies", "assembly", "a1")))
    assert store.attention.page().items == ()


def test_what_is_not_raised_again_is_closed_unless_kept(store: Store) -> None:
    raised(store, conflict("name"), conflict("phone"), conflict("tier"))
    finish(store, claim_one(store, company("1")), notices=[conflict("name")], keep_notices=frozenset({"phone"}))
    assert open_items(store) == {("name", "conflict"), ("phone", "conflict")}


def test_another_cause_on_the_same_field_replaces_the_first(store: Store) -> None:
    raised(store, conflict())
    finish(store, claim_one(store, company("1")), notices=[Notice("unknown value", "?", "name")])
    assert open_items(store) == {("name", "unknown value")}


@pytest.mark.parametrize("outcome", [Again(0, "transient"), Pause("broken_remote", "", 1)])
def test_a_try_that_concluded_nothing_closes_nothing(store: Store, outcome: Again | Pause) -> None:
    raised(store, conflict())
    finish(store, claim_one(store, company("1")), outcome)
    assert open_items(store) == {("name", "conflict")}


def test_a_parked_change_is_an_item_and_closed_when_it_goes_well(store: Store) -> None:
    finish(store, claim_one(store, company("1")), Park("rejected", "the name is too long"))
    (row,) = store.attention.page().items
    assert (row.field, row.cause, row.detail, row.ways) == (
        "",
        "rejected",
        "the name is too long",
        ("retry", "dismiss"),
    )
    finish(store, claim_one(store, company("1")), Done("updated"))
    assert store.attention.page().items == ()


def test_items_of_other_records_are_left_alone(store: Store) -> None:
    raised(store, conflict(), record="1")
    finish(store, claim_one(store, company("2")))
    assert open_items(store) == {("name", "conflict")}


# --- decisions -------------------------------------------------------------------------------------------------


def test_a_decision_reaches_the_next_claim_once(store: Store) -> None:
    linked(store, "1", "a1")
    row = raised(store, conflict())
    store.attention.decide(row.id, {"way": "assembly"}, VALUES)
    (claim,) = store.changes.claim("default", 10, 60)
    assert claim.change.lane == "live"
    assert claim.decisions == (Decision(row.id, "name", "assembly", None, VALUES),)
    assert claim.open_fields == {}
    finish(store, claim)
    closed = store.attention.get(row.id)
    assert closed is not None
    assert closed.state == "closed"
    assert claim_one(store, company("1")).decisions == ()


def test_a_value_may_be_given_by_hand(store: Store) -> None:
    row = raised(store, conflict())
    store.attention.decide(row.id, {"way": "value", "value": "Acme GmbH"})
    (claim,) = store.changes.claim("default", 10, 60)
    assert claim.decisions == (Decision(row.id, "name", None, "Acme GmbH", VALUES),)


def test_a_decision_on_values_that_moved_on_is_refused(store: Store) -> None:
    row = raised(store, conflict())
    raised(store, conflict(crm="Newer", assembly="ACME Inc"))
    for id in (row.id, store.attention.page().items[0].id):
        with pytest.raises(UsageError) as refused:
            store.attention.decide(id, {"way": "crm"}, VALUES)
        assert refused.value.status == 409
    assert open_items(store) == {("name", "conflict")}


def test_a_silent_side_is_no_reason_to_refuse(store: Store) -> None:
    row = raised(store, conflict(crm="x", assembly=ABSENT))
    assert store.attention.decide(row.id, {"way": "crm"}, {"crm": "x"}).state == "decided"


@pytest.mark.parametrize(("way", "status"), [("wavo", 422), ("crm", 409)])
def test_an_answer_that_is_not_possible_is_refused(store: Store, way: str, status: int) -> None:
    row = raised(store, conflict())
    if status == 409:
        finish(store, claim_one(store, company("1")))
    with pytest.raises(UsageError) as refused:
        store.attention.decide(row.id, {"way": way})
    assert refused.value.status == status


def test_deciding_on_nothing_is_not_found(store: Store) -> None:
    with pytest.raises(UsageError) as refused:
        store.attention.decide(99, {"way": "crm"})
    assert refused.value.status == 404


def test_a_decision_made_meanwhile_waits_for_the_next_look(store: Store) -> None:
    row = raised(store, conflict())
    claim = claim_one(store, company("1"))
    store.attention.decide(row.id, {"way": "crm"})
    finish(store, claim, notices=[conflict()])
    (again,) = store.changes.claim("default", 10, 60)
    assert [decision.attention_id for decision in again.decisions] == [row.id]


def test_a_decision_that_did_not_settle_it_opens_the_item_again(store: Store) -> None:
    row = raised(store, conflict())
    store.attention.decide(row.id, {"way": "crm"})
    (claim,) = store.changes.claim("default", 10, 60)
    finish(store, claim, notices=[conflict(crm="Newer")])
    (again,) = store.attention.page().items
    assert (again.state, again.decision, again.values) == ("open", None, {"crm": "Newer"})
    finish(store, claim_one(store, company("1")), notices=[conflict(crm="Newer")])
    assert [item.id for item in store.attention.page().items] == [again.id]


def test_an_answer_that_a_remote_refuses_can_be_given_anew(store: Store) -> None:
    """A number typed where the remote wants text would be sent again and again, and nobody could take it back."""
    row = raised(store, conflict())
    store.attention.decide(row.id, {"way": "value", "value": 5})
    (claim,) = store.changes.claim("default", 10, 60)
    finish(store, claim, Park("rejected", "name must be text"))
    assert open_items(store) == {("name", "conflict"), ("", "rejected")}
    assert claim_one(store, company("1")).decisions == ()
    assert store.attention.decide(row.id, {"way": "crm"}, VALUES).state == "decided"


@pytest.mark.parametrize("outcome", [Again(0, "transient", counts=True), Park("brake:update", "held")])
def test_a_decision_outlives_a_failed_try(store: Store, outcome: Again | Park) -> None:
    row = raised(store, conflict())
    store.attention.decide(row.id, {"way": "crm"})
    (claim,) = store.changes.claim("default", 10, 60)
    finish(store, claim, outcome)
    assert [decision.attention_id for decision in claim_one(store, company("1")).decisions] == [row.id]


def test_dismissing_closes_without_looking_again(store: Store) -> None:
    finish(store, claim_one(store, company("1")), Park("rejected", "no"))
    (row,) = store.attention.page().items
    assert store.attention.decide(row.id, {"way": "dismiss"}).state == "closed"
    assert store.changes.counts("default") == {"parked": 1}


def test_retrying_closes_and_looks_again(store: Store) -> None:
    finish(store, claim_one(store, company("1")), Park("rejected", "no"))
    (row,) = store.attention.page().items
    assert store.attention.decide(row.id, {"way": "retry"}).state == "closed"
    (claim,) = store.changes.claim("default", 10, 60)
    assert claim.decisions == ()


def test_extending_shows_decisions_of_the_other_end(store: Store, clock: HandClock) -> None:
    linked(store, "1", "a1")
    row = raised(store, conflict())
    store.attention.decide(row.id, {"way": "crm"})
    claim = claim_one(store, company("2"))
    clock.pass_(61)
    ends = frozenset({Reference("companies", "crm", "1")})
    answer = commit(store, Extend(claim, frozenset({"crm/companies/1"}), ends))
    assert [decision.attention_id for decision in answer.decisions] == [row.id]


# --- lists -----------------------------------------------------------------------------------------------------


def test_groups_are_counted_with_the_answers_all_offer(store: Store) -> None:
    raised(store, conflict(), record="1")
    narrower = Notice("conflict", "", "name", VALUES, "conflict/name", ("crm", "value"))
    raised(store, narrower, record="2")
    raised(store, conflict("phone"), record="3")
    groups = store.attention.groups("default")
    assert [(group.field, group.count, group.ways) for group in groups] == [
        ("name", 2, ("crm", "value")),
        ("phone", 1, ("crm", "assembly", "value")),
    ]
    assert store.attention.counts("default") == {"conflict": 3}


@pytest.mark.parametrize(
    ("filters", "records"),
    [
        ({"group": "conflict/name"}, ["2", "1"]),
        ({"cause": "conflict", "field": "phone"}, ["3"]),
        ({"record_id": "2", "side": "crm", "stream": "companies"}, ["2"]),
        ({"connection": "other"}, []),
        ({"state": "closed"}, []),
    ],
)
def test_items_are_found_by_what_they_are_about(store: Store, filters: dict[str, str], records: list[str]) -> None:
    raised(store, conflict(), record="1")
    raised(store, conflict(), record="2")
    raised(store, conflict("phone"), record="3")
    assert [row.record_id for row in store.attention.page(**filters).items] == records
