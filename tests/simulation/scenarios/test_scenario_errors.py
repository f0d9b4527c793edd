"""DESIGN §5: errors are named by what happens next, and children wait with their parent."""

from __future__ import annotations

from typing import Any

import pytest

from tests.simulation.stage import INDUSTRY, Stage, stage
from tests.simulation.world import CONNECTION


def mode(told: Stage) -> str:
    row = told.bridge.store.connections.get(CONNECTION)
    assert row is not None
    return row.mode


def attempts(told: Stage, id: str) -> int:
    return max(row.attempts for row in told.bridge.store.changes.page(limit=500).items if row.record_id == id)


def test_a_throttled_change_costs_no_attempt() -> None:
    with stage() as told:
        crm, account = told.company()
        told.settle()
        told.faults["assembly"].throttle = 1.0
        told.crm.edit("companies", crm, {"industry": "Glass"})
        told.wait(60)
        assert attempts(told, crm) == 0
        assert mode(told) == "live"
        told.faults["assembly"].throttle = 0.0
        told.settle()
        assert told.value("assembly", "accounts", account, INDUSTRY) == "Glass"


def test_a_broken_remote_pauses_the_drain_and_goes_on_by_itself() -> None:
    with stage() as told:
        crm, account = told.company()
        told.settle()
        told.faults["assembly"].outage = "down"
        told.crm.edit("companies", crm, {"industry": "Glass"})
        told.wait(120)
        assert mode(told) == "paused"
        assert attempts(told, crm) == 0
        told.faults["assembly"].outage = ""
        told.settle()
        assert mode(told) == "live"
        assert told.value("assembly", "accounts", account, INDUSTRY) == "Glass"


def test_an_expired_key_waits_for_a_person() -> None:
    with stage() as told:
        crm, account = told.company()
        told.settle()
        told.faults["assembly"].outage = "key_refused"
        told.crm.edit("companies", crm, {"industry": "Glass"})
        told.wait(60)
        told.faults["assembly"].outage = ""
        told.wait(3600)
        assert mode(told) == "paused"
        assert told.value("assembly", "accounts", account, INDUSTRY) == "Steel"
        assert attempts(told, crm) == 0
        told.bridge.help()
        told.settle()
        assert told.value("assembly", "accounts", account, INDUSTRY) == "Glass"


def test_an_error_that_passes_is_tried_again_with_growing_pauses() -> None:
    with stage() as told:
        crm, account = told.company()
        told.settle()
        told.faults["assembly"].error = 1.0
        told.crm.edit("companies", crm, {"industry": "Glass"})
        told.wait(300)
        assert 2 <= attempts(told, crm) <= 30
        told.faults["assembly"].error = 0.0
        told.wait(900)
        assert told.value("assembly", "accounts", account, INDUSTRY) == "Glass"


def in_need_of_an_email(told: Stage, company: str) -> str:
    return told.crm.create("contacts", {"lastName": "Doe", "companyId": company})


def test_a_record_that_cannot_be_made_is_parked_with_its_reason_and_the_others_go_on() -> None:
    with stage() as told:
        company, _ = told.company()
        contact = in_need_of_an_email(told, company)
        told.contact(company, email="other@acme.com")
        assert told.causes() == {"required:email"}
        told.crm.edit("contacts", contact, {"email": "doe@acme.com"})
        told.settle()
        assert len(told.live("assembly", "contacts")) == 2
        assert not told.shown()


@pytest.mark.parametrize("child", ["contacts", "leads"])
def test_children_wait_under_their_parents_cause_and_go_on_with_it(child: str) -> None:
    """The company's domain belongs to another one already."""
    with stage() as told:
        told.company()
        twin = told.crm.create("companies", {"name": "Twin", "website": "acme.com"})
        values: dict[str, Any] = {
            "contacts": {"lastName": "Doe", "email": "doe@twin.com"},
            "leads": {"title": "Deal", "stageId": None},
        }[child]
        kid = told.crm.create(child, {**values, "companyId": twin})
        told.settle()
        rows = told.bridge.store.changes.page(limit=500).items
        parked = {(row.record_id, row.cause) for row in rows if row.state == "parked"}
        (cause,) = {cause for _id, cause in parked}
        assert {id for id, _cause in parked} == {twin, kid}
        (group,) = told.bridge.store.attention.groups(CONNECTION)
        assert (group.cause, group.count, group.children) == (cause, 1, 1)
        told.crm.edit("companies", twin, {"website": "twin.com"})
        told.settle()
        assert told.linked("contacts" if child == "contacts" else "deals", "crm", kid)
        assert not told.shown()
