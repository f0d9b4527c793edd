"""What rows have in common: records, and looking at both sides."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

from tests.chaos.play import Play
from tests.chaos.site import Site

RAISED = "brake ceilings raised: they are there to hold what this row does on purpose"
SHORT = "waiting times shortened (QUICK_TIMES in site.py)"


def keys_of(rows: Iterable[dict[str, Any]]) -> Counter[str]:
    return Counter(key for row in rows for key in row["source_specific_ids"])


def remotes(at: Site) -> tuple[Any, Any]:
    assert at.crm is not None
    assert at.assembly is not None
    return at.crm.control, at.assembly.control


def companies(count: int, prefix: str = "c") -> list[dict[str, Any]]:
    return [
        {
            "name": f"Company {prefix}{number}",
            "website": f"https://{prefix}{number}.example",
            "status": "active",
            "relationshipType": "customer",
            "industry": "v0",
        }
        for number in range(count)
    ]


def quiet(play: Play, at: Site, seconds: float, what: str = "everything at rest") -> float:
    return play.until(lambda: at.busy() == 0, seconds, what, pause=0.25)


def industry(row: dict[str, Any]) -> Any:
    return row["additional_properties"].get("Industry")


def seeded(at: Site, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Put companies into the CRM without a word to anybody."""
    crm, _ = remotes(at)
    crm.seed({"companies": rows})
    return list(crm.dump("companies"))
