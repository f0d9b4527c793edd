"""A public CRM export (``accounts.csv``, ``sales_pipeline.csv``) as raw CRM records, with its gaps and typos left in."""

from __future__ import annotations

import csv
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from bridge.sandbox.messages import Row

_NAMESPACE: Final = uuid.UUID("6f1f0d0e-4b1c-5d55-9a2e-3f2a5a6c7d10")
"""Ids are made from what the export calls a thing, so that loading twice makes the same records."""

_ENDS: Final = {"won": "won", "lost": "lost"}


def load_sales_opportunities(folder: Path) -> dict[str, list[Row]]:
    """Stages, companies and leads.

    Raises ``OSError`` for a missing file, ``KeyError`` for a missing column, ``ValueError`` for a number, date or company
    name that cannot be read.
    """
    companies = [_company(row) for row in _read(folder / "accounts.csv")]
    pipeline = list(_read(folder / "sales_pipeline.csv"))
    known = {row["id"] for row in companies}
    return {
        "stages": _stages(pipeline),
        "companies": companies,
        "leads": [_lead(row, known) for row in pipeline],
    }


def _read(path: Path) -> Iterator[dict[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        yield from csv.DictReader(file)


def _id(kind: str, name: str) -> str:
    return str(uuid.uuid5(_NAMESPACE, f"{kind}:{name}"))


def _company(row: dict[str, str]) -> Row:
    parent = row["subsidiary_of"].strip()
    return {
        "id": _id("company", row["account"]),
        "name": row["account"],
        "website": None,
        "industry": row["sector"] or None,
        "employees": int(row["employees"]) if row["employees"] else None,
        "annualRevenue": float(row["revenue"]) if row["revenue"] else None,
        "address": row["office_location"] or None,
        "foundedYear": int(row["year_established"]) if row["year_established"] else None,
        "parentCompanyId": _id("company", parent) if parent else None,
    }


def _stages(pipeline: list[dict[str, str]]) -> list[Row]:
    """The open stages in the order in which a deal passes them (before the first date, after it), then won and lost."""
    engaged = {row["deal_stage"]: bool(row["engage_date"]) for row in pipeline}

    def place(name: str) -> tuple[int, bool, str]:
        return ("", "won", "lost").index(_ENDS.get(name.lower(), "")), engaged[name], name

    return [
        {
            "id": _id("stage", name),
            "name": name,
            "kind": _ENDS.get(name.lower(), "open"),
            "sortOrder": position,
            "defaultProbabilityPct": 100 if name.lower() == "won" else 0,
        }
        for position, name in enumerate(sorted(engaged, key=place))
    ]


def _lead(row: dict[str, str], companies: set[str]) -> Row:
    name = row["account"].strip()
    company_id = _id("company", name) if name else None
    if company_id is not None and company_id not in companies:
        raise ValueError(f"opportunity {row['opportunity_id']} names an unknown account: {name}")
    engaged = f", engaged {_date(row['engage_date'])}" if row["engage_date"] else ""
    return {
        "id": _id("lead", row["opportunity_id"]),
        "title": f"{row['opportunity_id']} {row['product']}",
        "companyId": company_id,
        "stageId": _id("stage", row["deal_stage"]),
        "value": float(row["close_value"]) if row["close_value"] else None,
        "expectedCloseDate": _date(row["close_date"]) if row["close_date"] else None,
        "description": f"Sales agent: {row['sales_agent']}{engaged}",
        "ownerId": _id("agent", row["sales_agent"]),
    }


def _date(text: str) -> str:
    """``10/20/2016`` as ``2016-10-20``."""
    return datetime.strptime(text, "%m/%d/%Y").replace(tzinfo=UTC).date().isoformat()
