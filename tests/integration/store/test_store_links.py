"""Links, shadows and history as a reconcile commits them."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from sqlalchemy.exc import SQLAlchemyError
from support.stores import (
    HandClock,
    claim_one,
    commit,
    company,
    declare,
    declared,
    draft,
    finish,
    linked,
    shadow,
    step,
)

from bridge.core.effects import (
    Advance,
    Again,
    Busy,
    Declare,
    Done,
    EndDraft,
    Entry,
    Extend,
    Fenced,
    Finish,
    Finished,
    LinkDraft,
    Resolve,
    Siblings,
)
from bridge.core.records import ABSENT, Link, Reference, Shadow
from bridge.store import Hint, Store


def test_three_kinds_of_nothing_stay_apart(store: Store) -> None:
    claim = claim_one(store, company("1"))
    values = {"phone": None, "name": ABSENT, "tags": ["a"], "deep": {"said": 1, "absent": [None]}}
    made = Shadow(values, frozenset({"tags"}), claim.now, "v7")
    link = LinkDraft(None, "companies", "half", {"crm": EndDraft("1", made)})
    answer = finish(store, claim, link=link)
    assert answer.link.ends["crm"].shadow == made
    read = store.links.by_end("default", "companies", "crm", ["1"])["1"]
    assert read == answer.link
    assert read.ends["crm"].shadow.values["name"] is ABSENT
    assert "email" not in read.ends["crm"].shadow.values


def test_a_commit_on_an_older_version_is_fenced(store: Store) -> None:
    link = linked(store, "1", "a1", name="Acme")
    claim = claim_one(store, company("1"))
    store.links.bind("default", [draft(None, "1", "a1", link=link, state="suspended", name="Acme")])
    entry = Entry("crm", "name", "Acme", "Late", "carried")
    assert finish(store, claim, link=draft(claim, "1", "a1", name="Late"), history=[entry]) == Fenced()
    kept = store.links.get(link.id)
    assert kept is not None
    assert (kept.state, kept.ends["crm"].shadow.values) == ("suspended", {"name": "Acme"})
    assert store.history.page("default").items == ()


def test_an_end_that_another_link_holds_is_busy(store: Store) -> None:
    linked(store, "1", "a1")
    claim = claim_one(store, company("2"))
    entry = Entry("crm", "name", None, "x", "carried")
    assert finish(store, claim, link=draft(claim, "2", "a1"), history=[entry]) == Busy()
    assert store.links.by_end("default", "companies", "crm", ["2"]) == {}
    assert store.history.page("default").items == ()
    assert isinstance(finish(store, claim, link=draft(claim, "2", "a2")), Finished)


def test_the_same_ids_may_be_linked_in_another_stream_and_connection(store: Store) -> None:
    store.connections.ensure("second", "live")
    linked(store, "1", "a1")
    linked(store, "1", "a1", stream="contacts")
    (link,) = store.links.bind("second", [draft(None, "1", "a1")])
    assert isinstance(link, Link)


def test_a_link_may_gain_move_and_lose_an_end(store: Store) -> None:
    claim = claim_one(store, company("1"))
    half = commit(store, Advance(claim, draft(claim, "1", None, state="half")))
    assert (half.state, set(half.ends), half.version) == ("half", {"crm"}, 0)
    live = commit(store, Advance(claim, draft(claim, "1", "a1", link=half)))
    assert (live.state, set(live.ends), live.version) == ("live", {"crm", "assembly"}, 1)
    moved = commit(store, Advance(claim, draft(claim, "1", "a2", link=live)))
    assert store.links.by_end("default", "companies", "assembly", ["a1", "a2"]) == {"a2": moved}
    lost = finish(store, claim, link=draft(claim, "1", None, link=moved, state="half")).link
    assert store.links.get(lost.id) == lost
    assert set(lost.ends) == {"crm"}


def test_pinned_fields_are_kept(store: Store) -> None:
    claim = claim_one(store, company("1"))
    link = LinkDraft(None, "companies", "live", {"crm": EndDraft("1", shadow())}, pinned={"name": "undone"})
    assert finish(store, claim, link=link).link.pinned == {"name": "undone"}
    assert store.links.by_end("default", "companies", "crm", ["1"])["1"].pinned == {"name": "undone"}


def test_a_reference_without_a_link_is_left_out(store: Store) -> None:
    link = linked(store, "1", "a1")
    here, gone = Reference("companies", "crm", "1"), Reference("companies", "crm", "2")
    other_stream = Reference("contacts", "crm", "1")
    assert commit(store, Resolve("default", frozenset({here, gone, other_stream}))) == {here: link}
    assert store.links.resolve("default", {here, gone}) == {here: link}


def test_siblings_are_other_records_of_live_links(store: Store) -> None:
    for number in range(1, 6):
        linked(store, str(number), f"a{number}")
    dead = store.links.by_end("default", "companies", "crm", ["5"])["5"]
    store.links.bind("default", [draft(None, "5", "a5", link=dead, state="dead")])
    assert commit(store, Siblings("default", "companies", "assembly", "a4", 2)) == ("a3", "a2")


def test_history_says_what_went_where(store: Store) -> None:
    claim = claim_one(store, company("1"))
    entries = [
        Entry("assembly", "name", ABSENT, "Acme", "created", "companies.yaml:11"),
        Entry("assembly", "phone", "1", None, "carried", "companies.yaml:13"),
    ]
    link = finish(store, claim, link=draft(claim, "1", "a1"), history=entries).link
    phone, name = store.history.page("default", "companies", link_id=link.id).items
    assert (name.old, name.new, name.cause, name.place) == (ABSENT, "Acme", "created", "companies.yaml:11")
    assert (phone.old, phone.new) == ("1", None)
    assert (name.record_id, name.mapping_version, name.link_id) == ("a1", "v1", link.id)
    record = Reference("companies", "assembly", "a1")
    assert store.history.page("default", record=record).items == (phone, name)
    assert store.history.page("default", record=Reference("companies", "crm", "a1")).items == ()


def test_history_before_there_is_a_link_is_found_with_it(store: Store) -> None:
    finish(store, claim_one(store, company("1")), history=[Entry("crm", "name", "a", "b", "carried")])
    claim = claim_one(store, company("1"))
    link = finish(store, claim, link=draft(claim, "1", "a1"), history=[Entry("crm", "name", "b", "c", "carried")]).link
    both = store.history.page("default", link_id=link.id, record=Reference("companies", "crm", "1")).items
    assert [row.new for row in both] == ["c", "b"]


def test_a_fenced_claim_remembers_nothing_in_the_middle(store: Store, clock: HandClock) -> None:
    slow = claim_one(store, company("1"), seconds=30)
    clock.pass_(31)
    store.changes.expire()
    claim_one(store, company("1"))
    entry = Entry("crm", "name", None, "x", "created")
    assert commit(store, Advance(slow, draft(slow, "1", None, state="half"), history=(entry,))) == Fenced()
    assert store.links.by_end("default", "companies", "crm", ["1"]) == {}
    assert store.history.page("default").items == ()


# --- intents ---------------------------------------------------------------------------------------------------


def test_an_open_intent_is_seen_by_the_next_claim_however_old(store: Store, clock: HandClock) -> None:
    claim = claim_one(store, company("1"))
    (intent,) = declared(declare(store, claim, None, step("create", None, name="Acme", phone=ABSENT)))
    clock.pass_(86_400)
    store.changes.expire()
    (again,) = store.changes.claim("default", 10, 60)
    (seen,) = again.intents
    assert (seen.id, seen.state, seen.token, seen.side) == (intent, "open", claim.token, "crm")
    assert seen.step == step("create", None, name="Acme", phone=ABSENT)


@pytest.mark.parametrize(("state", "after", "seen"), [("answered", 119, 1), ("answered", 121, 0), ("refused", 1, 0)])
def test_an_answered_intent_is_seen_while_a_late_write_may_land(
    store: Store, clock: HandClock, state: str, after: int, seen: int
) -> None:
    claim = claim_one(store, company("1"))
    (intent,) = declared(declare(store, claim))
    finish(store, claim, intents={intent: state})
    clock.pass_(after)
    assert len(claim_one(store, company("1")).intents) == seen


def test_an_intent_made_before_the_link_is_seen_from_its_other_end(store: Store) -> None:
    claim = claim_one(store, company("1"))
    (intent,) = declared(declare(store, claim, None, step("create", None)))
    commit(store, Advance(claim, draft(claim, "1", "a1", state="half")))
    finish(store, claim, Again(0, "transient"))
    other = Hint("companies", "assembly", "a1")
    store.changes.hint("default", [other])
    claims = store.changes.claim("default", 10, 60)
    (claimed,) = claims
    assert [one.id for one in claimed.intents] == [intent]


def test_extending_shows_intents_and_decisions_of_the_other_end(store: Store) -> None:
    held = claim_one(store, Hint("companies", "assembly", "a5"))
    (intent,) = declared(declare(store, held))
    finish(store, held, Again(60, "transient"))
    claim = claim_one(store, company("1"))
    ends = frozenset({Reference("companies", "assembly", "a5")})
    answer = commit(store, Extend(claim, frozenset({"assembly/accounts/a5"}), ends))
    assert [one.id for one in answer.intents] == [intent]


def test_a_snapshot_of_children_is_kept_with_the_intent(store: Store) -> None:
    claim = claim_one(store, company("1"))
    commit(store, Declare(claim, (("crm", step("create", None)),), {}, snapshot=("7", "8")))
    finish(store, claim, Again(0, "transient"))
    assert claim_one(store, company("1")).intents[0].snapshot == ("7", "8")


# --- groups ----------------------------------------------------------------------------------------------------


def test_one_bad_operation_does_not_undo_the_others(store: Store) -> None:
    store.changes.hint("default", [company("1"), company("2"), company("3")])
    claims = store.changes.claim("default", 10, 60)
    bad = Finish(claims[1], Done("x"), draft(claims[1], "2", "a2", name=object()))
    good = [Finish(claim, Done("created"), draft(claim, claim.change.record_id, f"a{claim.token}")) for claim in claims]
    first, failed, last = store.apply([good[0], bad, good[2]])
    assert isinstance(first, Finished)
    assert isinstance(last, Finished)
    assert isinstance(failed, Exception)
    assert set(store.links.by_end("default", "companies", "crm", ["1", "2", "3"])) == {"1", "3"}
    assert store.links.counts("default") == {("companies", "live"): 2}, "nor is a link without ends left behind"
    assert isinstance(commit(store, good[1]), Finished), "its lease is still there: nothing of it was committed"


def test_what_was_committed_is_told_though_a_later_one_could_not_be_begun(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One spoils the group, each is done by itself, and the database is away before the last."""
    store.changes.hint("default", [company("1"), company("2"), company("3")])
    claims = store.changes.claim("default", 10, 60)
    bad = Finish(claims[1], Done("x"), draft(claims[1], "2", "a2", name=object()))
    plain, begun = store._database.write, itertools.count(1)

    def write() -> Any:
        if next(begun) > 3:
            raise OSError("the database is away")
        return plain()

    monkeypatch.setattr(store._database, "write", write)
    answers = store.apply([Finish(claims[0], Done("updated")), bad, Finish(claims[2], Done("updated"))])
    assert isinstance(answers[0], Finished)
    assert isinstance(answers[1], Exception)
    assert isinstance(answers[2], OSError)


