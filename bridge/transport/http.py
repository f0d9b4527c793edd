"""One remote system over HTTP: paced, timed, never redirected; reads repeated in place, writes sent once."""

from __future__ import annotations

import logging
import os
import ssl
import threading
import time
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, cast
from urllib.parse import quote, urlencode

import httpx
import orjson
import stamina
import stamina.instrumentation

from bridge.core.errors import BrokenRemote, OutcomeUnknown, Rejected, RemoteError, SettingsError, Throttled, Transient
from bridge.core.records import Json, Lane
from bridge.transport.address import check_base_url, is_loopback
from bridge.transport.answer import Answer
from bridge.transport.calls import CallCounter, Result
from bridge.transport.direct import Direct
from bridge.transport.failures import Place, refusal, retry_after
from bridge.transport.limiter import Limiter, Slot
from bridge.transport.redact import strings
from bridge.transport.remote_clock import RemoteClock, http_date

# Its hooks log the arguments of what they repeat, which hold records; the others log URLs and headers, which hold
# emails and the key.
stamina.instrumentation.set_on_retry_hooks([])
for _name in ("httpx", "httpcore"):
    logging.getLogger(_name).setLevel(logging.CRITICAL + 1)

IDLE_SECONDS = 4.0
"""Idle connections are dropped before common servers drop them (uvicorn and Node.js: 5 s): a write that meets a closing
connection would have an unknown outcome."""
SLOWEST_CONNECT = 5.0
SLOWEST_READ = 10
"""A whole read, body included, may take this many time-outs: listings without pages are long."""

Query = Mapping[str, "str | int | bool | None"]


@dataclass(frozen=True, slots=True)
class Timing:
    """Seconds. ``timeout`` bounds a whole write, from the wait for its slot to the last byte of its answer, and each
    silence of a read; keep it under half a lease. ``patience`` bounds a read's wait for a slot. ``broken_after``: a remote
    that gave no usable answer for so long is broken, not just having a moment."""

    timeout: float = 10.0
    patience: float = 10.0
    broken_after: float = 15.0
    attempts: int = 3
    first_pause: float = 0.2

    def wait(self, *, write: bool) -> float:
        """How long to stand in line: a write keeps most of its time for the sending."""
        return min(self.patience, self.timeout * 0.3) if write else self.patience


@dataclass(frozen=True, slots=True)
class Call:
    """A request as its document shows it: ``template`` is its path, ``ids`` fill the template's braces."""

    method: str
    template: str
    ids: Mapping[str, str] = field(default_factory=dict, repr=False)
    query: Query = field(default_factory=dict, repr=False)
    body: Json = field(default=None, repr=False)
    lane: Lane = "live"

    @property
    def operation(self) -> str:
        return f"{self.method} {self.template}"


@dataclass(frozen=True, slots=True)
class _Received:
    """An answer that was read to its end; ``content`` is unpacked."""

    status: int
    headers: httpx.Headers
    content: bytes


