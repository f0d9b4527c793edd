"""DESIGN §6, Resolve the link: whatever happens to keys and emails, there is never a twin."""

from __future__ import annotations

from tests.simulation.remote import Habits
from tests.simulation.stage import rules, stage


def test_twins_that_were_there_before_are_bound_by_domain() -> None:
    with stage() as told:
        told.crm.create("companies", {"name": "Acme", "website": "https://www.acme.com/"})
        told.assembly.create("accounts", {"name": "Acme Inc", "domain": "acme.com"})
        told.settle()
        (account,) = told.live("assembly", "companies")
        assert told.value("assembly", "accounts", account.id, "name") == "Acme"
        assert len(told.live("crm", "companies")) == 1


def test_the_join_key_comes_before_the_match_rules() -> None:
    with stage() as told:
        told.assembly.create("accounts", {"name": "By domain", "domain": "acme.com"})
        keyed = told.assembly.create(
            "accounts", {"name": "By key", "domain": "old.com", "source_specific_ids": ["cco1"]}
        )
        crm = told.crm.create("companies", {"name": "Acme", "website": "acme.com"})
        assert crm == "cco1"
        told.wait(5)
        assert told.partner("companies", "crm", crm) == keyed
        told.settle()


def test_two_companies_with_one_domain_ask_a_person() -> None:
    with stage() as told:
        told.crm.create("companies", {"name": "Acme A", "website": "acme.com"})
        told.settle()
        told.crm.create("companies", {"name": "Acme B", "website": "acme.com"})
        told.settle()
        assert len(told.live("assembly", "companies")) == 1
        assert told.causes() & {"taken", "ambiguous", "rejected"}


def test_two_records_swap_emails() -> None:
    with stage() as told:
        crm, _ = told.company()
        one, one_there = told.contact(crm, lastName="One", email="one@acme.com")
        two, two_there = told.contact(crm, lastName="Two", email="two@acme.com")
        told.settle()
        told.crm.edit("contacts", one, {"email": "two@acme.com"})
        told.crm.edit("contacts", two, {"email": "one@acme.com"})
        told.settle()
        assert told.partner("contacts", "crm", one) == one_there
        assert told.partner("contacts", "crm", two) == two_there
        assert len(told.live("assembly", "contacts")) == 2


def test_an_email_change_moves_no_link() -> None:
    with stage() as told:
        crm, _ = told.company()
        one, there = told.contact(crm)
        told.settle()
        told.crm.edit("contacts", one, {"email": "new@acme.com"})
        told.settle()
        assert told.partner("contacts", "crm", one) == there
        assert told.value("assembly", "contacts", there, "domain") == "new@acme.com"


def test_a_merge_in_the_crm_moves_the_children() -> None:
    with stage(terms=rules(deletes={("companies", "assembly"): "ignore"})) as told:
        loser, _ = told.company(name="Loser", website="loser.com")
        winner, winner_there = told.company(name="Winner", website="winner.com")
        _contact, contact_there = told.contact(loser)
        told.settle()
        told.crm.merge(loser, winner)
        told.settle()
        assert told.value("assembly", "contacts", contact_there, "company_id") == winner_there
        assert len(told.live("assembly", "companies")) == 2


def test_companies_and_contacts_in_one_namespace_of_keys_do_not_cross_link() -> None:
    with stage(assembly=Habits(shared_keys=True, cut=100)) as told:
        crm, _ = told.company()
        told.contact(crm)
        told.settle()
        assert not told.shown()


def test_an_upsert_that_finds_by_domain_overwrites_nobody() -> None:
    with stage(assembly=Habits(upsert_by_domain=True, cut=100)) as told:
        told.assembly.create("accounts", {"name": "Acme Inc", "domain": "acme.com", "phone": ["+1 9"]})
        told.crm.create("companies", {"name": "Acme", "website": "acme.com"})
        told.settle()
        (account,) = told.live("assembly", "companies")
        assert told.value("assembly", "accounts", account.id, "phone") == ["+1 9"]


def test_a_child_brings_its_parent_first() -> None:
    with stage() as told:
        told.world.chances = told.world.chances.__class__(hook_lost=0.0)
        company = told.crm.create("companies", {"name": "Acme", "website": "acme.com"})
        contact = told.crm.create("contacts", {"lastName": "Doe", "email": "d@acme.com", "companyId": company})
        told.settle()
        there = told.partner("contacts", "crm", contact)
        assert told.value("assembly", "contacts", there, "company_id") == told.partner("companies", "crm", company)


def test_a_hand_made_company_gets_its_key_before_its_deals() -> None:
    with stage(terms=rules(creates=frozenset({("companies", "crm"), ("deals", "crm"), ("deals", "assembly")}))) as told:
        account = told.assembly.create("accounts", {"name": "Borg", "domain": "borg.com"})
        told.settle()
        company = told.partner("companies", "assembly", account)
        lead = told.crm.create("leads", {"title": "Deal", "companyId": company})
        told.settle()
        assert told.linked("deals", "crm", lead)
