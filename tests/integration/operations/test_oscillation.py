"""Two writers that undo each other are stopped, and a person's word starts the field again."""

from __future__ import annotations

from pathlib import Path

from bridge.store import AttentionRow
from tests.support.family import Family, family


def overwrite(there: Family, side: str, name: str) -> None:
    """One of the two automations has its way, and the bridge looks."""
    if side == "crm":
        there.crm("companies", there.company, name=name)
        there.look("companies", "crm", there.company)
    else:
        there.assembly("accounts", there.account, name=name)
        there.look("companies", "assembly", there.account)


def quarrel(there: Family, most: int = 10) -> int:
    """Each side's automation puts its own name back whenever it reads another; answers how many writes that took."""
    overwrite(there, "assembly", "Theirs")
    for written in range(most):
        overwrite(there, *(("crm", "Ours") if written % 2 == 0 else ("assembly", "Theirs")))
        if there.name("crm") != there.name("assembly"):
            return written
    return most


def frozen(there: Family) -> AttentionRow:
    (row,) = [row for row in there.open_items() if row.cause == "frozen"]
    return row


def pinned(there: Family) -> dict[str, str]:
    return dict(there.link_of("companies", "crm", there.company).pinned)


def test_a_field_that_is_written_back_and_forth_is_frozen_until_a_person_decides(tmp_path: Path) -> None:
    with family(tmp_path) as there:
        assert quarrel(there) == 5
        item = frozen(there)
        assert "crm and assembly" in item.detail
        assert set(item.ways) == {"crm", "assembly", "value"}
        assert pinned(there) == {"name": "frozen"}

        before = there.writes()
        overwrite(there, "crm", "Something else")
        assert there.writes() == before, "a frozen field is not carried, whatever is typed"
        there.crm("companies", there.company, phone="+1 555")
        there.look("companies", "crm", there.company)
        assert there.row("assembly", "accounts", there.account)["phone"] == ["+1 555"], "other fields go on"

        there.decide(frozen(there), "assembly")
        assert there.name("crm") == there.name("assembly")
        assert (pinned(there), there.open_items()) == ({}, [])
        overwrite(there, "crm", "A new one")
        assert there.name("assembly") == "A new one"


def test_agreement_on_a_frozen_field_ends_it(tmp_path: Path) -> None:
    with family(tmp_path) as there:
        quarrel(there)
        there.assembly("accounts", there.account, name="Both")
        overwrite(there, "crm", "Both")
        assert (pinned(there), there.open_items()) == ({}, [])
