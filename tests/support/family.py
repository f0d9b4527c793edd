"""One company, one contact and one deal in step on both sides, on the real engine: what scenarios of operations start from."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bridge.core.guards import Brake
from bridge.core.records import Link
from bridge.operations import undo
from bridge.store import AttentionRow, RunRow, Writes
from tests.support.engine import CONNECTION, NO_BRAKE, Bells, Engine, RealClock, engine

Row = dict[str, Any]


@dataclass(slots=True)
class Family:
    """``company`` and ``contact`` are ids in the CRM, ``account`` and ``person`` those of the same records in Assembly."""

    bridge: Engine
    company: str = ""
    account: str = ""
    contact: str = ""
    person: str = ""

    def crm(self, object: str, id: str, **values: Any) -> None:
        self.bridge.crm.control.patch(object, id, values)

    def assembly(self, object: str, id: str, **values: Any) -> None:
        self.bridge.assembly.control.patch(object, id, values)

    def look(self, stream: str, side: str, id: str) -> None:
        self.bridge.hint(stream, side, id)
        self.bridge.settle()

    def row(self, side: str, object: str, id: str) -> Row:
        (found,) = [row for row in self.rows(side, object) if row["id"] == id]
        return found

    def rows(self, side: str, object: str) -> list[Row]:
        box = self.bridge.crm if side == "crm" else self.bridge.assembly
        return list(box.control.dump(object))

    def name(self, side: str) -> str:
        return str(
            self.row("crm", "companies", self.company)["name"]
            if side == "crm"
            else self.row("assembly", "accounts", self.account)["name"]
        )

    def links(self, stream: str) -> list[Link]:
        return list(self.bridge.store.links.page(CONNECTION, stream, limit=500).items)

    def link_of(self, stream: str, side: str, id: str) -> Link:
        return self.bridge.store.links.by_end(CONNECTION, stream, side, [id])[id]

    def partner(self, stream: str, crm_id: str) -> str:
        return self.link_of(stream, "crm", crm_id).ends["assembly"].record_id

    def open_items(self) -> list[AttentionRow]:
        return list(self.bridge.store.attention.page(limit=500).items)

    def decide(self, item: AttentionRow, way: str, value: Any = None) -> None:
        self.bridge.store.attention.decide(item.id, {"way": way, "value": value}, item.values)
        self.bridge.settle()

    def writes(self) -> int:
        return sum(writes for _calls, writes in self.bridge.counted().values())

    def undo(self, which: Writes, *, dry_run: bool = False) -> RunRow:
        return self.undone(undo.start(self.bridge.store, self.bridge.mappings, which, dry_run=dry_run))

    def undone(self, run: RunRow) -> RunRow:
        """Bring an undo to its end, draining as a worker would."""
        store, bridge = self.bridge.store, self.bridge
        duty = undo.Undoing(store, lambda _: bridge.terms, Bells(), RealClock(), pause=0.05)
        with bridge.working():
            while undo.active(store, CONNECTION) is not None:
                duty.run(CONNECTION, threading.Event())
        found = store.runs.get(run.id)
        assert found is not None
        return found

    def new_company(self, **values: Any) -> tuple[str, str]:
        made = self.bridge.crm.control.create("companies", {"status": "active", **values})
        self.look("companies", "crm", made["id"])
        return made["id"], self.partner("companies", made["id"])

    def new_contact(self, company: str, **values: Any) -> str:
        made = self.bridge.crm.control.create("contacts", values)
        self.bridge.crm.control.create(
            "memberships", {"contactId": made["id"], "companyId": company, "isPrimary": True}
        )
        return str(made["id"])


@contextmanager
def family(folder: Path, *, brake: Brake = NO_BRAKE, **more: Any) -> Iterator[Family]:
    with engine(folder, brake=brake, **more) as bridge:
        bridge.live()
        made = Family(bridge)
        made.company, made.account = made.new_company(name="Acme", website="acme.example", industry="Steel")
        made.contact = made.new_contact(made.company, firstName="Ann", lastName="Doe", email="ann@acme.example")
        made.look("contacts", "crm", made.contact)
        made.person = made.partner("contacts", made.contact)
        yield made
