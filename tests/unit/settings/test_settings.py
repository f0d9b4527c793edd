"""Settings: what a person writes, what they are told when it is wrong, and what never shows."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from pydantic import ValidationError

from bridge.settings import InvalidSettings, Settings, load

SINGLE = {
    "CRM_BASE_URL": "https://crm.example.com/api/crm/",
    "CRM_API_KEY": "ak_secret",
    "CRM_ENTITY_ID": "497f6eca-6276-4993-bfeb-53cbbbba6f08",
    "CRM_WEBHOOK_SECRET": "whsec_b25l, whsec_dHdv",
    "ASSEMBLY_API_KEY": "assembly-secret",
}


@pytest.fixture(autouse=True)
def clean(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith("BRIDGE_")]:
        monkeypatch.delenv(name)


def write(monkeypatch: pytest.MonkeyPatch, **values: str) -> None:
    for name, value in values.items():
        monkeypatch.setenv(f"BRIDGE_{name}", value)


def problems(settings: Settings | None = None) -> tuple[str, ...]:
    with pytest.raises(InvalidSettings) as wrong:
        (settings or load()).connections()
    return wrong.value.problems


def test_the_single_set_is_the_connection_called_default(monkeypatch: pytest.MonkeyPatch) -> None:
    write(monkeypatch, **SINGLE)
    (connection,) = load().connections()
    assert connection.name == "default"
    assert connection.crm_base_url == "https://crm.example.com/api/crm"
    assert connection.assembly_base_url == "https://api.wavelength.cx"
    assert [secret.get_secret_value() for secret in connection.crm_webhook_secret] == ["whsec_b25l", "whsec_dHdv"]
    assert connection.mappings_dir == Path("mappings")


def test_the_same_names_are_read_from_an_env_file(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("".join(f"BRIDGE_{name}={value}\n" for name, value in SINGLE.items()))
    assert load().connections()[0].crm_api_key.get_secret_value() == "ak_secret"


def test_an_empty_value_counts_as_not_set(monkeypatch: pytest.MonkeyPatch) -> None:
    write(monkeypatch, PORT="", POLL_INTERVAL_SECONDS="", CRM_WEBHOOK_SECRET="")
    assert (load().port, load().poll_interval_seconds, load().crm_webhook_secret) == (8000, 30, ())


def test_everything_that_is_missing_is_said_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    write(monkeypatch, CRM_APIKEY="ak_secret")
    found = problems()
    assert [line.split(" ")[0] for line in found] == [
        "BRIDGE_CRM_BASE_URL",
        "BRIDGE_CRM_API_KEY",
        "BRIDGE_CRM_ENTITY_ID",
        "BRIDGE_ASSEMBLY_API_KEY",
    ]
    assert "BRIDGE_CRM_APIKEY is set, but no such setting exists" in found[1]


def test_wavo_needs_both_of_its_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    write(monkeypatch, **SINGLE, WAVO_TOKEN="t")
    assert problems() == ("BRIDGE_WAVO_BASE_URL is not set: write Wavo's base URL, or remove WAVO_TOKEN",)


@pytest.mark.parametrize(
    "url",
    [
        "crm.example.com",
        "ftp://crm.example.com",
        "https://user:hunter2@crm.example.com",
        "https://crm.example.com/?key=hunter2",
        "https://crm.example.com/#hunter2",
        "https://crm.example.com:port",
        "https:///api",
        "https://crm.example.com/a b",
        "https://[::1",
    ],
)
def test_a_base_url_that_could_mislead_a_key_is_refused_without_repeating_it(
    monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    write(monkeypatch, **SINGLE | {"CRM_BASE_URL": url})
    with pytest.raises(InvalidSettings) as wrong:
        load()
    assert str(wrong.value).startswith("BRIDGE_CRM_BASE_URL: ")
    assert "hunter2" not in str(wrong.value)


def test_hosts_can_be_limited(monkeypatch: pytest.MonkeyPatch) -> None:
    write(monkeypatch, **SINGLE, ALLOWED_HOSTS="crm.example.com")
    assert problems() == ("BRIDGE_ASSEMBLY_BASE_URL: its host is not among BRIDGE_ALLOWED_HOSTS",)
    write(monkeypatch, ALLOWED_HOSTS="crm.example.com, api.wavelength.cx")
    assert len(load().connections()) == 1


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PORT", "hunter2"),
        ("ASSEMBLY_DIALECT", "hunter2"),
        ("DATABASE_URL", "mysql://me:hunter2@host/db"),
        ("REDIS_URL", "http://:hunter2@host"),
        ("CRM_OPTIONS", "hunter2"),
        ("LEASE_SECONDS", "-1"),
        ("CRM_WEBHOOK_SECRET", "whsec_hunter2"),
        ("CRM_WEBHOOK_SECRET", "whsec_"),
    ],
)
def test_a_wrong_value_names_its_setting_and_is_not_repeated(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    write(monkeypatch, **{name: value})
    with pytest.raises(InvalidSettings) as wrong:
        load()
    assert str(wrong.value).startswith(f"BRIDGE_{name}: ")
    assert "hunter2" not in str(wrong.value)


def test_not_even_the_model_itself_repeats_a_wrong_value() -> None:
    with pytest.raises(ValidationError) as wrong:
        Settings(_env_file=None, redis_url="http://:hunter2@host")
    assert "hunter2" not in str(wrong.value)


def test_a_call_may_not_outlive_half_a_lease(monkeypatch: pytest.MonkeyPatch) -> None:
    write(monkeypatch, LEASE_SECONDS="40", HTTP_TIMEOUT_SECONDS="20")
    with pytest.raises(InvalidSettings, match="BRIDGE_HTTP_TIMEOUT_SECONDS must be shorter than half"):
        load()


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg"])
def test_postgres_is_reached_through_psycopg(monkeypatch: pytest.MonkeyPatch, scheme: str) -> None:
    write(monkeypatch, DATABASE_URL=f"{scheme}://u:p@host/db")
    assert load().database_url == "postgresql+psycopg://u:p@host/db"


def test_nothing_secret_shows_when_settings_are_printed(monkeypatch: pytest.MonkeyPatch) -> None:
    write(
        monkeypatch,
        **SINGLE | {"CRM_API_KEY": "hunter2", "ASSEMBLY_API_KEY": "hunter2", "CRM_WEBHOOK_SECRET": "hunter2,hunter2"},
        WAVO_BASE_URL="https://wavo.example.com",
        WAVO_TOKEN="hunter2",
        ADMIN_TOKEN="hunter2",
        DATABASE_URL="postgresql://u:hunter2@host/db",
        REDIS_URL="redis://:hunter2@host",
    )
    settings = load()
    assert "hunter2" not in repr(settings) + str(settings) + repr(settings.connections())


def test_the_brake_has_a_count_and_a_share_for_every_class(monkeypatch: pytest.MonkeyPatch) -> None:
    write(monkeypatch, BRAKE_DELETE_COUNT="10", BRAKE_DELETE_PERCENT="2.5")
    settings = load()
    assert (settings.brake_counts["delete"], settings.brake_percents["delete"]) == (10, 2.5)
    assert set(settings.brake_counts) == set(settings.brake_percents)
    assert set(settings.brake_counts) == {"create", "update", "clear", "delete", "reparent"}


# --- a connections file ---


def connections_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, text: str) -> Settings:
    file = tmp_path / "connections.yaml"
    file.write_text(text)
    write(monkeypatch, CONNECTIONS_FILE=str(file))
    return load()


TWO = """
north:
  CRM_BASE_URL: https://north.example.com/api/crm
  CRM_API_KEY: ${NORTH_KEY}
  CRM_ENTITY_ID: 0123
  ASSEMBLY_API_KEY: a
  CRM_WEBHOOK_SECRET: ${NORTH_KEY}, second
  CRM_OPTIONS: {null_clears: true, updated_at: updatedAt}
