"""DESIGN §6, Merge, Brake, Oscillation and Undo: what is stopped, and what a person does about it."""

from __future__ import annotations

from typing import Any

import pytest

from bridge.core.guards import Brake
from bridge.store import AttentionRow
from tests.simulation.engine_person import answer, answer_group, decide_hold, open_holds, open_questions, undo_record
from tests.simulation.rules import STREAMS
from tests.simulation.stage import INDUSTRY, Stage, rules, stage


def say(told: Stage, row: AttentionRow, way: str, value: Any = None) -> bool:
    return answer(told.bridge, row, row.ways.index(way), lambda *_: value)


def in_conflict(told: Stage) -> tuple[str, str]:
    crm, account = told.company()
    told.settle()
    told.crm.edit("companies", crm, {"industry": "Glass"})
    told.assembly.edit("accounts", account, {INDUSTRY: "Wood"})
    told.settle()
    return crm, account


@pytest.mark.parametrize(("way", "value"), [("crm", "Glass"), ("assembly", "Wood"), ("value", "Paper")])
def test_a_conflict_ends_with_a_persons_word(way: str, value: str) -> None:
    with stage() as told:
        crm, account = in_conflict(told)
        (row,) = open_questions(told.bridge)
        assert say(told, row, way, value)
        told.settle()
        assert told.value("crm", "companies", crm, "industry") == value
        assert told.value("assembly", "accounts", account, INDUSTRY) == value
        assert not told.shown()


def test_an_answer_is_over_once_it_was_carried_out_though_the_brake_holds_another_field() -> None:
    with stage() as told:
        crm, account = in_conflict(told)
        told.crm.edit("companies", crm, {"phone": "+1 5"})
        told.settle()
        told.bridge.store._brake = told.bridge.brake = Brake({"clear": 0}, {})
        told.crm.edit("companies", crm, {"phone": None})
        told.settle()
        (row,) = [row for row in open_questions(told.bridge) if row.field == "industry"]
        assert say(told, row, "crm")
        told.settle()
        assert told.value("assembly", "accounts", account, INDUSTRY) == "Glass"
        assert {shown.field for shown in told.shown()} == {"phone", ""}


def test_a_value_of_ones_own_is_typed_as_the_crm_shows_it() -> None:
    with stage() as told:
        crm, account = told.company(relationshipType="customer")
        told.settle()
        told.crm.edit("companies", crm, {"relationshipType": "vendor"})
        told.assembly.edit("accounts", account, {"tier": "t2"})
        told.settle()
        (row,) = open_questions(told.bridge)
        assert say(told, row, "value", "both")
        told.settle()
        assert told.value("crm", "companies", crm, "relationshipType") == "both"
        assert told.value("assembly", "accounts", account, "tier") == "t4"
        assert not told.shown()


def test_an_answer_that_one_side_did_not_take_at_once_stands() -> None:
    """The CRM has it already, so that it shows no longer what the person saw."""
    with stage() as told:
        crm, account = in_conflict(told)
        (row,) = open_questions(told.bridge)
        told.faults["assembly"].lost = 1.0
        assert say(told, row, "value", "Paper")
        while told.value("crm", "companies", crm, "industry") != "Paper":
            told.wait(0.1)
        told.wait(1)
        told.faults["assembly"].lost = 0.0
        told.settle()
        assert told.value("assembly", "accounts", account, INDUSTRY) == "Paper"
        assert not told.shown()


def test_an_answer_to_a_question_that_is_about_other_values_by_now_is_refused() -> None:
    with stage() as told:
        crm, _account = in_conflict(told)
        (row,) = open_questions(told.bridge)
        told.crm.edit("companies", crm, {"industry": "Paper"})
        told.settle()
        assert not say(told, row, "crm")
        (again,) = open_questions(told.bridge)
        assert again.values["crm"] == "Paper"


def test_an_edit_between_the_answer_and_its_carrying_out_is_asked_about_again() -> None:
    with stage() as told:
        crm, account = in_conflict(told)
        (row,) = open_questions(told.bridge)
        told.assembly.edit("accounts", account, {INDUSTRY: "Paper"})
        assert say(told, row, "crm")
        told.settle()
        assert told.value("assembly", "accounts", account, INDUSTRY) == "Paper"
        assert told.value("crm", "companies", crm, "industry") == "Glass"
        assert [item.cause for item in told.shown()] == ["conflict"]


def test_a_group_is_answered_in_one_go() -> None:
    with stage() as told:
        pairs = [told.company(name=name, website=f"{name}.com") for name in ("one", "two", "three")]
        told.settle()
        for crm, account in pairs:
            told.crm.edit("companies", crm, {"industry": "Glass"})
            told.assembly.edit("accounts", account, {INDUSTRY: "Wood"})
        told.settle()
        assert answer_group(told.bridge, 0)
        told.settle()
        assert not told.shown()
        assert {told.value("assembly", "accounts", account, INDUSTRY) for _crm, account in pairs} == {"Glass"}


