"""DESIGN §6, Merge and Remember: one named world per sentence."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from tests.simulation.mapping_text import Style
from tests.simulation.remote import Habits
from tests.simulation.stage import INDUSTRY, rules, stage

LONG = "Acme " + "x" * 120


def test_an_edit_reaches_the_other_side() -> None:
    with stage() as told:
        crm, assembly = told.company()
        told.crm.edit("companies", crm, {"industry": "Glass"})
        told.settle()
        assert told.value("assembly", "accounts", assembly, INDUSTRY) == "Glass"


def test_an_echo_of_our_own_write_writes_nothing() -> None:
    """Our write to Assembly comes back by the poll, our write to the CRM by its webhook."""
    with stage() as told:
        crm, assembly = told.company()
        told.settle()
        before = len(told.writes())
        told.crm.edit("companies", crm, {"industry": "Glass"})
        told.assembly.edit("accounts", assembly, {"phone": ["+1 5"]})
        told.settle()
        assert len(told.writes()) == before + 2


def test_both_people_type_the_same_correction() -> None:
    with stage() as told:
        crm, assembly = told.company()
        told.settle()
        before = len(told.writes())
        told.crm.edit("companies", crm, {"industry": "Glass"})
        told.assembly.edit("accounts", assembly, {INDUSTRY: "Glass"})
        told.settle()
        assert len(told.writes()) == before
        assert told.shown() == []


@pytest.mark.parametrize(("conflict", "winner"), [("crm", "Glass"), ("assembly", "Wood")])
def test_a_conflict_is_decided_by_the_rule(conflict: str, winner: str) -> None:
    with stage(terms=rules(conflict=conflict)) as told:
        crm, assembly = told.company()
        told.settle()
        told.crm.edit("companies", crm, {"industry": "Glass"})
        told.assembly.edit("accounts", assembly, {INDUSTRY: "Wood"})
        told.settle()
        assert told.value("crm", "companies", crm, "industry") == winner
        assert told.value("assembly", "accounts", assembly, INDUSTRY) == winner


def test_a_conflict_may_be_asked_and_other_fields_go_on() -> None:
    with stage(terms=rules(conflict="ask")) as told:
        crm, assembly = told.company()
        told.settle()
        told.crm.edit("companies", crm, {"industry": "Glass", "phone": "+1 5"})
        told.assembly.edit("accounts", assembly, {INDUSTRY: "Wood"})
        told.settle()
        assert {(item.field, item.cause) for item in told.shown()} == {("industry", "conflict")}
        assert told.value("assembly", "accounts", assembly, "phone") == ["+1 5"]
        assert told.value("crm", "companies", crm, "industry") == "Glass"
        assert told.value("assembly", "accounts", assembly, INDUSTRY) == "Wood"


def test_the_newest_wins_by_the_remotes_clocks() -> None:
    """Assembly's clock runs a minute ahead: by bare stamps its older edit would win. Its Date header tells."""
    with stage(terms=rules(conflict="newest"), assembly=Habits(skew=60, cut=100), duties=False) as told:
        crm, assembly = told.company(phone="+1 1")
        # Stamps that are our own write prove nothing: a person writes in Assembly first, and it is seen.
        told.assembly.edit("accounts", assembly, {"phone": ["+1 2"]})
        told.rest()
        told.assembly.edit("accounts", assembly, {INDUSTRY: "Wood"})
        told.wait(10)
        told.crm.edit("companies", crm, {"industry": "Glass"})
        told.wait(30)
        assert told.value("crm", "companies", crm, "industry") == "Glass"
        assert told.value("assembly", "accounts", assembly, INDUSTRY) == "Glass"
        assert told.shown() == []


def test_a_stamp_within_the_margin_proves_nothing() -> None:
    with stage(terms=rules(conflict="newest")) as told:
        crm, assembly = told.company()
        told.settle()
        told.crm.edit("companies", crm, {"industry": "Glass"})
        told.wait(0.2)
        told.assembly.edit("accounts", assembly, {INDUSTRY: "Wood"})
        told.settle()
        assert {(item.field, item.cause) for item in told.shown()} == {("industry", "conflict")}


def test_a_name_that_assembly_cut_never_shortens_the_crm() -> None:
    with stage(style=Style(cut=True)) as told:
        crm, assembly = told.company(name=LONG)
        told.settle()
        assert told.value("crm", "companies", crm, "name") == LONG
        assert told.value("assembly", "accounts", assembly, "name") == LONG[:100]


def test_an_undeclared_cut_is_a_spelling_if_read_back_at_once() -> None:
    """The mapping does not say that Assembly cuts; the immediate read-back with the same stamp shows it."""
    with stage(style=Style(cut=False)) as told:
        crm, _assembly = told.company(name=LONG)
        told.settle()
        assert told.value("crm", "companies", crm, "name") == LONG
        told.crm.edit("companies", crm, {"name": LONG + "y"})
        told.settle()
        assert told.value("crm", "companies", crm, "name") == LONG + "y"


def test_an_undeclared_trim_is_a_spelling() -> None:
    with stage(style=Style(trim=False), assembly=Habits(trim=True)) as told:
        crm, _ = told.company(industry=" Steel ")
        told.settle()
        told.crm.edit("companies", crm, {"industry": " Glass "})
        told.settle()
        assert told.value("crm", "companies", crm, "industry") == " Glass "


