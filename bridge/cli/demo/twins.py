"""What is in Assembly before the bridge comes: accounts that people typed in, without the CRM's ids."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

ONLY_THERE: Final = {"name": "Harbour Analytics", "domain": "harbour-analytics.example", "phone": ["+1-555-010-2030"]}
MOST: Final = 6


def accounts_known_before(companies: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Twins of a few companies, to be found by their domain: half with the CRM's phone, half with another one. And one
    account that the CRM does not have."""
    with_domain = [row for row in companies if row["website"] and row["status"] == "active"]
    twins = [
        {
            "name": row["name"],
            "domain": row["website"].split("://")[-1].strip("/").removeprefix("www."),
            "phone": [row["phone"] or "+1-555-010-9999"] if number % 2 else ["+1-555-010-0000"],
        }
        for number, row in enumerate(with_domain[:MOST])
    ]
    return [*twins, dict(ONLY_THERE)]
