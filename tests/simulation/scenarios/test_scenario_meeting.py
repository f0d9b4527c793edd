"""DESIGN §6, Resolve and Merge without a base: two records meet, a field is mapped later, a side is silent."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.simulation.remote import Habits
from tests.simulation.rules import COMPANIES
from tests.simulation.stage import ALL, INDUSTRY, Stage, rules, stage


def strangers(told: Stage, industry: str | None, there: str | None) -> tuple[str, str]:
    """A company that both sides have, each with an industry of its own; bound by its domain."""
    account = told.assembly.create("accounts", {"name": "Acme", "domain": "acme.com", INDUSTRY: there})
    told.wait(60)
    crm = told.crm.create("companies", {"name": "Acme", "website": "acme.com", "industry": industry})
    told.settle()
    return crm, account


@pytest.mark.parametrize(("on_bind", "winner"), [("crm", "Steel"), ("assembly", "Wood"), ("newest", "Steel")])
def test_two_that_differ_when_they_meet_follow_on_bind(on_bind: str, winner: str) -> None:
    with stage(terms=rules(on_bind=on_bind, creates=frozenset({("companies", "assembly")}))) as told:
        crm, account = strangers(told, "Steel", "Wood")
        assert told.partner("companies", "crm", crm) == account
        assert told.value("crm", "companies", crm, "industry") == winner
        assert told.value("assembly", "accounts", account, INDUSTRY) == winner


def test_two_that_differ_when_they_meet_are_asked_about_by_default() -> None:
    with stage(terms=rules(on_bind="ask", creates=frozenset({("companies", "assembly")}))) as told:
        crm, account = strangers(told, "Steel", "Wood")
        assert {(item.field, item.cause) for item in told.shown()} == {("industry", "differs on bind")}
        assert told.value("crm", "companies", crm, "industry") == "Steel"
        assert told.value("assembly", "accounts", account, INDUSTRY) == "Wood"


@pytest.mark.parametrize(("industry", "there"), [("Steel", None), (None, "Steel")])
def test_an_empty_field_is_filled_when_they_meet_whatever_on_bind_says(industry: str | None, there: str | None) -> None:
    with stage(terms=rules(on_bind="ask", creates=frozenset({("companies", "assembly")}))) as told:
        crm, account = strangers(told, industry, there)
        assert told.value("crm", "companies", crm, "industry") == "Steel"
        assert told.value("assembly", "accounts", account, INDUSTRY) == "Steel"
        assert not told.shown()


def test_a_field_that_is_mapped_later_has_no_base_and_follows_on_bind() -> None:
    before = rules(on_bind="assembly").without("companies", "industry")
    with stage(terms=before) as told:
        crm, account = told.company(industry="Steel")
        told.assembly.edit("accounts", account, {INDUSTRY: "Wood"})
        told.settle()
        assert told.value("crm", "companies", crm, "industry") == "Steel"
        (industry,) = [field for field in COMPANIES if field.name == "industry"]
        told.rules = before.mapping("companies", industry)
        told.bridge.save_mappings(told.rules)
        told.world._webhook("companies", crm, "updated")
        told.settle()
        assert told.value("crm", "companies", crm, "industry") == "Wood"


def test_a_stream_that_may_not_create_on_a_side_does_not() -> None:
    with stage(terms=rules(creates=frozenset({("companies", "assembly")}))) as told:
        told.company()
        told.assembly.create("accounts", {"name": "Borg", "domain": "borg.com"})
        told.settle()
        assert len(told.live("crm", "companies")) == 1
        assert not told.shown()


def test_what_is_out_of_scope_is_not_made() -> None:
    with stage() as told:
        told.company()
        told.crm.create("companies", {"name": "Old", "website": "old.com", "status": "inactive"})
        told.settle()
        assert len(told.live("assembly", "companies")) == 1


def test_a_company_that_a_side_does_not_show_flows_only_towards_it() -> None:
    """Assembly's contacts do not tell their company: a new one in the CRM is carried, nothing comes back as a clear."""
    with stage(assembly=Habits(shows_parent=False, cut=100), terms=rules(creates=ALL - {("contacts", "crm")})) as told:
        first, _ = told.company()
        second, second_there = told.company(name="Borg", website="borg.com")
        contact, there = told.contact(first)
        told.settle()
        told.assembly.edit("contacts", there, {"role": "Boss"})
        told.settle()
        assert told.value("crm", "contacts", contact, "companyId") == first
        told.crm.edit("contacts", contact, {"companyId": second})
        told.settle()
        row = told.row("assembly", "contacts", there)
        assert row is not None
        assert (row.raw or {})["company_id"] == second_there
        assert told.value("crm", "contacts", contact, "jobTitle") == "Boss"


def test_a_record_that_two_could_be_is_bound_to_none_of_them() -> None:
    with stage(terms=replace(rules(), creates=frozenset({("companies", "assembly")}))) as told:
        for name in ("One", "Two"):
            told.crm.create("companies", {"name": name, "website": "acme.com", "status": "inactive"})
        account = told.assembly.create("accounts", {"name": "Which", "domain": "acme.com"})
        told.settle()
        assert not told.linked("companies", "assembly", account)
        assert len(told.live("crm", "companies")) == 2
        assert told.causes() == {"ambiguous"}
