"""A create or a first bind that was interrupted: what had been decided stands, what people did meanwhile is not lost."""

from __future__ import annotations

from dataclasses import replace

from tests.simulation.chances import Chances
from tests.simulation.mapping_text import Style
from tests.simulation.remote import Habits
from tests.simulation.stage import INDUSTRY, Stage, every_crash, rules, stage


def _deal_from_assembly(told: Stage) -> None:
    company, _ = told.company()
    told.assembly.create("deals", {"name": "Deal", "stage": "Won", "account_source_specific_id": company})
    told.wait(80)
    told.rest()


def test_a_lead_keeps_the_stage_of_its_deal_wherever_its_create_is_killed() -> None:
    """The CRM puts a new lead into its first stage; the stage call comes after the create."""
    assert every_crash(_deal_from_assembly, terms=rules(on_bind="crm", conflict="crm")) > 20


def test_a_lead_whose_create_was_not_answered_gets_the_stage_of_its_deal() -> None:
    with stage(terms=rules(on_bind="crm")) as told:
        company, _ = told.company()
        told.faults["crm"].timeout = 1.0
        deal = told.assembly.create("deals", {"name": "Deal", "stage": "Won", "account_source_specific_id": company})
        while not told.live("crm", "deals"):
            told.wait(0.1)
        told.wait(10)
        told.faults["crm"].timeout = 0.0
        told.wait(1500)
        lead = told.partner("deals", "assembly", deal)
        assert told.value("crm", "leads", lead, "stageId") == "s3"


def test_an_edit_made_while_a_bind_is_interrupted_is_carried() -> None:
    """The CRM got Assembly's value, Assembly did not answer; what a person types there next is an edit."""
    with stage(terms=rules(on_bind="crm", conflict="ask")) as told:
        account = told.assembly.create("accounts", {"name": "Acme", "domain": "acme.com", INDUSTRY: "Steel"})
        told.faults["assembly"].lost = 1.0
        company = told.crm.create("companies", {"name": "Acme Inc", "website": "acme.com"})
        while told.value("crm", "companies", company, "industry") is None:
            told.wait(0.1)
        told.assembly.edit("accounts", account, {INDUSTRY: "Glass"})
        told.wait(20)
        told.faults["assembly"].lost = 0.0
        told.settle()
        assert told.value("crm", "companies", company, "industry") == "Glass"
        assert told.value("assembly", "accounts", account, "name") == "Acme Inc"


def test_a_stranger_with_the_same_address_is_not_taken_for_our_own_create_by_its_key() -> None:
    """It carries no join key, so Assembly's upsert did not make it: the title it never had is no title that was cleared."""
    with stage(terms=rules(on_bind="assembly")) as told:
        company, account = told.company()
        told.settle()
        told.faults["assembly"].lost = 1.0
        here = told.crm.create(
            "contacts", {"lastName": "Doe", "email": "doe@acme.com", "jobTitle": "Boss", "companyId": company}
        )
        told.wait(3)
        told.assembly.create("contacts", {"name": "Doe Jane", "domain": "doe@acme.com", "company_id": account})
        told.faults["assembly"].lost = 0.0
        told.settle()
        assert told.value("crm", "contacts", here, "jobTitle") == "Boss"
        assert told.value("crm", "contacts", here, "lastName") == "Doe Jane"


def test_a_record_whose_name_only_begins_like_that_of_a_lost_create_is_nobodys_question() -> None:
    """A search for a name finds parts of names, and both companies are in the same industry."""
    with stage(terms=rules(creates=frozenset({("companies", "assembly")}))) as told:
        told.faults["assembly"].lost = 1.0
        told.crm.create("companies", {"name": "Company c92", "website": "c92.com", "industry": "Steel"})
        told.wait(3)
        told.assembly.create("accounts", {"name": "Company c925", "domain": "c925.com", INDUSTRY: "Steel"})
        told.faults["assembly"].lost = 0.0
        told.wait(300)
        assert not told.causes()
        assert sorted(row.raw["name"] for row in told.live("assembly", "companies")) == ["Company c92", "Company c925"]


def test_a_stranger_in_the_crm_that_may_be_our_own_create_is_asked_about() -> None:
    with stage(terms=rules(on_bind="assembly")) as told:
        company, account = told.company()
        told.settle()
        told.faults["crm"].lost = 1.0
        there = told.assembly.create("contacts", {"name": "Doe", "domain": "doe@acme.com", "company_id": account})
        while not told.faults["crm"].counts["write lost"]:
            told.wait(0.1)
        told.crm.create("contacts", {"lastName": "Jane", "email": "doe@acme.com", "companyId": company})
        told.faults["crm"].lost = 0.0
        told.settle()
        assert "origin unknown" in told.causes()
        assert told.value("assembly", "contacts", there, "name") == "Doe"


def test_a_create_that_a_stopped_worker_sends_long_after_is_asked_about() -> None:
    """By then it was looked for, not found and made again: nobody can take the second lead back, but no second deal is made."""
    with stage() as told:
        company, _ = told.company()
        told.settle()
        told.world.stop_before("write create", 120.0)
        told.assembly.create("deals", {"name": "Deal", "account_source_specific_id": company})
        told.wait(400)
        assert len(told.live("crm", "deals")) == 2
        assert "ambiguous" in told.causes()
        assert len(told.live("assembly", "deals")) == 1


