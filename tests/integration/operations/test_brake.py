"""The brake on the real engine: only the class over its ceiling is held, and a person lets it pass or drops it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from bridge.core.guards import Brake
from tests.support.engine import CONNECTION, shipped_texts
from tests.support.family import Family, family

INDUSTRY = "Industry"


@pytest.fixture
def held(tmp_path: Path) -> Iterator[Family]:
    """A rename and a clear of one record arrived together; no clear may pass unasked."""
    with family(tmp_path, brake=Brake({"clear": 0}, {})) as there:
        there.crm("companies", there.company, name="Renamed", industry=None)
        there.look("companies", "crm", there.company)
        yield there


def properties(there: Family) -> dict[str, object]:
    return dict(there.row("assembly", "accounts", there.account)["additional_properties"])


def hold_of(there: Family) -> tuple[int, str, str, int]:
    hold = there.bridge.store.holds.page(connection=CONNECTION).items[0]
    return hold.id, hold.klass, hold.state, hold.waiting


def test_a_held_clear_does_not_stop_an_update_and_passes_when_released(held: Family) -> None:
    assert held.name("assembly") == "Renamed"
    assert properties(held)[INDUSTRY] == "Steel"
    number, *rest = hold_of(held)
    assert rest == ["clear", "held", 1]
    (item,) = held.open_items()
    assert (item.cause, item.field, item.values["assembly"]) == ("brake:clear", "industry", "Steel")
    held.bridge.store.holds.release(number)
    held.bridge.settle()
    assert INDUSTRY not in properties(held)
    assert held.open_items() == []


def test_a_discarded_clear_is_dropped_until_the_fields_next_edit(held: Family) -> None:
    held.bridge.store.holds.discard(hold_of(held)[0])
    held.bridge.settle()
    held.look("companies", "crm", held.company)
    assert properties(held)[INDUSTRY] == "Steel"
    assert held.open_items() == []
    held.crm("companies", held.company, industry="Glass")
    held.look("companies", "crm", held.company)
    assert properties(held)[INDUSTRY] == "Glass"


def test_a_held_clear_that_was_taken_back_leaves_the_hold(held: Family) -> None:
    held.crm("companies", held.company, industry="Steel")
    held.look("companies", "crm", held.company)
    assert hold_of(held)[1:] == ("clear", "withdrawn", 0)
    assert held.open_items() == []


def test_a_held_deletion_is_withdrawn_when_the_record_is_back(tmp_path: Path) -> None:
    texts = shipped_texts()
    texts["contacts.yaml"] = texts["contacts.yaml"].replace("in_crm: ignore", "in_crm: delete")
    with family(tmp_path, brake=Brake({"delete": 0}, {}), texts=texts) as there:
        there.new_contact(there.company, firstName="Other", lastName="One", email="other@acme.example")
        there.bridge.list("crm")
        there.bridge.settle()
        row = there.row("assembly", "contacts", there.person)
        there.bridge.assembly.control.delete("contacts", there.person)
        there.look("contacts", "assembly", there.person)
        there.bridge.settle()
        assert hold_of(there)[1:] == ("delete", "held", 1)
        assert len(there.rows("crm", "contacts")) == 2
        there.bridge.assembly.control.create("contacts", row)
        there.bridge.list("assembly")
        there.bridge.settle()
        assert hold_of(there)[1:] == ("delete", "withdrawn", 0)
        assert there.open_items() == []
        assert there.link_of("contacts", "crm", there.contact).state == "live"
