"""Hints, claims and what becomes of a change when its reconcile ends."""

from __future__ import annotations

from datetime import timedelta

import pytest
from support.stores import (
    HandClock,
    claim_one,
    commit,
    company,
    contact,
    draft,
    finish,
    linked,
)

from bridge.core.effects import Again, Busy, Claim, Done, Extend, Extended, Fenced, Finish, Finished, Park, Pause
from bridge.core.errors import UsageError
from bridge.core.records import Reference
from bridge.store import ChangeFilter, ChangeRow, Hint, Store


def row_of(store: Store, hint: Hint) -> ChangeRow:
    row = store.changes.of_record("default", hint.stream, hint.side, hint.record_id)
    assert row is not None
    return row


# --- hints -----------------------------------------------------------------------------------------------------


def test_many_hints_about_a_record_are_one_change(store: Store) -> None:
    assert store.changes.hint("default", [company("1"), company("1"), company("2")]) == 2
    store.changes.hint("default", [company("1")])
    assert row_of(store, company("1")).generation == 2
    assert store.changes.counts("default") == {"pending": 2}


def test_a_delayed_hint_is_not_claimed_early(store: Store, clock: HandClock) -> None:
    store.changes.hint("default", [company("1")], delay=5)
    assert store.changes.claim("default", 10, 60) == []
    assert store.changes.due("default") == 5
    clock.pass_(5)
    assert len(store.changes.claim("default", 10, 60)) == 1


def test_a_hint_brings_a_settling_look_forward(store: Store, clock: HandClock) -> None:
    claim = claim_one(store, company("1"))
    finish(store, claim, Again(5, "settle", settle=True))
    assert row_of(store, company("1")).looked_again
    store.changes.hint("default", [company("1")])
    row = row_of(store, company("1"))
    assert (row.due_at, row.looked_again) == (clock.now(), False)


def test_a_hint_does_not_cut_a_back_off_short(store: Store, clock: HandClock) -> None:
    finish(store, claim_one(store, company("1")), Again(300, "transient", counts=True))
    store.changes.hint("default", [company("1")])
    row = row_of(store, company("1"))
    assert (row.attempts, row.due_at, row.cause) == (1, clock.now() + timedelta(seconds=300), "transient")


@pytest.mark.parametrize("outcome", [Park("rejected", "no"), Done("updated")])
def test_a_hint_wakes_a_change_that_came_to_rest(store: Store, clock: HandClock, outcome: Park | Done) -> None:
    finish(store, claim_one(store, company("1")), outcome)
    clock.pass_(60)
    store.changes.hint("default", [company("1")])
    row = row_of(store, company("1"))
    assert (row.state, row.due_at, row.cause, row.attempts) == ("pending", clock.now(), "", 0)


# --- claims ----------------------------------------------------------------------------------------------------


def test_live_work_goes_before_a_backfill(store: Store, clock: HandClock) -> None:
    store.changes.hint("default", [company("old")], lane="backfill")
    clock.pass_(60)
    store.changes.hint("default", [company("new")])
    claims = store.changes.claim("default", 10, 60)
    assert [claim.change.record_id for claim in claims] == ["new", "old"]


def test_only_the_streams_that_were_asked_for_are_claimed(store: Store) -> None:
    store.changes.hint("default", [company("1"), contact("2")])
    assert [claim.change.stream for claim in store.changes.claim("default", 10, 60, ["contacts"])] == ["contacts"]


def test_a_claim_knows_its_link_with_both_shadows(store: Store) -> None:
    link = linked(store, "1", "a1", name="Acme", phone=None)
    claim = claim_one(store, company("1"))
    assert claim.link == link
    assert claim.link.ends["assembly"].shadow.values == {"name": "Acme", "phone": None}


