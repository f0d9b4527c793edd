"""The oracle on questions, answers, the brake, forgetting, sets and notes: each rule is broken once by hand, and must be told."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.simulation.oracle_story import RULES, Story
from tests.simulation.oracle_terms import Shown
from tests.simulation.rules import STREAMS

# --- needless questions ---


def asked(story: Story, cause: str, field: str = "industry") -> set[str]:
    story.shown.append(Shown("companies", "crm", "c1", field, cause))
    return story.told()


def test_a_conflict_that_only_one_side_made_is_needless() -> None:
    rules = replace(RULES, conflict="ask")
    both = Story(rules).company("x", "y").bound(0.5).crm_edit(1, "x").assembly_edit(1.2, "y")
    assert asked(both, "conflict") == set()
    one = Story(rules).company("x", "z").bound(0.5).crm_edit(1, "x")
    assert asked(one, "conflict") == {"needless question"}


def test_a_conflict_that_the_rule_decides_or_that_is_over_is_needless() -> None:
    decided = Story(replace(RULES, conflict="crm")).company("x", "y").bound(0.5).crm_edit(1, "x")
    assert asked(decided.assembly_edit(1.2, "y"), "conflict") == {"needless question"}
    over = Story(replace(RULES, conflict="ask")).company("x", "x").bound(0.5).crm_edit(1, "x")
    assert asked(over.assembly_edit(1.2, "x"), "conflict") == {"needless question"}


@pytest.mark.parametrize(
    "cause",
    [
        "differs on bind",
        "differs after rebuild",
        "origin unknown",
        "wrong side",
        "clear not taken",
        "frozen",
        "required:industry",
        "label",
        "rejected",
        "ambiguous",
        "dangling key",
        "edited since",
        "has live children",
        "deletion unconfirmed",
        "side looks empty",
        "parent",
        "a cause that nobody knows",
    ],
)
def test_a_question_out_of_nothing(cause: str) -> None:
    assert asked(Story().company("x", "x").crm_edit(1, "x"), cause) == {"needless question"}


def test_a_question_with_its_reason() -> None:
    story = Story().company("x", "x").crm_edit(1, "x")
    story.event(3, "refused", "assembly", "accounts", "a1", {}, note="update: no")
    assert asked(story, "rejected", "") == set()
    story = Story().company("x", "x", state="dead").crm_edit(1, "x")
    story.event(3, "delete", "assembly", "accounts", "a1", {})
    assert asked(story, "edited since", "") == set()


# --- persons ---


def answered(story: Story, at: float, way: str, value: Any = None, **seen: Any) -> Story:
    words = {"field": "industry", "way": way, "value": value} | {f"seen {side}": raw for side, raw in seen.items()}
    story.event(at, "resolved", "crm", "companies", "c1", words)
    return story


def disputed(final: str) -> Story:
    """Both sides were written in ignorance, ``x`` and ``y``; a person is asked, and all ends with this value."""
    story = Story(replace(RULES, conflict="ask")).company(final, final).bound(0.5).crm_edit(1, "x")
    story.assembly_edit(1.2, "y")
    for side, object, id, path, value in (
        ("crm", "companies", "c1", "industry", "x"),
        ("assembly", "accounts", "a1", "Industry", "y"),
    ):
        raw = (
            {path: value} if side == "crm" else {"additional_properties": {path: value}, "source_specific_ids": ["c1"]}
        )
        versions = story.rows[side][object, id].versions
        versions[:] = [(0.0, {"name": "N", **raw}), (20.0, versions[0][1])]
    return story


def test_an_answer_is_carried_out() -> None:
    assert answered(disputed("x"), 10, "crm", crm="x", assembly="y").told() == set()
    assert answered(disputed("y"), 10, "crm", crm="x", assembly="y").told() == {"superseded"}
    assert answered(disputed("z"), 10, "value", "z", crm="x", assembly="y").told() == set()
    assert answered(disputed("x"), 10, "value", "z", crm="x", assembly="y").told() == {"superseded"}


def test_an_answer_for_values_that_had_moved_on_binds_nobody() -> None:
    assert answered(disputed("y"), 10, "crm", crm="x", assembly="older").told() == set()


def test_what_a_person_waved_aside_stays_as_it_is_until_somebody_writes_it() -> None:
    story = Story(replace(RULES, conflict="crm")).company("x", "y").bound(0.5).crm_edit(1, "x").assembly_edit(9, "y")
    assert answered(story, 10, "discard").told() == set()
    assert "not converged" in story.crm_edit(12, "x").told()


def test_an_answer_for_the_side_that_a_field_only_flows_to_leaves_it_as_it_is() -> None:
    industry = next(spec for spec in STREAMS["companies"] if spec.name == "industry")
    rules = RULES.mapping("companies", replace(industry, to="assembly"))
    story = Story(rules).company("x", "y").bound(0.5).crm_edit(1, "x")
    assert answered(story, 10, "assembly", crm="x", assembly="y").told() == set()
    assert "not converged" in answered(Story(rules).company("x", "y").bound(0.5).crm_edit(1, "x"), 10, "crm").told()


def test_a_look_that_wants_to_write_to_both_sides_may_be_stopped_by_the_brake_before_its_ceiling() -> None:
    """Seed 1992: three updates of four had been made."""
    for klass, reason in (("update", set()), ("clear", {"needless question"})):
        story = Story().company("x", "x").crm_edit(1, "x").landed(2, "assembly", "x")
        story.ceilings[klass] = 2
        assert asked(story, f"brake:{klass}") == reason
    story.ceilings["update"] = 3
    assert asked(story, "brake:update") == {"needless question"}


def test_the_brake_lets_no_more_pass_than_its_ceiling() -> None:
    story = Story().company("x", "x").crm_edit(1, "x")
    for number in range(3):
        story.event(10 + number, "landing", "assembly", "accounts", f"a{number + 2}", {"name": "N"}, note="create")
    story.ceilings = {"create": 3}
    assert "brake" not in story.told()
    story.ceilings = {"create": 2}
    assert "brake" in story.told()
    story.event(11, "resolved", "crm", "companies", "c2", {"field": "", "way": "release"})
    assert "brake" not in story.told()


def test_who_was_forgotten_stays_so() -> None:
    story = Story().company("x", "x").crm_edit(1, "x")
    story.event(5, "forgotten", "assembly", "companies", "a1", {})
    assert story.told() == set()
    story.remembered = frozenset({"ann@acme.example"})
    assert story.told() == {"forgotten"}
    story.remembered = frozenset()
    assert story.landed(500, "assembly", "x").told() == {"forgotten"}


# --- sets and notes ---


def tagged(crm: list[str], assembly: list[str]) -> Story:
    """Two users added ``a`` and ``b``, one on each side; this is what the sides hold in the end."""
    story = Story().company("x", "x", made_by="bridge").crm_edit(1, "x").bound(2)
    for side, object, id, tags, all_of_it in (
        ("crm", "companies", "c1", ["a"], crm),
        ("assembly", "accounts", "a1", ["b"], assembly),
    ):
        row = story.rows[side][object, id]
        raw = row.raw or {}
        row.versions[:] = [(0.0, raw | {"tags": []}), (5.0, raw | {"tags": tags}), (9.0, raw | {"tags": all_of_it})]
        story.event(5, "edit", side, object, id, {"tags": tags})
    return story


def test_what_anybody_added_to_a_set_is_there() -> None:
    assert tagged(["a", "b"], ["b", "a"]).told() == set()
    assert tagged(["a"], ["a"]).told() == {"lost element"}


def test_what_anybody_took_from_a_set_is_gone() -> None:
    story = tagged(["a", "b"], ["a", "b"])
    story.rows["crm"]["companies", "c1"].versions.insert(2, (7.0, {"name": "N", "tags": []}))
    story.event(7, "edit", "crm", "companies", "c1", {"tags": []})
    assert story.told() == {"element back"}


def test_of_two_writes_of_a_set_in_one_instant_the_later_knows_the_earlier() -> None:
    """Seed 329: an element was added and taken away again before any clock had moved."""
    story = tagged(["b"], ["b"])
    story.rows["crm"]["companies", "c1"].versions.insert(2, (5.0, {"name": "N", "tags": []}))
    assert story.told() == {"lost element"}
    story.event(5, "edit", "crm", "companies", "c1", {"tags": []})
    assert story.told() == set()


@pytest.mark.parametrize(
    ("remembered", "told"),
    [
        ([], set()),
        ([(8.5, "w1/1", "open")], set()),
        ([(8.5, "w2/2", "live")], {"element back"}),
        ([(9.5, "w1/1", "live")], {"element back"}),
        ([(9.5, "w2/2", "live")], set()),
    ],
)
def test_a_write_without_an_answer_may_never_have_landed(
    remembered: list[tuple[float, str, str]], told: set[str]
) -> None:
    """Seeds 200, 1510 and 1565: our own ``b`` landed unheard and was taken away before anybody looked."""
    story = tagged(["a", "b"], ["a", "b"])
    row = story.rows["crm"]["companies", "c1"]
    tags = [(8.0, ["a", "b"]), (9.0, ["a"]), (10.0, ["a", "b"])]
    row.versions[2:] = [(at, (row.raw or {}) | {"tags": shown}) for at, shown in tags]
    story.event(8, "landing", "crm", "companies", "c1", {"tags": ["a", "b"]}, seen=7, by="w1/1", note="update")
    story.event(9, "edit", "crm", "companies", "c1", {"tags": ["a"]})
    for at, by, note in remembered:
        story.event(at, "remembered", "", "companies", "1", {"crm": "c1", "assembly": "a1"}, by=by, note=note)
    assert story.told() == told


def noted(*texts: str, activity: bool = True) -> set[str]:
    story = Story(replace(RULES, notes=True)).company("x", "x").crm_edit(1, "x")
    if activity:
        story.row("crm", "activities", "t1", {"subject": "Call"})
    for number, text in enumerate(texts):
        story.row("assembly", "notes", f"n{number}", {"note": text, "source_specific_id": "t1"}, "bridge")
    return story.told()


def test_each_activity_is_one_note() -> None:
    assert noted("Call") == set()
    assert noted() == {"not carried"}
    assert noted("Call", "Call") == {"twin"}
    assert noted("Other") == noted("Call", activity=False) == {"made up"}
