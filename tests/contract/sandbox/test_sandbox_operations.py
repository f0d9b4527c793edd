"""Every call that the API texts show is there, under the text's method and path, and none besides."""

from __future__ import annotations

import pytest

from bridge.sandbox.server import SystemName, make
from bridge.sandbox.switches import CrmSwitches, change

CRM = """
POST /prospecting/add-to-marketing-list
GET /dashboard
GET /companies
POST /companies
GET /companies/{id}
PATCH /companies/{id}
GET /companies/{id}/contacts
GET /contacts
POST /contacts
GET /contacts/{id}
PATCH /contacts/{id}
DELETE /contacts/{id}
GET /contacts/{id}/company-memberships
POST /contacts/{id}/company-memberships
PATCH /contacts/{id}/company-memberships/{membership_id}
DELETE /contacts/{id}/company-memberships/{membership_id}
GET /pipeline-stages
POST /pipeline-stages
POST /pipeline-stages/reorder
PATCH /pipeline-stages/{id}
DELETE /pipeline-stages/{id}
GET /leads
POST /leads
GET /leads/{id}
PATCH /leads/{id}
DELETE /leads/{id}
GET /leads/{id}/timeline
PATCH /leads/{id}/stage
POST /leads/{id}/activities
GET /activities
POST /activities
GET /tasks
POST /outbound-email
GET /outbound-email-connections
"""

ASSEMBLY = """
POST /accounts
GET /accounts
GET /accounts/{id}
POST /accounts/search
PUT /accounts/{id}
PUT /accounts
PUT /accounts/upsert/{id}
PUT /accounts/upsert
DELETE /accounts/{id}
DELETE /accounts
POST /contacts
GET /contacts
GET /contacts/company/{company}
GET /contacts/company
GET /contacts/{id}
PUT /contacts/{id}
PUT /contacts
PUT /contacts/upsert/{id}
PUT /contacts/upsert
DELETE /contacts/{id}
DELETE /contacts
POST /deals
GET /deals
GET /deals/{id}
PUT /deals/{id}
PUT /deals
PUT /deals/upsert
PUT /deals/upsert/{id}
DELETE /deals/{id}
DELETE /deals
POST /accounts/labels
GET /accounts/labels
GET /accounts/labels/{id}
PUT /accounts/labels/{id}
DELETE /accounts/labels/{id}
POST /usage
GET /usage
GET /usage/{log_id}
PUT /usage/{log_id}
DELETE /usage/{log_id}
POST /accounts/create_note
""" + "".join(
    f"{method} /{family}/{item}{suffix}\n"
    for family, items, methods in (
        ("add_props", ("accounts", "contacts", "deals"), ("POST", "GET", "PUT", "DELETE")),
        ("usage", ("accounts", "contacts"), ("POST", "GET")),
    )
    for item in items
    for suffix in ("", "/{id}")
    for method in methods
)

LEGACY = """
POST /accounts
GET /accounts
GET /accounts/{id}
PUT /accounts/{id}
DELETE /accounts/{id}
POST /accounts/add_props/{id}
GET /accounts/add_props/{id}
PUT /accounts/add_props/{id}
DELETE /accounts/add_props/{id}
POST /accounts/labels
GET /accounts/labels
GET /accounts/labels/{id}
PUT /accounts/labels/{id}
DELETE /accounts/labels/{id}
POST /usage
POST /usage/{log_id}
GET /usage
GET /usage/{log_id}
PUT /usage/{log_id}
DELETE /usage/{log_id}
"""

WAVO = """
GET /campaigns
POST /campaigns
GET /clients
POST /clients
GET /clients/{id}/users
POST /clients/{id}/users
PUT /clients/{id}/users
DELETE /clients/{id}/users
POST /contacts
GET /contacts/{id}
GET /campaigns/{id}/contacts
GET /contacts
GET /campaigns/{id}/replies
GET /contacts/{id}/replies
GET /email-threads/{id}
POST /suppressions/emails
POST /suppressions/domains
"""


@pytest.mark.parametrize(
    ("system", "dialect", "text"),
    [("crm", "", CRM), ("assembly", "current", ASSEMBLY), ("assembly", "legacy", LEGACY), ("wavo", "", WAVO)],
    ids=["crm", "assembly", "legacy", "wavo"],
)
def test_exactly_the_documented_operations(system: SystemName, dialect: str, text: str) -> None:
    app = make(system, key="k", token="t", switches={"dialect": dialect} if dialect else {})
    assert {f"{one.method} {one.path}" for one in app.router.operations} == set(text.split("\n")) - {""}


@pytest.mark.parametrize("system", ["crm", "assembly", "wavo"])
def test_every_operation_cites_its_text(system: SystemName) -> None:
    for operation in make(system, key="k", token="t").router.operations:
        assert operation.source.startswith(f"{system}.txt, "), operation


def test_the_crm_has_its_34_operations() -> None:
    assert len(make("crm", key="k", token="t").router.operations) == 34


def test_a_switch_that_does_not_exist_names_those_that_do() -> None:
    with pytest.raises(Exception, match=r"no such switch: envelope; there are .*list_envelope"):
        change(CrmSwitches(), {"envelope": "data"})


@pytest.mark.parametrize(
    "wrong",
    [{"list_envelope": "nested"}, {"page_size": "20"}, {"page_size": -1}, {"null_clears": 1}, {"created_status": 204}],
)
def test_a_switch_takes_only_values_of_its_kind(wrong: dict[str, object]) -> None:
    with pytest.raises(Exception, match="cannot be"):
        change(CrmSwitches(), wrong)
