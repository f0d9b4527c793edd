"""``webhooks.yaml``: which records an event speaks of."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from bridge.core.errors import MappingError
from bridge.core.mapping.webhooks import load_webhooks

SHIPPED = (Path(__file__).parents[3] / "mappings" / "webhooks.yaml").read_text()


def event(**more: Any) -> dict[str, Any]:
    return {"type": "company.updated", "timestamp": "2026-01-02T10:00:00+02:00", "data": {"id": "c1"}} | more


def test_the_standard_shape_is_read() -> None:
    read = load_webhooks({}).read(event(id="e1", entityId="ent"))
    assert (read.type, read.event_id, read.entity_id) == ("company.updated", "e1", "ent")
    assert read.hints == (("companies", "c1"),)
    assert read.known
    assert read.occurred_at == datetime(2026, 1, 2, 8, tzinfo=UTC)


def test_the_shipped_file_says_what_the_default_says() -> None:
    assert load_webhooks({"webhooks.yaml": SHIPPED}) == load_webhooks({})


@pytest.mark.parametrize("type_", ["membership.created", "company_membership.deleted", "MEMBERSHIP.UPDATED"])
def test_a_membership_is_news_about_its_contact_not_a_company(type_: str) -> None:
    read = load_webhooks({}).read(event(type=type_, data={"id": "m1", "contactId": "p1", "companyId": "c1"}))
    assert read.hints == (("contacts", "p1"),)


def test_a_membership_without_its_contact_is_unknown_not_misread() -> None:
    read = load_webhooks({}).read(event(type="membership.created", data={"id": "m1"}))
    assert (read.known, read.hints) == (False, ())


def test_a_stage_event_refreshes_the_stages() -> None:
    read = load_webhooks({}).read(event(type="pipeline_stage.updated", data={"id": "s1"}))
    assert (read.known, read.hints, read.refresh) == (True, (), {"stages"})


@pytest.mark.parametrize(
    "odd",
    [{}, {"type": 5}, {"type": None, "data": []}, {"type": "company.updated", "data": "x"}, event(type="task.updated")],
)
def test_an_odd_event_is_unknown_and_never_an_error(odd: dict[str, Any]) -> None:
    read = load_webhooks({}).read(odd)
    assert (read.known, read.hints) == (False, ())


def test_an_event_may_speak_of_several_records() -> None:
    read = load_webhooks({}).read(event(data=[{"id": "a"}, {"id": 7}, {"id": "a"}, {}]))
    assert read.hints == (("companies", "a"), ("companies", "7"))


def test_another_envelope_is_a_matter_of_paths() -> None:
    text = """
envelope: {type: event.name, id: event.uuid, timestamp: at, entity: tenant, record: payload.recordId}
events:
  CompanyChanged: companies
  "*": activities
"""
    rules = load_webhooks({"webhooks.yaml": text})
    read = rules.read(
        {"event": {"name": "CompanyChanged", "uuid": "u"}, "at": 1767348000, "tenant": "t", "payload": {"recordId": 9}}
    )
    assert (read.hints, read.event_id, read.entity_id) == ((("companies", "9"),), "u", "t")
    assert read.occurred_at == datetime(2026, 1, 2, 10, tzinfo=UTC)
    assert rules.read({"event": {"name": "other"}, "payload": {"recordId": 9}}).hints == (("activities", "9"),)


@pytest.mark.parametrize("stamp", ["soon", 1e300, True, {}, "9999-12-31T23:59:59-14:00"])
def test_a_strange_time_is_no_time(stamp: Any) -> None:
    assert load_webhooks({}).read(event(timestamp=stamp)).occurred_at is None


def test_all_mistakes_are_told_with_their_places() -> None:
    text = """envelope: {typ: type, record: "data."}
events:
  company.*: company
  a.*.b: contacts
  nothing: {record: data.id}
"""
    with pytest.raises(MappingError) as caught:
        load_webhooks({"webhooks.yaml": text})
    told = str(caught.value)
    assert "webhooks.yaml:1:12: there is no envelope key `typ`. Did you mean `type`?" in told
    assert "webhooks.yaml:1:37: the path 'data.' cannot be read" in told
    assert "webhooks.yaml:3:14: `company` is no object of crm. Did you mean `companies`?" in told
    assert "webhooks.yaml:4:3: `a.*.b`: a star may only stand at the end" in told
    assert "webhooks.yaml:5:3: `nothing` speaks of nothing" in told
