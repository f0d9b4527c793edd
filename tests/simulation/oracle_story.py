"""A tiny world told by hand, for the tests of the oracle: each rule is broken once, and must be told."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tests.simulation.journal import Event, Journal, Kind
from tests.simulation.oracle import Oracle
from tests.simulation.oracle_case import Case
from tests.simulation.oracle_terms import Final, LinkView, PlanView, Rebuilt, Shown
from tests.simulation.remote import Row
from tests.simulation.rules import STREAMS, Rules

RULES = Rules(STREAMS, creates=frozenset({("companies", "assembly")}))


class Story:
    """One company, linked, with ``industry`` as the field that moves."""

    def __init__(self, rules: Rules = RULES) -> None:
        self.rules = rules
        self.journal = Journal()
        self.rows: dict[str, dict[tuple[str, str], Row]] = {"crm": {}, "assembly": {}}
        self.links: list[LinkView] = []
        self.shown: list[Shown] = []
        self.plans: list[PlanView] = []
        self.rebuilt: Rebuilt | None = None
        self.doubts: dict[str, float] = {}
        self.ceilings: dict[str, int] = {}
        self.remembered: frozenset[str] = frozenset()

    def company(self, crm: str | None, assembly: str | None, *, state: str = "live", made_by: str = "bridge") -> Story:
        self.row("crm", "companies", "c1", {"name": "N", "industry": crm}, "user")
        self.row(
            "assembly",
            "accounts",
            "a1",
            {"name": "N", "additional_properties": {"Industry": assembly}, "source_specific_ids": ["c1"]},
            made_by,
        )
        self.links.append(LinkView("companies", state, {"crm": "c1", "assembly": "a1"}))
        self.event(0, "create", "crm", "companies", "c1", {"name": "N"})
        return self

    def row(self, side: str, object: str, id: str, raw: dict[str, Any] | None, made_by: str = "user") -> None:
        self.rows[side][object, id] = Row(object, id, made_by, [(0.0, raw)])

    def event(
        self, at: float, kind: Kind, side: str, object: str, id: str, values: Mapping[str, Any], **more: Any
    ) -> None:
        self.journal.add(Event(at, kind, side, object, id, values, **more))

    def crm_edit(self, at: float, value: Any) -> Story:
        self.event(at, "edit", "crm", "companies", "c1", {"industry": value})
        return self

    def assembly_edit(self, at: float, value: Any) -> Story:
        self.event(at, "edit", "assembly", "accounts", "a1", {"additional_properties.Industry": value})
        return self

    def landed(self, at: float, side: str, value: Any, seen: float | None = None) -> Story:
        path, object, id = (
            ("industry", "companies", "c1") if side == "crm" else ("additional_properties.Industry", "accounts", "a1")
        )
        self.event(at, "landing", side, object, id, {path: value}, seen=at if seen is None else seen, note="update")
        return self

    def bound(self, at: float) -> Story:
        self.event(at, "remembered", "", "companies", "1", {"crm": "c1", "assembly": "a1"})
        return self

    def final(self) -> Final:
        return Final(
            self.rows,
            self.links,
            self.shown,
            {},
            cut=100,
            plans=self.plans,
            rebuilt=self.rebuilt,
            doubts=self.doubts,
            ceilings=self.ceilings,
            remembered=self.remembered,
        )

    def case(self, *plans: PlanView) -> Case:
        """For the test of a single rule."""
        self.plans += plans
        return Case(self.journal, self.final(), self.rules)

    def told(self) -> set[str]:
        return {violation.rule for violation in Oracle(self.journal, self.final(), self.rules).judge()}