def test_both_ends_of_a_link_are_not_worked_on_at_once(store: Store, clock: HandClock) -> None:
    linked(store, "1", "a1")
    store.changes.hint("default", [company("1"), Hint("companies", "assembly", "a1")])
    (first,) = store.changes.claim("default", 10, 60)
    finish(store, first)
    clock.pass_(1)
    (second,) = store.changes.claim("default", 10, 60)
    assert {first.change.side, second.change.side} == {"crm", "assembly"}


def test_streams_on_one_object_exclude_each_other(store: Store, clock: HandClock) -> None:
    store.changes.hint("default", [Hint("deals", "crm", "7"), Hint("leads", "crm", "7")])
    assert len(store.changes.claim("default", 10, 60)) == 1


def test_a_busy_record_does_not_keep_others_from_their_turn(store: Store, clock: HandClock) -> None:
    held = claim_one(store, contact("held"))
    keys = frozenset(f"crm/companies/{number}" for number in range(5))
    assert commit(store, Extend(held, keys)) == Extended()
    store.changes.hint("default", [company(str(number)) for number in range(8)])
    claims = store.changes.claim("default", 3, 60)
    assert {claim.change.record_id for claim in claims} == {"5", "6", "7"}
    assert store.changes.due("default") == 0.5


@pytest.mark.parametrize("mode", ["observing", "paused", "unknown"])
def test_nothing_is_claimed_unless_the_connection_is_live(store: Store, mode: str) -> None:
    name = {"observing": "watched", "paused": "default", "unknown": "nobody"}[mode]
    if mode == "observing":
        store.connections.ensure("watched")
    if mode == "paused":
        store.connections.pause("default", "person")
    store.changes.hint(name, [company("1")])
    assert store.changes.claim(name, 10, 60) == []
    assert store.changes.due(name) is None


def test_each_claim_has_a_token_greater_than_all_before(store: Store, clock: HandClock) -> None:
    first = claim_one(store, company("1"))
    finish(store, first)
    second = claim_one(store, company("1"))
    assert second.token > first.token


# --- finishing -------------------------------------------------------------------------------------------------


def test_a_hint_that_comes_while_leased_leaves_the_change_pending(store: Store) -> None:
    claim = claim_one(store, company("1"))
    store.changes.hint("default", [company("1")])
    assert row_of(store, company("1")).state == "leased"
    assert isinstance(finish(store, claim), Finished)
    assert row_of(store, company("1")).state == "pending"
    (again,) = store.changes.claim("default", 10, 60)
    finish(store, again)
    assert row_of(store, company("1")).state == "done"


@pytest.mark.parametrize("outcome", [Park("rejected", "no"), Again(5, "settle", settle=True)])
def test_a_newer_hint_is_looked_at_before_the_change_rests(
    store: Store, clock: HandClock, outcome: Park | Again
) -> None:
    claim = claim_one(store, company("1"))
    store.changes.hint("default", [company("1")])
    finish(store, claim, outcome)
    row = row_of(store, company("1"))
    assert (row.state, row.due_at, row.looked_again) == ("pending", clock.now(), False)
    assert store.attention.page().items == ()


def test_a_failed_try_waits_and_counts(store: Store, clock: HandClock) -> None:
    finish(store, claim_one(store, company("1")), Again(10, "transient", "502", counts=True))
    clock.pass_(10)
    (claim,) = store.changes.claim("default", 10, 60)
    assert (claim.change.attempts, claim.change.cause) == (1, "transient")
    finish(store, claim, Again(10, "throttled"))
    assert row_of(store, company("1")).attempts == 1
    clock.pass_(10)
    (claim,) = store.changes.claim("default", 10, 60)
    finish(store, claim, Done("updated"))
    assert row_of(store, company("1")).attempts == 0


def test_a_pause_stops_the_connection_and_costs_the_change_nothing(store: Store, clock: HandClock) -> None:
    finish(store, claim_one(store, company("1")), Pause("broken_remote", "connection refused", 30))
    store.changes.hint("default", [company("2")])
    assert store.changes.claim("default", 10, 60) == []
    assert store.changes.due("default") == 30
    row = store.connections.get("default")
    assert row is not None
    assert (row.mode, row.pause_cause, row.pause_detail) == ("paused", "broken_remote", "connection refused")
    clock.pass_(30)
    (claim,) = store.changes.claim("default", 10, 60)
    assert claim.change.attempts == 0


