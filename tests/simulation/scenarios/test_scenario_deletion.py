"""DESIGN §6, Deletion and Scope: absence is a suspicion."""

from __future__ import annotations

import pytest

from tests.simulation.faults import Outage
from tests.simulation.stage import INDUSTRY, Stage, rules, stage

DELETES = {("contacts", "crm"): "delete", ("contacts", "assembly"): "delete", ("companies", "crm"): "archive"}


def two_contacts(told: Stage) -> tuple[str, str]:
    crm, _ = told.company()
    told.contact(crm, lastName="Other", email="other@acme.com")
    return told.contact(crm)


@pytest.mark.parametrize(("policy", "left"), [("delete", 1), ("ignore", 2)])
def test_a_deletion_is_carried_as_the_policy_says(policy: str, left: int) -> None:
    with stage(terms=rules(deletes={("contacts", "assembly"): policy})) as told:
        contact, _ = two_contacts(told)
        told.settle()
        told.crm.delete("contacts", contact)
        told.settle()
        assert len(told.live("assembly", "contacts")) == left
        assert told.state("contacts", "crm", contact) == "dead"
        assert len(told.live("crm", "contacts")) == 1


def test_a_deletion_without_a_webhook_is_found_by_the_listing() -> None:
    with stage(terms=rules(deletes=DELETES)) as told:
        _, there = two_contacts(told)
        told.settle()
        told.assembly.delete("contacts", there)
        told.settle()
        assert len(told.live("crm", "contacts")) == 1


def test_a_404_from_a_wrong_key_is_not_a_deletion() -> None:
    with stage(terms=rules(deletes=DELETES)) as told:
        two_contacts(told)
        told.settle()
        told.faults["crm"].outage = "wrong_key"
        for row in told.live("crm", "contacts"):
            told.world._webhook("contacts", row.id, "updated")
        told.wait(300)
        told.faults["crm"].outage = ""
        told.bridge.help()
        told.settle()
        assert len(told.live("assembly", "contacts")) == 2


@pytest.mark.parametrize("outage", ["empty_list", "capped_list", "wrong_key", "down", "key_refused"])
def test_an_empty_or_capped_side_never_means_delete_all(outage: Outage) -> None:
    with stage(terms=rules(deletes=DELETES)) as told:
        two_contacts(told)
        told.settle()
        for side in ("crm", "assembly"):
            told.faults[side].outage = outage
            told.wait(300)
            told.faults[side].outage = ""
            told.bridge.help()
            told.settle()
        assert len(told.live("assembly", "contacts")) == len(told.live("crm", "contacts")) == 2
        assert not told.shown()


def test_an_edit_beats_a_deletion() -> None:
    with stage(terms=rules(deletes=DELETES)) as told:
        contact, there = two_contacts(told)
        told.settle()
        told.assembly.edit("contacts", there, {"role": "Boss"})
        told.crm.delete("contacts", contact)
        told.settle()
        assert told.row("assembly", "contacts", there) is not None
        assert "edited since" in told.causes()
        assert len(told.live("crm", "contacts")) == 1


def test_a_stale_event_resurrects_nothing() -> None:
    with stage(terms=rules(deletes=DELETES)) as told:
        contact, there = two_contacts(told)
        told.settle()
        told.assembly.delete("contacts", there)
        told.settle()
        told.bridge.hint(None, "contacts", contact, "updated")
        told.settle()
        assert len(told.live("assembly", "contacts")) == 1


def test_a_dead_link_never_recreates() -> None:
    """Assembly's record is deleted, the policy ignores it; the CRM record is edited afterwards."""
    with stage(terms=rules(deletes={})) as told:
        contact, there = two_contacts(told)
        told.settle()
        told.assembly.delete("contacts", there)
        told.settle()
        told.crm.edit("contacts", contact, {"jobTitle": "Boss"})
        told.settle()
        assert told.state("contacts", "crm", contact) == "dead"
        assert len(told.live("assembly", "contacts")) == 1


def test_a_parent_with_live_children_is_held() -> None:
    with stage(terms=rules(deletes={("companies", "crm"): "archive"})) as told:
        crm, there = told.company()
        told.company(name="Other", website="other.com")
        told.contact(crm)
        told.settle()
        told.assembly.delete("accounts", there)
        told.settle()
        assert told.value("crm", "companies", crm, "status") == "active"
        assert told.shown()


def test_a_company_without_children_is_archived() -> None:
    with stage(terms=rules(deletes={("companies", "crm"): "archive"})) as told:
        crm, there = told.company()
        told.company(name="Other", website="other.com")
        told.settle()
        told.assembly.delete("accounts", there)
        told.settle()
        assert told.value("crm", "companies", crm, "status") == "inactive"


def test_out_of_scope_nothing_is_written_and_re_entry_merges() -> None:
    with stage() as told:
        crm, there = told.company()
        told.settle()
        told.crm.edit("companies", crm, {"status": "inactive"})
        told.settle()
        told.crm.edit("companies", crm, {"industry": "Glass"})
        told.assembly.edit("accounts", there, {"phone": ["+1 5"]})
        told.settle()
        assert told.value("assembly", "accounts", there, INDUSTRY) == "Steel"
        assert told.value("crm", "companies", crm, "phone") is None
        told.crm.edit("companies", crm, {"status": "active"})
        told.settle()
        assert told.value("assembly", "accounts", there, INDUSTRY) == "Glass"
        assert told.value("crm", "companies", crm, "phone") == "+1 5"
