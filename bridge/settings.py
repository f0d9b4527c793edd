"""The settings of DESIGN §11: environment variables with the prefix ``BRIDGE_``, or the same names in ``.env``.

The only reader of the environment. ``load()`` reads and checks them; ``Settings.connections()`` gives the configured
connections, either the single set (called ``default``) or those of ``BRIDGE_CONNECTIONS_FILE``. Mistakes are collected
and raised together as ``InvalidSettings``; its text says which setting is wrong and what to write, and never repeats a
value (it may be a secret). Layers keep this module apart from ``bridge.core``: the composition root turns
``InvalidSettings`` into ``bridge.core.errors.SettingsError``.
"""

from __future__ import annotations

import base64
import difflib
import json
import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Final, Literal, TypeAlias
from urllib.parse import SplitResult, urlsplit

import yaml
from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic_core import ErrorDetails
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict, SettingsError

PREFIX: Final = "BRIDGE_"
SINGLE: Final = "default"
_CONNECTION_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}")
_REFERENCE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
_DRIVERS: Final = {
    "sqlite": "sqlite",
    "postgres": "postgresql+psycopg",
    "postgresql": "postgresql+psycopg",
    "postgresql+psycopg": "postgresql+psycopg",
}

BRAKE_CLASSES: Final = ("create", "update", "clear", "delete", "reparent")


class InvalidSettings(ValueError):
    """Settings that are missing or wrong; ``problems`` has one line for each."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = tuple(problems)


def _host(parts: SplitResult) -> str | None:
    try:
        parts.port  # noqa: B018  (a port that is no number raises here, not in urlsplit)
        return parts.hostname
    except ValueError:
        return None


def _base_url(text: str) -> str:
    if not text:
        return ""
    parts = urlsplit(text.strip())
    if parts.scheme not in ("http", "https") or not _host(parts) or re.search(r"[\s\x00-\x1f\\]", parts.geturl()):
        raise ValueError("write a whole base URL such as https://crm.example.com/api/crm")
    if parts.username is not None or parts.password is not None:
        raise ValueError("leave user name and password out of the URL; keys have settings of their own")
    if parts.query or parts.fragment:
        raise ValueError("leave out everything from '?' or '#' on")
    return parts.geturl().rstrip("/")


def _words(value: str) -> tuple[str, ...]:
    return tuple(word for word in (part.strip() for part in value.split(",")) if word)


def _secret_words(value: object) -> object:
    if not isinstance(value, str):
        return value
    words = _words(value)
    if any(word.startswith("whsec_") and not _is_base64(word.removeprefix("whsec_")) for word in words):
        raise ValueError("what follows whsec_ has to be base64: copy the secret again, to its end")
    return tuple(SecretStr(word) for word in words)


def _is_base64(text: str) -> bool:
    try:
        return bool(base64.b64decode(text, validate=True))
    except ValueError:
        return False


BaseUrl = Annotated[str, BeforeValidator(lambda value: _base_url(str(value or "")))]
Words = Annotated[
    tuple[str, ...], NoDecode, BeforeValidator(lambda value: _words(value) if isinstance(value, str) else value)
]
SecretWords = Annotated[tuple[SecretStr, ...], NoDecode, BeforeValidator(_secret_words)]
Options: TypeAlias = dict[str, Any]
Seconds = Annotated[float, Field(gt=0)]
PerSecond = Annotated[float, Field(gt=0)]


class _Remotes(BaseModel):
    """The settings that each connection has of its own."""

    crm_base_url: BaseUrl = ""
    """With the path that the CRM's documents show before the resource: ``https://…/api/crm``."""
    crm_api_key: SecretStr = SecretStr("")
    crm_entity_id: str = ""
    crm_webhook_secret: SecretWords = ()
    """Several, separated by commas, while one replaces another. Empty: the connection takes no webhooks."""
    crm_rate_limit: PerSecond = 30
    """Requests a second. The CRM's documents name no limit."""
    crm_options: Options = Field(default_factory=dict)
    """What the CRM's documents leave open, as JSON: the fields of ``bridge.connectors``' CRM options."""
    assembly_base_url: BaseUrl = "https://api.wavelength.cx"
    assembly_api_key: SecretStr = SecretStr("")
    assembly_dialect: Literal["current", "legacy"] = "current"
    assembly_rate_limit: PerSecond = 30
    """Requests a second; 30 is the documented limit."""
    assembly_options: Options = Field(default_factory=dict)
    """What Assembly's documents leave open, as JSON: the fields of ``bridge.connectors``' Assembly options."""
    wavo_base_url: BaseUrl = ""
    wavo_token: SecretStr = SecretStr("")
    wavo_options: Options = Field(default_factory=dict)
    mappings_dir: Path = Path("mappings")