def mode_of(store: Store) -> tuple[str, str]:
    row = store.connections.get("default")
    assert row is not None
    return row.mode, row.pause_cause


@pytest.fixture
def trial(store: Store, clock: HandClock) -> Claim:
    """The change that is tried after a pause; two others wait."""
    finish(store, claim_one(store, company("1")), Pause("broken_remote", "connection refused", 30))
    store.changes.hint("default", [company("2"), company("3")])
    clock.pass_(30)
    (claim,) = store.changes.claim("default", 10, 20)
    return claim


@pytest.mark.usefixtures("trial")
def test_after_a_pause_one_change_is_tried_and_the_others_wait(store: Store, clock: HandClock) -> None:
    assert store.changes.claim("default", 10, 20) == []
    assert mode_of(store) == ("paused", "broken_remote")
    assert store.changes.due("default") == 20


def test_a_trial_that_goes_well_ends_the_pause(store: Store, trial: Claim) -> None:
    finish(store, trial)
    assert mode_of(store) == ("live", "")
    assert len(store.changes.claim("default", 10, 20)) == 2


def test_a_trial_that_finds_the_remote_away_begins_another_pause(store: Store, clock: HandClock, trial: Claim) -> None:
    finish(store, trial, Pause("broken_remote", "connection refused", 30))
    clock.pass_(29)
    assert store.changes.claim("default", 10, 20) == []
    clock.pass_(1)
    assert len(store.changes.claim("default", 10, 20)) == 1


def test_a_trial_that_fails_for_now_is_no_sign_that_the_remote_is_back(
    store: Store, clock: HandClock, trial: Claim
) -> None:
    finish(store, trial, Again(60, "transient", "502", counts=True))
    assert store.changes.claim("default", 10, 20) == []
    clock.pass_(20)
    (another,) = store.changes.claim("default", 10, 20)
    assert another.change.id != trial.change.id


@pytest.mark.usefixtures("trial")
def test_a_trial_whose_worker_died_is_followed_by_another(store: Store, clock: HandClock) -> None:
    clock.pass_(20)
    store.changes.expire()
    assert len(store.changes.claim("default", 10, 20)) == 1


def test_a_trial_does_not_end_the_pause_of_a_person(store: Store, trial: Claim) -> None:
    store.connections.pause("default", "person")
    finish(store, trial)
    assert mode_of(store) == ("paused", "person")


def test_a_look_for_live_work_after_a_pause_tries_what_waits_in_the_other_lane(store: Store, clock: HandClock) -> None:
    store.changes.hint("default", [company("1"), company("2")], lane="backfill")
    first, second = store.changes.claim("default", 10, 20)
    finish(store, first, Pause("broken_remote", "connection refused", 30))
    finish(store, second, Again(0, "transient"))
    clock.pass_(30)
    assert len(store.changes.claim("default", 10, 20, lanes=("live",))) == 1
    assert mode_of(store) == ("paused", "broken_remote")


def test_a_pause_for_a_person_is_not_shortened_by_a_timed_one(store: Store, clock: HandClock) -> None:
    store.changes.hint("default", [company("1"), company("2")])
    first, second = store.changes.claim("default", 10, 60)
    finish(store, first, Pause("key_refused", "401", None))
    finish(store, second, Pause("broken_remote", "reset", 1))
    clock.pass_(3600)
    assert store.changes.claim("default", 10, 60) == []
    store.connections.resume("default")
    assert len(store.changes.claim("default", 10, 60)) == 2


def test_other_records_are_hinted_with_the_commit(store: Store) -> None:
    also = (Reference("contacts", "crm", "9"),)
    finish(store, claim_one(store, company("1")), also=also)
    assert row_of(store, contact("9")).state == "pending"


