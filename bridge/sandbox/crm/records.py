"""The CRM's records: tables, defaults, and the fields a request may carry.

crm.txt shows ``name``, ``title``, ``type``, ``subject``, ``companyId``, the enums of the company filters and the whole of a
stage; the other names are what this sandbox calls its fields.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping
from typing import Any, Final

from bridge.sandbox.messages import Row
from bridge.sandbox.shapes import (
    ANY,
    BOOLEAN,
    DATE,
    INTEGER,
    NAME,
    NUMBER,
    TEXT,
    TIME,
    UUID,
    Body,
    Shape,
    list_of,
    one_of,
)
from bridge.sandbox.tables import Design, Keys


def _by(*names: str) -> Mapping[str, Keys]:
    """Indexes named ``company`` for the field ``companyId`` and so on; rows without a value stay out."""

    def keys(field: str) -> Keys:
        def of(row: Row) -> Iterable[Hashable]:
            return () if row[field] is None else (row[field],)

        return of

    return {name: keys(f"{name}Id") for name in names}


DESIGNS: Final = (
    Design("companies", stamp="updatedAt", texts=("name",)),
    Design("contacts", stamp="updatedAt"),
    Design("memberships", indexes=_by("contact", "company"), stamp="updatedAt"),
    Design("stages", order=lambda row, number: (row["sortOrder"], number), stamp="updatedAt"),
    Design("leads", indexes=_by("company", "contact", "stage"), stamp="updatedAt"),
    Design("activities", indexes=_by("company", "contact", "lead"), stamp="updatedAt"),
    Design("emails", indexes=_by("lead"), stamp="updatedAt"),
    Design("connections", stamp="updatedAt"),
    Design("marketing_lists", stamp="updatedAt"),
)

DEFAULTS: Final[Mapping[str, Mapping[str, Any]]] = {
    "companies": {
        "name": "",
        "website": None,
        "phone": None,
        "relationshipType": "prospect",
        "status": "active",
        "industry": None,
        "ownerId": None,
        "employees": None,
        "annualRevenue": None,
        "address": None,
    },
    "contacts": {
        "firstName": None,
        "lastName": None,
        "email": None,
        "phone": None,
        "jobTitle": None,
        "ownerId": None,
    },
    "memberships": {"contactId": None, "companyId": None, "isPrimary": False, "role": None},
    # crm.txt, GET /pipeline-stages: the one answer that is shown whole
    "stages": {
        "name": "",
        "kind": "open",
        "sortOrder": 0,
        "defaultProbabilityPct": 0,
        "colorKey": "gray",
        "systemKey": None,
    },
    "leads": {
        "title": "",
        "companyId": None,
        "contactId": None,
        "stageId": None,
        "value": None,
        "expectedCloseDate": None,
        "description": None,
        "ownerId": None,
    },
    "activities": {
        "type": "call",
        "subject": "",
        "body": None,
        "occurredAt": None,
        "companyId": None,
        "contactId": None,
        "leadId": None,
        "participants": [],
    },
    "emails": {"leadId": None, "connectionId": None, "channel": None, "subject": "", "htmlBody": "", "to": None},
    "connections": {"name": "", "channel": "gmail", "email": "sales@crm.example"},
    "marketing_lists": {"name": "", "companyIds": [], "contactIds": []},
}

EVENTS: Final[Mapping[str, str]] = {
    "companies": "company",
    "contacts": "contact",
    "memberships": "membership",
    "leads": "lead",
    "activities": "activity",
    "stages": "pipeline_stage",
}

# crm.txt, GET /companies: '"prospect" | "customer" | "vendor" | "both"' and '"active" | "inactive"'
RELATIONSHIP: Final = one_of("prospect", "customer", "vendor", "both")
STATUS: Final = one_of("active", "inactive")

_COMPANY: Final[Mapping[str, Shape]] = {
    "entityId": UUID,
    "name": NAME,
    "website": TEXT,
    "phone": TEXT,
    "relationshipType": RELATIONSHIP,
    "status": STATUS,
    "industry": TEXT,
    "ownerId": UUID,
    "employees": INTEGER,
    "annualRevenue": NUMBER,
    "address": ANY,
}
_CONTACT: Final[Mapping[str, Shape]] = {
    "entityId": UUID,
    "firstName": TEXT,
    "lastName": TEXT,
    "email": TEXT,
    "phone": TEXT,
    "jobTitle": TEXT,
    "ownerId": UUID,
}
_LEAD: Final[Mapping[str, Shape]] = {
    "entityId": UUID,
    "title": NAME,
    "companyId": UUID,
    "contactId": UUID,
    "value": NUMBER,
    "expectedCloseDate": DATE,
    "description": TEXT,
    "ownerId": UUID,
}
_ACTIVITY: Final[Mapping[str, Shape]] = {
    "entityId": UUID,
    "type": NAME,
    "subject": NAME,
    "body": TEXT,
    "occurredAt": TIME,
    "companyId": UUID,
    "contactId": UUID,
    "participants": list_of(TEXT),
}
_STAGE: Final[Mapping[str, Shape]] = {
    "entityId": UUID,
    "name": NAME,
    "kind": one_of("open", "won", "lost"),
    "defaultProbabilityPct": INTEGER,
    "colorKey": TEXT,
}

# The examples' bodies: -d '{ "name": "string" }' for a company's POST, '{}' for a contact's and for every PATCH,
# '{ "title": "string" }' for a lead's, '{ "type": "call", "subject": "string" }' for an activity's.
COMPANY_NEW: Final = Body(_COMPANY, required=("name",))
COMPANY_CHANGE: Final = Body(_COMPANY)
CONTACT_NEW: Final = Body(_CONTACT)
CONTACT_CHANGE: Final = Body(_CONTACT)
LEAD_NEW: Final = Body({**_LEAD, "stageId": UUID}, required=("title",))
LEAD_CHANGE: Final = Body(_LEAD)
ACTIVITY_NEW: Final = Body({**_ACTIVITY, "leadId": UUID}, required=("type", "subject"))
LEAD_ACTIVITY_NEW: Final = Body(_ACTIVITY, required=("type", "subject"))
STAGE_NEW: Final = Body(_STAGE, required=("name",))
STAGE_CHANGE: Final = Body(_STAGE)
MEMBERSHIP_NEW: Final = Body(
    {"entityId": UUID, "companyId": UUID, "isPrimary": BOOLEAN, "role": TEXT}, required=("companyId",)
)
MEMBERSHIP_CHANGE: Final = Body({"entityId": UUID, "isPrimary": BOOLEAN, "role": TEXT})

REQUIRED: Final[Mapping[str, tuple[str, ...]]] = {
    "companies": ("name",),
    "leads": ("title",),
    "stages": ("name",),
}
"""Fields that no PATCH may clear."""