class ConnectionSettings(_Remotes):
    """One connection, complete and checked."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    name: str

    @property
    def takes_webhooks(self) -> bool:
        return bool(self.crm_webhook_secret)


class Settings(_Remotes, BaseSettings):
    """All settings. Names ending in ``_seconds`` are seconds, in ``_bytes`` bytes, in ``_percent`` percent."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        env_file=".env",
        env_ignore_empty=True,
        extra="ignore",
        frozen=True,
        hide_input_in_errors=True,
    )

    connections_file: Path | None = None
    """YAML: connection names, each with the names above (``CRM_BASE_URL`` …) and ``${ENV}`` references."""
    allowed_hosts: Words = ()
    """If set, base URLs must name one of these hosts."""

    admin_token: SecretStr = SecretStr("")
    """Empty: everything under ``/admin``, ``/metrics`` and ``/docs`` is switched off."""
    host: str = "127.0.0.1"
    port: int = Field(default=8000, ge=0, le=65535)
    webhook_max_bytes: int = Field(default=1024 * 1024, gt=0)
    webhook_tolerance_seconds: Seconds = 300
    """How far a webhook's signed timestamp may be from now."""

    database_url: str = Field(default="sqlite:///bridge.db", repr=False)
    redis_url: str = Field(default="", repr=False)
    """Empty: an embedded Redis."""

    poll_interval_seconds: Seconds = 30
    crm_list_interval_seconds: Seconds = 900
    sweep_interval_seconds: Seconds = 10
    poll_overlap_seconds: float = Field(default=5, ge=0)
    retention_days: float = Field(default=90, ge=1)
    """How long what only served to work is kept: webhook bodies, answered intents, settled attention, items of ended runs."""
    lease_seconds: Seconds = 20
    http_timeout_seconds: Seconds = 8
    """Time-out of one remote call; must be shorter than half a lease."""
    settle_seconds: float = Field(default=5, ge=0)
    """After this a hint that found nothing is looked at once more."""
    remote_lag_seconds: float = Field(default=5, ge=0)
    """How long a remote's reads may trail its writes."""
    newest_margin_seconds: float = Field(default=2, ge=0)
    """Timestamps closer than this do not decide a ``newest`` conflict."""

    max_processes: int = Field(default=4, gt=0)
    """Without Redis each process takes the rate limits divided by this."""
    max_in_flight: int = Field(default=16, gt=0)
    """Calls that a worker waits for at once, for one connection; as long as all are in use it begins no further record."""

    brake_create_count: int = Field(default=200, ge=0)
    brake_create_percent: float = Field(default=20, ge=0)
    brake_update_count: int = Field(default=500, ge=0)
    brake_update_percent: float = Field(default=30, ge=0)
    brake_clear_count: int = Field(default=50, ge=0)
    brake_clear_percent: float = Field(default=5, ge=0)
    brake_delete_count: int = Field(default=20, ge=0)
    brake_delete_percent: float = Field(default=2, ge=0)
    brake_reparent_count: int = Field(default=50, ge=0)
    brake_reparent_percent: float = Field(default=5, ge=0)
    oscillation_flips: int = Field(default=4, ge=1)

    log_level: Literal["debug", "info", "warning", "error"] = "info"
    log_format: Literal["json", "text"] = "text"

    @field_validator("database_url")
    @classmethod
    def _database(cls, url: str) -> str:
        scheme, colon, rest = url.partition("://")
        if scheme not in _DRIVERS or not colon:
            raise ValueError("write sqlite:///file.db or postgresql://user:password@host/database")
        return f"{_DRIVERS[scheme]}://{rest}"

    @field_validator("redis_url")
    @classmethod
    def _redis(cls, url: str) -> str:
        if url and not url.startswith(("redis://", "rediss://", "unix://")):
            raise ValueError("write redis://host:6379/0, rediss://… or unix:///path, or leave it empty")
        return url

    @model_validator(mode="after")
    def _patience(self) -> Settings:
        if self.http_timeout_seconds >= self.lease_seconds / 2:
            # A call that outlives its lease could land after somebody else took the record over.
            raise ValueError("BRIDGE_HTTP_TIMEOUT_SECONDS must be shorter than half of BRIDGE_LEASE_SECONDS")
        return self

    @property
    def brake_counts(self) -> Mapping[str, int]:
        """By class of change: how many an hour pass per connection and stream, however few links there are."""
        return {name: getattr(self, f"brake_{name}_count") for name in BRAKE_CLASSES}

    @property
    def brake_percents(self) -> Mapping[str, float]:
        """By class of change: the share of the stream's live links that passes in an hour, if that is more."""
        return {name: getattr(self, f"brake_{name}_percent") for name in BRAKE_CLASSES}

    def connections(self, environ: Mapping[str, str] | None = None) -> tuple[ConnectionSettings, ...]:
        """The configured connections, at least one. Raises ``InvalidSettings`` with every mistake.

        ``environ`` is where ``${ENV}`` references of the connections file are looked up.
        """
        names = {name: getattr(self, name) for name in self.model_fields_set & _Remotes.model_fields.keys()}
        environment = os.environ if environ is None else environ
        if self.connections_file is None:
            return _checked({SINGLE: names}, self.allowed_hosts, environment)
        if doubled := sorted(names.keys() - {"mappings_dir"}):
            raise InvalidSettings(
                [
                    f"{_label(SINGLE, name)}: remove it or BRIDGE_CONNECTIONS_FILE; one of them counts"
                    for name in doubled
                ]
            )
        sets = _read_connections(self.connections_file, environment)
        shared = {"mappings_dir": self.mappings_dir}
        return _checked({name: {**shared, **values} for name, values in sets.items()}, self.allowed_hosts, environment)


