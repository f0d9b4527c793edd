"""The oracle itself: each rule is broken once by hand, and must be told."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.simulation.journal import Event, Journal, Kind
from tests.simulation.oracle import Oracle
from tests.simulation.oracle_terms import Final, LinkView, PlannedItem, PlanView, Rebuilt, Shown
from tests.simulation.remote import Row, moment
from tests.simulation.rules import STREAMS, Rules

RULES = Rules(STREAMS, creates=frozenset({("companies", "assembly")}))
INDUSTRY = next(spec for spec in STREAMS["companies"] if spec.name == "industry")
INDEPENDENT = ("rules", "journal", "remote", *sorted(path.stem for path in Path(__file__).parent.glob("oracle*.py")))


class Story:
    """A tiny world told by hand: one company, linked, with ``industry`` as the field that moves."""

    def __init__(self, rules: Rules = RULES) -> None:
        self.rules = rules
        self.journal = Journal()
        self.rows: dict[str, dict[tuple[str, str], Row]] = {"crm": {}, "assembly": {}}
        self.links: list[LinkView] = []
        self.shown: list[Shown] = []
        self.plans: list[PlanView] = []
        self.rebuilt: Rebuilt | None = None
        self.doubts: dict[str, float] = {}
        self.ceilings: dict[str, int] = {}
        self.remembered: frozenset[str] = frozenset()

    def company(self, crm: str | None, assembly: str | None, *, state: str = "live", made_by: str = "bridge") -> Story:
        self.row("crm", "companies", "c1", {"name": "N", "industry": crm}, "user")
        self.row(
            "assembly",
            "accounts",
            "a1",
            {"name": "N", "additional_properties": {"Industry": assembly}, "source_specific_ids": ["c1"]},
            made_by,
        )
        self.links.append(LinkView("companies", state, {"crm": "c1", "assembly": "a1"}))
        self.event(0, "create", "crm", "companies", "c1", {"name": "N"})
        return self

    def row(self, side: str, object: str, id: str, raw: dict[str, Any] | None, made_by: str = "user") -> None:
        self.rows[side][object, id] = Row(object, id, made_by, [(0.0, raw)])

    def event(
        self, at: float, kind: Kind, side: str, object: str, id: str, values: Mapping[str, Any], **more: Any
    ) -> None:
        self.journal.add(Event(at, kind, side, object, id, values, **more))

    def crm_edit(self, at: float, value: Any) -> Story:
        self.event(at, "edit", "crm", "companies", "c1", {"industry": value})
        return self

    def assembly_edit(self, at: float, value: Any) -> Story:
        self.event(at, "edit", "assembly", "accounts", "a1", {"additional_properties.Industry": value})
        return self

    def landed(self, at: float, side: str, value: Any, seen: float | None = None) -> Story:
        path, object, id = (
            ("industry", "companies", "c1") if side == "crm" else ("additional_properties.Industry", "accounts", "a1")
        )
        self.event(at, "landing", side, object, id, {path: value}, seen=at if seen is None else seen, note="update")
        return self

    def bound(self, at: float) -> Story:
        self.event(at, "remembered", "", "companies", "1", {"crm": "c1", "assembly": "a1"})
        return self

    def told(self) -> set[str]:
        final = Final(
            self.rows,
            self.links,
            self.shown,
            {},
            cut=100,
            plans=self.plans,
            rebuilt=self.rebuilt,
            doubts=self.doubts,
            ceilings=self.ceilings,
            remembered=self.remembered,
        )
        return {violation.rule for violation in Oracle(self.journal, final, self.rules).judge()}


def test_a_world_in_step_is_fine() -> None:
    assert Story().company("x", "x").crm_edit(1, "x").landed(2, "assembly", "x").bound(3).told() == set()


def test_sides_that_differ_are_told_unless_a_person_was_asked() -> None:
    story = Story().company("x", "y").crm_edit(1, "x").assembly_edit(9, "y").bound(0.5)
    assert "not converged" in story.told()
    story.shown.append(Shown("companies", "crm", "c1", "industry", "conflict"))
    assert story.told() == set()


def test_a_value_nobody_wrote_is_made_up() -> None:
    assert "made up" in Story().company("ghost", "ghost").crm_edit(1, "x").told()


def test_a_shortened_name_is_made_up() -> None:
    """What Assembly cut must not come back to the side where the long name was typed."""
    story = Story().company(None, None)
    long, cut = "n" * 120, "n" * 100
    story.rows["crm"]["companies", "c1"].versions[-1] = (0.0, {"name": cut})
    story.rows["assembly"]["accounts", "a1"].versions[-1] = (0.0, {"name": cut, "source_specific_ids": ["c1"]})
    story.event(1, "edit", "crm", "companies", "c1", {"name": long})
    assert story.told() == {"made up"}


def test_an_earlier_edit_of_the_same_side_must_not_win() -> None:
    assert Story().company("x", "x").crm_edit(1, "x").crm_edit(5, "y").told() == {"superseded"}


def test_an_edit_made_in_knowledge_of_the_first_wins() -> None:
    story = Story().company("x", "x").crm_edit(1, "x").landed(2, "assembly", "x").bound(3).assembly_edit(5, "y")
    assert story.told() == {"superseded"}


def test_an_edit_that_nobody_could_know_of_may_lose() -> None:
    story = Story(replace(RULES, conflict="crm")).company("x", "x").bound(0.5)
    story.crm_edit(1, "x").assembly_edit(1.2, "y").landed(2, "assembly", "x")
    assert story.told() == set()


def test_between_edits_in_ignorance_the_rule_decides() -> None:
    rules = Rules(STREAMS, conflict="assembly")
    story = Story(rules).company("x", "x").bound(0.5).crm_edit(1, "x").assembly_edit(1.2, "y")
    assert story.landed(2, "assembly", "x").told() == {"superseded"}


def test_an_edit_between_look_and_write_is_the_residual() -> None:
    story = Story().company("x", "x").bound(0.5).crm_edit(1, "x").assembly_edit(5, "y")
    assert story.landed(6, "assembly", "x", seen=4).bound(7).told() == set()


def test_two_links_on_one_record() -> None:
    story = Story().company("x", "x").crm_edit(1, "x")
    story.links.append(LinkView("companies", "live", {"crm": "c1", "assembly": "a2"}))
    assert "links one to one" in story.told()


def test_a_key_in_two_records() -> None:
    story = Story().company("x", "x").crm_edit(1, "x")
    story.row("assembly", "accounts", "a2", {"name": "N", "source_specific_ids": ["c1"]})
    assert "join key" in story.told()


def test_a_record_made_twice() -> None:
    story = Story().company("x", "x").crm_edit(1, "x")
    story.row("assembly", "accounts", "a2", {"name": "N", "source_specific_ids": []}, "bridge")
    assert story.told() == {"twin"}


def test_a_record_that_is_carried_nowhere() -> None:
    story = Story().company("x", "x").crm_edit(1, "x")
    story.row("crm", "companies", "c2", {"name": "M", "status": "active"})
    assert story.told() == {"not carried"}
    story.event(2, "refused", "assembly", "accounts", "", {}, note="create: no")
    story.shown.append(Shown("companies", "crm", "c2", "", "rejected"))
    assert story.told() == set()


def test_a_deleted_record_that_comes_back() -> None:
    story = Story().company("x", "x", state="dead").crm_edit(1, "x")
    story.rows["assembly"]["accounts", "a1"].versions.append((5.0, None))
    story.event(5, "delete", "assembly", "accounts", "a1", {})
    story.row("assembly", "accounts", "a2", {"name": "N", "source_specific_ids": ["c1"]}, "bridge")
    story.event(9, "landing", "assembly", "accounts", "a2", {"name": "N"}, note="create")
    story.links.append(LinkView("companies", "live", {"crm": "c1", "assembly": "a2"}))
    assert "resurrected" in story.told()


def test_a_deletion_that_nobody_noticed() -> None:
    story = Story().company("x", "x").crm_edit(1, "x")
    story.rows["assembly"]["accounts", "a1"].versions.append((5.0, None))
    story.event(5, "delete", "assembly", "accounts", "a1", {})
    assert story.told() == {"deletion missed"}


def test_endless_writing() -> None:
    story = Story().company("x", "x").crm_edit(1, "x")
    for at in range(40):
        story.landed(2 + at, "assembly", "x")
    assert story.told() == {"too many writes"}


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


def carried_out(item: PlannedItem | None, *written: Any, shown: tuple[Shown, ...] = (), drifted: int = 0) -> set[str]:
    """What the oracle says of a plan with one line, carried out by these writes."""
    story = Story().company("x", "x").crm_edit(1, "x")
    for value in written:
        story.landed(5, "assembly", value)
    story.plans.append(PlanView(4, 6, [item] if item else [], [PAIR], shown, drifted=drifted))
    return story.told()


def test_a_plan_that_is_carried_out_as_it_says() -> None:
    assert carried_out(planned("x"), "x") == set()
    assert carried_out(planned(), "x") == set()


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


@pytest.mark.parametrize("name", INDEPENDENT)
def test_the_oracle_imports_nothing_from_the_bridge(name: str) -> None:
    tree = ast.parse((Path(__file__).parent / f"{name}.py").read_text("utf-8"))
    imported = [node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    imported += [alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names]
    ours = {module.removeprefix("tests.simulation.") for module in imported if module.startswith("tests.")}
    assert not [module for module in imported if module.startswith("bridge")]
    assert ours <= set(INDEPENDENT)


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
