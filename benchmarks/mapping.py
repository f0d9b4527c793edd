"""What mapping a record of 12 fields costs, beside plain Python and JMESPath (if it is installed).

    uv run python benchmarks/mapping.py

"decode" reads and decodes both sides and compares; "plan" is the engine's whole decision on a linked record: decode, merge, plan.
The budget is 100 µs on one core for a record that nobody edited. Figures are CPU time, the best of several rounds.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from bridge.core.mapping import load
from bridge.core.mapping.model import Stream
from bridge.core.plan import Situation, plan_update
from bridge.core.records import End, Link, Lookups, Record, Ref, Shadow, Table

MAPPING = """
stream: companies
crm: companies
assembly: accounts
conflict: crm
fields:
  name: {crm: name, assembly: name, required: true}
  domain: {crm: website, assembly: domain, as: domain, missing: invalid}
  phone: {crm: phone, assembly: phone, as: first_of_list}
  tier: {crm: relationshipType, assembly: tier, as: [{values: {customer: Customer, prospect: Prospect}}, {label: Tier}]}
  industry: {crm: industry, assembly: additional_properties.Industry}
  employees: {crm: employees, assembly: additional_properties.Employees, as: number}
  revenue: {crm: annualRevenue, assembly: additional_properties."Annual revenue", as: money}
  city: {crm: address.city, assembly: additional_properties.City}
  owner: {crm: ownerId, assembly: additional_properties."CRM owner", direction: to_assembly}
  renewal: {crm: renewal, assembly: renewal_date, as: date}
  note: {crm: description, assembly: notes}
  segment: {from_crm: "record.employees > 1000 ? 'Enterprise' : 'SMB'", assembly: additional_properties.Segment}
"""
CRM: dict[str, Any] = {
    "id": "c1",
    "name": "Acme",
    "website": "https://www.acme.com/about",
    "phone": "555-0100",
    "relationshipType": "customer",
    "industry": "Hardware",
    "employees": 2822,
    "annualRevenue": 1100.04,
    "address": {"city": "Paris", "street": "1 Rue X"},
    "ownerId": "u7",
    "renewal": "2027-12-31T00:00:00Z",
    "description": "A note about the account",
}
ASSEMBLY: dict[str, Any] = {
    "id": "a1",
    "name": "Acme",
    "domain": "acme.com",
    "phone": ["555-0100", "555-0199"],
    "tier": "t1",
    "renewal_date": "2027-12-31",
    "notes": "A note about the account",
    "additional_properties": {
        "Industry": "Hardware",
        "Employees": 2822,
        "Annual revenue": 1100.04,
        "City": "Paris",
        "CRM owner": "u7",
        "Segment": "Enterprise",
    },
}
LABELS = Table({"t1": "Customer", "t2": "Prospect"})
LOOKUPS = Lookups({("assembly", "labels.Tier"): LABELS})
TIERS = {"customer": "Customer", "prospect": "Prospect"}


def microseconds(run: Callable[[], object], rounds: int = 15, times: int = 400) -> float:
    best = float("inf")
    for _ in range(rounds):
        start = time.process_time()
        for _ in range(times):
            run()
        best = min(best, (time.process_time() - start) / times)
    return best * 1e6


def decode(stream: Stream) -> bool:
    return all(
        field.decode("crm", field.observe("crm", CRM), LOOKUPS)
        == field.decode("assembly", field.observe("assembly", ASSEMBLY), LOOKUPS)
        for field in stream.fields
    )


def situation(stream: Stream, crm: dict[str, Any]) -> Situation:
    raws = {"crm": CRM, "assembly": ASSEMBLY}
    ends = {
        side: End(side, str(raw["id"]), Shadow({f.key(side): f.observe(side, raw) for f in stream.fields}))
        for side, raw in raws.items()
    }
    records: dict[str, Record | None] = {
        "crm": Record(Ref("crm", "companies", "c1"), crm),
        "assembly": Record(Ref("assembly", "accounts", "a1"), ASSEMBLY),
    }
    return Situation(Link(1, "companies", "live", ends), records)


def by_hand() -> bool:
    """The same comparison as somebody would write it for just these twelve fields, without the care of the codecs."""
    more: Any = ASSEMBLY["additional_properties"]
    host = str(CRM["website"]).split("://")[-1].split("/")[0].lower().removeprefix("www.")
    return (
        CRM["name"] == ASSEMBLY["name"]
        and host == ASSEMBLY["domain"]
        and CRM["phone"] == ASSEMBLY["phone"][0]
        and TIERS.get(str(CRM["relationshipType"])) == LABELS.names.get(str(ASSEMBLY["tier"]))
        and CRM["industry"] == more.get("Industry")
        and float(str(CRM["employees"])) == float(more.get("Employees"))
        and round(float(str(CRM["annualRevenue"])), 2) == round(float(more.get("Annual revenue")), 2)
        and CRM["address"]["city"] == more.get("City")
        and CRM["ownerId"] == more.get("CRM owner")
        and str(CRM["renewal"])[:10] == ASSEMBLY["renewal_date"]
        and CRM["description"] == ASSEMBLY["notes"]
        and ("Enterprise" if int(str(CRM["employees"])) > 1000 else "SMB") == more.get("Segment")
    )


def jmespath_paths() -> Callable[[], object] | None:
    """Reading the 24 paths only: no conversion at all."""
    try:
        import jmespath  # noqa: PLC0415
    except ImportError:
        return None
    left = (
        "name website phone relationshipType industry employees annualRevenue address.city ownerId renewal description"
    )
    right = "name domain phone[0] tier renewal_date notes"
    more = ["Industry", "Employees", '"Annual revenue"', "City", '"CRM owner"', "Segment"]
    lefts = [jmespath.compile(path) for path in [*left.split(), "employees"]]
    rights = [jmespath.compile(path) for path in [*right.split(), *(f"additional_properties.{key}" for key in more)]]
    return lambda: [path.search(CRM) for path in lefts] + [path.search(ASSEMBLY) for path in rights]


def main() -> None:
    stream = load({"companies.yaml": MAPPING})["companies"]
    if not decode(stream) or not by_hand() or len(stream.fields) != 12:
        raise SystemExit("the two records of the benchmark do not agree")
    edited = {**CRM, "name": "Acme Ltd", "employees": 5, "website": "acme.org"}
    still, moved = situation(stream, CRM), situation(stream, edited)
    rows: list[tuple[str, Callable[[], object] | None]] = [
        ("decode both sides and compare", lambda: decode(stream)),
        ("decode, merge, plan: nobody edited", lambda: plan_update(stream, still, LOOKUPS)),
        ("decode, merge, plan: three fields edited", lambda: plan_update(stream, moved, LOOKUPS)),
        ("plain Python for these twelve fields", by_hand),
        ("JMESPath: reading the paths only", jmespath_paths()),
    ]
    print(f"{'12 fields':<44}{'µs':>8}")
    for name, run in rows:
        print(f"{name:<44}{microseconds(run):>8.1f}" if run else f"{name:<44}{'not installed':>14}")


if __name__ == "__main__":
    main()
