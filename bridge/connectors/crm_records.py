"""CRM records in the one shape that mappings read: ``companyId`` on contacts, ``stageId`` on leads."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from bridge.connectors.options import CrmOptions
from bridge.connectors.raw import first_of
from bridge.core.mapping.paths import get_path
from bridge.core.records import ABSENT, Json

COMPANY_OF_CONTACT = ("companyId", "companyIds")


def embedded_memberships(raw: Mapping[str, Json], options: CrmOptions) -> list[dict[str, Any]] | None:
    """The memberships a contact shows itself, ``None`` if it shows none."""
    for path in options.membership_paths:
        found = get_path(raw, path)
        if isinstance(found, list):
            return [row for row in found if isinstance(row, dict)]
    return None


def knows_company(raw: Mapping[str, Json], options: CrmOptions) -> bool:
    return embedded_memberships(raw, options) is not None or "companyId" in raw


def member_company(membership: Mapping[str, Json]) -> str | None:
    found = first_of(membership, ("companyId", "company.id", "company"))
    return str(found) if isinstance(found, str | int) else None


def is_primary(membership: Mapping[str, Json], options: CrmOptions) -> bool:
    return bool(options.primary_field) and membership.get(options.primary_field) is True


def contact(
    raw: Mapping[str, Json], options: CrmOptions, memberships: Iterable[Mapping[str, Json]] | None = None
) -> dict[str, Any]:
    """The contact with its company as ``companyId``: the primary membership's, else the only one's, else null.

    Several without a primary are no company to choose (TRAPS 28): the key is left out and ``companyIds`` lists them.
    """
    told = embedded_memberships(raw, options) if memberships is None else list(memberships)
    if told is None:
        return dict(raw)
    rest = {key: value for key, value in raw.items() if key not in COMPANY_OF_CONTACT}
    companies = list(dict.fromkeys(filter(None, map(member_company, told))))
    primary = [member_company(one) for one in told if is_primary(one, options)]
    if len(set(primary)) == 1:
        return {**rest, "companyId": primary[0]}
    if len(companies) <= 1:
        return {**rest, "companyId": companies[0] if companies else None}
    return {**rest, "companyIds": companies}


def lead(raw: Mapping[str, Json], options: CrmOptions) -> dict[str, Any]:
    """The lead with its stage as ``stageId``."""
    stage = first_of(raw, options.stage_paths)
    return dict(raw) if stage is ABSENT else {**raw, "stageId": stage}


def stage_order(rows: Sequence[Mapping[str, Json]]) -> list[Mapping[str, Json]]:
    return sorted(rows, key=lambda row: row["sortOrder"] if isinstance(row.get("sortOrder"), int | float) else 0)