def load(*, env_file: Path | None = Path(".env")) -> Settings:
    """Read and check all settings. Raises ``InvalidSettings``."""
    try:
        return Settings(_env_file=env_file)
    except ValidationError as wrong:
        raise InvalidSettings([_line(SINGLE, error) for error in wrong.errors(include_input=False)]) from None
    except SettingsError as wrong:
        # pydantic-settings raises this one for a value that is not the JSON it has to be.
        raise InvalidSettings([_not_json(str(wrong))]) from None


def _label(connection: str, name: str) -> str:
    return f"{PREFIX}{name.upper()}" if connection == SINGLE else f"connection {connection}: {name.upper()}"


def _line(connection: str, error: ErrorDetails) -> str:
    """One mistake in words, without the value that was written."""
    text = error["msg"].removeprefix("Value error, ")
    return f"{_label(connection, str(error['loc'][0]))}: {text}" if error["loc"] else text


def _not_json(message: str) -> str:
    found = re.search(r'field "(\w+)"', message)
    return f'{_label(SINGLE, found.group(1) if found else "settings")}: write a JSON object, such as {{"name": true}}'


def _checked(
    sets: Mapping[str, Mapping[str, Any]], allowed_hosts: Sequence[str], environ: Mapping[str, str]
) -> tuple[ConnectionSettings, ...]:
    connections: list[ConnectionSettings] = []
    problems: list[str] = []
    for name, values in sets.items():
        try:
            connection = ConnectionSettings.model_validate({**values, "name": name})
        except ValidationError as wrong:
            problems += [_line(name, error) for error in wrong.errors(include_input=False)]
            continue
        problems += _incomplete(connection, environ)
        problems += _forbidden_hosts(connection, allowed_hosts)
        connections.append(connection)
    if problems:
        raise InvalidSettings(problems)
    return tuple(connections)


def _incomplete(connection: ConnectionSettings, environ: Mapping[str, str]) -> list[str]:
    needed = {
        "crm_base_url": "write the CRM's base URL, such as https://crm.example.com/api/crm",
        "crm_api_key": "write the CRM's API key (it begins with ak_)",
        "crm_entity_id": "write the UUID of the entity that the CRM's key belongs to",
        "assembly_base_url": "write Assembly's base URL",
        "assembly_api_key": "write Assembly's API key",
    }
    if _given(connection.wavo_base_url) != _given(connection.wavo_token):
        needed |= {
            "wavo_base_url": "write Wavo's base URL, or remove WAVO_TOKEN",
            "wavo_token": "write Wavo's token, or remove WAVO_BASE_URL",
        }
    return [
        f"{_label(connection.name, name)} is not set: {advice}{_typo(connection.name, name, environ)}"
        for name, advice in needed.items()
        if not _given(getattr(connection, name))
    ]


def _given(value: str | SecretStr) -> bool:
    return bool(value.get_secret_value() if isinstance(value, SecretStr) else value)


