"""A limit for what comes before a body: uvicorn's fast parser has none, so a header without an end would fill the memory of a process
that has not even seen a token yet."""

from __future__ import annotations

from typing import Final

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

MOST_HEAD_BYTES: Final = 64 * 1024


class BoundedHead(HttpToolsProtocol):
    """Answers 400 and closes the connection once a request line and its headers hold more than ``MOST_HEAD_BYTES``."""

    _head = 0
    """Bytes that arrived since the last head was complete."""

    def data_received(self, data: bytes) -> None:
        self._head += len(data)
        super().data_received(data)
        if self._head > MOST_HEAD_BYTES and not self.transport.is_closing():
            self.send_400_response("The head of the request is too large.")

    def on_headers_complete(self) -> None:
        size = len(self.url) + sum(len(name) + len(value) for name, value in self.headers)
        if size > MOST_HEAD_BYTES:
            # The parser turns any error of ours into its own, which is answered with 400.
            raise ValueError("the head is too large")
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        self._head = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        self._head = 0
        super().on_message_complete()
