"""The brake holds a class of changes; a person releases or discards it."""

from __future__ import annotations

import pytest
from support.stores import HandClock, SetBrake, claim_one, company, declare, declared, draft, finish, linked, step

from bridge.core.effects import Again, Claim, Declared, Done, Fenced, Finish, Held, Notice, Park
from bridge.core.errors import UsageError
from bridge.store import HoldRow, ItemDraft, Store


def held_claim(store: Store, record: str) -> tuple[Claim, Held]:
    """A claim whose update the brake stopped, parked as the engine does."""
    claim = claim_one(store, company(record))
    answer = declare(store, claim, {"update": 1})
    assert isinstance(answer, Held), answer
    notice = Notice("brake:update", "more than usual", ways=("release", "discard"))
    assert store.apply([Finish(claim, Park("brake:update", "more than usual"), notices=(notice,))])
    return claim, answer


def passes(store: Store, record: str, **classes: int) -> bool:
    claim = claim_one(store, company(record))
    answer = declare(store, claim, classes or {"update": 1})
    finish(store, claim)
    return isinstance(answer, Declared)


def the_hold(store: Store) -> HoldRow:
    (hold,) = store.holds.page(connection="default").items
    return hold


def test_without_a_ceiling_everything_passes(store: Store) -> None:
    assert all(passes(store, str(number)) for number in range(5))


def test_over_the_ceiling_a_class_is_held_and_nothing_is_declared(store: Store, brake: SetBrake) -> None:
    brake.ceilings = {"update": 2}
    assert [passes(store, "1"), passes(store, "2")] == [True, True]
    claim, answer = held_claim(store, "3")
    assert answer == Held(frozenset({"update"}), the_hold(store).id)
    hold = the_hold(store)
    assert (hold.stream, hold.klass, hold.state, hold.ceiling, hold.waiting) == ("companies", "update", "held", 2, 1)
    store.changes.replay([claim.change.id])
    assert store.changes.claim("default", 10, 60)[0].intents == ()


def test_only_the_class_that_is_over_is_held(store: Store, brake: SetBrake) -> None:
    brake.ceilings = {"update": 0, "create": 5}
    assert passes(store, "1", create=1)
    claim = claim_one(store, company("2"))
    assert declare(store, claim, {"create": 1, "update": 1}) == Held(frozenset({"update"}), the_hold(store).id)
    finish(store, claim)
    assert passes(store, "3", create=4), "what was held did not count"
    assert not passes(store, "4", create=1)


def test_a_step_that_would_cross_the_ceiling_alone_is_held(store: Store, brake: SetBrake) -> None:
    brake.ceilings = {"clear": 3}
    assert not passes(store, "1", clear=4)
    assert passes(store, "2", clear=3)


def test_streams_and_connections_are_counted_apart(store: Store, brake: SetBrake) -> None:
    brake.ceilings = {"update": 1}
    assert passes(store, "1")
    store.connections.ensure("second", "live")
    store.changes.hint("second", [company("1")])
    (claim,) = store.changes.claim("second", 10, 60)
    assert isinstance(declare(store, claim, {"update": 1}), Declared)


def test_an_hour_later_there_is_room_again(store: Store, brake: SetBrake, clock: HandClock) -> None:
    brake.ceilings = {"update": 1}
    assert passes(store, "1")
    clock.pass_(3500)
    assert not passes(store, "2")
    clock.pass_(100)
    assert passes(store, "3")


def test_a_ceiling_may_grow_with_the_streams_live_links(store: Store, brake: SetBrake) -> None:
    brake.ceilings, brake.each = {"update": 0}, 1
    linked(store, "1", "a1")
    linked(store, "2", "a2")
    linked(store, "3", "a3", stream="contacts")
    store.links.bind("default", [draft(None, "4", "a4", link=linked(store, "4", "a4"), state="dead")])
    assert [passes(store, str(number)) for number in range(4)] == [True, True, False, False]


def test_held_changes_of_a_class_share_one_hold(store: Store, brake: SetBrake) -> None:
    brake.ceilings = {"update": 0}
    first, second = held_claim(store, "1")[1], held_claim(store, "2")[1]
    assert first.hold_id == second.hold_id
    held_claim(store, "2")
    assert the_hold(store).waiting == 2


def test_a_release_lets_what_waits_pass_and_nothing_else(store: Store, brake: SetBrake, clock: HandClock) -> None:
    brake.ceilings = {"update": 0}
    _, held = held_claim(store, "1")
    assert store.holds.release(held.hold_id).state == "released"
    (claim,) = store.changes.claim("default", 10, 60)
    assert (claim.change.record_id, claim.released) == ("1", frozenset({"update"}))
    assert isinstance(declare(store, claim, {"update": 1}), Declared)
    finish(store, claim)
    assert store.attention.page().items == ()
    assert not passes(store, "2"), "a release is for the named changes"
    clock.pass_(3601)
    assert not passes(store, "1"), "and it is good for an hour"


def test_a_release_is_for_its_class(store: Store, brake: SetBrake) -> None:
    brake.ceilings = {"update": 0, "clear": 0}
    _, held = held_claim(store, "1")
    store.holds.release(held.hold_id)
    (claim,) = store.changes.claim("default", 10, 60)
    answer = declare(store, claim, {"update": 1, "clear": 1})
    assert isinstance(answer, Held)
    assert answer.classes == {"clear"}


def test_what_was_released_does_not_use_the_hour_up(store: Store, brake: SetBrake) -> None:
    brake.ceilings = {"update": 0}
    _, held = held_claim(store, "1")
    store.holds.release(held.hold_id)
    assert passes(store, "1")
    brake.ceilings = {"update": 1}
    assert passes(store, "2")


