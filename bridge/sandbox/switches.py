"""What the API texts leave open, as frozen values that the control plane can change while the sandbox runs."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from types import NoneType, UnionType
from typing import Any, Final, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from bridge.sandbox.messages import Refusal

S = TypeVar("S", bound="Switches")


@dataclass(frozen=True, slots=True)
class Switches:
    """Open points that every system has."""

    limit_per_second: int | None = None
    """Requests admitted per second, with one key; ``None``: no limit."""
    limit_window: Literal["sliding", "fixed"] = "sliding"
    key_expired: bool = False
    clock_skew_seconds: float = 0.0
    """Added to the system's clock: its stamps and its Date header."""
    stamp_grain: Literal["microseconds", "milliseconds", "seconds"] = "microseconds"
    stale_reads_ms: int = 0
    """Reads answer the state of so long ago; writes always see the present."""
    date_header: bool = True


@dataclass(frozen=True, slots=True)
class CrmSwitches(Switches):
    """Open points of crm.txt."""

    list_envelope: Literal["named", "data", "bare"] = "named"
    """``{"companies": [...]}``, ``{"data": [...]}`` or a bare list. Stages are always ``{"stages": [...]}``."""
    object_envelope: Literal["bare", "named", "data"] = "bare"
    created_status: Literal[200, 201] = 201
    delete_body: Literal["success", "empty", "none"] = "success"
    """``{"success": true}``, ``{}`` or 204 without a body."""
    duplicate_status: Literal[400, 409, 422] = 409
    page_size: int = 100
    """Rows per page when ``page`` is given."""
    limit_with_page: bool = True
    """``limit`` sets the page's size beside ``page``; otherwise it only caps a request without ``page``."""
    null_clears: bool = True
    embedded_memberships: bool = True
    """Contacts carry ``companyMemberships``."""
    membership_path: Literal["membership", "repeated", "company"] = "membership"
    """What the last id of ``…/contacts/{id}/company-memberships/{id}`` is. ``repeated``: both are the membership's, as the
    example shows it; ``company``: the company's."""
    first_membership_primary: bool = True
    memberships_move_contact: bool = True
    """A membership's change moves the contact's ``updatedAt``."""
    membership_events: Literal["both", "contact", "membership"] = "both"
    unknown_fields: Literal["store", "ignore"] = "store"
    stage_field: str = "stageId"
    """The name of the stage in the body of PATCH /leads/{id}/stage."""
    stage_delete_field: str = "targetStageId"
    """The name of the stage that takes over the leads, in the body of DELETE /pipeline-stages/{id}."""
    updated_field: str = "updatedAt"
    """The name under which records show when they last changed; empty: they do not."""
    read_scope: bool = True
    write_scope: bool = True
    """The scopes of the key: ``read:crm`` and ``write:crm``."""


@dataclass(frozen=True, slots=True)
class AssemblySwitches(Switches):
    """Open points of assembly.txt and assembly-legacy.txt."""

    dialect: Literal["current", "legacy"] = "current"
    limit_per_second: int | None = 30
    error_body: Literal["json", "text"] = "json"
    duplicate_status: Literal[400, 409, 422] = 409
    unknown_parent_status: Literal[400, 404, 409, 422] = 400
    """A contact or deal that names a company which is not there."""
    null_clears: bool = True
    contact_company_field: str = "company_id"
    """The name under which a contact shows its company's id; empty: it does not."""
    deal_account_field: str = "account_source_specific_id"
    """The name under which a deal shows its account's source id; empty: it does not."""
    name_limit: int | None = None
    """Names are cut at this many characters."""
    lower_domains: bool = False
    add_props_move_updated_at: bool = True
    labels_move_updated_at: bool = False
    """Deleting a label moves ``updated_at`` of the accounts that carried it."""
    list_limit: int = 1000
    """``limit`` beyond it is clamped (search answers 400 beyond 1000, as the text says)."""
    last_cursor: Literal["offset", "null", "zero"] = "offset"
    """``next_cursor`` of the last page."""
    additional_properties: Literal["map", "list", "attributes_cached"] = "map"
    """How records show them: a map, a list of name and value, or such a list under ``attributes_cached``."""
    add_props_shape: Literal["list", "map"] = "list"
    """How GET /add_props shows them in the current dialect."""
    search_items: Literal["documented", "identical"] = "documented"
    """Search items are ``{"account": {…, "type", "attributes_cached"}}`` as its example shows, or as GET's, as its prose says."""
    url_source_id_linked: bool = True
    """A create by ``PUT /upsert?source_specific_id=x`` links ``x``."""
    upsert_matches_domain: bool = False
    """Upsert also looks for the body's domain before it creates."""
    upsert_matches_body_source_ids: bool = False
    """Account and contact upsert also look for the body's ``source_specific_ids``."""
    shared_source_ids: bool = True
    """Companies and contacts share one namespace of source ids."""
    deal_lookup: Literal["path", "query"] = "path"
    """Which wins in ``GET /deals/{uuid}?source_specific_id=``."""
    account_delete: Literal["keep", "cascade", "refuse"] = "keep"
    """What becomes of the contacts and deals of a deleted company; ``refuse`` answers ``duplicate_status``."""
    participants_required: bool = True
    """The table of create_note says required, its prose "when provided"."""
    labels_path: Literal["accounts", "account"] = "accounts"
    """Labels live under ``/accounts/labels`` (examples) or ``/account/labels`` (prose)."""


@dataclass(frozen=True, slots=True)
class WavoSwitches(Switches):
    """Open points of wavo.txt. The numbers 10 and 60 are the text's example; the other groups are a guess."""

    limit_contact_search: int | None = 10
    limit_clients: int | None = 60
    limit_campaigns: int | None = 60
    limit_contacts: int | None = 60
    limit_replies: int | None = 60
    limit_suppressions: int | None = 60
    limit_seconds: float = 60.0
    """The length of the window that each of the above sizes holds for."""
    unique_email_in_campaign: bool = False
    """A second contact with the same email in one campaign is refused."""
    invalid_status: Literal[400, 422] = 422


WAVO_GROUPS: Final = tuple(
    f"limit_{group}" for group in ("contact_search", "clients", "campaigns", "contacts", "replies", "suppressions")
)
"""The switches of Wavo's independent limits, each the size of one group."""


def change(switches: S, changes: Mapping[str, Any]) -> S:
    """The switches with some of them changed. Raises a 400 for an unknown name or a value it cannot take."""
    hints = get_type_hints(type(switches))
    for name, value in changes.items():
        if name not in hints:
            raise Refusal(400, f"no such switch: {name}; there are {', '.join(sorted(hints))}")
        if not _fits(hints[name], value):
            raise Refusal(400, f"switch {name} cannot be {value!r}")
    return dataclasses.replace(switches, **changes)


def _fits(kind: Any, value: Any) -> bool:
    origin = get_origin(kind)
    if origin is Literal:
        return any(type(value) is type(choice) and value == choice for choice in get_args(kind))
    if origin in (Union, UnionType):
        return any(_fits(part, value) for part in get_args(kind))
    if kind is NoneType:
        return value is None
    if kind is float:
        return isinstance(value, int | float) and not isinstance(value, bool)
    if kind is int:
        return isinstance(value, int) and not isinstance(value, bool) and value >= 0
    return isinstance(value, kind)
