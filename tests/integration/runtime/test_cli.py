"""Commands against sandboxes: what they print, their exit statuses, and no traceback for anybody's mistake."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml

from bridge.cli import main
from bridge.sandbox import seed
from tests.support.sandboxes import Box, point_at

ROOT = Path(__file__).parents[3]


@pytest.fixture
def settings(crm: Box, assembly: Box, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Both sandboxes emptied, and a folder with mappings and settings to work in."""
    shutil.copytree(ROOT / "mappings", tmp_path / "mappings")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "160")
    point_at(monkeypatch, crm, assembly, tmp_path)
    return tmp_path


def bridge(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    """Exit status, stdout, stderr."""
    capsys.readouterr()
    status = main(arguments)
    captured = capsys.readouterr()
    assert "Traceback" not in captured.out + captured.err
    return status, captured.out, captured.err


def bridge_json(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, Any]:
    status, out, _ = bridge(capsys, *arguments, "--json")
    return status, json.loads(out)


# --- wrong usage ----------------------------------------------------------------------------------------------------


def test_missing_settings_are_all_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    for command in (["check"], ["plan"], ["up"], ["serve"], ["connections"], ["attention", "list"]):
        status, out, err = bridge(capsys, *command)
        assert status == 2
        assert out == ""
        for name in ("BRIDGE_CRM_BASE_URL", "BRIDGE_CRM_API_KEY", "BRIDGE_CRM_ENTITY_ID", "BRIDGE_ASSEMBLY_API_KEY"):
            assert name in err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["nonsense"], "nonsense"),
        (["plan", "--nonsense"], "nonsense"),
        (["plan", "--stream", "nonsense"], "companies, contacts, deals, notes"),
        (["plan", "--connection", "other"], "there are: default"),
        (["attention", "show", "77"], "no attention item 77"),
        (["attention", "resolve", "77", "crm"], "no attention item 77"),
        (["record", "show", "companies", "497f6eca"], "crm:ID or assembly:ID"),
        (["record", "show", "nonsense", "crm:1"], "there are companies"),
        (["mappings", "check", "nowhere"], "nowhere"),
        (["sandbox", "load", "nowhere", "--url", "http://127.0.0.1:1"], "not a folder"),
    ],
)
def test_wrong_usage_is_status_two_and_says_what_is_right(
    settings: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], words: str
) -> None:
    status, _, err = bridge(capsys, *arguments)
    assert status == 2, err
    assert words in " ".join(err.split())


def test_help_is_there_for_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    for command in ("demo", "up", "serve", "worker", "check", "plan", "backfill", "attention", "record", "sandbox"):
        status, out, _ = bridge(capsys, command, "--help")
        assert status == 0
        assert "Usage" in out


# --- check ----------------------------------------------------------------------------------------------------------