def test_an_edit_of_a_cut_name_in_assembly_is_an_edit() -> None:
    with stage() as told:
        crm, assembly = told.company(name=LONG)
        told.settle()
        told.assembly.edit("accounts", assembly, {"name": "Acme Ltd"})
        told.settle()
        assert told.value("crm", "companies", crm, "name") == "Acme Ltd"


def test_a_clear_reaches_the_other_side() -> None:
    with stage() as told:
        crm, assembly = told.company()
        told.settle()
        told.crm.edit("companies", crm, {"industry": None})
        told.settle()
        assert told.value("assembly", "accounts", assembly, INDUSTRY) is None
        told.assembly.edit("accounts", assembly, {"phone": ["+1 5"]})
        told.settle()
        told.assembly.edit("accounts", assembly, {"phone": []})
        told.settle()
        assert told.value("crm", "companies", crm, "phone") is None


def test_a_clear_that_is_not_taken_is_shown() -> None:
    with stage(assembly=Habits(null_ignored=True)) as told:
        crm, _ = told.company(relationshipType="customer")
        told.settle()
        told.crm.edit("companies", crm, {"relationshipType": None})
        told.settle()
        assert "clear not taken" in told.causes()


def test_the_other_phones_stay() -> None:
    with stage() as told:
        crm, assembly = told.company(phone="+1 1")
        told.settle()
        told.assembly.edit("accounts", assembly, {"phone": ["+1 1", "+1 2"]})
        told.settle()
        told.crm.edit("companies", crm, {"phone": "+1 3"})
        told.settle()
        assert told.value("assembly", "accounts", assembly, "phone") == ["+1 3", "+1 2"]


def test_a_renamed_label_or_stage_moves_no_record() -> None:
    with stage() as told:
        told.company(relationshipType="customer")
        told.settle()
        before = len(told.writes())
        told.assembly.rename("labels.Tier", "t1", "Best customer")
        told.crm.rename("stages", "s1", "Fresh")
        told.settle()
        assert len(told.writes()) == before


@pytest.mark.parametrize(("wrong_side", "kept"), [("revert", "u1"), ("keep", "u9"), ("report", "u9")])
def test_an_edit_on_the_wrong_side(wrong_side: str, kept: str) -> None:
    with stage(terms=rules(wrong_side=wrong_side)) as told:
        crm, assembly = told.company(ownerId="u1")
        told.settle()
        path = 'additional_properties."CRM owner"'
        told.assembly.edit("accounts", assembly, {path: "u9"})
        told.settle()
        assert told.value("assembly", "accounts", assembly, path) == kept
        assert told.value("crm", "companies", crm, "ownerId") == "u1"
        assert bool(told.shown()) == (wrong_side == "report")
        if wrong_side == "keep":
            told.crm.edit("companies", crm, {"ownerId": "u2"})
            told.settle()


class Behind(random.Random):
    """Every read comes from the replica that is furthest behind."""

    def random(self) -> float:
        return 0.0

    def uniform(self, a: float, b: float) -> float:
        return b


LAGGING = Habits(lag=3.0, stale=0.5, cut=100)


@pytest.mark.parametrize("answers_stamp", [True, False])
def test_a_stale_read_is_never_taken_for_an_edit(answers_stamp: bool) -> None:
    """Assembly's replica shows what was there before our own write: carried back, it would undo a person's edit."""
    with stage(assembly=replace(LAGGING, stale=0.0, answers_stamp=answers_stamp), duties=False) as told:
        crm, assembly = told.company(industry="Steel")
        told.rest()
        before = len(told.writes("crm"))
        told.crm.edit("companies", crm, {"industry": "Glass"})
        while told.value("assembly", "accounts", assembly, INDUSTRY) != "Glass":
            told.wait(0.1)
        told.assembly.rng, told.assembly.habits = Behind(), replace(told.assembly.habits, stale=1.0)
        told.crm.edit("companies", crm, {"phone": "+1 9"})
        told.wait(2.5)
        told.assembly.habits = replace(told.assembly.habits, stale=0.0)
        told.wait(60)
        assert told.value("assembly", "accounts", assembly, "phone") == ["+1 9"]
        assert len(told.writes("crm")) == before


def test_a_stale_read_of_the_hinted_record_is_never_taken_for_an_edit() -> None:
    """An edit was seen and carried; the next look meets a replica that does not have it yet, and takes it for nothing."""
    with stage(crm=replace(LAGGING, lag=6.0, stale=0.0), duties=False) as told:
        crm, assembly = told.company(industry="Steel")
        told.rest()
        before = len(told.writes("assembly"))
        told.crm.edit("companies", crm, {"industry": "Glass"})
        while told.value("assembly", "accounts", assembly, INDUSTRY) != "Glass":
            told.wait(0.1)
        told.wait(0.3)
        told.crm.rng, told.crm.habits = Behind(), replace(told.crm.habits, stale=1.0)
        told.bridge.hint(None, "companies", crm, "updated")
        told.world.ring()
        told.wait(1)
        told.crm.habits = replace(told.crm.habits, stale=0.0)
        told.wait(60)
        assert len(told.writes("assembly")) == before + 1


def test_a_change_of_a_property_that_moves_no_stamp_is_found_by_the_listing() -> None:
    with stage(assembly=Habits(property_stamps=False, cut=100)) as told:
        crm, assembly = told.company()
        told.settle()
        told.assembly.edit("accounts", assembly, {INDUSTRY: "Glass"})
        told.settle()
        assert told.value("crm", "companies", crm, "industry") == "Glass"
