"""Moving a contact to another company: the few calls on its memberships, as one step."""

from __future__ import annotations

import time

from bridge.clients.crm import CrmClient
from bridge.connectors.crm_records import is_primary, member_company
from bridge.connectors.options import CrmOptions
from bridge.core.errors import AlreadyThere, NotThere, OutcomeUnknown, ParentNotThere, RemoteError, Transient
from bridge.core.records import Lane, Sent
from bridge.transport import Raw


def move(
    client: CrmClient,
    options: CrmOptions,
    contact_id: str,
    company_id: str | None,
    was: str | None,
    *,
    seconds: float,
    lane: Lane,
) -> Sent:
    """Make ``company_id`` the contact's company in place of ``was``; other memberships stay.

    Reads first, so repeating it after a lost answer adds nothing twice. Once something was written, a failure is
    ``OutcomeUnknown``: only a reading can tell how far it came. After ``seconds`` nothing more is sent.
    """
    end = time.monotonic() + seconds
    held = client.memberships.list(contact_id, lane=lane)
    wrote = False
    date = held.server_date
    try:
        target = next((m for m in held.value.items if member_company(m) == company_id), None)
        if company_id is not None and target is None:
            wrote = _add(client, options, contact_id, company_id, lane)
        elif target is not None and options.primary_field and not is_primary(target, options):
            _in_time(end)
            client.memberships.update(contact_id, _id(target, options), {options.primary_field: True}, lane=lane)
            wrote = True
        for old in held.value.items:
            if was is not None and was != company_id and member_company(old) == was:
                _in_time(end)
                _remove(client, contact_id, _id(old, options), lane)
                wrote = True
    except RemoteError as error:
        if wrote and not isinstance(error, OutcomeUnknown):
            raise OutcomeUnknown(
                f"the contact's company moved halfway: {error}", system=error.system, operation=error.operation
            ) from None
        raise
    return Sent(answered_at=date)


def _add(client: CrmClient, options: CrmOptions, contact_id: str, company_id: str, lane: Lane) -> bool:
    flag = {options.primary_field: True} if options.primary_field else {}
    try:
        client.memberships.add(contact_id, company_id, flag, lane=lane)
    except AlreadyThere:
        # Added by somebody else since the list was read: what was wanted.
        return False
    except NotThere as error:
        raise ParentNotThere(str(error), system=error.system, operation=error.operation, status=error.status) from None
    return True


def _remove(client: CrmClient, contact_id: str, membership_id: str, lane: Lane) -> None:
    try:
        client.memberships.delete(contact_id, membership_id, lane=lane)
    except NotThere:
        return  # gone already


def _id(membership: Raw, options: CrmOptions) -> str:
    if options.membership_id == "company":
        return member_company(membership) or ""
    return str(membership.get("id") or "")


def _in_time(end: float) -> None:
    if time.monotonic() > end:
        raise Transient("the CRM is too slow to move a contact now", system="crm", operation="membership")
