"""Every error as an RFC 9457 problem document, whatever raised it. No answer repeats a value that was sent."""

from __future__ import annotations

import dataclasses
import secrets
from http import HTTPStatus
from typing import Any

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from sqlalchemy.exc import DBAPIError
from starlette.exceptions import HTTPException

from bridge.core.errors import BridgeError, MappingError, RemoteError, UsageError

_log = structlog.get_logger(__name__)


class Problem(JSONResponse):
    """``{type, title, status, detail, …}``; ``more`` adds members of its own."""

    media_type = "application/problem+json"

    def __init__(self, status: int, detail: str = "", *, headers: dict[str, str] | None = None, **more: Any) -> None:
        title = HTTPStatus(status).phrase
        body = {"type": "about:blank", "title": title, "status": status, "detail": detail or title, **more}
        super().__init__(body, status_code=status, headers=headers)


def _usage(_: Request, error: Exception) -> Problem:
    status = error.status if isinstance(error, UsageError) else 502 if isinstance(error, RemoteError) else 400
    return Problem(status, str(error))


def _mapping(_: Request, error: Exception) -> Problem:
    assert isinstance(error, MappingError)  # noqa: S101  (the handler is registered for this class)
    return Problem(
        422, "the mapping files have mistakes", mistakes=[dataclasses.asdict(mistake) for mistake in error.mistakes]
    )


def _http(_: Request, error: Exception) -> Problem:
    assert isinstance(error, HTTPException)  # noqa: S101
    return Problem(error.status_code, str(error.detail), headers=dict(error.headers or {}))


def _invalid(_: Request, error: Exception) -> Problem:
    assert isinstance(error, RequestValidationError)  # noqa: S101
    errors = [{"field": ".".join(str(part) for part in each["loc"]), "message": each["msg"]} for each in error.errors()]
    return Problem(422, "the request does not fit: see errors", errors=errors)


def _database(_: Request, error: Exception) -> Problem:
    _log.error("database_unavailable", error=type(error).__name__)
    return Problem(503, "the database does not answer; try again later", headers={"Retry-After": "5"})


def _bug(request: Request, error: Exception) -> Problem:
    ticket = secrets.token_hex(6)
    _log.error("request_failed", ticket=ticket, path=request.url.path, exc_info=error)
    return Problem(500, f"something is wrong in the bridge; the log entry {ticket} says what", ticket=ticket)


def install(app: FastAPI) -> None:
    app.add_exception_handler(MappingError, _mapping)
    app.add_exception_handler(BridgeError, _usage)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(DBAPIError, _database)
    app.add_exception_handler(Exception, _bug)
