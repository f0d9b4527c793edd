"""Identity on the real engine: whatever happens to keys and addresses, nothing is bound by guess and nobody gets a twin."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.family import Family, family


@pytest.fixture
def there(tmp_path: Path) -> Iterator[Family]:
    with family(tmp_path) as made:
        yield made


def counts(there: Family) -> tuple[int, int]:
    return len(there.rows("crm", "companies")), len(there.rows("assembly", "accounts"))


def causes(there: Family) -> set[tuple[str, str]]:
    return {(item.record_id, item.cause) for item in there.open_items()}


def unlinked_company(there: Family, name: str) -> str:
    made = there.bridge.crm.control.create("companies", {"name": name, "website": "twins.example", "status": "active"})
    return str(made["id"])


def test_several_candidates_wait_for_a_person_who_is_told_which(there: Family) -> None:
    twins = [unlinked_company(there, name) for name in ("One", "Two")]
    account = there.bridge.assembly.control.create(
        "accounts", {"type": "Company", "name": "Which?", "domain": "twins.example"}
    )
    before = counts(there)
    there.look("companies", "assembly", account["id"])
    assert counts(there) == before
    assert causes(there) == {(account["id"], "ambiguous")}
    (item,) = there.open_items()
    assert all(f"crm:{one}" in item.detail for one in twins)


def test_a_person_binds_by_writing_the_key(there: Family) -> None:
    """The way out of every question about identity: the right CRM id among the account's source ids, and ``retry``."""
    one, _two = (unlinked_company(there, name) for name in ("One", "Two"))
    account = there.bridge.assembly.control.create(
        "accounts", {"type": "Company", "name": "Which?", "domain": "twins.example"}
    )
    there.look("companies", "assembly", account["id"])
    there.assembly("accounts", account["id"], source_specific_ids=[one])
    (item,) = there.open_items()
    there.decide(item, "retry")
    assert there.partner("companies", one) == account["id"]


def test_a_record_that_was_deleted_and_made_again_is_not_bound_by_guess_nor_doubled(there: Family) -> None:
    other = there.new_contact(there.company, firstName="Other", lastName="One", email="other@acme.example")
    there.look("contacts", "crm", other)
    row = there.row("assembly", "contacts", there.person)
    there.bridge.assembly.control.delete("contacts", there.person)
    there.look("contacts", "assembly", there.person)
    again = {key: row[key] for key in ("name", "domain")}
    made = there.bridge.assembly.control.create("contacts", again | {"type": "Person"})
    there.look("contacts", "assembly", made["id"])
    assert len(there.rows("crm", "contacts")) == 2
    assert there.link_of("contacts", "crm", there.contact).state == "dead"
    assert (made["id"], "taken") in causes(there)


@pytest.mark.parametrize("way", ["a hint", "a backfill", "from Assembly"])
def test_an_assembly_record_with_the_keys_of_two_crm_records_belongs_to_neither(there: Family, way: str) -> None:
    ids = [unlinked_company(there, name) for name in ("One", "Two")]
    account = there.bridge.assembly.control.create(
        "accounts", {"type": "Company", "name": "Both", "domain": "both.example", "source_specific_ids": ids}
    )
    before = counts(there)
    match way:
        case "a hint":
            for one in ids:
                there.look("companies", "crm", one)
        case "a backfill":
            there.bridge.backfill("companies")
        case _:
            there.look("companies", "assembly", account["id"])
    assert counts(there) == before
    asked = [account["id"]] if way == "from Assembly" else ids
    assert causes(there) == {(one, "ambiguous" if way == "from Assembly" else "taken") for one in asked}


def test_a_key_of_a_record_that_is_gone_does_not_count(there: Family) -> None:
    """A merge in the CRM left the loser's id on the account."""
    (one,) = [unlinked_company(there, "One")]
    gone = "00000000-0000-4000-8000-000000000000"
    account = there.bridge.assembly.control.create(
        "accounts", {"type": "Company", "name": "One", "domain": "twins.example", "source_specific_ids": [gone, one]}
    )
    there.look("companies", "crm", one)
    assert there.partner("companies", one) == account["id"]
