"""DESIGN §6, Deletion and Brake: many records go at once, and a mapping is edited meanwhile."""

from __future__ import annotations

from bridge.core.guards import Brake
from tests.simulation.engine_person import decide_hold, open_holds
from tests.simulation.stage import Stage, rules, stage

DELETES = {("contacts", "assembly"): "delete"}


def contacts(told: Stage, count: int) -> list[str]:
    """Contacts of one company, in step; the oldest first."""
    company, _ = told.company()
    values = [{"lastName": f"No {number}", "email": f"no{number}@acme.com"} for number in range(count)]
    return [told.contact(company, **each)[0] for each in values]


def test_the_newest_records_vouch_for_nobody_when_they_are_deleted_themselves() -> None:
    with stage(terms=rules(deletes=DELETES)) as told:
        ids = contacts(told, 9)
        for id in ids[2:]:
            told.crm.delete("contacts", id)
        told.settle()
        assert len(told.live("assembly", "contacts")) == 2
        assert not told.shown()


def test_a_released_hold_of_many_deletions_is_carried_out() -> None:
    with stage(terms=rules(deletes=DELETES)) as told:
        ids = contacts(told, 8)
        told.bridge.store._brake = told.bridge.brake = Brake({"delete": 1}, {})
        for id in ids[2:]:
            told.crm.delete("contacts", id)
        told.settle()
        assert len(told.live("assembly", "contacts")) == 7
        assert told.causes() == {"brake:delete"}
        (hold,) = open_holds(told.bridge)
        decide_hold(told.bridge, hold, release=True)
        told.settle()
        assert len(told.live("assembly", "contacts")) == 2
        assert not told.shown()


def test_a_deletion_held_by_the_brake_does_not_make_the_next_one_suspicious() -> None:
    with stage(terms=rules(deletes=DELETES)) as told:
        ids = contacts(told, 8)
        told.bridge.store._brake = told.bridge.brake = Brake({"delete": 1}, {})
        for id in ids[3:]:
            told.crm.delete("contacts", id)
        told.settle()
        told.bridge.store._brake = told.bridge.brake = Brake({"delete": 2}, {})
        told.crm.delete("contacts", ids[1])
        told.settle()
        assert told.state("contacts", "crm", ids[1]) == "dead"


def test_an_emptied_side_deletes_nothing_however_it_is_told() -> None:
    with stage(terms=rules(deletes=DELETES)) as told:
        for id in contacts(told, 6):
            told.crm.delete("contacts", id)
        told.settle()
        assert len(told.live("assembly", "contacts")) == 6
        assert told.causes() <= {"side looks empty", "deletion unconfirmed"}


def test_an_edited_mapping_makes_no_edit_of_a_record_that_nobody_touched() -> None:
    """The deletion is confirmed before its record was looked at under the new mapping."""
    with stage(terms=rules(deletes=DELETES), duties=False) as told:
        ids = contacts(told, 2)
        told.bridge.save_mappings(rules(deletes=DELETES, on_bind="assembly"))
        told.crm.delete("contacts", ids[0])
        told.settle()
        assert not told.shown()
        assert len(told.live("assembly", "contacts")) == 1
