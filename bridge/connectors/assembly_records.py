"""Assembly records in the one shape that mappings read, whichever way the API showed them.

``additional_properties`` is a map, ``source_specific_ids`` and ``phone`` are lists; a contact's company is ``company_id``, a deal's account
``account_source_specific_id``. What a record did not show at all stays absent: silence is not emptiness.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from bridge.connectors.options import AssemblyOptions
from bridge.connectors.raw import first_of
from bridge.core.records import ABSENT, Json
from bridge.transport import Raw, Rows


def account_type(raw: Mapping[str, Json]) -> str:
    """``company`` or ``customer``: reads say ``account_type``, search says ``type`` (TRAPS 11); a customer's domain is
    an email (TRAPS 4), which tells where neither is shown."""
    shown = raw.get("account_type") or raw.get("type")
    if isinstance(shown, str) and shown.casefold() in {"company", "customer"}:
        return shown.casefold()
    return "customer" if "@" in str(raw.get("domain") or "") else "company"


def companies(pages: Iterable[Rows[Raw]], options: AssemblyOptions) -> Iterator[Rows[Raw]]:
    """Pages of accounts until one with customers alone: they come after all companies."""
    for rows in pages:
        yield rows
        customers_only = rows.items and not any(account_type(row) == "company" for row in rows.items)
        if customers_only and options.companies_first:
            return


def normal(object: str, raw: Mapping[str, Json], options: AssemblyOptions) -> dict[str, Any]:
    record = dict(raw)
    if (found := properties(raw)) is not None:
        record["additional_properties"] = found
    for name in ("source_specific_ids", "phone"):
        if name in raw:
            record[name] = _list(raw[name])
    paths = {
        "contacts": ("company_id", options.contact_company_paths),
        "deals": ("account_source_specific_id", options.deal_account_paths),
    }
    if object in paths:
        name, shown_at = paths[object]
        shown = first_of(raw, shown_at)
        if shown is not ABSENT:
            record[name] = shown
    return record


def properties(raw: Mapping[str, Json]) -> dict[str, Any] | None:
    """Additional properties as a map: from a map, from a list of name and value, or from ``attributes_cached`` (TRAPS 21);
    ``None`` if the record shows none of them."""
    for name in ("additional_properties", "attributes_cached"):
        if name in raw:
            return as_map(raw[name])
    return None


def as_map(shown: Json) -> dict[str, Any]:
    if isinstance(shown, dict):
        return dict(shown)
    found: dict[str, Any] = {}
    for entry in shown if isinstance(shown, list) else ():
        if isinstance(entry, dict):
            name = next((entry[key] for key in ("name", "key", "attribute") if isinstance(entry.get(key), str)), None)
            if name is not None:
                found[name] = entry.get("value")
            elif len(entry) == 1:
                found.update(entry)
    return found


def join_keys(raw: Mapping[str, Json]) -> tuple[str, ...]:
    return tuple(str(key) for key in _list(raw.get("source_specific_ids")) if key not in (None, ""))


def _list(value: Json) -> list[Any]:
    if value is None or value == "":
        return []
    return list(value) if isinstance(value, list) else [value]
