"""What a backfill's plan says is what its apply does."""

from __future__ import annotations

from tests.simulation import engine_person, engine_runs
from tests.simulation.remote import Habits
from tests.simulation.stage import INDUSTRY, rules, stage


def test_an_edit_that_only_the_listing_shows_is_planned_and_written() -> None:
    """The item names the CRM's record, but it is Assembly's that moved."""
    with stage(duties=False) as told:
        company, account = told.company()
        told.assembly.edit("accounts", account, {INDUSTRY: "Glass"})
        plan = engine_runs.plan_and_apply(told.bridge)
        assert [item.writes for item in plan.items] == [{("crm", "industry"): "Glass"}]
        assert told.value("crm", "companies", company, "industry") == "Glass"


def test_no_write_is_planned_to_a_record_that_the_listing_does_not_show() -> None:
    with stage(duties=False) as told:
        company, account = told.company()
        told.crm.create("companies", {"name": "Borg", "website": "borg.com"})
        told.wait(30)
        told.crm.edit("companies", company, {"industry": "Glass"})
        told.assembly.delete("accounts", account)
        items = engine_runs.read_plan(told.bridge)
        assert [(item.ends, item.writes) for item in items] == [({"crm": company, "assembly": account}, None)]
        told.rest()


def test_a_conflict_is_planned_with_the_same_clocks_as_it_is_reconciled() -> None:
    """The CRM's clock is an hour behind; by its Date header the edit there is the newer one."""
    with stage(terms=rules(conflict="newest"), crm=Habits(skew=-3600.0), duties=False) as told:
        account = told.assembly.create("accounts", {"name": "Acme", "domain": "acme.com", INDUSTRY: "Steel"})
        company, _ = told.company()
        told.wait(60)
        told.assembly.edit("accounts", account, {INDUSTRY: "Older"})
        told.wait(30)
        told.crm.edit("companies", company, {"industry": "Newer"})
        items = engine_runs.read_plan(told.bridge)
        assert [item.writes for item in items] == [{("assembly", INDUSTRY): "Newer"}]
        told.rest()


def test_an_answer_that_waits_to_be_carried_out_is_in_the_plan() -> None:
    with stage(terms=rules(conflict="ask"), duties=False) as told:
        company, account = told.company()
        told.crm.edit("companies", company, {"industry": "Wood"})
        told.assembly.edit("accounts", account, {INDUSTRY: "Glass"})
        told.wait(30)
        store = told.bridge.store
        store.connections.set_mode("default", "observing")
        (row,) = engine_person.open_questions(told.bridge)
        engine_person.answer(told.bridge, row, row.ways.index("value"), lambda *_: "Steel and glass")
        items = engine_runs.read_plan(told.bridge)
        assert [item.writes for item in items] == [
            {("crm", "industry"): "Steel and glass", ("assembly", INDUSTRY): "Steel and glass"}
        ]
        store.connections.set_mode("default", "live")
        told.rest()


def test_a_conflict_soon_after_our_own_write_is_planned_as_it_is_reconciled() -> None:
    """That write was not seen come back yet; by the clocks the edit is later than anything that it can have stamped."""
    with stage(terms=rules(conflict="newest"), duties=False) as told:
        company, account = told.company()
        told.wait(60)
        told.crm.edit("companies", company, {"relationshipType": "customer"})
        told.wait(30)
        told.bridge.store.connections.set_mode("default", "observing")
        told.crm.edit("companies", company, {"industry": "Older"})
        told.wait(10)
        told.assembly.edit("accounts", account, {INDUSTRY: "Newer"})
        items = engine_runs.read_plan(told.bridge)
        assert [item.writes for item in items] == [{("crm", "industry"): "Newer"}]
        told.bridge.store.connections.set_mode("default", "live")
        told.rest()
        assert told.value("crm", "companies", company, "industry") == "Newer"
