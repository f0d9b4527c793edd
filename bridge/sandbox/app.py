"""The ASGI application of one sandbox: key, rate limit, faults, operation, answer."""

from __future__ import annotations

import asyncio
import socket
import struct
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any

from bridge.sandbox.clock import DateHeader
from bridge.sandbox.faults import Fault, Faults
from bridge.sandbox.limiter import Limiter, Peak
from bridge.sandbox.messages import Answer, Refusal, Request, Row
from bridge.sandbox.plane import Plane
from bridge.sandbox.routing import Operation, Router, openapi
from bridge.sandbox.switches import change
from bridge.sandbox.system import System
from bridge.sandbox.webhooks import Webhooks

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]


class Stats:
    """What came in: calls per operation, answers per status, and the most in any one second."""

    def __init__(self) -> None:
        self.calls: Counter[str] = Counter()
        self.statuses: Counter[int] = Counter()
        self.refused_by_limit = 0
        self.arrived = Peak()
        self.admitted = Peak()

    def show(self) -> Row:
        return {
            "calls": dict(self.calls),
            "statuses": {str(status): count for status, count in self.statuses.items()},
            "total": self.calls.total(),
            "too_many": self.refused_by_limit,
            "most_arrived_in_a_second": self.arrived.most,
            "most_admitted_in_a_second": self.admitted.most,
        }


