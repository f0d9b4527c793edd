"""The files around the code say what the code does: settings, compose file, Dockerfile, CI and README agree."""

from __future__ import annotations

import dataclasses
import re
import shutil
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import SecretStr

from bridge.connectors import AssemblyOptions, CrmOptions
from bridge.settings import Settings

ROOT = Path(__file__).parents[3]
COMPOSE_ONLY = {"POSTGRES_PASSWORD", "BRIDGE_PUBLISHED_PORT"}


def example() -> dict[str, str]:
    """Name to value of every line of .env.example, commented out or not."""
    lines = (ROOT / ".env.example").read_text().splitlines()
    found = (re.fullmatch(r"(?:# )?([A-Z][A-Z0-9_]+)=(.*)", line) for line in lines)
    return {match.group(1): match.group(2) for match in found if match}


def test_the_example_names_every_setting_and_no_other() -> None:
    settings = {f"BRIDGE_{name.upper()}" for name in Settings.model_fields}
    assert example().keys() - COMPOSE_ONLY == settings


@pytest.mark.parametrize("name", sorted(Settings.model_fields))
def test_the_example_shows_the_defaults(name: str) -> None:
    shown = example()[f"BRIDGE_{name.upper()}"]
    default = Settings.model_fields[name].get_default(call_default_factory=True)
    if name == "crm_base_url":
        assert shown == "https://crm.example.com/api/crm"
        return
    match default:
        case SecretStr():
            expected = default.get_secret_value()
        case None | () | {}:
            expected = "{}" if isinstance(default, dict) else ""
        case float():
            expected = f"{default:g}"
        case _:
            expected = str(default)
    assert shown == expected


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    document: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
    return document


def test_compose_runs_the_four_services_each_with_a_health_check(compose: dict[str, Any]) -> None:
    assert compose["services"].keys() == {"api", "worker", "redis", "postgres"}
    for name, service in compose["services"].items():
        assert service["healthcheck"]["test"][0] in ("CMD", "CMD-SHELL"), name
        assert service["restart"] == "unless-stopped", name


def test_compose_waits_for_what_each_service_needs(compose: dict[str, Any]) -> None:
    for service in compose["services"].values():
        for needed, condition in service.get("depends_on", {}).items():
            assert condition == {"condition": "service_healthy"}
            assert "healthcheck" in compose["services"][needed]


def test_compose_sets_only_settings_that_exist(compose: dict[str, Any]) -> None:
    known = {f"BRIDGE_{name.upper()}" for name in Settings.model_fields}
    for name in ("api", "worker"):
        environment = compose["services"][name]["environment"]
        assert environment.keys() <= known
        assert environment["BRIDGE_DATABASE_URL"].startswith("postgresql://")
        assert environment["BRIDGE_REDIS_URL"] == "redis://redis:6379/0"


def test_compose_publishes_the_api_on_the_loopback_only(compose: dict[str, Any]) -> None:
    assert all(str(port).startswith("127.0.0.1:") for port in compose["services"]["api"]["ports"])
    assert not any("ports" in compose["services"][name] for name in ("worker", "redis", "postgres"))


def test_compose_stops_the_bridge_gently(compose: dict[str, Any]) -> None:
    for name in ("api", "worker"):
        assert compose["services"][name]["init"] is True
        assert compose["services"][name]["stop_grace_period"] == "15s"


def test_the_image_takes_only_what_exists_and_installs_from_the_lock_file() -> None:
    text = (ROOT / "Dockerfile").read_text()
    for sources in re.findall(r"^COPY (?!--from)(.+) \S+$", text, re.MULTILINE):
        for source in sources.split():
            assert (ROOT / source).exists(), source
            assert f"!{source}" in (ROOT / ".dockerignore").read_text()
    assert text.count("uv sync --frozen --no-dev") == 2
    assert re.search(r"^USER bridge$", text, re.MULTILINE)


def test_ci_is_a_script_that_parses_and_runs_the_readmes_test_command() -> None:
    script = ROOT / ".ci/run"
    bash = shutil.which("bash")
    assert bash is not None
    assert subprocess.run([bash, "-n", str(script)], check=False).returncode == 0
    assert script.stat().st_mode & 0o111
    (command,) = re.findall(r"^(uv run .*pytest.*)$", (ROOT / "README.md").read_text(), re.MULTILINE)
    assert command in script.read_text()


def test_pre_commit_runs_the_locked_tools() -> None:
    document = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())
    (repository,) = document["repos"]
    assert repository["repo"] == "local"
    assert all(hook["entry"].startswith("uv ") for hook in repository["hooks"])


def test_the_change_log_has_an_entry_for_this_version() -> None:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    assert f"## {version}" in (ROOT / "CHANGELOG.md").read_text()


def test_decision_records_are_numbered_without_gaps_and_half_a_page() -> None:
    records = sorted((ROOT / "docs/decisions").glob("[0-9]*.md"))
    assert [int(record.name[:4]) for record in records] == list(range(1, len(records) + 1))
    for record in records:
        text = record.read_text()
        assert len(text.splitlines()) <= 60, record.name
        assert text.startswith(f"# {int(record.name[:4])}. "), record.name


@pytest.mark.parametrize("kind", [CrmOptions, AssemblyOptions])
def test_every_open_point_of_the_remotes_is_documented_with_its_default(
    kind: type[CrmOptions | AssemblyOptions],
) -> None:
    text = (ROOT / "docs/settings.md").read_text()
    for option in dataclasses.fields(kind):
        (default,) = re.findall(rf"^\| `{option.name}` \| `(.*?)` \|", _section(text, kind), re.MULTILINE)
        value = getattr(kind(), option.name)
        if isinstance(value, str | bool | int):
            assert default == (str(value).lower() if isinstance(value, bool) else str(value))


def _section(text: str, kind: type[CrmOptions | AssemblyOptions]) -> str:
    _, crm, assembly = re.split(r"^`BRIDGE_(?:CRM|ASSEMBLY)_OPTIONS`$", text, flags=re.MULTILINE)
    return crm if kind is CrmOptions else assembly


def test_links_between_the_documents_lead_somewhere() -> None:
    for file in [ROOT / "README.md", *(ROOT / "docs").glob("*.md")]:
        for target in re.findall(r"\]\(([^)#:]+)\)", file.read_text()):
            assert (file.parent / target).exists(), f"{file.name}: {target}"
