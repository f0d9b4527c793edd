"""The records to fill the CRM sandbox with, and how fast it is when filled."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import Any

import httpx
import pytest

from bridge.sandbox.app import App
from bridge.sandbox.seed import demo, load_sales_opportunities
from bridge.sandbox.server import make
from tests.support.sandboxes import ENTITY, Box

ACCOUNTS = """account,sector,year_established,revenue,employees,office_location,subsidiary_of
Acme Corporation,technolgy,1996,1100.04,2822,United States,
Bluth Company,retail,1993,1242.32,3027,,Acme Corporation
"""
PIPELINE = """opportunity_id,sales_agent,product,account,deal_stage,engage_date,close_date,close_value
1C1I7A6R,Moses Frase,GTX Plus Basic,Acme Corporation,Won,10/20/2016,3/1/2017,1054
Z063OYW0,Darcel Schlecht,GTXPro,Bluth Company,Lost,10/25/2016,3/11/2017,0
HAXMC4IX,James Ascencio,MG Advanced,,Engaging,11/3/2016,,
PE84CX4O,James Ascencio,GTX Pro,Acme Corporation,Prospecting,,,
"""


def test_the_demo_is_the_same_for_the_same_seed() -> None:
    assert demo(1) == demo(1)
    assert demo(1) != demo(2)


def test_the_demo_has_the_gaps_of_real_data() -> None:
    made = demo(1)
    assert [stage["name"] for stage in made["stages"]] == [
        "Lead",
        "Qualified",
        "Proposal",
        "Negotiation",
        "Won",
        "Lost",
    ]
    assert [stage["kind"] for stage in made["stages"]] == ["open"] * 4 + ["won", "lost"]
    assert len(made["companies"]) == 40
    assert {company["website"] is None for company in made["companies"]} == {True, False}
    assert {company["status"] for company in made["companies"]} == {"active", "inactive"}
    emails = [contact["email"] for contact in made["contacts"] if contact["email"]]
    assert len(set(emails)) == len(emails) < len(made["contacts"])
    held = [membership["contactId"] for membership in made["memberships"]]
    assert [held.count(contact["id"]) for contact in made["contacts"]].count(0) == 1
    assert max(held.count(contact["id"]) for contact in made["contacts"]) == 2
    assert {lead["value"] is None for lead in made["leads"]} == {True, False}
    assert made["activities"]


def test_the_crm_takes_the_demo_and_shows_it(crm_box: Box, crm: httpx.Client) -> None:
    made = demo(1, companies=10)
    assert crm_box.control.seed(made) == {name: len(rows) for name, rows in made.items()}
    company = crm.get(f"/companies/{made['companies'][0]['id']}").json()
    assert {name: company[name] for name in made["companies"][0]} == made["companies"][0]
    lead = crm.get(f"/leads/{made['leads'][0]['id']}").json()
    assert lead["stageId"] in {stage["id"] for stage in crm.get("/pipeline-stages").json()["stages"]}
    # A record read and sent back passes every check.
    answer = crm.patch(f"/companies/{company['id']}", json=company)
    assert answer.status_code == 200, answer.text


@pytest.fixture
def export(tmp_path: Path) -> Path:
    (tmp_path / "accounts.csv").write_text(ACCOUNTS)
    (tmp_path / "sales_pipeline.csv").write_text(PIPELINE)
    return tmp_path


def test_a_sales_export_becomes_companies_stages_and_leads(export: Path) -> None:
    made = load_sales_opportunities(export)
    assert made == load_sales_opportunities(export)
    acme, bluth = made["companies"]
    assert (acme["industry"], acme["employees"], acme["annualRevenue"]) == ("technolgy", 2822, 1100.04)
    assert (acme["address"], acme["website"], bluth["address"]) == ("United States", None, None)
    assert bluth["parentCompanyId"] == acme["id"]
    stages = [(stage["name"], stage["kind"]) for stage in made["stages"]]
    assert stages == [("Prospecting", "open"), ("Engaging", "open"), ("Won", "won"), ("Lost", "lost")]
    won, lost, nobody, early = made["leads"]
    assert (won["title"], won["value"], won["expectedCloseDate"]) == ("1C1I7A6R GTX Plus Basic", 1054.0, "2017-03-01")
    assert won["companyId"] == acme["id"]
    assert (lost["value"], nobody["companyId"], nobody["value"], nobody["expectedCloseDate"]) == (0.0, None, None, None)
    assert early["stageId"] == made["stages"][0]["id"]


def test_an_unknown_company_in_the_export_is_told(export: Path) -> None:
    (export / "accounts.csv").write_text(ACCOUNTS.replace("Bluth Company", "Bluth"))
    with pytest.raises(ValueError, match="Z063OYW0 names an unknown account: Bluth Company"):
        load_sales_opportunities(export)


def test_another_export_is_told(export: Path) -> None:
    (export / "accounts.csv").write_text("name\nAcme\n")
    with pytest.raises(KeyError):
        load_sales_opportunities(export)
    (export / "accounts.csv").unlink()
    with pytest.raises(OSError, match=r"accounts\.csv"):
        load_sales_opportunities(export)


# --- speed --------------------------------------------------------------------------------------------------------


async def _rate(app: App, calls: list[tuple[str, str, bytes]]) -> float:
    """Requests a second through the application itself, without sockets, so that the bound holds on a busy machine."""
    headers = [(b"authorization", b"k" if app.system.name == "assembly" else b"Bearer k")]
    statuses: list[int] = []

    async def send(message: Any) -> None:
        if "status" in message:
            statuses.append(message["status"])

    begun = time.process_time()
    for method, target, body in calls:
        path, _, query = target.partition("?")
        scope = {
            "type": "http",
            "method": method,
            "path": path,
            "raw_path": path.encode(),
            "query_string": query.encode(),
            "headers": headers,
        }

        async def receive(body: bytes = body) -> Any:
            return {"type": "http.request", "body": body}

        await app(scope, receive, send)
    spent = time.process_time() - begun
    assert set(statuses) <= {200, 201}
    return len(calls) / spent


@pytest.mark.parametrize("system", ["crm", "assembly"])
def test_30000_records_answer_a_thousand_requests_a_second(system: Any) -> None:
    app = make(system, key="k", token="t", entity_id=ENTITY, limit_per_second=0)
    count = 30_000
    rows = [{"id": f"id{n}", "name": f"n{n * 7919 % count}"} for n in range(count)]
    if system == "crm":
        app.system.seed({"companies": rows})
        entity = f"entityId={ENTITY}"
        calls = [("GET", f"/api/crm/companies/id{n}?{entity}", b"") for n in range(400)]
        calls += [("PATCH", f"/api/crm/companies/id{n}?{entity}", b'{"phone": "1"}') for n in range(400)]
        calls += [("GET", f"/api/crm/companies?{entity}&page={n + 1}&limit=20", b"") for n in range(200)]
    else:
        app.system.seed(
            {
                "accounts": [
                    {**row, "domain": f"{row['id']}.co", "source_specific_ids": [f"s{row['id']}"]} for row in rows
                ]
            }
        )
        calls = [("GET", f"/accounts?source_specific_id=sid{n}", b"") for n in range(400)]
        calls += [("PUT", f"/accounts/id{n}.co", b'{"name": "New name"}') for n in range(400)]
        calls += [("GET", f"/accounts?updated_after=2020-01-01&limit=20&offset={n * 20}", b"") for n in range(200)]
    assert asyncio.run(_rate(app, calls)) > 1000
