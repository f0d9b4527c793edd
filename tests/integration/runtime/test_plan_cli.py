"""``plan``: readable for people, safe to copy from, and true about an edit of a mapping before and after it acts."""

from __future__ import annotations

import json
import shutil
import time
from pathlib import Path
from typing import Any

import pytest

from bridge import bootstrap
from bridge.cli import main
from tests.support.sandboxes import Box, point_at

ROOT = Path(__file__).parents[3]


@pytest.fixture
def files(crm: Box, assembly: Box, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "mappings"
    folder.mkdir()
    shutil.copy(ROOT / "mappings/companies.yaml", folder)
    monkeypatch.chdir(tmp_path)
    point_at(monkeypatch, crm, assembly, tmp_path)
    return folder


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str]:
    capsys.readouterr()
    status = main(arguments)
    captured = capsys.readouterr()
    assert "Traceback" not in captured.out + captured.err
    return status, captured.out


def run_json(capsys: pytest.CaptureFixture[str], *arguments: str) -> Any:
    return json.loads(run(capsys, *arguments, "--json")[1])


def companies(crm: Box) -> list[str]:
    """One without an industry, so that an edit which moves the industry changes nothing there."""
    rows = (
        {"name": "Acme", "website": "acme.example", "industry": "Steel"},
        {"name": "Borg", "website": "borg.example"},
    )
    return [str(crm.control.create("companies", {"status": "active", **row})["id"]) for row in rows]


def test_a_summary_then_one_line_a_field_and_no_id_is_broken(
    files: Path, crm: Box, capsys: pytest.CaptureFixture[str]
) -> None:
    acme, borg = companies(crm)
    status, out = run(capsys, "plan")
    assert status == 1
    assert out.startswith("2 records differ; ")
    lines = out.splitlines()
    assert f"companies create crm:{acme}" in lines
    assert f"companies create crm:{borg}" in lines
    assert '  name: "Acme" in assembly' in lines
    assert "{" not in out

    assert run(capsys, "backfill")[0] == 0
    crm.control.patch("companies", acme, {"name": "Acme Ltd", "industry": None})
    status, out = run(capsys, "plan", "--stream", "companies")
    lines = out.splitlines()
    assert f"companies update crm:{acme}" in lines
    assert '  name: "Acme" → "Acme Ltd" in assembly' in lines
    assert '  industry: "Steel" → empty in assembly' in lines
    status, out = run(capsys, "attention", "list")
    assert status == 0


def test_an_edit_shows_what_it_would_change_then_writes_that_and_no_more(
    files: Path, crm: Box, assembly: Box, capsys: pytest.CaptureFixture[str]
) -> None:
    acme, borg = companies(crm)
    assert run(capsys, "backfill")[0] == 0
    before = run_json(capsys, "plan", "--stream", "companies")
    assert before["items"] == []

    assert run(capsys, "connections", "observe")[0] == 0
    mapping = files / "companies.yaml"
    mapping.write_text(mapping.read_text().replace("additional_properties.Industry", "additional_properties.Branch"))
    status, out = run(capsys, "plan", "--stream", "companies")
    assert status == 1
    assert '  industry: empty → "Steel" in assembly' in out.splitlines()
    after = run_json(capsys, "plan", "--stream", "companies")
    assert [item["record_id"] for item in after["items"]] == [acme]
    assert after["backfill"]["mappings"]["companies"] != before["backfill"]["mappings"]["companies"]

    kept = assembly.control.dump("accounts")
    assert not any("Branch" in row["additional_properties"] for row in kept)
    done = run_json(capsys, "backfill")
    assert done["mappings"] == after["backfill"]["mappings"]
    rows = {row["name"]: row for row in assembly.control.dump("accounts")}
    assert rows["Acme"]["additional_properties"]["Branch"] == "Steel"
    assert rows["Borg"] in kept

    shown = run_json(capsys, "record", "show", "companies", f"crm:{acme}")
    (written,) = [row for row in shown["history"] if row["field"] == "industry" and row["new"] == "Steel"][:1]
    assert written["mapping_version"] == done["mappings"]["companies"]
    assert borg in rows["Borg"]["source_specific_ids"]


def test_an_edit_is_in_force_within_two_seconds_and_the_next_listing_writes_it(
    files: Path, crm: Box, assembly: Box, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    companies(crm)
    assert run(capsys, "backfill")[0] == 0
    borg = next(row for row in assembly.control.dump("accounts") if row["name"] == "Borg")
    monkeypatch.setenv("BRIDGE_CRM_LIST_INTERVAL_SECONDS", "1")
    bridge = bootstrap.build(bootstrap.load_settings())
    try:
        old = bridge.terms("default").mappings["companies"].version
        with bootstrap.working(bridge):
            mapping = files / "companies.yaml"
            mapping.write_text(
                mapping.read_text().replace("additional_properties.Industry", "additional_properties.Branch")
            )
            edited = time.monotonic()
            while bridge.terms("default").mappings["companies"].version == old:
                assert time.monotonic() - edited < 2
                time.sleep(0.02)
            while not any("Branch" in row["additional_properties"] for row in assembly.control.dump("accounts")):
                assert time.monotonic() - edited < 20
                time.sleep(0.05)
    finally:
        bridge.close()
    assert borg in assembly.control.dump("accounts")
