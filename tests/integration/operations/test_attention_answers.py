"""What a person answers, by side, by value or for a whole group, and which children hang on the answer."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.stores import HandClock, SetBrake, claim_one, company, contact, draft, finish, ref

from bridge.core.effects import AwaitParent, Notice, Park
from bridge.core.errors import UsageError
from bridge.store import Hint, Store
from tests.support.family import Family, family


def in_conflict(there: Family, names: dict[str, str], other: tuple[str, str]) -> None:
    """Two companies with names typed on both sides at once; whose times prove nothing."""
    for crm_id, account in ((there.company, there.account), other):
        there.crm("companies", crm_id, name=names["crm"])
        there.assembly("accounts", account, name=names["assembly"])
        there.look("companies", "crm", crm_id)


def test_a_conflict_is_answered_by_a_side_a_value_or_for_its_whole_group(tmp_path: Path) -> None:
    with family(tmp_path) as there:
        other = there.new_company(name="Borg", website="borg.example")
        in_conflict(there, {"crm": "Here", "assembly": "There"}, other)
        items = there.open_items()
        assert {item.group for item in items} == {"conflict/name"}
        store = there.bridge.store
        with pytest.raises(UsageError, match="changed since"):
            store.attention.decide(items[0].id, {"way": "crm"}, {"crm": "Here", "assembly": "Older"})
        (mine,) = [item for item in items if item.record_id == there.company]
        there.decide(mine, "value", "Agreed")
        assert (there.name("crm"), there.name("assembly")) == ("Agreed", "Agreed")

        in_conflict(there, {"crm": "Here again", "assembly": "There again"}, other)
        assert store.attention.decide_group("default", "conflict/name", {"way": "assembly", "value": None}) == 2
        there.bridge.settle()
        assert {row["name"] for row in there.rows("crm", "companies")} == {"There again"}
        assert there.open_items() == []
        with pytest.raises(UsageError):
            store.attention.decide_group("default", "", {"way": "retry"})


def test_an_answer_to_values_that_moved_on_is_not_carried(tmp_path: Path) -> None:
    """The person answered, and before a worker came to it somebody edited the record once more."""
    with family(tmp_path) as there:
        there.crm("companies", there.company, name="Here")
        there.assembly("accounts", there.account, name="There")
        there.look("companies", "crm", there.company)
        (item,) = there.open_items()
        there.bridge.store.attention.decide(item.id, {"way": "assembly"}, item.values)
        there.crm("companies", there.company, name="Typed meanwhile")
        there.bridge.settle()
        assert there.name("crm") == "Typed meanwhile"
        assert [row.values["crm"] for row in there.open_items()] == ["Typed meanwhile"]


@pytest.fixture
def store(tmp_path: Path) -> Store:
    made = Store(f"sqlite:///{tmp_path / 'bridge.db'}", HandClock(), SetBrake())
    made.migrate()
    made.connections.ensure("default", "live")
    return made


def test_children_count_in_their_parents_group_and_are_released_with_it(store: Store) -> None:
    parent, child, grandchild = company("1"), contact("2"), Hint("notes", "crm", "3")
    cause = "required:domain"
    notice = Notice(cause, "empty", "domain", group=f"{cause}/domain", ways=("retry", "dismiss"))
    finish(store, claim_one(store, grandchild), AwaitParent(ref(child)))
    finish(store, claim_one(store, child), AwaitParent(ref(parent)))
    finish(store, claim_one(store, parent), Park(cause, "empty"), notices=[notice])
    assert {row.cause for row in store.changes.page().items} == {cause}, "parked under their parent's cause"
    (group,) = store.attention.groups("default")
    assert (group.group, group.count, group.children) == (f"{cause}/domain", 1, 2)

    (item,) = store.attention.page().items
    store.attention.decide(item.id, {"way": "retry"})
    claim = claim_one(store, parent)
    finish(store, claim, link=draft(claim, "1", "a1"))
    states = {(row.stream, row.state) for row in store.changes.page().items}
    assert states == {("companies", "done"), ("contacts", "pending"), ("notes", "parked")}
    again = claim_one(store, child)
    finish(store, again, link=draft(again, "2", "a2", stream="contacts"))
    assert store.changes.counts("default") == {"done": 2, "pending": 1}