def test_two_writers_that_undo_each_other_are_frozen_and_other_fields_go_on() -> None:
    with stage(terms=rules(conflict="newest")) as told:
        crm, account = told.company()
        told.settle()
        for _ in range(4):
            told.crm.edit("companies", crm, {"industry": "Glass"})
            told.wait(60)
            told.assembly.edit("accounts", account, {INDUSTRY: "Wood"})
            told.wait(60)
        assert {(item.field, item.cause) for item in told.shown()} == {("industry", "frozen")}
        told.crm.edit("companies", crm, {"phone": "+1 5"})
        told.settle()
        assert told.value("assembly", "accounts", account, "phone") == ["+1 5"]
        (row,) = open_questions(told.bridge)
        assert say(told, row, "crm")
        told.settle()
        assert told.value("assembly", "accounts", account, INDUSTRY) == told.value("crm", "companies", crm, "industry")
        assert not told.shown()


def test_a_person_who_changes_their_mind_is_no_quarrel() -> None:
    with stage() as told:
        crm, account = told.company()
        told.settle()
        for number in range(12):
            told.crm.edit("companies", crm, {"industry": ("Glass", "Steel")[number % 2]})
            told.wait(60)
        told.settle()
        assert told.value("assembly", "accounts", account, INDUSTRY) == "Steel"
        assert not told.shown()


def cleared(told: Stage) -> list[tuple[str, str]]:
    """Three companies whose industry was cleared in the CRM while the brake lets one an hour pass."""
    pairs = [told.company(name=name, website=f"{name}.com") for name in ("one", "two", "three")]
    told.settle()
    told.bridge.store._brake = told.bridge.brake = Brake({"clear": 1}, {})
    for crm, _account in pairs:
        told.crm.edit("companies", crm, {"industry": None, "phone": "+1 5"})
        told.wait(30)
    told.settle()
    return pairs


def left(told: Stage, pairs: list[tuple[str, str]]) -> list[Any]:
    return [told.value("assembly", "accounts", account, INDUSTRY) for _crm, account in pairs]


def test_only_the_class_over_the_ceiling_is_held() -> None:
    with stage() as told:
        pairs = cleared(told)
        assert left(told, pairs) == [None, "Steel", "Steel"]
        phones = [told.value("assembly", "accounts", account, "phone") for _crm, account in pairs]
        assert phones == [["+1 5"]] * 3
        assert told.causes() == {"brake:clear"}


def test_a_released_hold_passes_and_the_next_is_braked_as_before() -> None:
    with stage() as told:
        pairs = cleared(told)
        (hold,) = open_holds(told.bridge)
        decide_hold(told.bridge, hold, release=True)
        told.settle()
        assert left(told, pairs) == [None, None, None]
        told.crm.edit("companies", pairs[0][0], {"phone": None})
        told.settle()
        assert told.value("assembly", "accounts", pairs[0][1], "phone") == ["+1 5"]
        assert told.causes() == {"brake:clear"}


def test_a_discarded_hold_stays_dropped_until_the_next_edit() -> None:
    with stage() as told:
        pairs = cleared(told)
        (hold,) = open_holds(told.bridge)
        decide_hold(told.bridge, hold, release=False)
        told.settle()
        assert left(told, pairs) == [None, "Steel", "Steel"]
        assert not told.shown()
        told.crm.edit("companies", pairs[1][0], {"industry": "Glass"})
        told.settle()
        assert left(told, pairs)[1] == "Glass"


def test_a_hold_whose_edits_were_taken_back_is_withdrawn() -> None:
    with stage() as told:
        pairs = cleared(told)
        for crm, _account in pairs[1:]:
            told.crm.edit("companies", crm, {"industry": "Steel"})
        told.settle()
        assert not open_holds(told.bridge)
        assert [hold.state for hold in told.bridge.store.holds.page().items] == ["withdrawn"]
        assert not told.shown()


def test_an_undone_field_is_not_carried_again_before_its_next_edit() -> None:
    with stage() as told:
        crm, account = told.company()
        told.settle()
        told.assembly.edit("accounts", account, {INDUSTRY: "Wood"})
        told.settle()
        assert undo_record(told.bridge, "companies", "crm", crm)
        told.settle()
        told.world._webhook("companies", crm, "updated")
        told.settle()
        assert told.value("assembly", "accounts", account, INDUSTRY) == "Wood"
        if told.value("crm", "companies", crm, "industry") == "Steel":
            told.assembly.edit("accounts", account, {INDUSTRY: "Glass"})
            told.settle()
            assert told.value("crm", "companies", crm, "industry") == "Glass"


def test_a_required_field_is_never_emptied() -> None:
    with stage(terms=rules(streams=STREAMS)) as told:
        crm, account = told.company()
        told.settle()
        told.assembly.edit("accounts", account, {"name": ""})
        told.settle()
        assert told.value("crm", "companies", crm, "name") == "Acme"
        assert told.causes() == {"required:name"}
