"""Assembly of the simulation, after ``assembly.txt``: company accounts, contacts, deals, notes, labels, source ids."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

from bridge.core.errors import AlreadyThere, NotThere, ParentNotThere, Rejected
from bridge.core.ports import Traits
from bridge.core.records import Lane, Patch, Record, Ref, Step
from tests.simulation.journal import Event
from tests.simulation.peers import Peer
from tests.simulation.remote import Remote, Row, pick

PROPERTIES = "additional_properties."
PARENTS = {"contacts": "company_id", "deals": "account_source_specific_id"}
LISTED = Traits(updated_after=True, upsert=True, join_keys=True)


class AssemblyData(Remote):
    def blank(self, object: str) -> dict[str, Any]:
        common: dict[str, Any] = {
            "name": "",
            "source_specific_ids": [],
            "additional_properties": {},
            "tags": [],
        }
        if object == "deals":
            return common | dict.fromkeys(
                ("amount", "stage", "close_date", "description", "account_source_specific_id")
            )
        if object == "notes":
            return {}
        return common | {"domain": None, "phone": [], "tier": None, "stage": None, "role": None, "company_id": None}

    def delete_label(self, kind: str, id: str) -> None:
        """A label goes; what happens to the records that carry it is open in the API text."""
        self.names[kind].pop(id, None)
        self.journal.add(Event(self.time(), "note", self.system, kind, id, note="label deleted"))
        path = kind.removeprefix("labels.").lower()
        if self.habits.deleted_label == "null":
            for row in list(self.rows.values()):
                if row.raw and row.raw.get(path) == id:
                    raw = copy.deepcopy(row.raw) | {path: None}
                    row.versions.append((self.time(), raw))
                    self.journal.add(
                        Event(self.time(), "edit", self.system, row.object, row.id, {path: None}, note="label deleted")
                    )

    def namespace(self, object: str) -> tuple[str, ...]:
        if self.habits.shared_keys and object in ("accounts", "contacts"):
            return ("accounts", "contacts")
        return (object,)

    def holder(self, object: str, key: str) -> Row | None:
        for kind in self.namespace(object):
            for row in self.live(kind):
                if row.raw and key in row.raw.get("source_specific_ids", ()):
                    return row
        return None

    def by_domain(self, object: str, domain: Any) -> Row | None:
        wanted = str(domain or "").strip().casefold()
        for row in self.live(object):
            if wanted and row.raw and str(row.raw.get("domain") or "").strip().casefold() == wanted:
                return row
        return None


class SimAssembly(Peer):
    remote: AssemblyData
    traits_by_object: ClassVar[Mapping[str, Traits]] = {
        "accounts": LISTED,
        "contacts": LISTED,
        "deals": LISTED,
        "notes": Traits(readable=False, deletable=False, upsert=True, join_keys=False),
    }

    # --- reading ---

    def find_by_key(self, object: str, key: str, *, lane: Lane = "live") -> Record | None:
        self._arrive()
        if self.faults.trouble == "wrong_key":
            return None
        row = self.remote.holder(object, key)
        return self._see(row) if row is not None and row.object == object else None

    def parent_path(self, object: str, parent: Ref) -> str:
        return PARENTS[object]

    def parent_values(self, parent: Ref) -> frozenset[str]:
        row = self.remote.row(parent.object, parent.id)
        keys = row.raw["source_specific_ids"] if row and row.raw else ()
        return frozenset({parent.id, *keys})

    def order(self, object: str, raw: Mapping[str, Any]) -> Any:
        return str(raw["name"]).casefold(), raw["id"]

    def show(self, object: str, raw: dict[str, Any]) -> dict[str, Any]:
        if object in PARENTS and not self.remote.habits.shows_parent:
            raw.pop(PARENTS[object], None)
        if object == "accounts":
            raw.pop("company_id", None)
        return raw

    # --- writing ---

    def steps(self, verb: str, patch: Patch) -> tuple[Step, ...]:
        object, id = patch.object, patch.record_id
        if verb == "delete":
            return (Step("assembly", object, "delete", id, {}),)
        gone = [path for path, value in patch.set.items() if path.startswith(PROPERTIES) and value is None]
        put = {path: value for path, value in patch.set.items() if path not in gone}
        payload: dict[str, Any] = {"set": {path: value for path, value in put.items() if path != "tags"}}
        if verb == "create":
            payload["upsert"] = True
        if "tags" in put:
            before, after = set(patch.was.get("tags") or ()), set(put["tags"] or ())
            payload |= {"tags": sorted(after - before), "removed_tags": sorted(before - after)}
        if patch.bind:
            payload["bind"] = patch.bind
        if patch.unbind:
            payload["unbind"] = patch.unbind
        steps = []
        if put or patch.bind or patch.unbind or verb == "create":
            steps.append(Step("assembly", object, verb, id, payload, put))
        if gone and verb != "create":
            steps.append(
                Step("assembly", object, "remove_properties", id, {"set": dict.fromkeys(gone)}, dict.fromkeys(gone))
            )
        return tuple(steps)

    def apply(self, step: Step) -> Row | None:
        if step.object == "notes":
            return self._note(step)
        if step.object == "labels":
            kind = step.payload["kind"]
            self.remote.rename(kind, f"made{len(self.remote.ever.get(kind, ()))}", step.payload["name"])
            return None
        if step.verb == "create":
            return self._upsert(step)
        row = self.remote.row(step.object, step.record_id or "")
        if row is None:
            raise NotThere("no such record", system="assembly", status=404)
        if step.verb == "delete":
            self.remote.remove(row)
            self.landed(row, step, "delete")
            return row
        self._update(row, step)
        self.landed(row, step, step.verb)
        return row

    def _upsert(self, step: Step) -> Row:
        values, key = step.payload["set"], step.payload.get("bind")
        row = self.remote.holder(step.object, key) if key else None
        if row is not None and row.object != step.object:
            raise AlreadyThere("that source id is taken", system="assembly", status=409)
        if row is None and self.remote.habits.upsert_by_domain and step.object != "deals":
            row = self.remote.by_domain(step.object, values.get("domain"))
        if row is not None:
            self._update(row, step)
            self.landed(row, step, "upsert")
            return row
        self._check_new(step)
        row = self.remote.insert(step.object, self._given(values), "bridge")
        if "tags" in step.payload:
            assert row.raw is not None
            row.raw["tags"] = list(step.payload["tags"])
        if key:
            assert row.raw is not None
            row.raw["source_specific_ids"] = [key]
        self.landed(row, step, "create")
        return row

    def _check_new(self, step: Step) -> None:
        values = step.payload["set"]
        if not values.get("name"):
            raise Rejected("name is required", system="assembly", status=400)
        if step.object != "deals" and not values.get("domain"):
            raise Rejected("domain is required", system="assembly", status=400)
        if step.object in PARENTS and not values.get(PARENTS[step.object]):
            raise Rejected("a company is required", system="assembly", status=400)
        self._check(step, None)

    def _check(self, step: Step, row: Row | None) -> None:
        """What both a create and an update refuse."""
        values = step.payload["set"]
        if values.get("domain") and step.object != "deals":
            twin = self.remote.by_domain(step.object, values["domain"])
            if twin is not None and twin is not row:
                raise AlreadyThere("domain already exists", system="assembly", status=409)
        company = values.get("company_id")
        if company and self.remote.row("accounts", company) is None:
            raise ParentNotThere("no such company", system="assembly", status=422)
        account = values.get("account_source_specific_id")
        if account:
            holder = self.remote.holder("accounts", account)
            if holder is None or holder.object != "accounts":
                raise ParentNotThere("no such account", system="assembly", status=422)
        tier = values.get("tier")
        if tier and tier not in self.remote.names["labels.Tier"]:
            raise Rejected("no such label", system="assembly", status=400)
        key = step.payload.get("bind")
        if key:
            holder = self.remote.holder(step.object, key)
            if holder is not None and holder is not row:
                raise AlreadyThere("that source id is taken", system="assembly", status=409)

    def _update(self, row: Row, step: Step) -> None:
        self._check(step, row)
        assert row.raw is not None
        values = (
            dict(self._given(step.payload["set"])) if step.verb != "remove_properties" else dict(step.payload["set"])
        )
        if "tags" in step.payload:
            kept = [tag for tag in row.raw["tags"] if tag not in step.payload["removed_tags"]]
            values["tags"] = kept + [tag for tag in step.payload["tags"] if tag not in kept]
        keys = [key for key in row.raw["source_specific_ids"] if key != step.payload.get("unbind")]
        if step.payload.get("bind") and step.payload["bind"] not in keys:
            keys.append(step.payload["bind"])
        if keys != row.raw["source_specific_ids"]:
            values["source_specific_ids"] = keys
        self.remote.change(row, values)

    def _given(self, values: Mapping[str, Any]) -> Mapping[str, Any]:
        """Without the nulls, where this system takes ``null`` for "not given"."""
        if not self.remote.habits.null_ignored:
            return values
        return {path: value for path, value in values.items() if value is not None}

    def _note(self, step: Step) -> Row:
        values = step.payload["set"]
        if self.remote.by_domain("accounts", values.get("domain")) is None:
            raise ParentNotThere("no company has that domain", system="assembly", status=412)
        key = step.payload.get("bind") or values.get("source_specific_id")
        for row in self.remote.live("notes"):
            if row.raw and pick(row.raw, "source_specific_id") == key:
                self.remote.change(row, values)
                self.landed(row, step, "upsert")
                return row
        row = self.remote.insert("notes", dict(values) | {"source_specific_id": key}, "bridge")
        self.landed(row, step, "create")
        return row


def keys_of(rows: Iterator[Row]) -> dict[str, tuple[str, ...]]:
    """Id to source ids."""
    return {row.id: tuple(row.raw["source_specific_ids"]) for row in rows if row.raw}