def test_a_bad_operation_raises_to_the_one_who_submitted_it(store: Store) -> None:
    claim = claim_one(store, company("1"))
    with pytest.raises(SQLAlchemyError):
        store.commit(Finish(claim, Done("x"), draft(claim, "1", "a1", name=object())))
    assert isinstance(store.commit(Finish(claim, Done("x"))), Finished)


# --- walking and binding ---------------------------------------------------------------------------------------


def test_binding_a_page_answers_each_draft(store: Store) -> None:
    first = linked(store, "1", "a1")
    answers = store.links.bind(
        "default",
        [draft(None, "2", "a2"), draft(None, "3", "a1"), draft(None, "1", "a1", link=first, name="seen")],
        run_id="run",
    )
    assert [type(answer) for answer in answers] == [Link, Busy, Link]
    assert store.links.get(first.id) == answers[2]
    (stale,) = store.links.bind("default", [draft(None, "1", "a1", link=first)])
    assert stale == Busy()


def test_drafts_of_one_page_exclude_each_other(store: Store) -> None:
    old = linked(store, "1", "a1")
    answers = store.links.bind(
        "default",
        [
            draft(None, "2", "a2"),
            draft(None, "3", "a2"),
            draft(None, "1", "a1", link=old, name="x"),
            draft(None, "1", "a1", link=old, name="y"),
            draft(None, "4", "a4"),
        ],
    )
    assert [type(answer) for answer in answers] == [Link, Busy, Link, Busy, Link]
    for answer in answers:
        assert answer == Busy() or store.links.get(answer.id) == answer


def test_all_links_are_walked_once(store: Store) -> None:
    made = [linked(store, str(number), f"a{number}") for number in range(5)]
    seen: list[Link] = []
    cursor = None
    while True:
        page = store.links.page("default", "companies", cursor, limit=2)
        seen += page.items
        if page.next is None:
            break
        cursor = page.next
    assert seen == made
    assert store.links.counts("default") == {("companies", "live"): 5}


def test_one_sides_ids_come_in_code_point_order(store: Store) -> None:
    for number, id in enumerate(["b", "a", "Z", "é", "_", "10", "9"]):
        linked(store, id, f"a{number}")
    first = store.links.ends_page("default", "companies", "crm", "", 3)
    rest = store.links.ends_page("default", "companies", "crm", first[-1].record_id, 100)
    ids = [row.record_id for row in first + rest]
    assert ids == sorted(ids)
    assert len(ids) == 7
    assert store.links.unlinked("default", "companies", "crm", ["a", "q"]) == {"q"}
