"""Reading raw records: times, candidates, bodies."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from bridge.connectors import AssemblyOptions, CrmOptions, options
from bridge.connectors.assembly_records import as_map, normal
from bridge.connectors.raw import body_of, first_of, may_equal, moment, record
from bridge.core.errors import BrokenRemote, SettingsError
from bridge.core.records import ABSENT

NOON = datetime(2026, 6, 1, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("2026-06-01T12:00:00Z", NOON),
        ("2026-06-01T14:00:00+02:00", NOON),
        ("2026-06-01T12:00:00.123456Z", NOON.replace(microsecond=123456)),
        ("2026-06-01T12:00:00", NOON),
        (int(NOON.timestamp()), NOON),
        ("yesterday", None),
        (None, None),
        (True, None),
        (ABSENT, None),
    ],
)
def test_moments(value: object, expected: datetime | None) -> None:
    assert moment(value) == expected


@pytest.mark.parametrize(
    ("found", "wanted", "expected"),
    [
        ("https://www.Acme.com/", "acme.com", True),
        ("+1 (555) 010-9999", "15550109999", True),
        (["a@x.com", "B@x.com"], "b@x.com", True),
        ("Acme 555", "555123", False),
        (None, "acme", False),
        (ABSENT, "acme", False),
    ],
)
def test_candidates_only_ever_are_too_many(found: object, wanted: str, expected: bool) -> None:
    assert may_equal(found, wanted) is expected


def test_bodies_nest_by_path() -> None:
    assert body_of({"name": "A", 'additional_properties."CRM owner"': 1, "additional_properties.B": None}) == {
        "name": "A",
        "additional_properties": {"CRM owner": 1, "B": None},
    }


def test_the_first_path_that_says_something_counts() -> None:
    assert first_of({"company": {"id": "1"}}, ("company_id", "company.id", "company")) == "1"
    assert first_of({"company": None}, ("company_id", "company.id", "company")) is None
    assert first_of({}, ("company_id", "company.id")) is ABSENT
    assert first_of({"company": {}}, ("company_id", "company.id")) is ABSENT


@pytest.mark.parametrize(
    "shown",
    [{"A": 1}, [{"name": "A", "value": 1}], [{"key": "A", "value": 1}], [{"A": 1}], [{"name": "A", "value": 1}, "x"]],
)
def test_properties_in_any_shape(shown: object) -> None:
    assert as_map(shown) == {"A": 1}


def test_silence_stays_silence() -> None:
    shown = normal("contacts", {"id": "1", "phone": None}, AssemblyOptions())
    assert shown == {"id": "1", "phone": []}


def test_a_row_without_an_id_is_not_its_api() -> None:
    with pytest.raises(BrokenRemote):
        record("crm", "companies", {"name": "x"}, "updatedAt", None)


def test_options_are_checked() -> None:
    given = {"names": {"page": "p"}, "membership_id": "company", "stage_paths": ["stage"]}
    checked = options(CrmOptions, given, name="CRM_OPTIONS")
    assert (checked.names.page, checked.membership_id, checked.stage_paths) == ("p", "company", ("stage",))
    with pytest.raises(SettingsError, match="membership_idd"):
        options(CrmOptions, {"membership_idd": "company"}, name="CRM_OPTIONS")
    with pytest.raises(SettingsError, match="labels_path"):
        options(AssemblyOptions, {"labels_path": "/labels"}, name="ASSEMBLY_OPTIONS")
