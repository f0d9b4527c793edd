"""Each sentence of the merge rules, one field at a time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bridge.core.effects import Decision
from bridge.core.mapping import load
from bridge.core.mapping.model import Field
from bridge.core.merge import NO_BASE, SideView, Times, Verdict, merge
from bridge.core.records import ABSENT, Lookups

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


def field(options: str = "", *, spec: str = "crm: name, assembly: name") -> Field:
    text = f"""
stream: companies
crm: companies
assembly: accounts
join: id
create: [assembly, crm]
fields:
  domain: {{crm: website, assembly: domain, as: domain, required: true}}
  name: {{{spec}{", " + options if options else ""}}}
"""
    mappings = load({"companies.yaml": text})
    return next(one for one in mappings["companies"].fields if one.name == "name")


def decide(rule: Field, crm: tuple[Any, Any], assembly: tuple[Any, Any], **more: Any) -> Verdict:
    """(base, now) of both sides."""
    views = [
        SideView("crm", crm[1], crm[0], ours=more.pop("crm_ours", ())),
        SideView("assembly", assembly[1], assembly[0], sent=more.pop("sent", False), ours=more.pop("ours", ())),
    ]
    return merge(rule, views, Lookups(), **more)


def test_nothing_moved_nothing_written() -> None:
    verdict = decide(field(), ("a", "a"), ("a", "a"))
    assert (verdict.writes, verdict.hold) == ({}, False)


def test_values_that_differ_but_did_not_move_stay() -> None:
    assert decide(field(), ("a", "a"), ("b", "b")).writes == {}


@pytest.mark.parametrize(
    ("crm", "assembly", "writes"),
    [
        (("a", "b"), ("a", "a"), {"assembly": "b"}),
        (("a", "a"), ("a", "b"), {"crm": "b"}),
        (("a", None), ("a", "a"), {"assembly": None}),
        (("a", "a"), ("a", None), {"crm": None}),
    ],
)
def test_the_side_that_moved_is_carried(crm: Any, assembly: Any, writes: Any) -> None:
    assert dict(decide(field(), crm, assembly).writes) == writes


def test_both_moved_to_the_same_is_agreement() -> None:
    verdict = decide(field(), ("a", "b"), ("a", "b"))
    assert (verdict.writes, verdict.cause, dict(verdict.settled)) == ({}, "agreed", {"crm": "b", "assembly": "b"})


def test_absent_is_silence_and_never_a_clear() -> None:
    assert decide(field(), ("a", "a"), ("a", ABSENT)).writes == {}
    assert dict(decide(field(), ("a", "b"), ("a", ABSENT)).writes) == {"assembly": "b"}


@pytest.mark.parametrize(
    ("rule", "writes", "hold"),
    [
        ("conflict: crm", {"assembly": "b"}, False),
        ("conflict: assembly", {"crm": "c"}, False),
        ("conflict: ask", {}, True),
    ],
)
def test_both_moved_apart_is_the_fields_conflict_rule(rule: str, writes: Any, hold: bool) -> None:
    verdict = decide(field(rule), ("a", "b"), ("a", "c"))
    assert (dict(verdict.writes), verdict.hold) == (writes, hold)


@pytest.mark.parametrize(
    ("crm_at", "assembly_at", "writes"),
    [
        (NOON, NOON - timedelta(seconds=10), {"assembly": "b"}),
        (NOON - timedelta(seconds=10), NOON, {"crm": "c"}),
        (NOON, NOON - timedelta(seconds=2), {}),
        (NOON, None, {}),
    ],
)
def test_newest_needs_times_that_prove_it(crm_at: Any, assembly_at: Any, writes: Any) -> None:
    times = Times({"crm": crm_at, "assembly": assembly_at})
    verdict = decide(field("conflict: newest"), ("a", "b"), ("a", "c"), times=times)
    assert dict(verdict.writes) == writes
    assert verdict.hold is (not writes)


@pytest.mark.parametrize(
    ("wrong_side", "writes", "hold"), [("revert", {"assembly": "a"}, False), ("keep", {}, False), ("report", {}, True)]
)
def test_an_edit_on_the_wrong_side(wrong_side: str, writes: Any, hold: bool) -> None:
    rule = field(f"direction: to_assembly, wrong_side: {wrong_side}")
    verdict = decide(rule, ("a", "a"), ("a", "b"))
    assert (dict(verdict.writes), verdict.hold) == (writes, hold)


def test_fill_writes_only_where_it_is_empty() -> None:
    assert decide(field("fill: true"), ("a", "b"), ("x", "x")).writes == {}
    assert dict(decide(field("fill: true"), ("a", "b"), (None, None)).writes) == {"assembly": "b"}


def test_a_clear_of_a_required_field_asks() -> None:
    verdict = decide(field("required: true"), ("a", None), ("a", "a"))
    assert verdict.hold
    assert verdict.cause == "required:name"


def test_clears_can_be_ignored() -> None:
    assert decide(field("clears: ignore"), ("a", None), ("a", "a")).writes == {}


def test_the_remotes_declared_spelling_is_no_edit() -> None:
    long = "x" * 120
    verdict = decide(field("echo: {cut: 100}"), (long, long), (long, "x" * 100), sent=True)
    assert verdict.writes == {}
    assert verdict.settled["assembly"] == "x" * 100
    # The same value without our own write before it is a person's edit.
    assert decide(field("echo: {cut: 100}"), (long, long), (long, "x" * 100), sent=False).writes == {"crm": "x" * 100}


def test_a_late_write_of_ours_is_repaired_and_never_carried_back() -> None:
    verdict = decide(field(), ("new", "new"), ("new", "older"), ours=("older",))
    assert (dict(verdict.writes), verdict.cause) == ({"assembly": "new"}, "repaired")
    assert dict(decide(field(), ("new", "newer"), ("new", "older"), ours=("older",)).writes) == {"assembly": "newer"}


def test_first_bind_adopts_fills_and_follows_its_rule() -> None:
    assert decide(field(), (NO_BASE, "a"), (NO_BASE, "a"), mode="bind").cause == "adopted"
    assert dict(decide(field(), (NO_BASE, None), (NO_BASE, "a"), mode="bind").writes) == {"crm": "a"}
    assert decide(field(), (NO_BASE, "a"), (NO_BASE, "b"), mode="bind").hold
    assert dict(decide(field("on_bind: crm"), (NO_BASE, "a"), (NO_BASE, "b"), mode="bind").writes) == {"assembly": "a"}


def test_a_rebuild_shows_differences_and_writes_nothing() -> None:
    for crm, assembly in (("a", "b"), (None, "b"), ("a", None)):
        verdict = decide(field("on_bind: crm"), (NO_BASE, crm), (NO_BASE, assembly), mode="rebuild")
        assert (dict(verdict.writes), verdict.hold) == ({}, True)


def test_a_decision_counts_while_both_sides_hold_what_the_person_saw() -> None:
    chosen = Decision(1, "name", "assembly", seen={"crm": "b", "assembly": "c"})
    verdict = decide(field("conflict: ask"), ("a", "b"), ("a", "c"), decision=chosen)
    assert dict(verdict.writes) == {"crm": "c"}
    assert verdict.used is chosen
    moved_on = decide(field("conflict: ask"), ("a", "b2"), ("a", "c"), decision=chosen)
    assert moved_on.hold
    assert moved_on.used is None


def test_a_person_cannot_empty_a_required_field_either() -> None:
    asked = Decision(1, "name", None, value=None)
    verdict = decide(field("required: true"), ("a", "b"), ("a", "c"), decision=asked)
    assert (verdict.cause, verdict.writes, verdict.used) == ("required:name", {}, None)


@pytest.mark.parametrize(
    ("crm", "assembly", "writes"),
    [
        (("a", "a"), ("b", "b"), {"assembly": "a"}),
        (("a", "x"), ("b", "b"), {"assembly": "x"}),
        (("a", "a"), ("b", "y"), {"crm": "y"}),
        (("a", "a"), (NO_BASE, "default"), {"assembly": "a"}),
        ((None, None), (NO_BASE, "default"), {"crm": "default"}),
    ],
)
def test_what_a_bind_decided_and_nobody_answered_stands_unless_its_target_was_edited(
    crm: Any, assembly: Any, writes: Any
) -> None:
    assert decide(field("on_bind: assembly"), crm, assembly, pinned="from:crm").writes == writes


def test_in_doubt_who_made_a_record_every_difference_is_asked_about() -> None:
    rule = field("on_bind: crm")
    assert decide(rule, (NO_BASE, "a"), (NO_BASE, "b"), mode="doubt").cause == "origin unknown"
    assert decide(rule, (NO_BASE, "a"), (NO_BASE, None), mode="doubt").cause == "origin unknown"
    assert decide(rule, (NO_BASE, "a"), (NO_BASE, "b"), pinned="doubted").hold


def test_an_answer_whose_own_write_landed_unanswered_still_counts() -> None:
    answer = Decision(1, "name", None, value="right", seen={"crm": "b", "assembly": "c"})
    verdict = decide(field("conflict: ask"), ("a", "right"), ("a", "c"), crm_ours=("right",), decision=answer)
    assert dict(verdict.writes) == {"assembly": "right"}


def test_sets_merge_by_element_where_a_system_says_null_for_an_empty_one() -> None:
    tags = field("unordered: true", spec="crm: tags, assembly: tags")
    writes = decide(tags, (None, ["a"]), ([], ["b"])).writes
    assert {side: set(value) for side, value in writes.items()} == {"crm": {"a", "b"}, "assembly": {"a", "b"}}
    assert decide(tags, (None, None), (["a"], [])).writes == {}


def test_a_merged_set_whose_write_landed_unanswered_keeps_what_people_added() -> None:
    tags = field("unordered: true", spec="crm: tags, assembly: tags")
    merged = ["here", "there"]
    views = [
        SideView("crm", merged, [], ours=(merged,), last=merged),
        SideView("assembly", ["there"], []),
    ]
    assert set(merge(tags, views, Lookups()).writes["assembly"]) == {"here", "there"}
    late = [SideView("crm", merged, ["there"], ours=(merged,)), SideView("assembly", ["there"], ["there"])]
    assert dict(merge(tags, late, Lookups()).writes) == {"crm": ["there"]}, "an older write that was superseded since"


def test_one_is_not_true() -> None:
    assert dict(decide(field(), (1, True), (1, 1)).writes) == {"assembly": True}


def test_a_pinned_field_waits_for_its_next_edit() -> None:
    assert decide(field(), ("a", "a"), ("b", "b"), pinned="undone").writes == {}
    assert dict(decide(field(), ("a", "c"), ("b", "b"), pinned="undone").writes) == {"assembly": "c"}


def test_a_frozen_field_asks_whatever_moves() -> None:
    assert decide(field(), ("a", "c"), ("b", "b"), pinned="frozen").hold