def test_our_own_create_is_found_where_a_person_has_moved_it() -> None:
    with stage() as told:
        company, _ = told.company()
        other = told.crm.create("companies", {"name": "Borg", "website": "borg.com"})
        told.settle()
        told.faults["crm"].timeout = 1.0
        told.assembly.create("deals", {"name": "Deal", "account_source_specific_id": company})
        while not told.live("crm", "deals"):
            told.wait(0.1)
        (lead,) = told.live("crm", "deals")
        told.crm.edit("leads", lead.id, {"companyId": other})
        told.faults["crm"].timeout = 0.0
        told.wait(1500)
        assert len(told.live("crm", "deals")) == len(told.live("assembly", "deals")) == 1


def test_an_unlinked_record_on_a_side_that_looks_empty_waits_for_a_person() -> None:
    with stage(crm=Habits(), style=Style()) as told:
        told.company()
        told.settle()
        told.faults["crm"].outage = "wrong_key"
        told.world.note("fault", note="crm: wrong_key")
        told.crm.create("companies", {"name": "Borg", "website": "borg.com"})
        told.wait(3600)
        assert "side looks empty" in told.causes()
        assert not told.bridge.at_work()


def test_a_stale_read_of_a_record_that_came_into_scope_is_looked_at_again() -> None:
    """The CRM's clock is behind ours and sends no Date header: no comparison of times tells that the read was an old one."""
    habits = Habits(lag=4.0, stale=1.0, skew=-90.0, dates=False)
    with stage(crm=habits, duties=True) as told:
        company = told.crm.create("companies", {"name": "Acme", "website": "acme.com", "status": "inactive"})
        told.wait(60)
        told.crm.edit("companies", company, {"status": "active"})
        told.wait(1000)
        assert told.linked("companies", "crm", company)


def test_waiting_for_the_lease_of_a_killed_worker_costs_few_reads() -> None:
    with stage() as told:
        told.world.kill_before.append("write create")
        told.crm.create("companies", {"name": "Acme", "website": "acme.com"})
        while not told.world.counts["kill"]:
            told.wait(0.1)
        began = told.world.effects
        told.assembly.create("accounts", {"name": "Acme", "domain": "acme.com"})
        told.wait(25)
        assert told.world.effects - began < 60
        told.settle()


def test_of_two_lost_creates_the_one_that_the_record_shows_is_remembered() -> None:
    """The first was never sent, its tier was cleared since; the second landed. What is typed after that is an edit."""
    with stage(terms=rules(conflict="ask")) as told:
        told.world.kill_before.append("write create")
        company = told.crm.create("companies", {"name": "Acme", "website": "acme.com", "relationshipType": "customer"})
        while not told.world.counts["kill"]:
            told.wait(0.1)
        told.crm.edit("companies", company, {"relationshipType": None})
        told.faults["assembly"].timeout = 1.0
        while not told.live("assembly", "companies"):
            told.wait(0.1)
        told.faults["assembly"].timeout = 0.0
        told.crm.edit("companies", company, {"relationshipType": "vendor"})
        told.settle()
        assert told.value("crm", "companies", company, "relationshipType") == "vendor"


def test_what_a_stopped_workers_create_puts_back_after_it_was_repeated_is_no_edit() -> None:
    """Assembly's create is an upsert: landing late it sets old values on the record that the second one made."""
    with stage(terms=rules(conflict="assembly")) as told:
        told.world.stop_before("write create", 28.0)
        company = told.crm.create("companies", {"name": "Acme", "website": "acme.com", "industry": "Steel"})
        told.wait(22)
        told.world.perform_duty("sweep")
        while not told.live("assembly", "companies"):
            told.wait(0.1)
        told.crm.edit("companies", company, {"industry": "Glass"})
        told.settle()
        assert [event.note for event in told.writes("assembly")].count("upsert") == 1
        assert told.value("crm", "companies", company, "industry") == "Glass"
        assert told.value("assembly", "accounts", told.partner("companies", "crm", company), INDUSTRY) == "Glass"


def test_what_landed_unheard_flows_back_once_its_field_was_turned_round() -> None:
    """The CRM got Assembly's value and the bridge died; then the field flows to Assembly only, and somebody edits it there."""
    before = rules()
    with stage(terms=before, duties=False) as told:
        company, account = told.company()
        told.rest()
        told.assembly.edit("accounts", account, {INDUSTRY: "Glass"})
        told.world.kill_before.append("commit Finish")
        told.world.perform_duty("poll")
        told.wait(10)
        assert told.value("crm", "companies", company, "industry") == "Glass"
        (industry,) = [field for field in before.fields("companies") if field.name == "industry"]
        told.rules = before.mapping("companies", replace(industry, to="assembly"))
        told.bridge.save_mappings(told.rules)
        told.world.note("mapping", object="companies", id="industry", note="turned")
        told.wait(3)
        told.assembly.edit("accounts", account, {INDUSTRY: "Wood"})
        told.rest()
        assert told.value("assembly", "accounts", account, INDUSTRY) == "Glass"


def test_a_listing_finds_what_came_into_scope_though_its_clock_is_behind_and_no_webhook_told() -> None:
    with stage(crm=Habits(skew=-90.0, dates=False)) as told:
        company = told.crm.create("companies", {"name": "Acme", "website": "acme.com", "status": "inactive"})
        told.wait(60)
        told.world.chances = Chances(hook_lost=1.0)
        told.crm.edit("companies", company, {"status": "active"})
        told.wait(1000)
        assert told.linked("companies", "crm", company)