def test_a_held_change_that_is_no_more_wanted_is_withdrawn(store: Store, brake: SetBrake) -> None:
    """The deleted record is back: its deletion leaves the hold, and an empty hold ends."""
    brake.ceilings = {"update": 0}
    held_claim(store, "1")
    held_claim(store, "2")
    finish(store, claim_one(store, company("1")), Done("unchanged"))
    assert (the_hold(store).state, the_hold(store).waiting) == ("held", 1)
    finish(store, claim_one(store, company("2")), Done("unchanged"))
    assert (the_hold(store).state, the_hold(store).waiting) == ("withdrawn", 0)


def test_a_discarded_deletion_keeps_the_survivor_for_good(store: Store, brake: SetBrake) -> None:
    link = linked(store, "1", "a1")
    brake.ceilings = {"delete": 0}
    claim = claim_one(store, company("1"))
    held = declare(store, claim, {"delete": 1})
    finish(store, claim, Park("brake:delete", "more"), notices=[Notice("brake:delete", "more", ways=("discard",))])
    store.holds.discard(held.hold_id)
    kept = store.links.get(link.id)
    assert kept is not None
    assert kept.state == "dead"
    (line,) = store.history.page("default").items
    assert (line.link_id, line.side, line.record_id, line.cause) == (link.id, "crm", "1", "deletion discarded")


def test_a_discarded_field_is_answered_and_looked_at(store: Store, brake: SetBrake) -> None:
    linked(store, "1", "a1")
    brake.ceilings = {"clear": 0}
    claim = claim_one(store, company("1"))
    held = declare(store, claim, {"clear": 1})
    notice = Notice("brake:clear", "more", "name", {"crm": None, "assembly": "Acme"}, ways=("release", "discard"))
    finish(store, claim, Park("brake:clear", "more"), notices=[notice])
    store.holds.discard(held.hold_id)
    (again,) = store.changes.claim("default", 10, 60)
    (decision,) = again.decisions
    assert (decision.field, decision.discard, decision.seen) == ("name", True, {"crm": None, "assembly": "Acme"})


def test_a_discard_gives_the_waiting_changes_up(store: Store, brake: SetBrake) -> None:
    brake.ceilings = {"update": 0}
    _, held = held_claim(store, "1")
    assert store.holds.discard(held.hold_id).state == "discarded"
    assert store.changes.counts("default") == {"done": 1}
    assert store.attention.page().items == ()
    _, again = held_claim(store, "2")
    assert again.hold_id != held.hold_id


@pytest.mark.parametrize(("way", "state"), [("release", "released"), ("discard", "discarded")])
def test_the_attention_item_answers_the_hold(store: Store, brake: SetBrake, way: str, state: str) -> None:
    brake.ceilings = {"update": 0}
    _, held = held_claim(store, "1")
    (row,) = store.attention.page().items
    assert store.attention.decide(row.id, {"way": way}).state == "closed"
    hold = store.holds.get(held.hold_id)
    assert hold is not None
    assert hold.state == state
    assert store.changes.counts("default") == {"pending" if way == "release" else "done": 1}


@pytest.mark.parametrize("action", ["release", "discard"])
def test_a_hold_is_decided_once(store: Store, brake: SetBrake, action: str) -> None:
    brake.ceilings = {"update": 0}
    _, held = held_claim(store, "1")
    store.holds.release(held.hold_id)
    with pytest.raises(UsageError) as refused:
        getattr(store.holds, action)(held.hold_id)
    assert refused.value.status == 409
    with pytest.raises(UsageError) as missing:
        getattr(store.holds, action)(99)
    assert missing.value.status == 404


def test_what_a_backfill_planned_is_neither_braked_nor_counted(store: Store, brake: SetBrake) -> None:
    brake.ceilings = {"create": 1, "update": 1, "delete": 0}
    run = store.runs.create("default", ["companies"])
    store.runs.add_items(run.id, [ItemDraft("companies", "create", "crm", str(number)) for number in range(3)])
    store.runs.enqueue_items(run.id, "companies", 10)
    for claim in store.changes.claim("default", 10, 60):
        assert isinstance(declare(store, claim, {"create": 1, "update": 1}), Declared)
        assert isinstance(declare(store, claim, {"delete": 1}), Held)
        finish(store, claim)
    assert passes(store, "live", create=1)


def test_a_fenced_claim_declares_nothing(store: Store, clock: HandClock) -> None:
    slow = claim_one(store, company("1"), seconds=30)
    clock.pass_(31)
    store.changes.expire()
    fast = claim_one(store, company("1"))
    assert declare(store, slow, {"update": 1}, step()) == Fenced()
    declared(declare(store, fast))
    finish(store, fast, Again(0, "transient"))
    assert len(claim_one(store, company("1")).intents) == 1


def test_what_the_brake_no_longer_counts_is_dropped(store: Store, brake: SetBrake, clock: HandClock) -> None:
    brake.ceilings = {"update": 1}
    assert passes(store, "1")
    store.changes.expire()
    assert not passes(store, "2")
    clock.pass_(7200)
    store.changes.expire()
    assert passes(store, "3")


def test_what_is_held_stays_held_when_its_hour_is_over(store: Store, clock: HandClock, brake: SetBrake) -> None:
    brake.ceilings = {"update": 1}
    assert passes(store, "1")
    held_claim(store, "2")
    clock.pass_(2 * 3600)
    assert passes(store, "3"), "another hour"
    clock.pass_(2 * 3600)
    assert not passes(store, "2")