class App:
    """``token`` guards the control plane; the system's own key guards the API."""

    def __init__(self, system: System[Any], *, token: str) -> None:
        self.system = system
        self.router = Router(system.operations())
        self.plane = Plane(self, token)
        self.stats = Stats()
        self.faults = Faults(system.seed_number)
        self.webhooks = Webhooks(system.seed_number, system.entity_id)
        self._limiters: dict[str, Limiter] = {}
        self._date = DateHeader()
        self._base = tuple(part for part in system.base_path.split("/") if part)
        system.listen = self.webhooks.put

    def change_switches(self, changes: Mapping[str, Any]) -> None:
        """The dialect and a few paths are switches too, so the routes are made again."""
        self.system.set_switches(change(self.system.switches, changes))
        self.router = Router(self.system.operations())

    def reset(self) -> None:
        """Everything as at the start, but for the switches."""
        self.system.wipe()
        self.stats = Stats()
        self.faults = Faults(self.system.seed_number)
        self.webhooks.forget()
        self._limiters.clear()

    def openapi(self) -> Row:
        return openapi(
            self.system.title,
            self.system.base_path,
            self.router.operations,
            self.system.security,
            self.system.error_schema,
        )

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._lifespan(receive, send)
            return
        if scope["type"] != "http":
            return
        body = await _read(receive)
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        raw_path = scope.get("raw_path") or scope["path"].encode()
        request = Request(
            scope["method"], raw_path.decode("latin-1"), scope["query_string"].decode("latin-1"), headers, body
        )
        if request.segments[0] == "_sandbox":
            await self._send(send, await self.plane.answer(request))
        else:
            await self._serve(request, receive, send)

    async def _lifespan(self, receive: Receive, send: Send) -> None:
        while True:
            message = await receive()
            if message["type"] == "lifespan.startup":
                await send({"type": "lifespan.startup.complete"})
            else:
                await self.webhooks.stop()
                await send({"type": "lifespan.shutdown.complete"})
                return

    async def _serve(self, request: Request, receive: Receive, send: Send) -> None:
        fault: Fault | None = None
        try:
            operation, params = self._admit(request)
            wait, fault = self.faults.draw(operation.name, request.method, request.path)
            if wait:
                await asyncio.sleep(wait)
            if fault is not None and not fault.applied:
                answer = self._struck(fault)
            else:
                answer = operation.call(request, params)
                if fault is not None and fault.kind == "status":
                    answer = self._struck(fault)
        except Refusal as refusal:
            answer = self.system.show_refusal(refusal)
        self.stats.statuses[answer.status] += 1
        if fault is None or fault.kind in ("status", "latency"):
            await self._send(send, answer)
        else:
            await self._break(fault, answer, receive, send)

    def _admit(self, request: Request) -> tuple[Operation, dict[str, str]]:
        now = time.monotonic()
        self.stats.arrived.note(now)
        self.system.authenticate(request)
        segments = request.segments
        if segments[: len(self._base)] != self._base:
            raise Refusal(404, "not found")
        operation, params = self.router.match(request.method, segments[len(self._base) :])
        self.stats.calls[operation.name] += 1
        bucket, limit, seconds = self.system.limit(operation)
        limiter = self._limiters.get(bucket)
        window = self.system.switches.limit_window
        if limiter is None or (limiter.limit, limiter.seconds, limiter.window) != (limit, seconds, window):
            limiter = self._limiters[bucket] = Limiter(limit, seconds=seconds, window=window)
        if not limiter.admit(now):
            self.stats.refused_by_limit += 1
            raise Refusal(429, "too many requests")
        self.stats.admitted.note(now)
        self.system.authorise(operation)
        return operation, params

    def _struck(self, fault: Fault) -> Answer:
        headers = {} if fault.retry_after is None else {"retry-after": f"{fault.retry_after:g}"}
        status = fault.status if fault.kind == "status" else 500
        return self.system.show_refusal(Refusal(status, f"fault {fault.id}", headers=headers))

    def _headers(self, answer: Answer, length: int) -> list[tuple[bytes, bytes]]:
        headers = [(name.encode(), value.encode()) for name, value in answer.headers.items()]
        if answer.body is not None and "content-type" not in answer.headers:
            headers.append((b"content-type", b"application/json"))
        if answer.status != 204:
            headers.append((b"content-length", str(length).encode()))
        if self.system.switches.date_header:
            headers.append((b"date", self._date.value(self.system.switches.clock_skew_seconds).encode()))
        return headers

    async def _send(self, send: Send, answer: Answer) -> None:
        body = answer.encoded()
        await send(
            {"type": "http.response.start", "status": answer.status, "headers": self._headers(answer, len(body))}
        )
        await send({"type": "http.response.body", "body": body})

    async def _break(self, fault: Fault, answer: Answer, receive: Receive, send: Send) -> None:
        """Carry out a fault that spoils the answer."""
        if fault.kind == "not_json":
            page = b"<html><body>It works, somehow</body></html>"
            headers = self._headers(answer, len(page))
            await send({"type": "http.response.start", "status": answer.status, "headers": headers})
            await send({"type": "http.response.body", "body": page})
            return
        if fault.kind == "hang":
            await _until_gone(receive, fault.seconds)
        elif fault.kind == "truncate":
            body = answer.encoded()
            headers = self._headers(answer, len(body))
            await send({"type": "http.response.start", "status": answer.status, "headers": headers})
            await send({"type": "http.response.body", "body": body[: len(body) // 2], "more_body": True})
        await _cut(send, receive, gently=fault.kind == "truncate")


async def _read(receive: Receive) -> bytes:
    chunks: list[bytes] = []
    while True:
        message = await receive()
        chunks.append(message.get("body", b""))
        if not message.get("more_body", False):
            return chunks[0] if len(chunks) == 1 else b"".join(chunks)


async def _until_gone(receive: Receive, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            while (await receive())["type"] != "http.disconnect":
                pass
    except TimeoutError:
        return


async def _cut(send: Send, receive: Receive, *, gently: bool) -> None:
    """End the TCP connection under the answer. ASGI has no word for it: uvicorn's ``send`` is bound to the cycle that holds the
    transport. ``gently`` lets what was written go out first; otherwise the peer gets a reset."""
    transport: asyncio.Transport = send.__self__.transport  # type: ignore[attr-defined]
    if gently:
        transport.close()
    else:
        plain: socket.socket | None = transport.get_extra_info("socket")
        if plain is not None:
            plain.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        transport.abort()
    await _until_gone(receive, 1.0)
