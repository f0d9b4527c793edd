"""Wavo's records: tables, defaults, request bodies and the schemas of its answers, all from wavo.txt's examples."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from bridge.sandbox.messages import Row
from bridge.sandbox.shapes import BOOLEAN, EMAIL, INTEGER, MAP, NAME, TEXT, Body, Shape, list_of
from bridge.sandbox.tables import Design

DESIGNS: Final = (
    Design("clients"),
    Design("users", indexes={"client": lambda row: (row["client_id"],)}),
    Design("campaigns", indexes={"client": lambda row: (row["client_id"],)}),
    Design(
        "contacts",
        indexes={"campaign": lambda row: (row["campaign_id"],), "email": lambda row: (row["email"].casefold(),)},
    ),
    Design(
        "messages",
        indexes={
            "campaign": lambda row: (row["campaign_id"],) if row["is_reply"] else (),
            "contact": lambda row: (row["contact_id"],) if row["is_reply"] else (),
            # In the text's example a thread shows a message that carries another thread's id.
            "thread": lambda row: (row["shown_in_thread"] or row["thread_id"],),
        },
    ),
    Design("threads"),
    Design("suppressions", indexes={"client": lambda row: (row["client_id"],)}),
)

_CONTACT_TEXTS: Final = (
    "first_name",
    "last_name",
    "company",
    "industry",
    "website",
    "title",
    "phone",
    "address",
    "city",
    "state",
    "country",
)

DEFAULTS: Final[Mapping[str, Mapping[str, Any]]] = {
    "clients": {"name": "", "max_emails": 3},
    "users": {"client_id": "", "name": None, "email": "", "roles": [], "invited": True},
    "campaigns": {"name": "", "client_id": "", "timezone": "US/Mountain", "status": "DRAFT"},
    "contacts": {
        "campaign_id": "",
        "email": "",
        **dict.fromkeys(_CONTACT_TEXTS),
        "custom_merge_fields": {},
        "timezone": "US/Mountain",
        "status": "OK",
        "interest": None,
        "emails_sent": 0,
    },
    "messages": {
        "campaign_id": "",
        "thread_id": "",
        "shown_in_thread": None,
        "contact_id": "",
        "is_reply": True,
        "from_email": "",
        "to_email": "",
        "from_name": "",
        "to_name": "",
        "submitted_at": None,
        "subject": "",
        "snippet": "",
        "message_body": "",
        "message_raw": "",
    },
    "threads": {"campaign_id": "", "contact_id": ""},
    "suppressions": {"client_id": "", "kind": "email", "value": ""},
}

ID_LENGTHS: Final = {"clients": 20, "campaigns": 20, "contacts": 25, "messages": 30, "threads": 25}
"""As long as the examples' ids, every other one a character shorter: the text has a client's with 20 and with 19."""

# "Create a new campaign", "Create a new client", "Add a new client user", "Create a new contact": "Body Parameters"
CAMPAIGN_NEW: Final = Body(
    {"name": NAME, "client_id": NAME, "timezone": NAME}, required=("name", "client_id", "timezone")
)
CLIENT_NEW: Final = Body({"name": NAME, "max_emails": INTEGER}, required=("name", "max_emails"))
ROLES: Final = {
    "view_campaigns": "view_campaigns",
    "create_campaigns": "create_campaigns",
    "export_campaigns": "export_data",
}
"""What a request calls a role, and what answers do: ``export_campaigns`` comes back as ``export_data``."""
USER: Final = Body({"email": EMAIL, **dict.fromkeys(ROLES, BOOLEAN)}, required=("email",))
_CONTACT: Final[Mapping[str, Shape]] = {
    "campaign_id": NAME,
    "email": EMAIL,
    **dict.fromkeys(_CONTACT_TEXTS, TEXT),
    "custom_merge_fields": MAP,
}
CONTACT_NEW: Final = Body(_CONTACT, required=("campaign_id", "email"))
EMAILS: Final = Body({"client_id": NAME, "emails": list_of(EMAIL, at_least=1)}, required=("client_id", "emails"))
DOMAINS: Final = Body({"client_id": NAME, "domains": list_of(NAME, at_least=1)}, required=("client_id", "domains"))

# "Display a listing of contacts": "Can be one of", lower case where answers are upper case; "unmarked" is a null interest
STATUSES: Final = ("ok", "replied", "unsubscribed", "bounced", "autoreplied", "missing-data", "stopped")
INTERESTS: Final = ("unmarked", "positive", "neutral", "negative")


def _object(**properties: Row) -> Row:
    return {"type": "object", "required": list(properties), "properties": properties}


_TEXT: Final[Row] = {"type": "string"}
_MAYBE: Final[Row] = {"type": ["string", "null"]}
_NUMBER: Final[Row] = {"type": "integer"}

CLIENT: Final = _object(id=_TEXT, name=_TEXT, max_emails=_NUMBER, created_at=_NUMBER)
CAMPAIGN: Final = _object(id=_TEXT, name=_TEXT, timezone=_TEXT, status=_TEXT, created_at=_NUMBER, client=CLIENT)
LISTED_CONTACT: Final = _object(
    id=_TEXT,
    email=_TEXT,
    **dict.fromkeys(_CONTACT_TEXTS, _MAYBE),
    custom_merge_fields={"type": "object"},
    timezone=_TEXT,
    status=_TEXT,
    interest=_MAYBE,
    emails_sent=_NUMBER,
    created_at=_NUMBER,
)
CONTACT: Final[Row] = {
    **LISTED_CONTACT,
    "required": [*LISTED_CONTACT["required"], "campaign"],
    "properties": {
        **LISTED_CONTACT["properties"],
        # A contact's nested client has no max_emails.
        "campaign": _object(
            id=_TEXT,
            name=_TEXT,
            timezone=_TEXT,
            status=_TEXT,
            created_at=_NUMBER,
            client=_object(id=_TEXT, name=_TEXT, created_at=_NUMBER),
        ),
    },
}
MESSAGE_NAMES: Final = (
    "id",
    "thread_id",
    "contact_id",
    "from_email",
    "to_email",
    "from_name",
    "to_name",
    "submitted_at",
    "created_at",
    "subject",
    "snippet",
    "message_body",
    "message_raw",
)
MESSAGE: Final = _object(**{name: _NUMBER if name.endswith("_at") else _TEXT for name in MESSAGE_NAMES})
THREAD: Final = _object(
    id=_TEXT, campaign_id=_TEXT, contact_id=_TEXT, email_messages={"type": "array", "items": MESSAGE}
)
USERS: Final = _object(
    users={
        "type": "array",
        "items": _object(name=_MAYBE, email=_TEXT, created_at=_NUMBER, roles={"type": "array", "items": _TEXT}),
    },
    invitations={
        "type": "array",
        "items": _object(email=_TEXT, created_at=_NUMBER, roles={"type": "array", "items": _TEXT}),
    },
)
MESSAGE_TOLD: Final = _object(message=_TEXT)


def data(schema: Row) -> Row:
    return _object(data=schema)


def many(schema: Row) -> Row:
    return _object(data={"type": "array", "items": schema})
