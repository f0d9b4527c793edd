"""Links rebuilt from the join keys in Assembly: the same links, no write, and a person is asked where the sides differ."""

from __future__ import annotations

import threading
from pathlib import Path

from bridge.operations import rebuild
from bridge.store import RunRow
from tests.support.engine import CONNECTION, RealClock
from tests.support.family import Family, family


def lose_the_database(there: Family) -> None:
    there.bridge.close()
    for file in there.bridge.folder.glob("bridge.db*"):
        file.unlink()
    there.bridge.open()


def rebuilt(there: Family) -> RunRow:
    store = there.bridge.store
    run = rebuild.start(store, there.bridge.mappings, CONNECTION)
    rebuild.Rebuilding(store, lambda _: there.bridge.terms, RealClock()).run(CONNECTION, threading.Event())
    found = store.runs.get(run.id)
    assert found is not None
    return found


def pairs(there: Family) -> set[tuple[str, str, str]]:
    return {
        (stream, link.ends["crm"].record_id, link.ends["assembly"].record_id)
        for stream in ("companies", "contacts", "deals")
        for link in there.links(stream)
        if link.state == "live"
    }


def test_a_lost_database_is_rebuilt_without_a_write_and_differences_wait_for_a_person(tmp_path: Path) -> None:
    with family(tmp_path) as there:
        before = pairs(there)
        assert len(before) == 2
        lose_the_database(there)
        there.crm("companies", there.company, name="Typed here")
        there.assembly("accounts", there.account, name="Typed there")
        unkeyed = there.bridge.crm.control.create("companies", {"name": "New", "website": "new.example"})
        writes = there.writes()
        run = rebuilt(there)
        assert (run.state, run.counts) == ("done", {"bound": 2, "attention": 1})
        assert pairs(there) == before
        assert there.writes() == writes, "nothing is written, to no side"
        assert not there.bridge.store.links.by_end(CONNECTION, "companies", "crm", [unkeyed["id"]])
        (item,) = there.open_items()
        assert (item.cause, item.field, item.group) == ("differs after rebuild", "name", "differs after rebuild/name")

        assert rebuilt(there).counts == {"unchanged": 2}, "once more changes nothing"
        assert len(there.open_items()) == 1

        # A later edit of another field is carried; the question about the name stays a question (``on_bind`` must not answer it).
        there.bridge.live()
        there.crm("companies", there.company, industry="Glass")
        there.look("companies", "crm", there.company)
        now = there.row("assembly", "accounts", there.account)
        assert (now["name"], now["additional_properties"]["Industry"]) == ("Typed there", "Glass")
        (item,) = there.open_items()
        there.decide(item, "assembly")
        assert (there.name("crm"), there.open_items()) == ("Typed there", [])
        assert dict(there.link_of("companies", "crm", there.company).pinned) == {}


def test_an_assembly_record_with_two_crm_ids_is_shown_and_not_bound(tmp_path: Path) -> None:
    with family(tmp_path) as there:
        other = there.bridge.crm.control.create("companies", {"name": "Other", "website": "other.example"})
        there.assembly("accounts", there.account, source_specific_ids=[there.company, other["id"]])
        lose_the_database(there)
        writes = there.writes()
        rebuilt(there)
        assert there.writes() == writes
        assert not there.links("companies")
        assert {(item.record_id, item.cause) for item in there.open_items() if item.stream == "companies"} == {
            (there.company, "taken"),
            (other["id"], "taken"),
        }
