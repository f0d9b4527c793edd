"""``plan``: readable for people, safe to copy from, and true about an edit of a mapping before and after it acts."""

from __future__ import annotations

import json
import logging
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog

from bridge import bootstrap
from bridge.cli import main
from tests.support.sandboxes import Box, assembly_sandbox, crm_sandbox

ROOT = Path(__file__).parents[3]


@pytest.fixture(autouse=True)
def _logging() -> Iterator[None]:
    root = logging.getLogger()
    before = root.handlers, root.level
    yield
    root.handlers, root.level = before
    structlog.reset_defaults()


@pytest.fixture
def crm() -> Iterator[Box]:
    with crm_sandbox() as box:
        yield box


@pytest.fixture
def assembly() -> Iterator[Box]:
    with assembly_sandbox() as box:
        yield box


@pytest.fixture
def files(crm: Box, assembly: Box, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "mappings"
    folder.mkdir()
    shutil.copy(ROOT / "mappings/companies.yaml", folder)
    monkeypatch.chdir(tmp_path)
    values = {
        "CRM_BASE_URL": crm.url,
        "CRM_API_KEY": crm.key,
        "CRM_ENTITY_ID": crm.entity_id,
        "ASSEMBLY_BASE_URL": assembly.url,
        "ASSEMBLY_API_KEY": assembly.key,
        "CRM_RATE_LIMIT": "2000",
        "ASSEMBLY_RATE_LIMIT": "2000",
        "DATABASE_URL": f"sqlite:///{tmp_path}/bridge.db",
        "SETTLE_SECONDS": "0",
        "REMOTE_LAG_SECONDS": "0.1",
    }
    for name, value in values.items():
        monkeypatch.setenv(f"BRIDGE_{name}", value)
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
