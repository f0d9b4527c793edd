"""The oracle itself: each rule is broken once by hand, and must be told. Identity, values, deletion, cost."""

from __future__ import annotations

import ast
from dataclasses import replace
from pathlib import Path

import pytest

from tests.simulation.oracle_story import RULES, Story
from tests.simulation.oracle_terms import LinkView, Shown
from tests.simulation.rules import STREAMS, Rules

INDEPENDENT = ("rules", "journal", "remote", *sorted(path.stem for path in Path(__file__).parent.glob("oracle*.py")))


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


def test_an_edit_after_both_typed_the_same_may_win() -> None:
    story = Story(Rules(STREAMS, conflict="crm")).company("y", "y").bound(0.5)
    assert story.crm_edit(1, "x").assembly_edit(1, "x").assembly_edit(3, "y").landed(9, "crm", "y").told() == set()


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


@pytest.mark.parametrize("name", INDEPENDENT)
def test_the_oracle_imports_nothing_from_the_bridge(name: str) -> None:
    tree = ast.parse((Path(__file__).parent / f"{name}.py").read_text("utf-8"))
    imported = [node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    imported += [alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names]
    ours = {module.removeprefix("tests.simulation.") for module in imported if module.startswith("tests.")}
    assert not [module for module in imported if module.startswith("bridge")]
    assert ours <= set(INDEPENDENT)