# --- leases and fencing ----------------------------------------------------------------------------------------


def test_a_lease_past_its_time_is_still_ours_until_taken_over(store: Store, clock: HandClock) -> None:
    claim = claim_one(store, company("1"), seconds=30)
    clock.pass_(31)
    assert store.changes.expire() == 1
    assert isinstance(finish(store, claim), Finished)
    assert row_of(store, company("1")).state == "done"


def test_after_a_takeover_the_slow_worker_is_fenced(store: Store, clock: HandClock) -> None:
    slow = claim_one(store, company("1"), seconds=30)
    clock.pass_(31)
    store.changes.expire()
    (fast,) = store.changes.claim("default", 10, 30)
    assert finish(store, slow, link=draft(slow, "1", "stale")) == Fenced()
    assert store.links.by_end("default", "companies", "crm", ["1"]) == {}
    assert row_of(store, company("1")).state == "leased"
    assert isinstance(finish(store, fast, link=draft(fast, "1", "a1")), Finished)


def test_losing_one_key_of_many_loses_the_claim(store: Store, clock: HandClock) -> None:
    slow = claim_one(store, contact("9"), seconds=30)
    commit(store, Extend(slow, frozenset({"crm/companies/1"})))
    clock.pass_(31)
    store.changes.hint("default", [company("1")])
    assert len(store.changes.claim("default", 10, 30, ["companies"])) == 1
    assert finish(store, slow) == Fenced()


def test_an_unexpired_lease_is_not_expired(store: Store, clock: HandClock) -> None:
    claim_one(store, company("1"), seconds=30)
    clock.pass_(29)
    assert store.changes.expire() == 0
    assert row_of(store, company("1")).state == "leased"


def test_a_renewed_lease_lasts_longer_with_all_its_keys(store: Store, clock: HandClock) -> None:
    claim = claim_one(store, contact("9"), seconds=30)
    commit(store, Extend(claim, frozenset({"crm/companies/1"})))
    clock.pass_(29)
    held, until = store.changes.renew([claim], 30)
    assert (held, until) == ({claim.token}, clock.now() + timedelta(seconds=30))
    store.changes.hint("default", [company("1")])
    clock.pass_(29)
    assert store.changes.expire() == 0
    assert store.changes.claim("default", 10, 30) == []
    assert isinstance(finish(store, claim), Finished)


def test_a_lease_that_ran_out_is_not_renewed(store: Store, clock: HandClock) -> None:
    claim = claim_one(store, company("1"), seconds=30)
    clock.pass_(30)
    assert store.changes.renew([claim], 30)[0] == set()
    store.changes.expire()
    assert len(store.changes.claim("default", 10, 30)) == 1


def test_only_its_own_lease_is_renewed(store: Store, clock: HandClock) -> None:
    slow = claim_one(store, company("1"), seconds=30)
    clock.pass_(31)
    store.changes.expire()
    assert len(store.changes.claim("default", 10, 30)) == 1
    assert store.changes.renew([slow], 300)[0] == set()
    clock.pass_(30)
    assert store.changes.expire() == 1


def test_extending_takes_all_keys_or_none(store: Store) -> None:
    first, second = claim_one(store, company("1")), claim_one(store, company("2"))
    assert commit(store, Extend(first, frozenset({"email/x", "crm/companies/2"}))) == Busy()
    assert isinstance(commit(store, Extend(second, frozenset({"email/x"}))), Extended)
    assert commit(store, Extend(first, frozenset({"email/x"}))) == Busy()
    finish(store, second)
    assert isinstance(commit(store, Extend(first, frozenset({"email/x", "crm/companies/2"}))), Extended)


def test_extending_again_with_the_same_keys_is_harmless(store: Store) -> None:
    claim = claim_one(store, company("1"))
    for _ in range(2):
        assert isinstance(commit(store, Extend(claim, frozenset({"crm/companies/1", "email/x"}))), Extended)


