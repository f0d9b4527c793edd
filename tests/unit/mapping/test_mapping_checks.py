"""Mappings against what the systems really hold (``mappings check --live``)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from bridge.core.mapping import Mappings, load
from bridge.core.mapping.checks import Finding, check_names, check_records
from bridge.core.mapping.codecs.base import Codec
from bridge.core.mapping.codecs.chain import build_chain
from bridge.core.mapping.stream import MappedStream
from bridge.core.records import Lookups, Record, Ref, Table

MAPPINGS = load(
    {
        "s.yaml": """
stream: companies
crm: companies
assembly: accounts
where: {crm: "record.status != 'inactive'"}
fields:
  name: {crm: name, assembly: name}
  site: {crm: websit, assembly: domain, as: domain}
  domain: {crm: website, assembly: domain2, as: domain}
  tier: {crm: kind, assembly: tier, as: [{values: {c: Customer, p: Prospect}}, {label: Tier}]}
  phase: {crm: stageId, assembly: phase, as: [stage, {values: {Won: Closed, Lots: Lost}}]}
  city: {crm: city, assembly: additional_properties.City}
"""
    }
)
TABLES = {
    ("assembly", "labels.Tier"): Table({"t1": "Customer", "t2": "Prospects"}),
    ("crm", "stages"): Table({"s1": "Won", "s2": "Lost"}),
}


def records(side: str, object_: str, *raws: dict[str, Any]) -> dict[tuple[str, str], list[Record]]:
    return {(side, object_): [Record(Ref(side, object_, raw["id"]), raw) for raw in raws]}


def found(samples: dict[tuple[str, str], list[Record]]) -> list[Finding]:
    return list(check_records(MAPPINGS, samples, Lookups(TABLES)))


def test_a_path_that_no_record_has_is_told_with_the_nearest_one() -> None:
    raw = {"id": "1", "name": "A", "website": "a.co", "kind": "c", "stageId": "s1", "city": None}
    (finding,) = found(records("crm", "companies", raw))
    assert str(finding) == ("s.yaml:8: site in crm: none of 1 records has `websit`; did you mean `website`?")


def test_an_additional_property_nobody_filled_yet_is_no_finding() -> None:
    raw = {"id": "1", "name": "A", "domain": "a.co", "domain2": "b.co", "tier": "t1", "phase": "Closed"}
    assert found(records("assembly", "accounts", raw)) == []


def test_values_that_would_wait_for_a_person_are_counted_without_being_shown() -> None:
    base = {"name": "A", "websit": None, "kind": "c", "stageId": "s1", "city": None}
    raws = [{"id": str(number), "website": "private words", **base} for number in range(5)]
    (finding,) = found(records("crm", "companies", {"id": "ok", "website": "a.co", **base}, *raws))
    assert (finding.kind, finding.count, finding.of, finding.records) == ("rejected", 5, 6, ("0", "1", "2"))
    assert "private" not in str(finding)


def test_records_out_of_scope_do_not_count() -> None:
    assert found(records("crm", "companies", {"id": "1", "status": "inactive"})) == []


def test_names_that_the_systems_lack_are_told() -> None:
    told = [str(finding) for finding in check_names(MAPPINGS, TABLES)]
    assert told == [
        "s.yaml:10: tier in assembly: there is no label of type Tier called `Prospect`; did you mean `Prospects`?",
        "s.yaml:11: phase in crm: there is no stage called `Lots`; did you mean `Lost`?",
    ]


@dataclass(frozen=True)
class Shouting(Codec):
    """Breaks the laws: what it writes is not what it read."""

    def forth(self, x: Any, now: Any, lookups: Lookups) -> Any:
        return x + "!"

    def back(self, y: Any, now: Any, lookups: Lookups) -> Any:
        return y + "?"


def test_a_value_that_does_not_survive_the_way_is_told() -> None:
    stream = MAPPINGS["companies"]
    assert isinstance(stream, MappedStream)
    broken = replace(stream.fields[0], chain=build_chain((Shouting(),)))
    mappings = Mappings((replace(stream, fields=(broken,)),))
    (lost,) = check_records(mappings, records("crm", "companies", {"id": "1", "name": "A"}), Lookups())
    assert (lost.kind, lost.records) == ("loses", ("1",))
    assert lost.detail == "it does not come back the same from assembly"
