"""Whether both sandboxes agree, judged from dumps of their records alone.

States the shipped mapping again in its own words and shares no code with the engine: a bug there cannot hide here.
A record that waits for a person is no disagreement, so those are passed in and left out.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final, TypeAlias

Row: TypeAlias = Mapping[str, Any]
Compare: TypeAlias = Callable[[Row, Row], Iterator[str]]

CRM: Final = ("companies", "contacts", "memberships", "leads", "activities", "stages")
ASSEMBLY: Final = ("accounts", "contacts", "deals", "notes", "labels")
TIERS: Final = {"customer": "Customer", "prospect": "Prospect", "vendor": "Vendor", "both": "Customer and vendor"}


@dataclass(frozen=True, slots=True)
class Sides:
    """All records of both systems, by object."""

    crm: Mapping[str, list[Row]]
    assembly: Mapping[str, list[Row]]


def disagreements(sides: Sides, waiting: Collection[tuple[str, str, str]]) -> list[str]:
    """Every difference in words. ``waiting`` are (stream, side, record id) that wait for a person."""
    stages = {row["id"]: row["name"] for row in sides.crm["stages"]}
    labels = {row["id"]: row["name"] for row in sides.assembly["labels"]}
    accounts = {row["id"]: row for row in sides.assembly["accounts"]}
    employers = _employers(sides.crm["memberships"])

    def company(crm: Row, assembly: Row) -> Iterator[str]:
        yield from _differ("name", crm["name"], assembly["name"])
        yield from _differ("domain", _host(crm["website"]), _real(assembly["domain"]))
        yield from _differ("phone", crm["phone"], _first(assembly["phone"]))
        yield from _differ("tier", TIERS.get(crm["relationshipType"]), labels.get(assembly["tier"]))
        properties = assembly["additional_properties"]
        yield from _differ("industry", crm["industry"], properties.get("Industry"))
        yield from _differ("employees", _number(crm["employees"]), _number(properties.get("Employees")))
        yield from _differ("revenue", _number(crm["annualRevenue"]), _number(properties.get("Annual revenue")))

    def contact(crm: Row, assembly: Row) -> Iterator[str]:
        yield from _differ("name", _joined(crm["firstName"], crm["lastName"]), assembly["name"])
        yield from _differ("email", _lower(crm["email"]), _lower(assembly["domain"]))
        yield from _differ("phone", crm["phone"], _first(assembly["phone"]))
        yield from _differ("job title", crm["jobTitle"], assembly["role"])
        employer = accounts.get(assembly["company_id"], {})
        if employers.get(crm["id"]) not in employer.get("source_specific_ids", []):
            yield f"company: CRM {employers.get(crm['id'])}, Assembly {employer.get('name')}"

    def deal(crm: Row, assembly: Row) -> Iterator[str]:
        yield from _differ("name", crm["title"], assembly["name"])
        yield from _differ("stage", stages.get(crm["stageId"]), assembly["stage"])
        yield from _differ("amount", _number(crm["value"]), _number(assembly["amount"]))
        yield from _differ("close date", crm["expectedCloseDate"], (assembly["close_date"] or "")[:10])
        yield from _differ("description", crm["description"], assembly["description"])
        account = accounts.get(assembly["account_id"], {})
        if crm["companyId"] not in account.get("source_specific_ids", []):
            yield f"company: CRM {crm['companyId']}, Assembly {account.get('name')}"

    active = [row for row in sides.crm["companies"] if row["status"] != "inactive"]
    gone = {row["id"] for row in sides.crm["companies"]} - {row["id"] for row in active}
    return [
        *_stream("companies", active, sides.assembly["accounts"], company, waiting, ignored=gone),
        *_stream("contacts", sides.crm["contacts"], sides.assembly["contacts"], contact, waiting),
        *_stream("deals", sides.crm["leads"], sides.assembly["deals"], deal, waiting),
        *_notes(sides, waiting),
    ]


def _stream(
    name: str,
    crm: Collection[Row],
    assembly: Collection[Row],
    compare: Compare,
    waiting: Collection[tuple[str, str, str]],
    ignored: Collection[str] = (),
) -> Iterator[str]:
    """Pairs by the join key, exactly one to one; then their fields."""
    held = Counter(key for row in assembly for key in row["source_specific_ids"])
    by_key = {key: row for row in assembly for key in row["source_specific_ids"]}
    for row in crm:
        if (name, "crm", row["id"]) in waiting:
            continue
        if held[row["id"]] != 1:
            yield f"{name}: CRM record {row['id']} is in Assembly {held[row['id']]} times"
            continue
        for difference in compare(row, by_key[row["id"]]):
            yield f"{name}: {row['id']}: {difference}"
    known = {row["id"] for row in crm} | set(ignored)
    for row in assembly:
        if (name, "assembly", row["id"]) in waiting:
            continue
        owners = [key for key in row["source_specific_ids"] if key in known]
        if len(owners) != 1:
            yield f"{name}: Assembly record {row['id']} belongs to {len(owners)} CRM records"


def _notes(sides: Sides, waiting: Collection[tuple[str, str, str]]) -> Iterator[str]:
    """One way: every activity is exactly one note, and every note is an activity."""
    held = Counter(row["source_specific_id"] for row in sides.assembly["notes"])
    texts = {row["source_specific_id"]: row["note"] for row in sides.assembly["notes"]}
    for row in sides.crm["activities"]:
        if ("notes", "crm", row["id"]) in waiting:
            continue
        if held[row["id"]] != 1:
            yield f"notes: activity {row['id']} is in Assembly {held[row['id']]} times"
        else:
            yield from (
                f"notes: {row['id']}: {d}" for d in _differ("text", row["body"] or row["subject"], texts[row["id"]])
            )
    for key in held.keys() - {row["id"] for row in sides.crm["activities"]}:
        yield f"notes: Assembly note {key} is no activity"


def _differ(name: str, crm: Any, assembly: Any) -> Iterator[str]:
    """Empty text and nothing are the same."""
    if (crm or None) != (assembly or None):
        yield f"{name}: CRM {crm!r}, Assembly {assembly!r}"


def _employers(memberships: Collection[Row]) -> dict[str, str]:
    """A contact's one company: the primary membership, else the only one."""
    found: dict[str, str] = {}
    counts = Counter(row["contactId"] for row in memberships)
    for row in memberships:
        if row["isPrimary"] or counts[row["contactId"]] == 1:
            found[row["contactId"]] = row["companyId"]
    return found


def _host(website: str | None) -> str | None:
    if not website:
        return None
    host = website.strip().casefold().split("://")[-1].split("/")[0].split(":")[0]
    return host.removeprefix("www.")


def _real(domain: str) -> str | None:
    return None if domain.endswith(".invalid") else domain.casefold().removeprefix("www.")


def _first(values: list[str]) -> str | None:
    return values[0] if values else None


def _joined(*names: str | None) -> str:
    return " ".join(name.strip() for name in names if name)


def _lower(text: str | None) -> str | None:
    return text.strip().casefold() if text else None


def _number(value: Any) -> Decimal | None:
    return None if value in (None, "") else Decimal(str(value)).normalize()
