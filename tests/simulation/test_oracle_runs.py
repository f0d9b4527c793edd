"""The oracle on clocks, edited mappings, plans and rebuilt links: each rule is broken once by hand, and must be told."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.simulation.oracle_runs import plan_is_apply
from tests.simulation.oracle_story import RULES, Story
from tests.simulation.oracle_terms import LinkView, PlannedItem, PlanView, Rebuilt, Shown
from tests.simulation.remote import moment
from tests.simulation.rules import STREAMS

INDUSTRY = next(spec for spec in STREAMS["companies"] if spec.name == "industry")


# --- the newest wins ---


def raced(winner: str, *, gap: float, doubt: float = 0.0, stamped: bool = True) -> set[str]:
    """The CRM's user wrote ``x``, Assembly's ``y`` so many seconds later; the rule is ``newest``."""
    story = Story(replace(RULES, conflict="newest")).company(winner, winner).bound(0.5)
    story.crm_edit(10, "x").assembly_edit(10 + gap, "y").landed(30, "crm" if winner == "y" else "assembly", winner)
    for side, object, id, at in (("crm", "companies", "c1", 10.0), ("assembly", "accounts", "a1", 10 + gap)):
        row = story.rows[side][object, id]
        path = "updatedAt" if side == "crm" else "updated_at"
        stamp = {path: moment(at).isoformat()} if stamped else {}
        row.versions.insert(1, (at, {**(row.raw or {}), **stamp}))
        row.versions.append((31.0, row.versions[0][1]))
    story.doubts = {"crm": doubt}
    return story.told()


def test_the_newest_wins_where_the_stamps_prove_it() -> None:
    assert raced("y", gap=9) == set()
    assert raced("x", gap=9) == {"superseded"}


def test_within_the_doubt_either_wins() -> None:
    assert raced("x", gap=9, doubt=20) == raced("y", gap=9, doubt=20) == set()


def test_what_no_stamp_proves_must_be_asked() -> None:
    assert raced("y", gap=1) == raced("x", gap=1) == {"superseded"}
    assert raced("y", gap=9, stamped=False) == {"superseded"}


# --- mappings that are edited meanwhile ---


def mapped(story: Story, at: float, what: str, **rules: str) -> Story:
    story.event(
        at,
        "mapping",
        "",
        "companies" if what != "rules" else "",
        "industry" if what != "rules" else "",
        rules,
        note=what,
    )
    return story


def test_a_field_that_is_mapped_later_follows_on_bind() -> None:
    for crm, expected in (("x", set()), ("y", {"superseded"})):
        story = Story().company(crm, crm).bound(0.5).crm_edit(1, "x").assembly_edit(2, "y")
        story.rows["crm"]["companies", "c1"].versions[:0] = [(0.0, {"name": "N", "industry": "x"})]
        story.rows["crm"]["companies", "c1"].versions[1] = (120.0, {"name": "N", "industry": crm})
        assert mapped(story, 100, "added").told() == expected


def test_after_a_turn_only_the_source_is_listened_to() -> None:
    rules = RULES.mapping("companies", replace(INDUSTRY, to="assembly"))
    story = Story(rules).company("x", "y").bound(0.5).crm_edit(1, "x").assembly_edit(200, "y")
    story.rows["crm"]["companies", "c1"].versions.append((210.0, {"name": "N", "industry": "y"}))
    assert mapped(story, 100, "turned").told() == {"superseded"}
    story = Story(rules).company("y", "y").bound(0.5).crm_edit(1, "x").assembly_edit(50, "y")
    assert mapped(story, 100, "turned").told() == set()


# --- what a person starts ---

PAIR = LinkView("companies", "live", {"crm": "c1", "assembly": "a1"})


def planned(*values: Any) -> PlannedItem:
    """A line that says which industry Assembly gets; without one, what is decided later."""
    writes = {("assembly", "additional_properties.Industry"): values[0]} if values else None
    return PlannedItem("companies", {"crm": "c1", "assembly": "a1"}, writes)


def carried_out(
    item: PlannedItem | None, *written: Any, shown: tuple[Shown, ...] = (), drifted: int = 0, overtaken: str = ""
) -> set[str]:
    """What the oracle says of a plan with one line, carried out by these writes."""
    waiting = frozenset({("companies", "crm", overtaken)}) if overtaken else frozenset()
    story = Story().company("x", "x").crm_edit(1, "x")
    for value in written:
        story.landed(5, "assembly", value)
    story.plans.append(PlanView(4, 6, [item] if item else [], [PAIR], shown, overtaken=waiting, drifted=drifted))
    return story.told()


def test_a_plan_that_is_carried_out_as_it_says() -> None:
    assert carried_out(planned("x"), "x") == set()
    assert carried_out(planned(), "x") == set()


def test_a_live_change_voids_what_was_planned_and_nothing_else() -> None:
    """Seed 490: the CRM's record was to be looked at anyway, and had not moved; Assembly's edit is found by its listing."""
    assert carried_out(planned("x")) == {"plan"}
    assert carried_out(planned("x"), overtaken="c2") == {"plan"}
    assert carried_out(planned("x"), overtaken="c1") == set()
    assert carried_out(planned("x"), "z", overtaken="c1") >= {"plan"}


@pytest.mark.parametrize(
    ("made", "told"),
    [({"title": "D"}, set()), ({"title": "D", "stageId": "s2"}, {"plan"}), (None, {"plan"})],
)
def test_the_stage_that_the_crm_gives_a_new_lead_is_in_no_plan(made: dict[str, str] | None, told: set[str]) -> None:
    """Seed 1129: it is seen once the lead is there, and flows back then."""
    story = Story()
    story.row("crm", "leads", "l1", {"title": "D", "stageId": "s1"}, "bridge")
    story.row("assembly", "deals", "d1", {"name": "D", "stage": "s1", "source_specific_ids": ["l1"]})
    story.event(1, "create", "assembly", "deals", "d1", {"name": "D"})
    if made is not None:
        story.event(5, "landing", "crm", "leads", "l1", made, seen=5, note="create")
    story.event(6, "landing", "assembly", "deals", "d1", {"stage": "New"}, seen=6, note="update")
    link = LinkView("deals", "live", {"crm": "l1", "assembly": "d1"})
    writes = {("crm", path): value for path, value in (made or {}).items()}
    item = PlannedItem("deals", {"assembly": "d1"}, writes)
    plan = PlanView(4, 7, [item], [link], ())
    assert {one.rule for one in plan_is_apply(story.case(plan))} == told


def test_a_write_that_the_plan_does_not_name() -> None:
    assert carried_out(None, "x") == {"plan"}


def test_a_planned_write_that_is_not_made() -> None:
    assert carried_out(planned("x")) == {"plan"}
    asked = Shown("companies", "crm", "c1", "industry", "conflict")
    assert carried_out(planned("x"), shown=(asked,)) == set()


def test_another_value_than_planned() -> None:
    assert carried_out(planned("y"), "x") == {"plan"}


def test_an_item_that_drifts_by_itself() -> None:
    assert carried_out(planned("x"), "x", drifted=1) == {"plan"}


def test_links_that_are_rebuilt_as_they_were() -> None:
    story = Story().company("x", "x").crm_edit(1, "x")
    story.rebuilt = Rebuilt([PAIR], [], 0)
    assert story.told() == set()
    story.rebuilt = Rebuilt([PAIR], [], 1)
    assert story.told() == {"rebuild"}
    story.rebuilt = Rebuilt([], [], 0)
    assert story.told() == {"rebuild"}
    story.rebuilt = Rebuilt([], [Shown("companies", "crm", "c1", "", "ambiguous")], 0)
    assert story.told() == set()
    story.rebuilt = Rebuilt([PAIR, LinkView("companies", "live", {"crm": "c2", "assembly": "a2"})], [], 0)
    assert story.told() == {"rebuild"}
