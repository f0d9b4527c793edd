"""Stamps, spellings and old writes around our own: what proves a person's edit and what does not."""

from __future__ import annotations

from tests.simulation.chances import Chances
from tests.simulation.mapping_text import Style
from tests.simulation.remote import Habits
from tests.simulation.stage import INDUSTRY, Stage, every_crash, rules, stage


def test_a_question_that_hangs_on_our_own_stamp_is_asked_in_every_look() -> None:
    """Assembly's stamp is that of our write of the phone, made after the person's edit: it proves nothing, at no look."""
    with stage(terms=rules(conflict="newest"), assembly=Habits(dates=False), crm=Habits(dates=False)) as told:
        company, account = told.company()
        told.settle()
        told.faults["crm"].error = 1.0
        told.assembly.edit("accounts", account, {INDUSTRY: "Glass"})
        told.crm.edit("companies", company, {"phone": "+1 555 0100", "industry": "Wood"})
        told.wait(15)
        told.faults["crm"].error = 0.0
        for look in range(6):
            told.wait(40)
            told.bridge.hint(f"event-{look}", "companies", company, "updated")
        told.settle()
        assert "conflict" in told.causes()
        assert told.value("assembly", "accounts", account, INDUSTRY) == "Glass"
        assert told.value("crm", "companies", company, "industry") == "Wood"


def test_a_stamp_long_after_our_own_write_is_a_persons() -> None:
    with stage(terms=rules(conflict="newest"), duties=False) as told:
        company, account = told.company()
        told.wait(300)
        told.assembly.edit("accounts", account, {INDUSTRY: "Older"})
        told.wait(30)
        told.crm.edit("companies", company, {"industry": "Newer"})
        told.settle()
        assert told.value("assembly", "accounts", account, INDUSTRY) == "Newer"


def _deal_with_spaces(told: Stage) -> None:
    company, _ = told.company()
    deal = told.assembly.create("deals", {"name": " Deal ", "account_source_specific_id": company})
    told.wait(80)
    told.rest()
    assert told.value("assembly", "deals", deal, "name") == " Deal "


def test_a_spelling_of_a_new_lead_is_read_back() -> None:
    """The CRM trims; nothing declares it. Wherever the create is killed, Assembly's text stays what a person typed."""
    assert every_crash(_deal_with_spaces, crm=Habits(trim=True), style=Style(trim=False), most=600) > 20


def test_a_question_that_is_settled_is_closed_though_another_field_is_refused() -> None:
    with stage(terms=rules(conflict="ask")) as told:
        company, account = told.company()
        told.crm.create("companies", {"name": "Borg", "website": "borg.com"})
        told.settle()
        told.crm.edit("companies", company, {"industry": "Wood"})
        told.assembly.edit("accounts", account, {INDUSTRY: "Glass"})
        told.settle()
        assert told.causes() == {"conflict"}
        told.crm.edit("companies", company, {"industry": "Glass", "website": "borg.com"})
        told.settle()
        assert "rejected" in told.causes()
        assert "conflict" not in told.causes()


def test_a_write_to_a_field_that_waits_for_a_person_stays_known_as_ours() -> None:
    """It landed unanswered, then was cleared in the CRM; Assembly ignores nulls, so the clear waits for a person for longer than
    any write is in flight. What Assembly shows all that time is our own value."""
    with stage(assembly=Habits(null_ignored=True), terms=rules(conflict="ask")) as told:
        company, _ = told.company()
        contact, there = told.contact(company, jobTitle="Boss")
        told.settle()
        told.faults["assembly"].timeout = 1.0
        told.crm.edit("contacts", contact, {"jobTitle": "Chief"})
        while told.value("assembly", "contacts", there, "role") != "Chief":
            told.wait(0.1)
        told.faults["assembly"].timeout = 0.0
        told.crm.edit("contacts", contact, {"jobTitle": None})
        for look in range(6):
            told.wait(100)
            told.bridge.hint(f"event-{look}", "contacts", contact, "updated")
        told.settle()
        assert told.causes() == {"clear not taken"}


def test_a_tag_added_on_each_side_of_a_record_made_without_tags_is_kept() -> None:
    with stage() as told:
        company, account = told.company()
        told.settle()
        told.crm.edit("companies", company, {"tags": ["here"]})
        told.assembly.edit("accounts", account, {"tags": ["there"]})
        told.settle()
        assert set(told.value("crm", "companies", company, "tags")) == {"here", "there"}
        assert set(told.value("assembly", "accounts", account, "tags")) == {"here", "there"}


def test_a_version_that_is_new_but_not_the_newest_is_looked_at_again() -> None:
    """Two edits, one webhook for both: the replica shows the first when it is asked."""
    with stage(crm=Habits(lag=4.0, stale=1.0), duties=False) as told:
        company, account = told.company()
        told.wait(60)
        told.world.chances = Chances(hook_lost=1.0)
        told.crm.edit("companies", company, {"industry": "Older"})
        told.wait(2)
        told.world.chances = Chances()
        told.crm.edit("companies", company, {"industry": "Newest"})
        told.wait(60)
        assert told.value("assembly", "accounts", account, INDUSTRY) == "Newest"
