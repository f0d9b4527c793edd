"""Webhooks as a remote sends them: signed, retried, and if told so doubled, disordered, late or lost.

No API text describes them: the shapes are the Standard Webhooks specification's and the ``X-Signature: sha256=`` habit.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import hashlib
import hmac
import random
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import httpx
import orjson

from bridge.sandbox.clock import Ids, iso, wall
from bridge.sandbox.messages import Refusal, Row


@dataclass(frozen=True, slots=True)
class Delivery:
    """Where events go and how badly. ``secret`` is ``whsec_<base64>`` for ``standard``, any text for ``sha256``."""

    url: str = ""
    secret: str = ""
    format: Literal["standard", "sha256"] = "standard"
    payload: Literal["thin", "full"] = "thin"
    """``thin`` tells the id only, ``full`` the whole record."""
    entity_id: str = ""
    """Told as ``entityId``; the sandbox's own unless given, and none if empty."""
    event_id: bool = True
    """The body carries the event's ``id``."""
    duplicate: float = 0.0
    drop: float = 0.0
    disorder: float = 0.0
    """Probability that an event is held back for up to ``disorder_ms``, so that later ones overtake it."""
    disorder_ms: float = 300.0
    delay_ms: float = 0.0
    retries: int = 4
    backoff_ms: float = 200.0


def standard_headers(secret: str, event_id: str, timestamp: int, body: bytes) -> dict[str, str]:
    """Standard Webhooks: base64 HMAC-SHA256 of ``id.timestamp.body`` under the secret after ``whsec_``."""
    key = base64.b64decode(secret.removeprefix("whsec_"))
    digest = hmac.new(key, f"{event_id}.{timestamp}.".encode() + body, hashlib.sha256).digest()
    return {
        "webhook-id": event_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": "v1," + base64.b64encode(digest).decode(),
    }


def sha256_headers(secret: str, body: bytes) -> dict[str, str]:
    return {"x-signature": "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()}


class Webhooks:
    """Sends each event in a task of its own, at most eight at a time."""

    def __init__(self, seed: int, entity_id: str = "") -> None:
        self.delivery = Delivery()
        self._entity_id = entity_id
        self.counts: Counter[str] = Counter()
        self._random = random.Random(f"webhooks:{seed}")
        self._ids = Ids(seed, "webhooks")
        self._tasks: set[asyncio.Task[None]] = set()
        self._gate = asyncio.Semaphore(8)
        self._client: httpx.AsyncClient | None = None

    def configure(self, given: Mapping[str, Any]) -> None:
        """An empty mapping switches them off."""
        if unknown := sorted(set(given) - set(Delivery.__slots__)):
            raise Refusal(400, f"unknown in webhooks: {', '.join(unknown)}; there are {', '.join(Delivery.__slots__)}")
        self.delivery = Delivery(**{"entity_id": self._entity_id, **given})

    def forget(self) -> None:
        """Nothing more goes out of what was waiting, and nothing new until configured again."""
        for task in self._tasks:
            task.cancel()
        self.delivery = Delivery()
        self.counts.clear()

    async def stop(self) -> None:
        self.forget()
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._client is not None:
            await self._client.aclose()

    def show(self) -> Row:
        return dict(self.counts) | {"pending": len(self._tasks)}

    def put(self, kind: str, row: Row) -> None:
        """An event of this moment. Does nothing without a URL."""
        delivery = self.delivery
        if not delivery.url:
            return
        self.counts["events"] += 1
        if self._random.random() < delivery.drop:
            self.counts["dropped"] += 1
            return
        event_id = "msg_" + self._ids.opaque(24)
        body = self._body(delivery, event_id, kind, row)
        times = 2 if self._random.random() < delivery.duplicate else 1
        for _ in range(times):
            wait = delivery.delay_ms
            if self._random.random() < delivery.disorder:
                wait += self._random.random() * delivery.disorder_ms
            task = asyncio.get_running_loop().create_task(self._deliver(delivery, event_id, body, wait / 1000))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        self.counts["duplicated"] += times - 1

    def _body(self, delivery: Delivery, event_id: str, kind: str, row: Row) -> bytes:
        # A membership says whose it is even when thin: its own id leads nowhere.
        thin = {name: row[name] for name in ("id", "contactId", "companyId") if name in row and _names(kind, name)}
        data = row if delivery.payload == "full" else thin
        event: Row = {"type": kind, "timestamp": iso(wall()), "data": data}
        if delivery.entity_id:
            event["entityId"] = delivery.entity_id
        if delivery.event_id:
            event["id"] = event_id
        return orjson.dumps(event)

    async def _deliver(self, delivery: Delivery, event_id: str, body: bytes, wait: float) -> None:
        await asyncio.sleep(wait)
        for attempt in range(delivery.retries + 1):
            if await self._post(delivery, event_id, body):
                self.counts["delivered"] += 1
                return
            self.counts["failed_tries"] += 1
            if attempt < delivery.retries:
                await asyncio.sleep(delivery.backoff_ms / 1000 * 2**attempt)
        self.counts["given_up"] += 1

    async def _post(self, delivery: Delivery, event_id: str, body: bytes) -> bool:
        if self._client is None:
            self._client = httpx.AsyncClient(timeout=5.0, trust_env=False)
        # Each try is signed afresh, with its own timestamp and the same id.
        headers = {"content-type": "application/json"}
        if delivery.format == "standard":
            headers |= standard_headers(delivery.secret, event_id, int(time.time()), body)
        else:
            headers |= sha256_headers(delivery.secret, body)
        async with self._gate:
            try:
                answer = await self._client.post(delivery.url, content=body, headers=headers)
            except httpx.HTTPError:
                return False
        return answer.is_success


def _names(kind: str, name: str) -> bool:
    return name == "id" or kind.startswith("membership.")
