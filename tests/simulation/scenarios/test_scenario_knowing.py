"""DESIGN §5 and §8: whatever becomes of the hints, both sides are looked at, and nothing is done twice."""

from __future__ import annotations

import pytest

from tests.simulation.chances import Chances
from tests.simulation.remote import Habits
from tests.simulation.stage import INDUSTRY, Stage, stage


def edited(told: Stage) -> tuple[str, str]:
    crm, account = told.company()
    told.settle()
    for industry in ("Glass", "Wood", "Paper"):
        told.crm.edit("companies", crm, {"industry": industry})
    return crm, account


@pytest.mark.parametrize("event_ids", [True, False])
@pytest.mark.parametrize("chances", [Chances(hook_twice=1.0), Chances(hook_late=0.5), Chances(hook_lost=1.0)])
def test_webhooks_that_come_twice_late_or_never_cost_nothing_but_time(chances: Chances, event_ids: bool) -> None:
    with stage(crm=Habits(event_ids=event_ids), chances=chances) as told:
        _crm, account = edited(told)
        told.settle()
        assert told.value("assembly", "accounts", account, INDUSTRY) == "Paper"
        before = len(told.writes())
        told.wait(4000)
        assert len(told.writes()) == before


def test_the_doorbell_may_be_deaf() -> None:
    with stage(chances=Chances(ring_lost=1.0)) as told:
        _crm, account = edited(told)
        told.settle()
        assert told.value("assembly", "accounts", account, INDUSTRY) == "Paper"


def test_a_webhook_that_outruns_the_replica_is_looked_at_once_more() -> None:
    with stage(crm=Habits(lag=3.0, stale=1.0)) as told:
        crm, account = told.company()
        told.settle()
        told.world.duties.update(dict.fromkeys(told.world.duties, 1e9))
        told.wait(400)
        for number in range(12):
            told.crm.edit("companies", crm, {"industry": f"No {number}"})
            told.wait(60)
            assert told.value("assembly", "accounts", account, INDUSTRY) == f"No {number}"


def test_a_record_without_a_stamp_is_found_by_the_listing() -> None:
    with stage(assembly=Habits(null_stamps=True, cut=100)) as told:
        told.company()
        told.settle()
        account = told.assembly.create("accounts", {"name": "Borg", "domain": "borg.com"})
        told.settle()
        assert told.linked("companies", "assembly", account)


def test_on_a_quiet_day_rows_that_show_what_is_known_are_not_looked_at() -> None:
    with stage() as told:
        crm, _account = told.company()
        told.contact(crm)
        told.settle()
        store, before = told.bridge.store, len(told.writes())
        looked = {row.id: row.generation for row in store.changes.page(limit=500).items}
        told.wait(4000)
        assert {row.id: row.generation for row in store.changes.page(limit=500).items} == looked
        assert len(told.writes()) == before


def test_a_held_question_is_not_looked_at_by_every_poll_that_shows_its_record() -> None:
    with stage() as told:
        crm, account = told.company()
        told.settle()
        told.crm.edit("companies", crm, {"industry": "Glass"})
        told.assembly.edit("accounts", account, {INDUSTRY: "Wood"})
        told.settle()
        assert told.causes() == {"conflict"}
        store = told.bridge.store
        looked = {row.id: row.generation for row in store.changes.page(limit=500).items}
        told.wait(4000)
        assert {row.id: row.generation for row in store.changes.page(limit=500).items} == looked


def test_pages_that_shift_during_a_scan_hide_nothing() -> None:
    with stage(assembly=Habits(page=1, cut=100)) as told:
        made = [told.assembly.create("accounts", {"name": name, "domain": f"{name}.com"}) for name in ("a", "b", "c")]
        told.settle()
        for name in ("a", "b", "c"):
            told.wait(7)
            told.assembly.edit("accounts", made["abc".index(name)], {"phone": ["+1 5"]})
        told.settle()
        assert {row.raw["phone"] for row in told.live("crm", "companies") if row.raw} == {"+1 5"}
