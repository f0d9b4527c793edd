"""Test files beside a mapping: they judge like the engine, and a failure reads well."""

from __future__ import annotations

from pathlib import Path

import pytest

from bridge.core.errors import MappingError
from bridge.core.mapping import load
from bridge.core.mapping.cases import CaseResult, draft_case, run_cases
from bridge.core.records import Lookups

FOLDER = Path(__file__).parents[3] / "mappings"
SHIPPED = {path.name: path.read_text() for path in sorted(FOLDER.glob("*.yaml"))}

MAPPING = """
stream: companies
crm: companies
assembly: accounts
where: {crm: "record.status != 'inactive'"}
fields:
  name: {crm: name, assembly: name, required: true}
  domain: {crm: website, assembly: domain, as: domain}
  tier: {crm: type, assembly: tier, as: [{values: {c: Customer}}, {label: {type: Tier, create: true}}]}
"""


def judge(cases: str) -> tuple[CaseResult, ...]:
    text = f"stream: companies\ncases:\n{cases}"
    return run_cases(load({"companies.yaml": MAPPING}), {"companies_test.yaml": text, "companies.yaml": MAPPING})


def test_all_shipped_cases_pass() -> None:
    results = run_cases(load(SHIPPED), SHIPPED)
    assert [str(result) for result in results if not result.passed] == []
    assert {result.stream for result in results} == {"companies", "contacts", "deals", "notes"}
    assert len(results) >= 28


def test_a_failure_shows_both_values_under_each_other() -> None:
    (result,) = judge(
        "  - name: wrong\n    crm: {name: Acme, website: www.acme.com}\n    to_assembly: {name: Acne, domain: acme.com}\n"
    )
    assert str(result) == (
        'companies_test.yaml:3: FAILED: wrong\n  assembly name  expected "Acne"\n                      got "Acme"'
    )


@pytest.mark.parametrize(
    ("case", "what"),
    [
        ("crm: {name: A, website: a.co}\n    to_assembly: {name: A}\n    nothing_else: true", "assembly domain"),
        ("crm: {name: A}\n    to_assembly: {domain: a.co}", "assembly domain"),
        ("crm: {name: A, website: n/a}\n    to_assembly: {name: A}", "attention domain"),
        ("crm: {name: A}\n    attention: [domain]", "attention domain"),
        ("crm: {name: A}\n    in_scope: false", "crm in scope"),
        ("crm: {name: A, type: c}\n    to_assembly: {name: A}", "creates labels"),
        ("crm: {name: A}\n    waits_for: crm c1", "waits for"),
        ("before: {crm: {name: A}, assembly: {name: A}}\n    after: {crm: {name: B}}", "assembly name"),
        ("before: {crm: {name: A}, assembly: {name: A}}\n    writes: {crm: {name: A}}", "crm name"),
        ("before: {crm: {name: A}, assembly: {name: A}}\n    verdicts: {name: carried}", "verdict name"),
        ("before: {crm: {name: A}, assembly: {name: A}}\n    verdicts: {nam: carried}", "verdict nam"),
        ("in_scope: true", "the case"),
    ],
)
def test_every_expectation_can_fail(case: str, what: str) -> None:
    (result,) = judge(f"  - name: x\n    {case}\n")
    assert what in [item.what for item in result.differences]


@pytest.mark.parametrize(
    "case",
    [
        "crm: {name: A, type: c}\n    to_assembly: {name: A}\n    creates_labels: [Customer]",
        "crm: {name: A, website: n/a}\n    to_assembly: {name: A}\n    attention: {domain: domain}",
        "before: {crm: {name: A}, assembly: {name: A}}\n    after: {crm: {name: B}}\n    writes: {assembly: {name: B}}\n"
        "    verdicts: {name: carried}",
        "before: {crm: {name: A}, assembly: {name: A}}",
    ],
)
def test_and_every_expectation_can_hold(case: str) -> None:
    (result,) = judge(f"  - name: x\n    {case}\n")
    assert result.passed, str(result)


def test_mistakes_in_a_case_file_are_told_with_their_places() -> None:
    with pytest.raises(MappingError) as caught:
        judge("  - nam: x\n    crm: {name: A}\n    newer: crn\n    to_asembly: {name: A}\n")
    told = str(caught.value)
    assert "companies_test.yaml:3:5: there is no case key `nam`. Did you mean `name`?" in told
    assert "companies_test.yaml:5:12: `crn` is no side. Did you mean `crm`?" in told
    assert "companies_test.yaml:6:5: there is no case key `to_asembly`. Did you mean `to_assembly`?" in told


def test_a_case_file_for_no_stream_is_a_mistake() -> None:
    with pytest.raises(MappingError, match=r"there is no stream `x`"):
        run_cases(load({"companies.yaml": MAPPING}), {"x_test.yaml": "stream: x\ncases: [{name: a, crm: {name: A}}]"})


def test_a_record_becomes_a_case_that_passes() -> None:
    stream = load({"companies.yaml": MAPPING})["companies"]
    raw = {"id": "c1", "name": "Acme", "website": "www.acme.com", "secret": "not mapped", "type": None}
    case = draft_case(stream, "as it is today", {"crm": raw}, Lookups())
    assert case == {
        "name": "as it is today",
        "crm": {"name": "Acme", "website": "www.acme.com", "type": None},
        "to_assembly": {"name": "Acme", "domain": "acme.com"},
    }