south:
  BRIDGE_CRM_BASE_URL: https://south.example.com/api/crm
  crm_api_key: b
  CRM_ENTITY_ID: "5"
  ASSEMBLY_API_KEY: b
  MAPPINGS_DIR: mappings/south
"""


def test_several_connections_come_from_a_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("NORTH_KEY", "ak_north")
    north, south = connections_file(monkeypatch, tmp_path, TWO).connections()
    assert (north.name, north.crm_api_key.get_secret_value(), north.crm_entity_id) == ("north", "ak_north", "0123")
    assert [secret.get_secret_value() for secret in north.crm_webhook_secret] == ["ak_north", "second"]
    assert north.crm_options == {"null_clears": True, "updated_at": "updatedAt"}
    assert (north.mappings_dir, south.mappings_dir) == (Path("mappings"), Path("mappings/south"))


def test_every_mistake_of_the_file_is_said_at_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    text = "North:\n  CRM_BASE_ULR: x\n  CRM_API_KEY: ${NOT_THERE}\nsouth: 5\n"
    found = "\n".join(problems(connections_file(monkeypatch, tmp_path, text)))
    assert "'North' cannot name a connection" in found
    assert "CRM_BASE_ULR is no setting of a connection; did you mean CRM_BASE_URL?" in found
    assert "CRM_API_KEY refers to ${NOT_THERE}, which is not set" in found
    assert "connection south: write its settings below it" in found


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("a: {X: [}", "connections.yaml:1:9: "),
        ("", "write connection names"),
        ("a: {CRM_API_KEY: 1}\na: {CRM_API_KEY: 2}", "connections.yaml:2:1: a stands twice"),
        ("a:\n  CRM_API_KEY: k\n", "connection a: CRM_BASE_URL is not set"),
        ("a:\n  CRM_BASE_URL: nowhere\n", "connection a: CRM_BASE_URL: write a whole base URL"),
    ],
)
def test_a_broken_file_is_said_with_its_place(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, text: str, told: str
) -> None:
    assert told in "\n".join(problems(connections_file(monkeypatch, tmp_path, text)))


def test_a_file_that_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    write(monkeypatch, CONNECTIONS_FILE="nowhere.yaml")
    assert problems() == ("BRIDGE_CONNECTIONS_FILE: cannot read nowhere.yaml: No such file or directory",)


def test_the_file_and_the_single_set_exclude_each_other(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    write(monkeypatch, CRM_API_KEY="x")
    assert problems(connections_file(monkeypatch, tmp_path, TWO)) == (
        "BRIDGE_CRM_API_KEY: remove it or BRIDGE_CONNECTIONS_FILE; one of them counts",
    )
