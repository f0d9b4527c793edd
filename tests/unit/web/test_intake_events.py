"""From a verified body to an event and its hints."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
import pytest

from bridge.core.errors import UsageError
from bridge.core.mapping import load
from bridge.core.mapping.webhooks import load_webhooks
from bridge.store import Hint
from bridge.sync.intake import Arrival, Delivery, arrive

SHIPPED = {path.name: path.read_text() for path in (Path(__file__).parents[3] / "mappings").glob("*.yaml")}
RULES = load_webhooks(SHIPPED)
MAPPINGS = load(SHIPPED)


def arriving(event: Any, header_id: str | None = None) -> Arrival:
    body = event if isinstance(event, bytes) else orjson.dumps(event)
    return arrive(Delivery(body, header_id), RULES, MAPPINGS, connection="default", entity_id="E1")


def refused(event: Any) -> int:
    with pytest.raises(UsageError) as error:
        arriving(event)
    return error.value.status


@pytest.mark.parametrize(
    ("event", "hint"),
    [
        ({"type": "company.updated", "data": {"id": "1"}}, Hint("companies", "crm", "1")),
        ({"type": "contact.created", "data": {"id": "2"}}, Hint("contacts", "crm", "2")),
        ({"type": "membership.created", "data": {"id": "m", "contactId": "3"}}, Hint("contacts", "crm", "3")),
        ({"type": "lead.stage_changed", "data": {"id": "4"}}, Hint("deals", "crm", "4")),
        ({"type": "activity.created", "data": {"id": "5"}}, Hint("notes", "crm", "5")),
    ],
)
def test_every_kind_of_record_becomes_a_hint(event: dict[str, Any], hint: Hint) -> None:
    arrived = arriving(event)
    assert arrived.hints == (hint,)
    assert (arrived.event.type, arrived.event.record_id, arrived.event.state) == (
        event["type"],
        hint.record_id,
        "stored",
    )


def test_an_event_about_several_records_hints_at_each() -> None:
    arrived = arriving({"type": "company.updated", "data": [{"id": "1"}, {"id": "2"}, {"id": "1"}]})
    assert arrived.hints == (Hint("companies", "crm", "1"), Hint("companies", "crm", "2"))


def test_the_signed_id_goes_before_the_one_in_the_body() -> None:
    event = {"type": "company.updated", "id": "body", "data": {"id": "1"}}
    assert arriving(event, "header").event.event_id == "header"
    assert arriving(event).event.event_id == "body"
    assert arriving({"type": "company.updated", "data": {"id": "1"}}).event.event_id is None


@pytest.mark.parametrize(
    "event", [{}, {"type": "invoice.paid", "data": {"id": "1"}}, {"type": 5}, {"type": "company.updated"}]
)
def test_what_no_rule_fits_is_kept_as_unknown(event: dict[str, Any]) -> None:
    arrived = arriving(event)
    assert (arrived.hints, arrived.event.state) == ((), "unknown")


def test_another_entity_is_refused_wherever_the_event_names_it() -> None:
    assert arriving({"type": "company.updated", "entityId": "e1", "data": {"id": "1"}}).hints
    assert refused({"type": "company.updated", "entityId": "E2", "data": {"id": "1"}}) == 403
    assert refused({"type": "company.updated", "data": {"id": "1", "entityId": "E2"}}) == 403
    assert refused({"type": "anything else", "entityId": "E2"}) == 403


@pytest.mark.parametrize(
    "event",
    [
        {"type": "company.updated", "data": {"id": "a\x00b"}},
        {"type": "company.updated", "data": {"id": "x" * 201}},
        {"type": "company.updated\n", "data": {"id": "1"}},
        {"type": "company.updated", "id": "\x1b[2J", "data": {"id": "1"}},
        b'{"type": "company.updated", "data": ' + b"[" * 1000 + b"]" * 1000 + b"}",
    ],
)
def test_ids_no_database_or_terminal_should_see_are_refused(event: Any) -> None:
    assert refused(event) == 400
