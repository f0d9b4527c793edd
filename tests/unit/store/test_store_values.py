"""JSON as the store keeps it, and the small pure parts around it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.dialects import postgresql, sqlite

from bridge.core.effects import Again, AwaitParent, Done, Outcome, Park, Pause
from bridge.core.errors import UsageError
from bridge.core.records import ABSENT, Reference, Step
from bridge.store.items import counted
from bridge.store.paging import decode_cursor, encode_cursor
from bridge.store.sql import chunks
from bridge.store.types import (
    UtcTime,
    ValuesText,
    ValueText,
    Words,
    dump_step,
    dump_values,
    dumps,
    load_step,
    load_values,
    loads,
)
from bridge.store.waiting import child_detail

text = st.text(st.characters(codec=None))
"""Any string, lone surrogates included."""
json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | text,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(text, inner, max_size=4),
    max_leaves=12,
)
values = st.dictionaries(text, json | st.just(ABSENT), max_size=6)


def same(left: Any, right: Any) -> bool:
    """Equal, and of the same types all the way down: ``1``, ``1.0`` and ``True`` are three values."""
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(same(left[key], right[key]) for key in left)
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(same, left, right))
    return type(left) is type(right) and bool(left == right)


@given(json)
def test_json_comes_back_as_it_went(value: Any) -> None:
    assert same(loads(dumps(value)), value)


@given(json | st.just(ABSENT))
def test_one_value_keeps_absent_apart_from_null(value: Any) -> None:
    kind = ValueText()
    stored = kind.process_bind_param(value, sqlite.dialect())
    assert (stored is None) == (value is ABSENT)
    assert same(kind.process_result_value(stored, sqlite.dialect()), value)


@given(values)
def test_a_map_keeps_absent_apart_from_null_and_from_missing(value: dict[str, Any]) -> None:
    assert same(load_values(loads(dumps(dump_values(value)))), value)
    kind = ValuesText()
    assert same(kind.process_result_value(kind.process_bind_param(value, sqlite.dialect()), sqlite.dialect()), value)


@given(values, json)
def test_a_step_survives_a_crash(settled: dict[str, Any], payload: Any) -> None:
    step = Step("assembly", "accounts", "update", None, {"body": payload}, settled, 3)
    assert load_step(loads(dumps(dump_step(step)))) == step


@pytest.mark.parametrize("dialect", [sqlite.dialect(), postgresql.dialect()], ids=["sqlite", "postgresql"])
def test_a_time_comes_back_in_utc(dialect: Any) -> None:
    at = datetime(2026, 3, 29, 3, 30, 1, 5, timezone(timedelta(hours=2)))
    kind = UtcTime()
    back = kind.process_result_value(kind.process_bind_param(at, dialect), dialect)
    assert back == at
    assert back is not None
    assert back.tzinfo is UTC
    with pytest.raises(ValueError, match="zone"):
        kind.process_bind_param(datetime(2026, 1, 1), dialect)  # noqa: DTZ001


@given(text)
def test_words_can_always_be_stored(words: str) -> None:
    stored = Words().process_bind_param(words, sqlite.dialect())
    assert stored is not None
    assert "\x00" not in stored
    stored.encode()
    if words.isprintable():
        assert stored == words


@pytest.mark.parametrize(
    ("outcome", "raised", "end"),
    [
        (Done("bound"), False, ("done", "bound", "bound")),
        (Done("bound"), True, ("attention", "bound", "attention")),
        (Done("drifted"), True, ("drifted", "drifted", "drifted")),
        (Park("ambiguous", "two fit"), True, ("attention", "two fit", "attention")),
        (Park("bug", "1a"), True, ("failed", "1a", "failed")),
        (Again(1, "x"), True, None),
        (Pause("x", "", None), False, None),
        (AwaitParent(Reference("a", "b", "c")), False, None),
    ],
)
def test_how_an_item_ends(outcome: Outcome, raised: bool, end: tuple[str, str, str] | None) -> None:
    assert counted(outcome, raised) == end


def test_a_cursor_is_opaque_and_checked() -> None:
    cursor = encode_cursor("2026-01-01", 7)
    assert decode_cursor(cursor, str, int) == ("2026-01-01", 7)
    for bad in (cursor[:-4], "x", encode_cursor(7), encode_cursor(True, 7), encode_cursor("a", "7")):
        with pytest.raises(UsageError):
            decode_cursor(bad, str, int)


def test_long_lists_are_cut_into_statements() -> None:
    assert list(chunks(range(5), 2)) == [[0, 1], [2, 3], [4]]
    assert list(chunks([])) == []


def test_a_grandchild_is_told_of_the_record_that_stopped_it() -> None:
    told = child_detail(Reference("companies", "crm", "1"), "the domain is taken")
    assert told == "waits for companies crm:1: the domain is taken"
    assert child_detail(Reference("contacts", "crm", "2"), told) == told