class Http:
    """Shared by threads; after a fork the child opens connections of its own. Made by ``bridge.transport.open``."""

    def __init__(
        self,
        system: str,
        base_url: str,
        headers: Mapping[str, str],
        limiter: Limiter,
        timing: Timing,
        calls: CallCounter,
        now: Callable[[], datetime],
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self.system = system
        self.clock = RemoteClock()
        self.calls = calls
        self._base = httpx.URL(base_url)
        self._headers = dict(headers)
        self._limiter = limiter
        self.timing = timing
        self._now = now
        self._transport = transport
        self._tls = httpx.create_ssl_context() if base_url.startswith("https:") else ssl.create_default_context()
        self._lock = threading.Lock()
        self._way: tuple[int, httpx.Client | Direct] | None = None
        self._down_since: float | None = None

    def read(self, call: Call) -> Answer:
        """Send a call that changes nothing, again after a short pause if it failed. Raises ``RemoteError``."""
        retries = stamina.retry_context(
            on=self._pause,
            attempts=self.timing.attempts,
            timeout=self.timing.timeout * SLOWEST_READ,
            wait_initial=self.timing.first_pause,
            wait_max=self.timing.first_pause * 8,
            wait_jitter=self.timing.first_pause,
        )
        for attempt in retries:
            with attempt:
                return self._send(call, write=False)
        raise AssertionError("unreachable: the last attempt returns or raises")

    def write(self, call: Call) -> Answer:
        """Send a call that changes something, once. Raises ``RemoteError``."""
        return self._send(call, write=True)

    def close(self) -> None:
        with self._lock:
            if self._way is not None and self._way[0] == os.getpid():
                self._way[1].close()
            self._way = None

    def _pause(self, error: Exception) -> bool | float:
        if isinstance(error, Throttled):
            # The gate at the limiter makes the wait; longer ones go back to where the change is kept.
            return error.retry_after if error.status == 429 and error.retry_after <= self.timing.patience / 2 else False
        once_a_page = isinstance(error, BrokenRemote) and error.status == 200
        return isinstance(error, Transient) or once_a_page

    def _send(self, call: Call, *, write: bool) -> Answer:
        place = Place(self.system, call.operation, write)
        target = self._target(call)
        asked = time.monotonic()
        slot = self._slot(call, write=write)
        started, sent = time.monotonic(), self._now()
        left = self.timing.timeout - (started - asked if write else 0.0)
        try:
            response = self._exchange(call, target, started, left, left * (1 if write else SLOWEST_READ))
        except httpx.HTTPError as error:
            raise self._silence(error, call, place) from None
        self._limiter.answered(slot, time.monotonic() - started)
        try:
            answer = self._understand(response, call, place, sent)
        except RemoteError as error:
            self._note(error, response.status, call, write=write)
            raise
        self._count("answered", call, write=write)
        self._down_since = None
        return answer

    def _slot(self, call: Call, *, write: bool) -> Slot:
        try:
            return self._limiter.acquire(call.lane, self.timing.wait(write=write))
        except Throttled as error:
            raise Throttled(
                f"{call.operation} was not sent: {error}",
                retry_after=error.retry_after,
                system=self.system,
                operation=call.operation,
                status=None,
            ) from None

    def _target(self, call: Call) -> str:
        for value in call.ids.values():
            if value.strip(".") == "":
                # An empty segment would ask for the whole list, dots for another resource.
                raise Rejected(f"{call.operation} needs an id", system=self.system, operation=call.operation)
        path = call.template.format(**{name: quote(value, safe="") for name, value in call.ids.items()})
        query = {k: _plain(v) for k, v in call.query.items() if v is not None}
        # %20 and not +: the documents ask for it, and a + in a time zone must not become a space.
        return f"{self._base.raw_path.decode('ascii').rstrip('/')}{path}" + (
            f"?{urlencode(query, quote_via=quote, safe='')}" if query else ""
        )

    def _request(self, call: Call, target: str, seconds: float, *, straight: bool) -> httpx.Request:
        content = None if call.body is None else orjson.dumps(call.body)
        headers = self._headers if content is None else self._headers | {"Content-Type": "application/json"}
        timeout = httpx.Timeout(seconds, connect=min(seconds, SLOWEST_CONNECT))
        url, path = self._base, target.encode("ascii")
        extensions: dict[str, Any] = {"timeout": timeout.as_dict()}
        if straight:
            # A URL of its own takes longer to parse than the request takes to send.
            extensions["target"] = path
        else:
            url = url.copy_with(raw_path=path)
        return httpx.Request(call.method, url, headers=headers, content=content, extensions=extensions)

    def _exchange(self, call: Call, target: str, started: float, seconds: float, longest: float) -> _Received:
        """``seconds`` bound each silence, ``longest`` the whole."""
        way = self._open()
        request = self._request(call, target, seconds, straight=isinstance(way, Direct))
        response = way.handle_request(request) if isinstance(way, Direct) else way.send(request, stream=True)
        try:
            parts = []
            for part in cast("httpx.SyncByteStream", response.stream):
                parts.append(part)
                if time.monotonic() - started > longest:
                    raise httpx.ReadTimeout("the answer took too long", request=request)
        finally:
            response.close()
        content = b"".join(parts)
        if "content-encoding" in response.headers:
            content = httpx.Response(200, headers=response.headers, content=content).content
        return _Received(response.status_code, response.headers, content)

    def _understand(self, response: _Received, call: Call, place: Place, sent: datetime) -> Answer:
        date = http_date(response.headers.get("date"))
        received = self._now()
        if date is not None:
            self.clock.observe(date, sent, received)
        status = response.status
        body, is_json = _parse(response)
        wait = retry_after(response.headers.get("retry-after"), date, received)
        if status == 429:
            throttled = refusal(place, status, body, wait=wait)
            self._limiter.hold(getattr(throttled, "retry_after", 1.0))
            raise throttled
        if _is_page(response) and (status < 300 or status == 404):
            # A wrong base URL or a portal in between: nobody has looked at the request, and absence proves nothing.
            raise self._not_its_api(place, status, "a web page", certain=status == 404)
        if not 200 <= status < 300:
            raise refusal(place, status, body, sent=strings([*call.ids.values(), *call.query.values(), call.body]))
        if not is_json and response.content.strip() and not place.write:
            raise Transient(f"{call.operation} answered broken JSON", system=self.system, operation=call.operation)
        return Answer(self.system, call.operation, status, body if is_json else None, date, place.write)

    def _not_its_api(self, place: Place, status: int, what: str, *, certain: bool) -> RemoteError:
        kind = OutcomeUnknown if place.write and not certain else BrokenRemote
        message = f"{place.operation} answered {status} with {what}, not JSON: is the base URL right?"
        return kind(message, system=place.system, operation=place.operation, status=status)

    def _silence(self, error: httpx.HTTPError, call: Call, place: Place) -> RemoteError:
        """No answer. ``error``'s own text is left out: it may hold the URL."""
        never_sent = isinstance(error, httpx.ConnectError | httpx.ConnectTimeout | httpx.PoolTimeout | httpx.ProxyError)
        kind = "could not connect" if never_sent else "got no answer"
        message = f"{call.operation} {kind} ({type(error).__name__})"
        if not never_sent:
            self._count("unanswered", call, write=place.write)
        broken = self._is_broken()
        error_type: type[RemoteError] = BrokenRemote if broken else Transient
        if place.write and not never_sent:
            error_type = OutcomeUnknown
        return error_type(message, system=self.system, operation=call.operation)

    def _note(self, error: RemoteError, status: int, call: Call, *, write: bool) -> None:
        result: Result = "refused"
        if status == 429:
            result = "throttled"
        elif status == 404 and not isinstance(error, BrokenRemote):
            result = "answered"
        elif isinstance(error, BrokenRemote | Transient | OutcomeUnknown):
            result = "failed"
        self._count(result, call, write=write)
        if status not in {502, 503, 504}:
            self._down_since = None
        elif self._is_broken() and not write:
            raise BrokenRemote(str(error), system=self.system, operation=call.operation, status=status) from None

    def _is_broken(self) -> bool:
        """Notes a failure to reach the remote; true once that has lasted with no answer in between."""
        now = time.monotonic()
        since = self._down_since
        if since is None:
            self._down_since = since = now
        return now - since >= self.timing.broken_after

    def _count(self, result: Result, call: Call, *, write: bool) -> None:
        self.calls.count(result, write=write, lane=call.lane)

    def _open(self) -> httpx.Client | Direct:
        pid = os.getpid()
        with self._lock:
            if self._way is None or self._way[0] != pid:
                self._way = (pid, self._new_way())
            return self._way[1]

    def _new_way(self) -> httpx.Client | Direct:
        """Straight to the remote, or with httpx's own means where a proxy from the environment stands in between (which
        serves the internet, never this machine)."""
        if self._transport is None and (is_loopback(str(self._base)) or not urllib.request.getproxies()):
            return Direct(self._tls, IDLE_SECONDS)
        return httpx.Client(
            follow_redirects=False,
            verify=self._tls,
            limits=httpx.Limits(max_connections=64, max_keepalive_connections=32, keepalive_expiry=IDLE_SECONDS),
            transport=self._transport,
        )


def open(
    system: str,
    base_url: str,
    authorization: str,
    limiter: Limiter,
    *,
    timing: Timing | None = None,
    calls: CallCounter | None = None,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
    transport: httpx.BaseTransport | None = None,
) -> Http:
    """A connection to one system. ``authorization`` is the whole header value (``Bearer …``, or Assembly's raw key).

    Raises ``SettingsError`` for a base URL or key that no request should carry.
    """
    if not authorization.strip() or not authorization.isascii() or not authorization.isprintable():
        raise SettingsError(f"the {system} key is empty or holds characters that a header cannot carry")
    headers = {
        "Authorization": authorization,
        "Accept": "application/json",
        "Accept-Encoding": "gzip, deflate",
        "User-Agent": "bridge",
    }
    return Http(
        system,
        check_base_url(base_url, name=f"the {system} base URL"),
        headers,
        limiter,
        timing or Timing(),
        calls or CallCounter(),
        now,
        transport,
    )


def _plain(value: str | int | bool | None) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _parse(response: _Received) -> tuple[Json, bool]:
    """The body as JSON, or its text when it is none."""
    if not response.content.strip():
        return None, True
    try:
        return orjson.loads(response.content), True
    except orjson.JSONDecodeError:
        return ("" if _is_page(response) else response.content[:1000].decode("utf-8", "replace")), False


def _is_page(response: _Received) -> bool:
    return "html" in response.headers.get("content-type", "") or response.content.lstrip()[:1] == b"<"
