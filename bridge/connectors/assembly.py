"""Assembly (current dialect) as the engine sees it: Company accounts, contacts, deals and notes."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any, Literal, cast

from bridge.clients.assembly import AssemblyClient, Item, Key, SourceId
from bridge.connectors import assembly_labels, assembly_records, assembly_steps, assembly_usage
from bridge.connectors.kept import Kept
from bridge.connectors.listings import Listings
from bridge.connectors.options import AssemblyOptions
from bridge.connectors.raw import fitting, record
from bridge.core.errors import BrokenRemote, NotThere, ParentNotThere, Rejected
from bridge.core.mapping.paths import split_path
from bridge.core.ports import Page, Traits
from bridge.core.records import Json, Lane, Patch, Record, Ref, Sent, Step, Table
from bridge.transport import Raw, Reply, Rows

SYSTEM = assembly_steps.SYSTEM
TABLES_KEPT = 60.0
DEFAULT_ATTRIBUTE = "Activity"
"""The attribute of usage logs whose mapping names none: this dialect requires one."""
COMPANY_KEYS = ("company_id", "company_domain", "company_source_specific_id")


class AssemblyConnector:
    """One organisation. Shared by threads."""

    system = SYSTEM
    lacks: tuple[str, ...] = ()
    """What a person should know before choosing this dialect."""

    def __init__(self, client: AssemblyClient, options: AssemblyOptions | None = None) -> None:
        self._client = client
        self._options = options or AssemblyOptions()
        self._tables = Kept(lambda: assembly_labels.tables(client.labels), TABLES_KEPT)
        self._listings = Listings()

    def traits(self, object: str) -> Traits:
        return assembly_steps.traits(object, clears_with_null=self._options.clears_with_null)

    def probe(self) -> None:
        """The cheapest read that needs the key. Raises ``RemoteError``."""
        self._client.accounts.list(limit=1)

    # --- reading -------------------------------------------------------------------------------------------------

    def get(self, ref: Ref, *, lane: Lane = "live") -> Record | None:
        found = self._get(ref.object, ref.id, lane)
        if found is not None and found.ref.id != ref.id:
            # An id in the path could be read as a domain: another record must never pass for this one.
            raise BrokenRemote(f"Assembly answered another one of {ref.object} than it was asked for", system=SYSTEM)
        return found

    def find_by_key(self, object: str, key: str, *, lane: Lane = "live") -> Record | None:
        found = self._get(object, SourceId(key), lane)
        if found is not None and "source_specific_ids" in found.raw and key not in self.join_keys(found):
            raise BrokenRemote(
                f"Assembly answered one of {object} without the source id it was asked for: is the dialect right?",
                system=SYSTEM,
            )
        return found

    def find(self, object: str, path: str, value: str, *, lane: Lane = "live") -> tuple[Record, ...]:
        if not self.traits(object).readable:
            return ()
        match object, path:
            case (("accounts" | "contacts"), "domain"):
                return self._by_domain(object, value, lane)
            case "accounts", "name":
                pages = self._client.accounts.pages(name=value, limit=self._options.page_size, lane=lane)
                return fitting(self._hand_on(object, pages), path, value)
        keys = split_path(path)
        if object == "accounts" and len(keys) == 2 and keys[0] == assembly_steps.PROPERTIES:
            # Exact there, so a miss proves nothing about another spelling: then all are compared.
            found = self._by_property(keys[1], value, lane)
            if found:
                return found
        return self._listings.find((object, lane), lambda: self.pages(object, lane=lane), path, value)

    def children(self, object: str, parent: Ref, *, lane: Lane = "live") -> Iterator[Page]:
        size = self._options.page_size
        if not self.traits(object).readable:
            return
        match object, parent.object:
            case "contacts", "accounts":
                yield from self._hand_on(object, self._client.contacts.of_company(parent.id, limit=size, lane=lane))
            case "deals", "accounts":
                account = self.get(parent, lane=lane)
                keys = self.join_keys(account) if account is not None else ()
                if keys:  # without one no deal can hang on it (TRAPS 8)
                    deals = self._client.deals.pages(account_source_specific_id=keys[0], limit=size, lane=lane)
                    yield from self._hand_on(object, deals)
            case _:
                raise Rejected(f"{object} do not hang on {parent.object}", system=SYSTEM, operation="children")

    def pages(self, object: str, *, updated_after: datetime | None = None, lane: Lane = "live") -> Iterator[Page]:
        size = self._options.page_size
        match object:
            case "accounts":
                rows = self._client.accounts.pages(updated_after=updated_after, limit=size, lane=lane)
                yield from self._hand_on(object, assembly_records.companies(rows, self._options))
            case "contacts":
                rows = self._client.contacts.pages(updated_after=updated_after, limit=size, lane=lane)
                yield from self._hand_on(object, rows)
            case "deals":
                rows = self._client.deals.pages(updated_after=updated_after, limit=size, lane=lane)
                yield from self._hand_on(object, rows)
            case _:
                raise Rejected(f"Assembly cannot list {object}", system=SYSTEM, operation="list")

    def join_keys(self, record: Record) -> tuple[str, ...]:
        return assembly_records.join_keys(record.raw)

    def tables(self, *, fresh: bool = False) -> Mapping[str, Table]:
        return self._tables.get(since=time.monotonic() if fresh else None)

    def clock_offset(self) -> timedelta | None:
        return self._client.http.clock.offset()

    def _get(self, object: str, key: Key, lane: Lane) -> Record | None:
        try:
            reply = self._getter(object)(key, lane=lane)
            raw = dict(reply.value)
            if not self._is(object, raw):
                return None
            if assembly_records.properties(raw) is None:
                shown = self._client.properties.get(cast("Item", object), str(raw.get("id", "")), lane=lane)
                raw["additional_properties"] = assembly_records.as_map(shown.value.get("additional_properties"))
        except NotThere:
            return None
        return self._record(object, raw, reply.server_date)

    def _getter(self, object: str) -> Callable[..., Reply[Raw]]:
        match object:
            case "accounts":
                return self._client.accounts.get
            case "contacts":
                return self._client.contacts.get
            case "deals":
                return self._client.deals.get
        raise Rejected(f"Assembly cannot read {object}", system=SYSTEM, operation="get")

    def _is(self, object: str, raw: Mapping[str, Json]) -> bool:
        """Companies and contacts share ids' places, and perhaps one namespace of source ids (TRAPS 5, 6)."""
        if object == "accounts":
            return assembly_records.account_type(raw) == "company"
        shown = raw.get("account_type")
        return object != "contacts" or not isinstance(shown, str) or shown.casefold() == "customer"

    def _record(self, object: str, raw: Mapping[str, Json], read_at: datetime | None) -> Record:
        normal = assembly_records.normal(object, raw, self._options)
        return record(SYSTEM, object, normal, self._options.updated_at, read_at)

    def _hand_on(self, object: str, pages: Iterable[Rows[Raw]]) -> Iterator[Page]:
        for rows in pages:
            mine = (row for row in rows.items if self._is(object, row))
            yield Page(tuple(self._record(object, row, rows.server_date) for row in mine), rows.server_date)

    def _by_domain(self, object: str, domain: str, lane: Lane) -> tuple[Record, ...]:
        if (object == "contacts") != ("@" in domain) or "." not in domain:
            # An id, or one of the API's own words, in the domain's place would find something else.
            return ()
        found = self._get(object, domain, lane)
        return () if found is None else (found,)

    def _by_property(self, name: str, value: str, lane: Lane) -> tuple[Record, ...]:
        """Search shows too little of an account (TRAPS 21), so each one found is read."""
        pages = self._client.accounts.search(properties={name: value}, lane=lane)
        ids = [str(row["id"]) for rows in pages for row in rows.items if self._is("accounts", row)]
        return tuple(one for found in ids if (one := self._get("accounts", found, lane)) is not None)

    # --- writing -------------------------------------------------------------------------------------------------

    def steps(self, verb: str, patch: Patch) -> tuple[Step, ...]:
        if patch.object == "usage" and verb != "delete":
            return (assembly_usage.create_step(patch),)
        return assembly_steps.steps(verb, patch, note_source=self._options.note_source)

    def send(self, step: Step, *, lane: Lane = "live") -> Sent:
        if step.verb == "label":
            made = assembly_labels.create(self._client.labels, step.payload, lane)
            self._tables.forget()
            return made
        if step.verb == "create" and step.object == "usage":
            return self._log(str(step.payload["on"]), str(step.payload["key"]), dict(step.payload["body"]), lane)
        if step.verb == "create":
            reply = self._create(step.object, dict(step.payload["body"]), step.payload.get("key"), lane)
            return Sent(reply.value, answered_at=reply.server_date)
        if step.record_id is None:
            raise Rejected(f"{step.verb} needs an id", system=SYSTEM, operation=step.verb)
        match step.verb:
            case "update" | "bind":
                return self._update(step.object, step.record_id, step.payload["body"], lane)
            case "remove_properties":
                item, names = cast("Item", step.object), step.payload["properties"]
                gone = self._client.properties.delete(item, step.record_id, names, lane=lane)
                return Sent(answered_at=gone.server_date)
            case "delete":
                return self._delete(step.object, step.record_id, lane)
        raise Rejected(f"Assembly cannot {step.verb} {step.object}", system=SYSTEM, operation=step.verb)

    def _create(self, object: str, body: dict[str, Any], key: str | None, lane: Lane) -> Reply[str]:
        """Upserts under the join key, which goes in the URL and in the body: whether the URL's is linked is open (TRAPS 3)."""
        if key is not None and object != "notes":
            body["source_specific_ids"] = list(dict.fromkeys([key, *body.get("source_specific_ids", [])]))
        at = None if key is None else SourceId(key)
        try:
            match object:
                case "accounts":
                    name, domain, _ = body.pop("name"), body.pop("domain"), body.pop("type")
                    return self._client.accounts.upsert(at, "Company", name, domain, body, lane=lane)
                case "contacts":
                    name, domain = body.pop("name"), body.pop("domain")
                    company = {known: body.pop(known) for known in COMPANY_KEYS if known in body}
                    return self._client.contacts.upsert(at, name, domain, company, body, lane=lane)
                case "deals":
                    name, account = body.pop("name"), body.pop("account_source_specific_id")
                    return self._client.deals.upsert(
                        name, account, body.pop("source_specific_ids", ()), body, lane=lane
                    )
                case "notes":
                    return self._note(body, lane)
        except NotThere as error:
            # A create names no record of its own: what is not there is what it should hang on (TRAPS 7).
            raise ParentNotThere(str(error), system=SYSTEM, operation=error.operation, status=error.status) from None
        raise Rejected(f"Assembly cannot create {object}", system=SYSTEM, operation="create")

    def _note(self, body: dict[str, Any], lane: Lane) -> Reply[str]:
        names = ("domain", "source", "source_specific_id", "note", "original_timestamp")
        domain, source, key, note, at = (str(body.pop(name)) for name in names)
        people = [str(person) for person in body.pop("participants") or []]
        return self._client.notes.put(domain, source, key, note, at, people, body, lane=lane)

    def _log(self, account: str, key: str, body: dict[str, Any], lane: Lane) -> Sent:
        usage = self._client.usage
        on: tuple[Literal["accounts"], str] = ("accounts", account)

        def add(log: dict[str, Any]) -> Reply[str]:
            return usage.add(
                log["type"],
                log["timestamp"],
                log["content"],
                log.get("attribute") or DEFAULT_ATTRIBUTE,
                value=log.get("value"),
                metadata=log["metadata"],
                on=on,
                lane=lane,
            )

        logs = assembly_usage.Logs(
            lambda: usage.pages(on=on, lane=lane), add, lambda log, fields: usage.update(log, fields, lane=lane)
        )
        return assembly_usage.put(logs, key, body)

    def _update(self, object: str, record_id: str, body: Mapping[str, Json], lane: Lane) -> Sent:
        match object:
            case "accounts":
                reply = self._client.accounts.update(record_id, body, lane=lane)
            case "contacts":
                reply = self._client.contacts.update(record_id, body, lane=lane)
            case "deals":
                reply = self._client.deals.update(record_id, body, lane=lane)
            case _:
                raise Rejected(f"Assembly cannot update {object}", system=SYSTEM, operation="update")
        return Sent(answered_at=reply.server_date)

    def _delete(self, object: str, record_id: str, lane: Lane) -> Sent:
        match object:
            case "accounts":
                reply = self._client.accounts.delete(record_id, lane=lane)
            case "contacts":
                reply = self._client.contacts.delete(record_id, lane=lane)
            case "deals":
                reply = self._client.deals.delete(record_id, lane=lane)
            case _:
                raise Rejected(f"Assembly cannot delete {object}", system=SYSTEM, operation="delete")
        return Sent(answered_at=reply.server_date)
