"""The CRM as the engine sees it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from bridge.clients.crm import CrmClient
from bridge.connectors import crm_memberships, crm_records, crm_steps
from bridge.connectors.kept import Kept
from bridge.connectors.listings import Listings
from bridge.connectors.options import CrmOptions
from bridge.connectors.raw import fitting, moment, record, slices
from bridge.core.errors import BrokenRemote, NotThere, Rejected
from bridge.core.mapping.paths import get_path
from bridge.core.ports import Page, Traits
from bridge.core.records import Json, Lane, Patch, Record, Ref, Sent, Step, Table
from bridge.transport import Raw, Reply, Rows

SYSTEM = crm_steps.SYSTEM
PARENTS = {"companies": "companyId", "contacts": "contactId", "leads": "leadId"}
TABLES_KEPT = 60.0
ACTIVITIES_KEPT = 10.0
"""Activities never change and cannot be read one by one: a burst of hints about new ones shares one list."""


class CrmConnector:
    """Companies, contacts, leads and activities of one entity. Shared by threads."""

    system = SYSTEM

    def __init__(self, client: CrmClient, options: CrmOptions | None = None) -> None:
        self._client = client
        self._options = options or CrmOptions()
        self._tables = Kept(self._fetch_tables, TABLES_KEPT)
        self._activities = Kept(self._fetch_activities, ACTIVITIES_KEPT)
        self._listings = Listings()

    def traits(self, object: str) -> Traits:
        return crm_steps.traits(object, clears_with_null=self._options.clears_with_null)

    def probe(self) -> None:
        """The cheapest read that needs the key and the entity. Raises ``RemoteError``."""
        self._client.stages.list()

    # --- reading -------------------------------------------------------------------------------------------------

    def get(self, ref: Ref, *, lane: Lane = "live") -> Record | None:
        if ref.object == "activities":
            return self._activity(ref)
        try:
            reply = self._getter(ref.object)(ref.id, lane=lane)
            raw = self._complete(ref.object, reply.value, lane)
        except NotThere:
            return None
        found = record(SYSTEM, ref.object, {"id": ref.id, **raw}, self._options.updated_at, reply.server_date)
        if found.ref != ref:
            raise BrokenRemote(f"the CRM answered another one of {ref.object} than it was asked for", system=SYSTEM)
        return found

    def find_by_key(self, object: str, key: str, *, lane: Lane = "live") -> Record | None:  # noqa: ARG002
        raise Rejected(f"the CRM keeps no join keys on {object}", system=SYSTEM, operation="find by key")

    def find(self, object: str, path: str, value: str, *, lane: Lane = "live") -> tuple[Record, ...]:
        """Companies by name are searched for; everything else is listed and compared here: there is no other search."""
        if object == "companies" and path == "name":
            return fitting(self._companies(lane, search=value), path, value)
        if object != "contacts" or path in crm_records.COMPANY_OF_CONTACT:
            return self._listings.find((object, lane), lambda: self.pages(object, lane=lane), path, value)
        # Whose contacts they are may cost a call for each: only those found are completed.
        found = self._listings.find(("contacts as listed", lane), lambda: self._contacts_as_listed(lane), path, value)
        return tuple(whole for one in found if (whole := self._whole_contact(one, lane)) is not None)

    def children(self, object: str, parent: Ref, *, lane: Lane = "live") -> Iterator[Page]:
        """Asked of the remote where it has a filter, and compared here as well: a filter's name is open (TRAPS 24)."""
        rows = self._rows_of(object, parent, lane)
        key = PARENTS[parent.object]
        mine = [row for row in rows.items if object == "contacts" or str(row.get(key, parent.id)) == parent.id]
        yield from self._hand_on(object, Rows(tuple(mine), rows.server_date), lane)

    def pages(self, object: str, *, updated_after: datetime | None = None, lane: Lane = "live") -> Iterator[Page]:  # noqa: ARG002
        """Always the full listing: the CRM has no "updated since" (TRAPS 25)."""
        match object:
            case "companies":
                yield from self._companies(lane)
            case "contacts":
                yield from self._hand_on(object, self._client.contacts.list(lane=lane).value, lane)
            case "leads":
                yield from self._hand_on(object, self._client.leads.list(lane=lane).value, lane)
            case "activities":
                yield from self._hand_on(object, self._client.activities.list(lane=lane).value, lane)
            case _:
                raise Rejected(f"the CRM has no {object} to list", system=SYSTEM, operation="list")

    def join_keys(self, record: Record) -> tuple[str, ...]:  # noqa: ARG002
        return ()

    def tables(self, *, fresh: bool = False) -> Mapping[str, Table]:
        return self._tables.get(since=time.monotonic() if fresh else None)

    def clock_offset(self) -> timedelta | None:
        return self._client.http.clock.offset()

    def _getter(self, object: str) -> Callable[..., Reply[Raw]]:
        match object:
            case "companies":
                return self._client.companies.get
            case "contacts":
                return self._client.contacts.get
            case "leads":
                return self._client.leads.get
        raise Rejected(f"the CRM has no {object} to read", system=SYSTEM, operation="get")

    def _complete(self, object: str, raw: Mapping[str, Json], lane: Lane) -> Mapping[str, Json]:
        if object == "leads":
            return crm_records.lead(raw, self._options)
        if object != "contacts":
            return raw
        if crm_records.knows_company(raw, self._options):
            return crm_records.contact(raw, self._options)
        memberships = self._client.memberships.list(str(raw["id"]), lane=lane).value.items
        return crm_records.contact(raw, self._options, memberships)

    def _hand_on(self, object: str, rows: Rows[Raw], lane: Lane) -> Iterator[Page]:
        complete = self._contacts(rows.items, lane) if object == "contacts" else rows.items
        if object == "leads":
            complete = [crm_records.lead(row, self._options) for row in rows.items]
        yield from slices([self._record(object, row, rows) for row in complete], rows.server_date)

    def _record(self, object: str, raw: Mapping[str, Json], rows: Rows[Raw]) -> Record:
        return record(SYSTEM, object, raw, self._options.updated_at, rows.server_date)

    def _companies(self, lane: Lane, search: str | None = None) -> Iterator[Page]:
        for rows in self._client.companies.pages(search=search, limit=self._options.page_size, lane=lane):
            yield Page(tuple(self._record("companies", row, rows) for row in rows.items), rows.server_date)

    def _whole_contact(self, listed: Record, lane: Lane) -> Record | None:
        """``None`` if it was deleted since it was listed."""
        try:
            return replace(listed, raw=self._complete("contacts", listed.raw, lane))
        except NotThere:
            return None

    def _contacts_as_listed(self, lane: Lane) -> Iterator[Page]:
        rows = self._client.contacts.list(lane=lane).value
        yield Page(tuple(self._record("contacts", row, rows) for row in rows.items), rows.server_date)

    def _contacts(self, rows: Iterable[Raw], lane: Lane) -> list[dict[str, Any]]:
        """Contacts with their company. Where the list does not show it, each company's own list of contacts does; only
        contacts of several companies are asked for their primary one."""
        contacts = list(rows)
        if all(crm_records.knows_company(row, self._options) for row in contacts):
            return [crm_records.contact(row, self._options) for row in contacts]
        companies: dict[str, list[str]] = {}
        for page in self._client.companies.pages(limit=self._options.page_size, lane=lane):
            for company in page.items:
                for member in self._client.companies.contacts(str(company["id"]), lane=lane).value.items:
                    companies.setdefault(str(member["id"]), []).append(str(company["id"]))
        return [self._with_company(row, companies.get(str(row["id"]), []), lane) for row in contacts]

    def _with_company(self, raw: Raw, companies: list[str], lane: Lane) -> dict[str, Any]:
        if len(companies) > 1:
            memberships = self._client.memberships.list(str(raw["id"]), lane=lane).value.items
            return crm_records.contact(raw, self._options, memberships)
        return crm_records.contact(raw, self._options, [{"companyId": company} for company in companies])

    def _rows_of(self, object: str, parent: Ref, lane: Lane) -> Rows[Raw]:
        match object, parent.object:
            case "contacts", "companies":
                return self._client.companies.contacts(parent.id, lane=lane).value
            case "leads", "companies":
                return self._client.leads.list(company_id=parent.id, lane=lane).value
            case "leads", "contacts":
                return self._client.leads.list(contact_id=parent.id, lane=lane).value
            case "activities", "companies":
                return self._client.activities.list(company_id=parent.id, lane=lane).value
            case "activities", "contacts":
                return self._client.activities.list(contact_id=parent.id, lane=lane).value
            case "activities", "leads":
                return self._client.activities.list(lead_id=parent.id, lane=lane).value
        raise Rejected(f"{object} do not hang on {parent.object}", system=SYSTEM, operation="children")

    def _activity(self, ref: Ref) -> Record | None:
        """A miss counts only in a list that was asked for after the question."""
        asked = time.monotonic()
        found = self._activities.get().get(ref.id)
        return self._activities.get(since=asked).get(ref.id) if found is None else found

    def _fetch_activities(self) -> dict[str, Record]:
        rows = self._client.activities.list().value
        return {str(row["id"]): self._record("activities", row, rows) for row in rows.items}

    def _fetch_tables(self) -> Mapping[str, Table]:
        rows = crm_records.stage_order(self._client.stages.list().value.items)
        names = {str(row["id"]): str(row.get("name") or "") for row in rows}
        aliases = {str(row["systemKey"]): str(row["id"]) for row in rows if row.get("systemKey")}
        return {"stages": Table(names, aliases)}

    # --- writing -------------------------------------------------------------------------------------------------

    def steps(self, verb: str, patch: Patch) -> tuple[Step, ...]:
        return crm_steps.steps(verb, patch)

    def send(self, step: Step, *, lane: Lane = "live") -> Sent:
        if step.verb == "create":
            return self._create(step, lane)
        if step.record_id is None:
            raise Rejected(f"{step.verb} needs an id", system=SYSTEM, operation=step.verb)
        match step.verb, step.object:
            case "update", "companies":
                return self._sent(self._client.companies.update(step.record_id, step.payload["fields"], lane=lane))
            case "update", "contacts":
                return self._sent(self._client.contacts.update(step.record_id, step.payload["fields"], lane=lane))
            case "update", "leads":
                return self._sent(self._client.leads.update(step.record_id, step.payload["fields"], lane=lane))
            case "stage", "leads":
                stage = {self._options.stage_field: step.payload["stageId"]}
                return self._sent(self._client.leads.move(step.record_id, stage, lane=lane))
            case "membership", "contacts":
                company, was = step.payload["companyId"], step.payload.get("was")
                seconds = self._client.http.timing.timeout
                return crm_memberships.move(
                    self._client, self._options, step.record_id, company, was, seconds=seconds, lane=lane
                )
            case "delete", "contacts":
                return Sent(answered_at=self._client.contacts.delete(step.record_id, lane=lane).server_date)
            case "delete", "leads":
                return Sent(answered_at=self._client.leads.delete(step.record_id, lane=lane).server_date)
        raise Rejected(f"the CRM cannot {step.verb} {step.object}", system=SYSTEM, operation=step.verb)

    def _create(self, step: Step, lane: Lane) -> Sent:
        fields = dict(step.payload["fields"])
        match step.object:
            case "companies":
                reply = self._client.companies.create(fields.pop("name"), fields, lane=lane)
            case "contacts":
                reply = self._client.contacts.create(fields, lane=lane)
            case "leads":
                reply = self._client.leads.create(fields.pop("title"), fields, lane=lane)
            case "activities":
                type, subject = fields.pop("type"), fields.pop("subject")
                reply = self._client.activities.create(type, subject, fields, lane=lane)
            case _:
                raise Rejected(f"the CRM cannot create {step.object}", system=SYSTEM, operation="create")
        sent = self._sent(reply)
        return Sent(str(reply.value["id"]), sent.updated_at, sent.answered_at)

    def _sent(self, reply: Reply[Raw]) -> Sent:
        return Sent(None, moment(get_path(reply.value, self._options.updated_at)), reply.server_date)