def test_check_is_good_when_everything_is(settings: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status, findings = bridge_json(capsys, "check")
    assert status == 0, findings
    assert {finding["what"] for finding in findings} >= {
        "settings",
        "database",
        "redis",
        "default: crm",
        "default: assembly",
    }
    status, out, _ = bridge(capsys, "check")
    assert status == 0
    assert "key accepted" in out


@pytest.mark.parametrize(
    ("name", "value", "what", "words"),
    [
        ("BRIDGE_CRM_API_KEY", "ak_wrong", "default: crm", "401"),
        ("BRIDGE_CRM_ENTITY_ID", "11111111-2222-4333-8444-555555555555", "default: crm", "403"),
        ("BRIDGE_ASSEMBLY_API_KEY", "wrong", "default: assembly", "401"),
        ("BRIDGE_ASSEMBLY_BASE_URL", "http://127.0.0.1:9", "default: assembly", "could not connect"),
        ("BRIDGE_REDIS_URL", "redis://127.0.0.1:9/0", "redis", "does not answer"),
    ],
)
def test_check_finds_what_is_wrong(
    settings: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    value: str,
    what: str,
    words: str,
) -> None:
    monkeypatch.setenv(name, value)
    status, findings = bridge_json(capsys, "check")
    assert status == 1
    (wrong,) = [finding for finding in findings if finding["good"] is False]
    assert wrong["what"] == what
    assert words in wrong["words"]
    assert "ak_wrong" not in json.dumps(findings)


THREE_MISTAKES = """\
stream: companies
crm: companies
assembly: accounts
join: id
match: [domian]
create: [assembly, crm]
conflict: newest
on_bind: crm
fields:
  name: {crm: name, assembly: name, required: true}
  domain: {crm: website, assembly: domain, as: domian}
  phone: {crm: phone, asembly: phone}
"""


def test_three_mistakes_in_a_mapping_are_told_at_once_with_their_places(
    settings: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (settings / "mappings/companies.yaml").write_text(THREE_MISTAKES)
    status, out, _ = bridge(capsys, "mappings", "check")
    assert status == 1
    for place in ("companies.yaml:5:", "companies.yaml:11:", "companies.yaml:12:"):
        assert place in out, out
    assert "domain" in out
    status, findings = bridge_json(capsys, "check")
    assert status == 1
    assert sum(finding["what"] == "mappings" for finding in findings) >= 3
    for command in (["plan"], ["up"], ["serve"]):
        status, _, err = bridge(capsys, *command)
        assert status == 1
        assert "companies.yaml:12:" in err


def test_shipped_mappings_have_no_mistake_and_their_cases_pass(
    settings: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert bridge(capsys, "mappings", "check")[0] == 0
    status, results = bridge_json(capsys, "mappings", "test")
    assert status == 0
    assert len(results) > 10


def test_a_case_that_fails_is_shown_with_what_was_expected(settings: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cases = settings / "mappings/companies_test.yaml"
    document = yaml.safe_load(cases.read_text())
    next(case for case in document["cases"] if "assembly" in case or "expect" in case)
    text = cases.read_text()
    assert "Acme" in text
    cases.write_text(text.replace("Acme", "Bcme", 1))
    status, out, _ = bridge(capsys, "mappings", "test")
    assert status == 1
    assert "expected" in out
    assert "Bcme" in out


def test_the_schema_is_the_one_beside_the_mappings(settings: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status, out, _ = bridge(capsys, "mappings", "schema")
    assert status == 0
    assert out == (settings / "mappings/schema.json").read_text()


# --- a backfill from the command line -------------------------------------------------------------------------------


def test_plan_backfill_and_looking_at_what_waits(
    settings: Path, crm: Box, assembly: Box, capsys: pytest.CaptureFixture[str]
) -> None:
    records = seed.demo(5, 8)
    crm.control.seed(records)

    status, planned = bridge_json(capsys, "plan")
    assert status == 1
    assert planned["backfill"]["dry_run"] is True
    assert {item["stream"] for item in planned["items"]} == {"companies", "contacts", "deals", "notes"}
    assert assembly.control.dump("accounts") == []
    assert bridge_json(capsys, "connections")[1][0]["mode"] == "observing"

    status, out, _ = bridge(capsys, "backfill")
    assert status == 0
    assert "done" in out
    active = [row for row in records["companies"] if row["status"] == "active"]
    assert len(assembly.control.dump("accounts")) == len(active)
    status, connections = bridge_json(capsys, "connections")
    assert (status, connections[0]["mode"]) == (0, "live")

    status, _ = bridge_json(capsys, "plan")
    status, waiting = bridge_json(capsys, "attention", "list")
    assert status == 1
    without_email = next(item for item in waiting["items"] if item["cause"] == "required:email")
    status, out, _ = bridge(capsys, "attention", "show", str(without_email["id"]))
    assert status == 1
    assert "email is empty" in out
    status, out, _ = bridge(capsys, "attention", "list")
    assert "email is empty" in out

    company = active[0]
    status, shown = bridge_json(capsys, "record", "show", "companies", f"crm:{company['id']}")
    assert status == 0
    assert shown["sides"]["assembly"]["record"]["name"] == company["name"]
    status, out, _ = bridge(capsys, "record", "show", "companies", f"crm:{company['id']}")
    assert "created" in out
    assert company["name"] in out
    status, out, _ = bridge(capsys, "record", "show", "companies", f"crm:{company['id']}", "--as-test")
    (case,) = yaml.safe_load(out)
    assert case["crm"]["name"] == company["name"]
    status, _, err = bridge(capsys, "record", "show", "companies", "crm:00000000-0000-4000-8000-000000000000")
    assert status == 2
    assert "never linked" in err

    assert bridge(capsys, "record", "sync", "companies", f"crm:{company['id']}")[0] == 0


def test_an_answer_that_is_none_of_the_ways_is_refused(
    settings: Path, crm: Box, capsys: pytest.CaptureFixture[str]
) -> None:
    crm.control.seed(seed.demo(5, 8))
    assert bridge(capsys, "backfill")[0] == 0
    _, waiting = bridge_json(capsys, "attention", "list")
    item = waiting["items"][0]
    status, _, err = bridge(capsys, "attention", "resolve", str(item["id"]), "nonsense")
    assert status == 2
    assert "can be answered with" in err
    for wrong in (["value"], ["retry", "--value", "1"]):
        status, _, err = bridge(capsys, "attention", "resolve-group", item["group"], *wrong)
        assert status == 2
        assert "needs a --value" in err
    status, _, err = bridge(capsys, "attention", "resolve-group", "nobody/knows", "crm")
    assert (status, err.strip()) == (2, "nothing waits in a group called nobody/knows")


def test_a_wrong_key_ends_a_backfill_in_words(
    settings: Path, crm: Box, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    crm.control.seed(seed.demo(5, 3))
    for name, system in (("BRIDGE_CRM_API_KEY", "crm"), ("BRIDGE_ASSEMBLY_API_KEY", "assembly")):
        good = os.environ[name]
        monkeypatch.setenv(name, "wrong")
        status, _, err = bridge(capsys, "backfill")
        assert status == 1, system
        assert "401" in err
        assert "bridge connections resume default" in err
        assert bridge_json(capsys, "connections")[0] == 1
        status, out, _ = bridge(capsys, "attention", "list")
        assert (status, "bridge connections resume default" in out) == (1, True), "it waits for a person, too"
        monkeypatch.setenv(name, good)
        status, out, _ = bridge(capsys, "connections", "resume")
        assert status == 0
        assert "paused" not in out
    assert bridge(capsys, "backfill")[0] == 0


def test_modes_are_changed_by_a_word(settings: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for word, mode in (("live", "live"), ("pause", "paused"), ("resume", "live"), ("observe", "observing")):
        status, out, _ = bridge(capsys, "connections", word)
        assert status == 0
        assert mode in out
    assert bridge(capsys, "connections", "live", "nonsense")[0] == 2


# --- health ---------------------------------------------------------------------------------------------------------


def test_health_without_a_running_bridge_is_status_one(settings: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status, states = bridge_json(capsys, "health", "--url", "http://127.0.0.1:9")
    assert status == 1
    assert states == {"live": "no answer (ConnectError)", "ready": "no answer (ConnectError)"}
    status, states = bridge_json(capsys, "health", "--workers")
    assert status == 1


def test_proposals_are_drafted_from_what_both_systems_hold(
    settings: Path, crm: Box, assembly: Box, capsys: pytest.CaptureFixture[str]
) -> None:
    status, _, err = bridge(capsys, "mappings", "propose")
    assert status == 2
    assert "both sides" in err
    crm.control.seed(seed.demo(5, 8))
    assert bridge(capsys, "backfill")[0] == 0
    status, out, err = bridge(capsys, "mappings", "propose")
    assert status == 0
    assert "stream: companies" in out
    assert "% of the crm's fields" in err


def test_a_backfill_is_undone_after_its_plan_was_read(
    settings: Path, crm: Box, assembly: Box, capsys: pytest.CaptureFixture[str]
) -> None:
    crm.control.seed({name: rows for name, rows in seed.demo(5, 3).items() if name in ("stages", "companies")})
    _, run = bridge_json(capsys, "backfill")
    made = len(assembly.control.dump("accounts"))
    assert made > 0
    assert bridge(capsys, "undo")[0] == 2
    assert bridge(capsys, "undo", "nonsense")[0] == 2
    status, out, _ = bridge(capsys, "undo", run["id"], "--yes")
    assert status == 0, out
    assert assembly.control.dump("accounts") == []


def test_links_are_rebuilt_without_a_write(
    settings: Path, crm: Box, assembly: Box, capsys: pytest.CaptureFixture[str]
) -> None:
    crm.control.seed(seed.demo(5, 4))
    assert bridge(capsys, "backfill")[0] == 0
    before = assembly.control.dump("accounts"), crm.control.dump("companies")
    for file in settings.glob("bridge.db*"):
        file.unlink()
    _, out, _ = bridge(capsys, "links", "rebuild")
    assert "done" in out
    assert (assembly.control.dump("accounts"), crm.control.dump("companies")) == before
    company = next(row for row in before[1] if row["status"] == "active")
    _, shown = bridge_json(capsys, "record", "show", "companies", f"crm:{company['id']}")
    assert shown["link"]["state"] == "live"