def test_extending_tells_what_links_hold_the_other_ends(store: Store) -> None:
    link = linked(store, "5", "a5")
    claim = claim_one(store, company("1"))
    ends = frozenset({Reference("companies", "assembly", "a5"), Reference("companies", "assembly", "a6")})
    answer = commit(store, Extend(claim, frozenset({"assembly/accounts/a5"}), ends))
    assert answer == Extended(links=(link,))


def test_a_fenced_claim_cannot_extend(store: Store, clock: HandClock) -> None:
    claim = claim_one(store, company("1"))
    finish(store, claim)
    assert commit(store, Extend(claim, frozenset({"email/x"}))) == Fenced()


# --- a person --------------------------------------------------------------------------------------------------


def test_replay_looks_again_at_once_with_all_tries(store: Store, clock: HandClock) -> None:
    claim = claim_one(store, company("1"))
    finish(store, claim, Again(600, "transient", counts=True))
    assert store.changes.replay([claim.change.id]) == 1
    row = row_of(store, company("1"))
    assert (row.state, row.attempts, row.due_at, row.lane) == ("pending", 0, clock.now(), "live")


def test_replay_by_filter_means_the_parked_ones(store: Store) -> None:
    for hint, outcome in ((company("1"), Park("rejected", "no")), (company("2"), Done("updated"))):
        finish(store, claim_one(store, hint), outcome)
    assert store.changes.replay(ChangeFilter(cause="rejected")) == 1
    assert store.changes.counts("default") == {"pending": 1, "done": 1}


@pytest.mark.parametrize("action", ["replay", "discard"])
def test_an_empty_filter_is_refused(store: Store, action: str) -> None:
    with pytest.raises(UsageError):
        getattr(store.changes, action)(ChangeFilter())


def test_a_discarded_change_rests_until_its_next_hint(store: Store) -> None:
    claim = claim_one(store, company("1"))
    finish(store, claim, Park("rejected", "no"))
    assert len(store.attention.page().items) == 1
    assert store.changes.discard([claim.change.id]) == 1
    assert (row_of(store, company("1")).state, store.attention.page().items) == ("done", ())
    store.changes.hint("default", [company("1")])
    assert row_of(store, company("1")).state == "pending"


def test_a_leased_change_is_not_discarded(store: Store) -> None:
    claim = claim_one(store, company("1"))
    assert store.changes.discard([claim.change.id]) == 0
    assert isinstance(finish(store, claim), Finished)


def test_pages_show_every_change_once(store: Store) -> None:
    store.changes.hint("default", [company(str(number)) for number in range(7)])
    seen: list[str] = []
    cursor = None
    while True:
        page = store.changes.page(ChangeFilter(connection="default"), cursor, limit=3)
        seen += [row.record_id for row in page.items]
        if page.next is None:
            break
        cursor = page.next
    assert sorted(seen) == [str(number) for number in range(7)]


@pytest.mark.parametrize("cursor", ["garbage", "", "WyJhIl0", "é"])
def test_a_cursor_that_is_not_ours_is_refused(store: Store, cursor: str) -> None:
    with pytest.raises(UsageError):
        store.changes.page(cursor=cursor)


def test_what_was_seen_of_an_unlinked_record_is_told_once_its_change_rests(store: Store, clock: HandClock) -> None:
    claim = claim_one(store, company("1"))
    store.commit(Finish(claim, Again(60, "settle"), seen="abc"))
    assert store.changes.seen("default", "companies", "crm", ["1", "2"]) == {}
    clock.pass_(61)
    claim = claim_one(store, company("1"))
    store.commit(Finish(claim, Park("ambiguous", "two fit"), seen="abd"))
    assert store.changes.seen("default", "companies", "crm", ["1", "2"]) == {"1": "abd"}


def test_how_far_behind_a_connection_is(store: Store, clock: HandClock) -> None:
    assert store.changes.oldest("default") is None
    store.changes.hint("default", [company("1")])
    clock.pass_(12)
    store.changes.hint("default", [company("2")])
    assert store.changes.oldest("default") == 12
