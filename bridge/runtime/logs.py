"""Logging for every process: one line an event on stderr, JSON or text, secrets blotted out.

Code logs ids and counts, never bodies or keys; the processor here is the second lock. The loggers of libraries are
raised to warnings: httpx would log whole URLs, RQ every job.
"""

from __future__ import annotations

import logging
import re
import sys
import traceback
from collections.abc import Mapping, MutableMapping
from types import TracebackType
from typing import Any, Final

import structlog

from bridge.core.errors import BridgeError

_SECRET_NAMES: Final = re.compile(r"token|secret|password|api_?key|authorization|cookie|signature", re.IGNORECASE)
_SECRET_VALUES: Final = re.compile(
    r"\bak_[\w-]+|\bwhsec_[\w+/=-]+|\bBearer\s+\S+|(?<=://)[^/\s:@]+:[^/\s@]+(?=@)", re.IGNORECASE
)
_EMAIL: Final = re.compile(r"[\w.+%-]+@[\w-]+\.[\w.-]+")
BLOT: Final = "[hidden]"


def blot(text: str) -> str:
    """``text`` without what looks like a key, a URL's credentials or an e-mail address."""
    return _EMAIL.sub(BLOT, _SECRET_VALUES.sub(BLOT, text))


def _hide(_logger: object, _method: str, event: MutableMapping[str, Any]) -> Mapping[str, Any]:
    return {key: BLOT if _SECRET_NAMES.search(key) else _hidden(value) for key, value in event.items()}


def _hidden(value: Any) -> Any:
    match value:
        case str():
            return blot(value)
        case dict():
            return {key: BLOT if _SECRET_NAMES.search(str(key)) else _hidden(each) for key, each in value.items()}
        case list() | tuple():
            return [_hidden(each) for each in value]
    return value


def configure(*, level: str = "info", fmt: str = "text", process: str = "") -> None:
    """Set up structlog and the standard library's logging alike. ``process`` names this one in every line."""
    shared: list[structlog.types.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _named(process),
        structlog.processors.ExceptionRenderer(_trace),
        _hide,
    ]
    last: structlog.types.Processor = (
        structlog.processors.JSONRenderer()
        if fmt == "json"
        else structlog.dev.ConsoleRenderer(
            colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback
        )
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared, processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, last]
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level.upper())
    for name in ("httpx", "httpcore", "rq.job", "alembic", "stamina", "sqlalchemy", "uvicorn"):
        logging.getLogger(name).setLevel(logging.WARNING)
    logging.getLogger("rq.worker").setLevel(logging.ERROR)
    logging.getLogger("rq.worker").addFilter(_not_about_redis)
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=False,
    )


def _trace(exc_info: tuple[type[BaseException], BaseException, TracebackType | None]) -> str:
    """Where it went wrong and how, without what was in hand: an exception's own words may quote a record ("Key (email)=(…)
    already exists" is PostgreSQL's). Our own errors are written to be read, so theirs stay."""
    lines: list[str] = []
    error: BaseException | None = exc_info[1]
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        frames = traceback.StackSummary.extract(traceback.walk_tb(error.__traceback__))
        words = f": {error}" if isinstance(error, BridgeError) else ""
        lines = [*frames.format(), f"{type(error).__module__}.{type(error).__qualname__}{words}\n", *lines]
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    return "".join(lines).rstrip()


def _not_about_redis(record: logging.LogRecord) -> bool:
    """RQ tells each try to reach a Redis that is away; the worker says so once itself."""
    return "could not connect to Redis" not in str(record.msg)


def _named(process: str) -> structlog.types.Processor:
    def add(_logger: object, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        if process:
            event["process"] = process
        return event

    return add
