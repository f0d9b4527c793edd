"""No secret and no address of a person leaves through a log line."""

from __future__ import annotations

import json
import logging

import pytest
import structlog

from bridge.core.errors import UsageError
from bridge.runtime import logs


@pytest.fixture(autouse=True)
def _restore() -> object:
    root = logging.getLogger()
    before = root.handlers, root.level
    yield
    root.handlers, root.level = before
    structlog.reset_defaults()


def test_secrets_and_addresses_are_blotted_out(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure(level="info", fmt="json", process="worker")
    structlog.get_logger("x").warning(
        "sent to jane.doe@example.com with Bearer abc.def",
        api_key="0123",
        url="postgresql://bridge:hunter2@db/bridge",
        nested={"webhook_secret": "s", "note": "whsec_AbC+/= and ak_live_77"},
        attempts=3,
    )
    line = capsys.readouterr().err
    for secret in ("jane.doe", "abc.def", "0123", "hunter2", '"s"', "AbC", "live_77"):
        assert secret not in line
    event = json.loads(line)
    assert event["attempts"] == 3
    assert event["process"] == "worker"
    assert event["level"] == "warning"
    assert "@db/bridge" in event["url"]


def test_a_trace_is_blotted_out_too(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure(fmt="text")
    try:
        raise ValueError("cannot mail joe@example.com")
    except ValueError as error:
        structlog.get_logger("x").error("bug", exc_info=error)
    line = capsys.readouterr().err
    assert "ValueError" in line
    assert "joe@" not in line


def test_a_trace_tells_where_and_not_what(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure(fmt="text")
    record = {"phone": "555-0100"}
    try:
        try:
            raise KeyError(f"no name in {record}")
        except KeyError as inner:
            raise UsageError("the record cannot be shown") from inner
    except UsageError as error:
        structlog.get_logger("x").error("bug", exc_info=error)
    line = capsys.readouterr().err
    assert "555-0100" not in line
    assert "KeyError" in line
    assert "test_a_trace_tells_where_and_not_what" in line
    assert "the record cannot be shown" in line


def test_libraries_speak_only_of_trouble(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure(fmt="json")
    logging.getLogger("httpx").info("HTTP Request: GET https://crm.example.com/contacts?search=joe")
    logging.getLogger("rq.worker").error(
        "Worker %s: could not connect to Redis instance: %s retrying in %d seconds...", "w", "x", 1
    )
    assert capsys.readouterr().err == ""
    logging.getLogger("httpx").warning("trouble")
    assert json.loads(capsys.readouterr().err)["event"] == "trouble"
