"""``mappings check``: the offending line under each mistake, and with ``--live`` what real records say."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from bridge.cli import main
from tests.support.sandboxes import Box, point_at

ROOT = Path(__file__).parents[3]


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    shutil.copytree(ROOT / "mappings", tmp_path / "mappings")
    monkeypatch.chdir(tmp_path)
    return tmp_path / "mappings"


@pytest.fixture
def live(crm: Box, assembly: Box, files: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    point_at(monkeypatch, crm, assembly, files.parent)
    return files


def edit(files: Path, old: str, new: str, name: str = "companies.yaml") -> None:
    text = (files / name).read_text()
    assert old in text
    (files / name).write_text(text.replace(old, new))


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str]:
    capsys.readouterr()
    status = main(["mappings", "check", *arguments])
    captured = capsys.readouterr()
    assert "Traceback" not in captured.out + captured.err
    return status, captured.out + captured.err


def test_a_mistake_is_shown_with_its_line_and_a_mark_under_the_place(
    files: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    edit(files, "as: first_of_list", "as: first_of_lst")
    status, out = run(capsys)
    assert status == 1
    told, line, mark = out.splitlines()[:3]
    assert told.startswith("companies.yaml:")
    assert "first_of_list" in told
    assert line == "    " + "  phone: {crm: phone, assembly: phone, as: first_of_lst}"
    assert mark.index("^") == line.index("first_of_lst")


def test_good_files_on_good_records(live: Path, crm: Box, capsys: pytest.CaptureFixture[str]) -> None:
    crm.control.create("companies", {"name": "Acme", "website": "https://acme.example", "industry": "Steel"})
    status, out = run(capsys, "--live")
    assert status == 0, out
    assert out.endswith("No mistakes.\n")


def test_records_that_would_wait_for_a_person_are_found_before_they_do(
    live: Path, crm: Box, capsys: pytest.CaptureFixture[str]
) -> None:
    made = crm.control.create("companies", {"name": "Acme", "website": "private words", "relationshipType": "vendor"})
    edit(live, "vendor: Vendor, ", "")
    status, out = run(capsys, "--live")
    assert status == 1
    assert "domain in crm: " in out
    assert f"(1 of 1: {made['id']})" in out
    assert "tier in crm: " in out
    assert "private words" not in out
    assert "2 to mend." in out


def test_a_path_that_no_record_has_is_a_warning_with_the_nearest_one(
    live: Path, crm: Box, capsys: pytest.CaptureFixture[str]
) -> None:
    crm.control.create("companies", {"name": "Acme"})
    edit(live, "crm: industry", "crm: industri")
    status, out = run(capsys, "--live", "--json")
    assert status == 0
    assert ["nowhere", "industry"] in [[each["kind"], each["field"]] for each in json.loads(out)]
    assert "did you mean `industry`?" in out


def test_labels_that_the_mapping_names_and_assembly_lacks(live: Path, capsys: pytest.CaptureFixture[str]) -> None:
    edit(live, "create: true, color", "create: false, color")
    status, out = run(capsys, "--live")
    assert status == 1
    assert "there is no label of type Tier called `Customer`" in out


def test_labels_are_looked_for_where_the_options_say(
    live: Path, assembly: Box, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assembly.control.switches(labels_path="account")
    try:
        status, out = run(capsys, "--live")
        assert status == 1, out
        monkeypatch.setenv("BRIDGE_ASSEMBLY_OPTIONS", '{"labels_path": "/account/labels"}')
        status, out = run(capsys, "--live")
        assert status == 0, out
    finally:
        assembly.control.switches(labels_path="accounts")


def test_the_older_dialect_is_named_with_what_it_lacks_and_refuses_only_what_it_lacks(
    live: Path, crm: Box, assembly: Box, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("BRIDGE_ASSEMBLY_DIALECT", "legacy")
    assembly.control.switches(dialect="legacy")
    try:
        assert main(["check", "--json"]) == 1
        out = capsys.readouterr().out
        assert "the legacy dialect has no deals and no notes" in out
        assert "assembly has no `deals` in this dialect" in out
        for name in ("deals", "notes"):
            (live / f"{name}.yaml").unlink()
            (live / f"{name}_test.yaml").unlink()
        assert main(["check", "--json"]) == 0
        out = capsys.readouterr().out
        assert "the legacy dialect has no upsert" in out
        assert "key accepted; can read accounts, contacts" in out
        crm.control.create("companies", {"name": "Acme", "website": "acme.example"})
        assert main(["backfill"]) == 0
        (account,) = assembly.control.dump("accounts")
        assert account["name"] == "Acme"
    finally:
        assembly.control.switches(dialect="current")


def test_streams_that_the_older_dialect_has_not_are_refused_where_they_are_written(
    files: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    status, out = run(capsys, "--dialect", "legacy")
    assert status == 1
    told = [line for line in out.splitlines() if ".yaml:" in line]
    assert [line.split(":")[0] for line in told] == ["deals.yaml", "notes.yaml"]
    assert "assembly has no `deals` in this dialect" in told[0]
    for name in ("deals.yaml", "notes.yaml"):
        (files / name).unlink()
    assert run(capsys, "--dialect", "legacy")[0] == 0