def _typo(connection: str, name: str, environ: Mapping[str, str]) -> str:
    if connection != SINGLE:
        return ""
    known = {_label(SINGLE, field) for field in Settings.model_fields}
    strangers = [key for key in environ if key.startswith(PREFIX) and key not in known]
    near = difflib.get_close_matches(_label(SINGLE, name), strangers, n=1, cutoff=0.85)
    return f" ({near[0]} is set, but no such setting exists)" if near else ""


def _forbidden_hosts(connection: ConnectionSettings, allowed: Sequence[str]) -> list[str]:
    names = ("crm_base_url", "assembly_base_url", "wavo_base_url")
    hosts = {name: _host(urlsplit(getattr(connection, name))) for name in names}
    return [
        f"{_label(connection.name, name)}: its host is not among BRIDGE_ALLOWED_HOSTS"
        for name, host in hosts.items()
        if allowed and host and host not in allowed
    ]


class _ConnectionsLoader(yaml.CBaseLoader):
    """Scalars stay the text that was written (``0123`` is a key, not a number); a key may stand only once."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[str] = set()
        for key, _ in node.value:
            if key.value in seen:
                raise yaml.constructor.ConstructorError(None, None, f"{key.value} stands twice", key.start_mark)
            seen.add(key.value)
        return super().construct_mapping(node, deep)


def _read_connections(file: Path, environ: Mapping[str, str]) -> dict[str, dict[str, Any]]:
    """Connection name to its values, with names in lower case as the fields of ``ConnectionSettings``."""
    try:
        document = yaml.load(file.read_text("utf-8"), _ConnectionsLoader)  # noqa: S506  (it builds nothing but text, lists and maps)
    except (OSError, UnicodeDecodeError) as wrong:
        reason = wrong.strerror if isinstance(wrong, OSError) else "it is not UTF-8 text"
        raise InvalidSettings([f"BRIDGE_CONNECTIONS_FILE: cannot read {file}: {reason}"]) from None
    except yaml.MarkedYAMLError as wrong:
        mark = wrong.problem_mark
        place = f"{file}:{mark.line + 1}:{mark.column + 1}" if mark else str(file)
        raise InvalidSettings([f"{place}: {wrong.problem}"]) from None
    except yaml.YAMLError:
        raise InvalidSettings([f"{file}: it is not YAML"]) from None
    if not isinstance(document, dict) or not document:
        raise InvalidSettings([f"{file}: write connection names, each with its settings below it"])
    problems: list[str] = []
    sets = {str(name): _one_set(str(name), values, environ, problems) for name, values in document.items()}
    if problems:
        raise InvalidSettings([f"{file}: {problem}" for problem in problems])
    return sets


def _one_set(name: str, values: object, environ: Mapping[str, str], problems: list[str]) -> dict[str, Any]:
    if not _CONNECTION_NAME.fullmatch(name):
        problems.append(f"{name!r} cannot name a connection: use lower-case letters, digits, '-' and '_'")
    if not isinstance(values, dict):
        problems.append(f"connection {name}: write its settings below it, such as CRM_BASE_URL: https://…")
        return {}
    known = [field.upper() for field in _Remotes.model_fields]
    found: dict[str, Any] = {}
    for key, value in values.items():
        label = str(key).upper().removeprefix(PREFIX)
        if label not in known:
            near = difflib.get_close_matches(label, known, n=1)
            advice = f"; did you mean {near[0]}?" if near else ""
            problems.append(f"connection {name}: {key} is no setting of a connection{advice}")
            continue
        try:
            found[label.lower()] = _resolved(value, environ)
        except KeyError as missing:
            problems.append(f"connection {name}: {label} refers to ${{{missing.args[0]}}}, which is not set")
    return {key: value for key, value in found.items() if value != ""}


def _resolved(value: Any, environ: Mapping[str, str]) -> Any:
    """Fill in ``${ENV}``. Raises ``KeyError`` with the name that is missing."""
    match value:
        case str():
            return _REFERENCE.sub(lambda found: environ[found.group(1)], value)
        case dict():
            return {key: _typed(_resolved(each, environ)) for key, each in value.items()}
        case list():
            return [_resolved(each, environ) for each in value]
    return value


def _typed(value: Any) -> Any:
    """An option's text as the JSON it spells (``true``, ``3``), else as text."""
    try:
        return json.loads(value) if isinstance(value, str) else value
    except ValueError:
        return value
