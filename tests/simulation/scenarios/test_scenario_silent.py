"""DESIGN §5, Parents first: where a side does not show a field, it flows only towards that side, and it does flow."""

from __future__ import annotations

from tests.simulation.remote import Habits
from tests.simulation.stage import Stage, rules, stage

MUTE = Habits(cut=100, shows_parent=False)


def lost_contact(told: Stage) -> tuple[str, str, str]:
    """A contact whose create in Assembly landed and got no answer: it, its company and another one."""
    company, _ = told.company()
    other = told.crm.create("companies", {"name": "Borg", "website": "borg.com"})
    told.settle()
    told.faults["assembly"].timeout = 1.0
    values = {"lastName": "Doe", "email": "doe@acme.com", "companyId": company}
    contact = told.crm.create("contacts", values)
    while not told.live("assembly", "contacts"):
        told.wait(0.1)
    told.faults["assembly"].timeout = 0.0
    return contact, company, other


def parent_shown(told: Stage, contact: str, other: str) -> bool:
    row = told.row("assembly", "contacts", told.partner("contacts", "crm", contact))
    assert row is not None
    assert row.raw is not None
    return bool(row.raw["company_id"] == told.partner("companies", "crm", other))


def test_a_parent_is_carried_to_a_side_that_never_showed_it() -> None:
    """The contact was bound to what a lost answer had made, so that nothing is known of what Assembly does not show."""
    with stage(assembly=MUTE, terms=rules(on_bind="assembly")) as told:
        contact, _company, other = lost_contact(told)
        told.settle()
        told.crm.edit("contacts", contact, {"companyId": other})
        told.settle()
        assert parent_shown(told, contact, other)


def test_a_parent_that_was_merged_away_before_the_lost_create_was_found_is_told_again() -> None:
    with stage(assembly=MUTE, terms=rules(on_bind="assembly")) as told:
        contact, company, other = lost_contact(told)
        told.crm.merge(company, other)
        told.settle()
        assert parent_shown(told, contact, other)
