"""Assembly's records: tables, defaults, and the fields a request may carry."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping
from typing import Any, Final

from bridge.sandbox.messages import Row
from bridge.sandbox.shapes import (
    COLOR,
    DATE,
    INTEGER,
    MAP,
    NAME,
    NUMBER,
    TEXT,
    TIME,
    Body,
    Shape,
    list_of,
    one_of,
    parse_time,
)
from bridge.sandbox.tables import Design

_LABELLED: Final = ("tier", "stage", "company_type")


def _domain(row: Row) -> Iterable[Hashable]:
    return (row["domain"].casefold(),)


def _sources(row: Row) -> Iterable[Hashable]:
    return tuple(row["source_specific_ids"])


def _labels(row: Row) -> Iterable[Hashable]:
    return {row[name] for name in _LABELLED if row[name] is not None} | set(row["tags"])


def _maybe(field: str, row: Row) -> Iterable[Hashable]:
    return () if row[field] is None else (row[field],)


def _by_name(row: Row, _number: int) -> Any:
    return row["name"].casefold()


def _newest_log(row: Row, number: int) -> Any:
    moment = parse_time(row["timestamp"])
    return (-moment.timestamp() if moment else 0.0, -number)


DESIGNS: Final = (
    # assembly.txt, "Get Accounts": companies before customers, "sorted alphabetically by account name". Companies and
    # customers are two tables, so that the first half of the rule is the order of the tables.
    Design("accounts", _by_name, {"domain": _domain, "source": _sources, "label": _labels}, texts=("name", "domain")),
    Design(
        "contacts",
        _by_name,
        {"domain": _domain, "source": _sources, "label": _labels, "company": lambda row: _maybe("company_id", row)},
        texts=("name", "domain"),
    ),
    # assembly.txt, "Get Deals": "sorted by creation date (newest first)"
    Design(
        "deals", lambda _row, number: -number, {"source": _sources, "account": lambda row: _maybe("account_id", row)}
    ),
    Design("labels"),
    # assembly.txt, "Get Usage Logs": "in decreasing timestamp order"
    Design("usage", _newest_log, {"item": lambda row: _maybe("account_id", row)}),
    Design("notes", indexes={"key": lambda row: ((row["source"], row["source_specific_id"]),)}),
)

KINDS: Final = {"accounts": "Company", "contacts": "Customer"}
"""Table to account type."""

_ACCOUNT: Final[Mapping[str, Any]] = {
    "account_type": "Company",
    "name": "",
    "domain": "",
    "source_specific_ids": [],
    "image_url": None,
    "phone": [],
    "contract_value": None,
    "contract_type": None,
    "renewal_date": None,
    "trial_expiration_date": None,
    "tier": None,
    "stage": None,
    "tags": [],
    "notes": None,
    "id_in_tool": None,
    "additional_properties": {},
    "company_type": None,
    "number_of_seats": None,
    "role": None,
}

DEFAULTS: Final[Mapping[str, Mapping[str, Any]]] = {
    "accounts": _ACCOUNT,
    "contacts": {**_ACCOUNT, "account_type": "Customer", "company_id": None},
    "deals": {
        "name": "",
        "account_id": None,
        "account_source_specific_id": None,
        "source_specific_ids": [],
        "amount": None,
        "stage": None,
        "close_date": None,
        "description": None,
        "type": None,
        "next_step": None,
        "main_competitors": None,
        "assignee_user_id": None,
        "time_length": None,
        "time_unit": None,
        "additional_properties": {},
    },
    "labels": {"type": "Tier", "name": "", "color": "#545A92", "description": None},
    "usage": {
        "timestamp": "",
        "type": "Action",
        "content": "",
        "attribute": None,
        "value": None,
        "metadata": None,
        "account_id": None,
    },
    "notes": {
        "company_id": None,
        "source": "",
        "source_specific_id": "",
        "note": "",
        "original_timestamp": "",
        "title": None,
        "action_items": None,
        "transcript": None,
        "metadata": {},
    },
}

PRIVATE: Final = frozenset({"property_stamps"})
"""Kept in rows and never shown: when each additional property last changed."""

# assembly.txt, "Create Account": the example with its comments
FIELDS: Final[Mapping[str, Shape]] = {
    "name": NAME,
    "domain": NAME,
    "image_url": TEXT,
    "phone": list_of(TEXT),
    "contract_value": NUMBER,
    "contract_type": one_of("Month", "Year"),
    "renewal_date": DATE,
    "trial_expiration_date": DATE,
    "tier": TEXT,
    "stage": TEXT,
    "notes": TEXT,
    "id_in_tool": TEXT,
    "company_type": TEXT,
    "number_of_seats": INTEGER,
    "role": TEXT,
}
LABEL_FIELDS: Final = {"tier": "Tier", "stage": "Stage", "company_type": "CompanyType"}
COMPANY_ONLY: Final = ("company_type", "number_of_seats")
CUSTOMER_ONLY: Final = ("role",)
COMPANY_KEYS: Final = ("company_id", "company_domain", "company_source_specific_id")
"""assembly.txt, "Create Contact": "1 of the 3 company values below must be included"."""

_SETS: Final[Mapping[str, Shape]] = {
    "source_specific_ids": list_of(NAME),
    "tags": list_of(TEXT),
    "additional_properties": MAP,
}
_REMOVED: Final[Mapping[str, Shape]] = {"removed_tags": list_of(TEXT), "removed_source_specific_ids": list_of(TEXT)}
_TYPE: Final[Mapping[str, Shape]] = {"type": one_of("Company", "Customer")}
_COMPANY: Final[Mapping[str, Shape]] = dict.fromkeys(COMPANY_KEYS, NAME)

ACCOUNT_NEW: Final = Body({**_TYPE, **FIELDS, **_SETS}, required=("type", "name", "domain"))
ACCOUNT_CHANGE: Final = Body({**_TYPE, **FIELDS, **_SETS, **_REMOVED})
CONTACT_NEW: Final = Body({**FIELDS, **_SETS, **_COMPANY}, required=("name", "domain"))
CONTACT_CHANGE: Final = Body({**FIELDS, **_SETS, **_REMOVED, **_COMPANY})

# assembly.txt, "Create Deal"
DEAL_FIELDS: Final[Mapping[str, Shape]] = {
    "name": NAME,
    "amount": NUMBER,
    "stage": TEXT,
    "close_date": DATE,
    "description": TEXT,
    "type": TEXT,
    "next_step": TEXT,
    "main_competitors": TEXT,
    "assignee_user_id": TEXT,
    "time_length": NUMBER,
    "time_unit": TEXT,
}
_DEAL: Final[Mapping[str, Shape]] = {
    **DEAL_FIELDS,
    "account_source_specific_id": NAME,
    "source_specific_ids": list_of(NAME),
    "additional_properties": MAP,
}
DEAL_NEW: Final = Body(_DEAL, required=("name", "account_source_specific_id"))
DEAL_CHANGE: Final = Body({**_DEAL, "removed_source_specific_ids": list_of(TEXT)})

LABEL_TYPES: Final = ("Tier", "Stage", "CompanyType", "AccountTag")
_LABEL: Final[Mapping[str, Shape]] = {
    "type": one_of(*LABEL_TYPES),
    "name": NAME,
    "color": COLOR,
    "description": TEXT,
}
LABEL_NEW: Final = Body(_LABEL, required=("type", "name", "color"))
LABEL_CHANGE: Final = Body(_LABEL)

# assembly.txt, "Add Usage Log"
LOG_FIELDS: Final[Mapping[str, Shape]] = {
    "timestamp": TIME,
    "type": one_of("Action", "Metric", "CumulativeMetric"),
    "content": NAME,
    "attribute": NAME,
    "value": NUMBER,
    "metadata": MAP,
}
LOG_NEW: Final = Body(LOG_FIELDS, required=("timestamp", "type", "content", "attribute"))
LOG_CHANGE: Final = Body(LOG_FIELDS)

# assembly-legacy.txt, "Add Usage Log": other types, the attribute optional, no value
LEGACY_LOG_FIELDS: Final[Mapping[str, Shape]] = {
    "timestamp": TIME,
    "type": one_of("Action", "Message"),
    "content": NAME,
    "attribute": NAME,
    "metadata": MAP,
}
LEGACY_LOG_NEW: Final = Body(LEGACY_LOG_FIELDS, required=("timestamp", "type", "content"))
LEGACY_LOG_CHANGE: Final = Body(LEGACY_LOG_FIELDS)

# assembly-legacy.txt, "Create Account" and "Update Account": company_id for customers, added_* and removed_*
LEGACY_NEW: Final = Body({**_TYPE, **FIELDS, **_SETS, "company_id": NAME}, required=("type", "name", "domain"))
LEGACY_CHANGE: Final = Body(
    {
        **_TYPE,
        **FIELDS,
        **_REMOVED,
        "added_tags": list_of(TEXT),
        "added_source_specific_ids": list_of(NAME),
        "company_id": NAME,
    }
)

# assembly.txt, "Create Account Note": the table of fields
_NOTE: Final[Mapping[str, Shape]] = {
    "domain": NAME,
    "source": NAME,
    "source_specific_id": NAME,
    "note": TEXT,
    "original_timestamp": TIME,
    "participants": list_of(TEXT),
    "title": TEXT,
    "action_items": TEXT,
    "transcript": TEXT,
}
NOTE: Final = Body(_NOTE, required=("domain", "source", "source_specific_id", "note", "original_timestamp"))

SEARCH: Final = Body(
    {
        "additional_properties": list_of(MAP),
        "name": TEXT,
        "domain": TEXT,
        "limit": INTEGER,
        "offset": INTEGER,
        "updated_after": TEXT,
    },
    may_be_missing=False,
)
DELETED_NAMES: Final = Body({"properties": list_of(TEXT)}, required=("properties",))
PROPERTIES: Final = Body()
