"""DESIGN §6, Scope: a record that leaves the stream's ``where`` may be archived on the other side; nothing else is written."""

from __future__ import annotations

from pathlib import Path

from tests.support.engine import shipped_texts
from tests.support.family import family

ARCHIVE = "archive: {crm: {status: inactive}}"


def test_what_leaves_the_scope_is_archived_where_the_mapping_says_so(tmp_path: Path) -> None:
    texts = shipped_texts()
    both = 'archive: {crm: {status: inactive}, assembly: {additional_properties.Status: "Archived"}}'
    assert ARCHIVE in texts["companies.yaml"]
    texts["companies.yaml"] = texts["companies.yaml"].replace(ARCHIVE, f"{both}\non_leave: {{in_assembly: archive}}")
    with family(tmp_path, texts=texts) as there:
        there.crm("companies", there.company, status="inactive", name="Gone")
        there.look("companies", "crm", there.company)
        assert there.link_of("companies", "crm", there.company).state == "suspended"
        account = there.row("assembly", "accounts", there.account)
        assert (account["additional_properties"]["Status"], account["name"]) == ("Archived", "Acme")
        writes = there.writes()
        there.look("companies", "crm", there.company)
        assert there.writes() == writes


def test_what_leaves_the_scope_is_left_alone_otherwise(tmp_path: Path) -> None:
    with family(tmp_path) as there:
        writes = there.writes()
        there.crm("companies", there.company, status="inactive", name="Gone")
        there.look("companies", "crm", there.company)
        assert there.link_of("companies", "crm", there.company).state == "suspended"
        assert there.writes() == writes
