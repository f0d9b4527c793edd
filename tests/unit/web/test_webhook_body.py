"""Reading a body: no more than allowed, no longer than allowed."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import pytest
from fastapi import Request

from bridge.core.errors import UsageError
from bridge.web import webhooks

Receive = Callable[[], Awaitable[dict[str, Any]]]


def chunk(body: bytes, more: bool = True) -> dict[str, Any]:
    return {"type": "http.request", "body": body, "more_body": more}


def in_turn(*messages: dict[str, Any]) -> Receive:
    left = iter(messages)

    async def receive() -> dict[str, Any]:
        message = next(left, None)
        if message is None:
            await asyncio.sleep(60)
        assert message is not None
        return message

    return receive


def read(receive: Receive, headers: Sequence[tuple[bytes, bytes]] = (), most: int = 10) -> bytes:
    scope = {"type": "http", "method": "POST", "path": "/", "headers": list(headers)}
    return asyncio.run(webhooks._read(Request(scope, receive), most))


def refused(receive: Receive, headers: Sequence[tuple[bytes, bytes]] = ()) -> int:
    with pytest.raises(UsageError) as error:
        read(receive, headers)
    return error.value.status


def test_chunks_are_put_together() -> None:
    assert read(in_turn(chunk(b"12345"), chunk(b"67890", more=False))) == b"1234567890"


def test_a_large_body_is_refused_before_its_end() -> None:
    # Nothing comes after the second chunk: reading on would wait.
    assert refused(in_turn(chunk(b"12345"), chunk(b"678901"))) == 413
    assert refused(in_turn(), [(b"content-length", b"11")]) == 413


@pytest.mark.parametrize("length", [b"", b"-1", b"x", "²".encode("latin-1"), b"1e3"])
def test_a_length_that_is_no_number_promises_nothing(length: bytes) -> None:
    assert read(in_turn(chunk(b"123", more=False)), [(b"content-length", length)]) == b"123"


def test_a_body_that_dribbles_is_let_go(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(webhooks, "BODY_SECONDS", 0.05)
    assert refused(in_turn(chunk(b"1"))) == 408


def test_a_sender_that_hangs_up_is_no_bug() -> None:
    assert refused(in_turn(chunk(b"1"), {"type": "http.disconnect"})) == 400
