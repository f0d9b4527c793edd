"""The four mappings that come with the bridge, on records as the documents and the sandbox show them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from bridge.core.errors import ParentNotLinked, Undecodable
from bridge.core.mapping import Mappings, load_with_warnings
from bridge.core.records import ABSENT, End, Link, Lookups, Reference, Shadow, Table

FOLDER = Path(__file__).parents[3] / "mappings"
COMPANY = "497f6eca-6276-4993-bfeb-53cbbbba6f08"
ACCOUNT = "01945162-52fc-739b-98de-e2ac9f2eec49"


def lookups(**shadow: Any) -> Lookups:
    link = Link(
        1, "companies", "live", {"crm": End("crm", COMPANY), "assembly": End("assembly", ACCOUNT, Shadow(shadow))}
    )
    return Lookups(
        tables={
            ("assembly", "labels.Tier"): Table({"t1": "Customer", "t2": "Prospect"}),
            ("crm", "stages"): Table({"s1": "Won", "s2": "Proposal sent"}, {"proposal": "s2"}),
        },
        links={
            Reference("companies", "crm", COMPANY): link,
            Reference("companies", "assembly", ACCOUNT): link,
        },
    )


@pytest.fixture(scope="module")
def mappings() -> Mappings:
    loaded, warnings = load_with_warnings({path.name: path.read_text() for path in FOLDER.glob("*.yaml")})
    assert not warnings
    return loaded


def to_assembly(mappings: Mappings, stream: str, raw: dict[str, Any], known: Lookups) -> dict[str, Any]:
    """What a create in Assembly would send."""
    sent: dict[str, Any] = {}
    for field in mappings[stream].fields:
        common = field.decode("crm", field.observe("crm", raw), known)
        value = None if common is ABSENT else common
        sent |= field.writes("assembly", field.encode("assembly", value, ABSENT, known, identity=raw["id"]))
    return {path: value for path, value in sent.items() if value is not None}


def test_parents_come_before_children(mappings: Mappings) -> None:
    assert [stream.name for stream in mappings.streams] == ["companies", "contacts", "deals", "notes"]
    assert mappings["deals"].parents == {"companies"}


def test_a_company_becomes_an_account(mappings: Mappings) -> None:
    raw = {
        "id": COMPANY,
        "name": "Acme",
        "website": "https://www.Acme.com/about",
        "phone": "555-0100",
        "relationshipType": "customer",
        "employees": 2822,
        "annualRevenue": "1100.04",
        "ownerId": "u7",
        "industry": "",
    }
    assert to_assembly(mappings, "companies", raw, lookups()) == {
        "name": "Acme",
        "domain": "acme.com",
        "phone": ["555-0100"],
        "tier": "t1",
        "additional_properties.Employees": 2822,
        'additional_properties."Annual revenue"': 1100.04,
        'additional_properties."CRM owner"': "u7",
        "additional_properties.Segment": "Enterprise",
    }


def test_a_company_without_a_domain_gets_one_that_never_comes_back(mappings: Mappings) -> None:
    domain = next(field for field in mappings["companies"].fields if field.name == "domain")
    made_up = domain.encode("assembly", None, ABSENT, lookups(), identity=COMPANY)
    assert made_up == f"{COMPANY}.invalid"
    assert domain.decode("assembly", made_up, lookups()) is None
    assert domain.encode("assembly", None, made_up, lookups(), identity=COMPANY) == made_up
    assert domain.encode("assembly", None, "", lookups(), identity=COMPANY) == made_up
    assert domain.encode("assembly", "acme.com", made_up, lookups(), identity=COMPANY) == "acme.com"
    assert domain.encode("crm", "acme.com", None, lookups()) == "acme.com"


def test_made_up_domains_differ_for_ids_that_look_alike_in_a_domain(mappings: Mappings) -> None:
    domain = next(field for field in mappings["companies"].fields if field.name == "domain")
    made = {domain.encode("assembly", None, ABSENT, lookups(), identity=name) for name in ("A B", "a-b", "a_b", "A-b")}
    assert len(made) == 4


def test_without_an_id_no_domain_is_made_up(mappings: Mappings) -> None:
    domain = next(field for field in mappings["companies"].fields if field.name == "domain")
    with pytest.raises(Undecodable):
        domain.encode("assembly", None, ABSENT, lookups())


def test_a_contact_names_its_company_by_the_account_id(mappings: Mappings) -> None:
    raw = {"id": "c1", "firstName": "Ada", "lastName": "Lovelace", "email": "Ada@Acme.com", "companyId": COMPANY}
    assert to_assembly(mappings, "contacts", raw, lookups()) == {
        "name": "Ada Lovelace",
        "domain": "ada@acme.com",
        "phone": [],
        "company_id": ACCOUNT,
    }


def test_a_contact_waits_for_its_company(mappings: Mappings) -> None:
    with pytest.raises(ParentNotLinked) as caught:
        to_assembly(mappings, "contacts", {"id": "c1", "companyId": COMPANY}, Lookups())
    assert caught.value.reference == Reference("companies", "crm", COMPANY)


def test_a_lead_becomes_a_deal_under_the_companys_key(mappings: Mappings) -> None:
    raw = {
        "id": "l1",
        "title": "GTX",
        "companyId": COMPANY,
        "stageId": "s2",
        "value": 1054,
        "expectedCloseDate": "2027-03-01T00:00:00Z",
    }
    assert to_assembly(mappings, "deals", raw, lookups()) == {
        "name": "GTX",
        "account_source_specific_id": COMPANY,
        "stage": "Proposal sent",
        "amount": 1054,
        "close_date": "2027-03-01",
    }


def test_assembly_not_the_crm_requires_an_account_for_a_deal(mappings: Mappings) -> None:
    company = next(field for field in mappings["deals"].fields if field.name == "company")
    assert company.required
    assert company.requires("assembly")
    assert not company.requires("crm")


def test_an_activity_becomes_a_note_under_its_companys_domain(mappings: Mappings) -> None:
    raw = {"id": "a1", "companyId": COMPANY, "subject": "Call", "body": None, "occurredAt": "2026-01-02T10:00:00+02:00"}
    assert to_assembly(mappings, "notes", raw, lookups(domain="acme.com")) == {
        "domain": "acme.com",
        "source": "crm",
        "note": "Call",
        "title": "Call",
        "original_timestamp": "2026-01-02T08:00:00Z",
        "participants": [],
    }
    assert all(field.to == "assembly" and field.create_only for field in mappings["notes"].fields)
