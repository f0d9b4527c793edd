"""The client of the control plane, for tests, the command line and the demo."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import httpx
import orjson

Row = dict[str, Any]


class ControlError(Exception):
    """The control plane refused: ``status`` and its message."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(f"{status}: {message}")
        self.status = status


class Control:
    """``origin`` is the sandbox's scheme, host and port (a base URL's path is cut off). Close it, or use it with ``with``."""

    def __init__(self, base_url: str, token: str, *, timeout: float = 60.0) -> None:
        self.origin = str(httpx.URL(base_url).copy_with(path="/", query=None)).rstrip("/")
        self._http = httpx.Client(
            base_url=f"{self.origin}/_sandbox/", headers={"X-Sandbox-Token": token}, timeout=timeout, trust_env=False
        )

    def __enter__(self) -> Control:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._http.close()

    def _call(self, method: str, path: str, body: object = None, **query: Any) -> Any:
        content = None if body is None else orjson.dumps(body)
        answer = self._http.request(method, path, content=content, params=query)
        data = orjson.loads(answer.content)
        if answer.is_error:
            raise ControlError(answer.status_code, data.get("error", ""))
        return data

    # --- looking ------------------------------------------------------------------------------------------------

    def health(self) -> Row:
        """The system's name and how many records each object has."""
        return dict(self._call("GET", "health"))

    def stats(self) -> Row:
        """``calls`` per operation, ``statuses``, ``total``, ``too_many`` (429s by the limit), ``most_arrived_in_a_second``,
        ``most_admitted_in_a_second``, ``webhooks`` (events, delivered, pending …)."""
        return dict(self._call("GET", "stats"))

    def openapi(self) -> Row:
        return dict(self._call("GET", "openapi"))

    def dump(self, object: str) -> list[Row]:
        """Every stored record of one object, in the order in which they came."""
        return list(self.records(object))

    def records(self, object: str, *, page: int = 5000) -> Iterator[Row]:
        offset = 0
        while True:
            data = self._call("GET", "dump", object=object, offset=offset, limit=page)
            yield from data["rows"]
            offset += len(data["rows"])
            if offset >= data["total"] or not data["rows"]:
                return

    # --- records ------------------------------------------------------------------------------------------------

    def reset(self) -> None:
        """Forget records, faults, webhooks and statistics; the switches stay."""
        self._call("POST", "reset")

    def seed(self, records: Mapping[str, Iterable[Mapping[str, Any]]], *, batch: int = 20_000) -> dict[str, int]:
        """Put many raw records, without webhooks. Missing ids, defaults and stamps are filled in. Answers how many of each."""
        counts: dict[str, int] = {}
        for object, rows in records.items():
            held = list(rows)
            for start in range(0, max(len(held), 1), batch):
                made = self._call("POST", "seed", {object: held[start : start + batch]})
                counts[object] = counts.get(object, 0) + made[object]
        return counts

    def create(self, object: str, values: Mapping[str, Any]) -> Row:
        """As a person in that system: the record with its id; its webhook goes out."""
        return dict(self._call("POST", "edit", {"verb": "create", "object": object, "values": dict(values)}))

    def patch(self, object: str, record_id: str, values: Mapping[str, Any]) -> Row:
        """Fields that are given change; within ``additional_properties`` the given ones do, and null removes one."""
        return dict(
            self._call("POST", "edit", {"verb": "patch", "object": object, "id": record_id, "values": dict(values)})
        )

    def delete(self, object: str, record_id: str) -> None:
        self._call("POST", "edit", {"verb": "delete", "object": object, "id": record_id})

    # --- misbehaviour -------------------------------------------------------------------------------------------

    def switches(self, **changes: Any) -> Row:
        """Change switches (see ``bridge.sandbox.switches``); answers all of them as they are now."""
        if changes:
            return dict(self._call("PATCH", "switches", changes))
        return dict(self._call("GET", "switches"))

    def fault(self, kind: str, **rule: Any) -> int:
        """Add a rule (see ``bridge.sandbox.faults.Fault``); answers its id."""
        return int(self._call("POST", "faults", {"kind": kind, **rule})["id"])

    def faults(self) -> list[Row]:
        return list(self._call("GET", "faults")["faults"])

    def clear_faults(self, fault_id: int | None = None) -> None:
        """One rule, or all of them."""
        self._call("DELETE", "faults", **({} if fault_id is None else {"id": fault_id}))

    def webhooks(self, url: str = "", secret: str = "", **delivery: Any) -> None:
        """Where the CRM's events go and how badly (see ``bridge.sandbox.webhooks.Delivery``); an empty URL: nowhere."""
        self._call("PUT", "webhooks", {"url": url, "secret": secret, **delivery})
