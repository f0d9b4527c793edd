"""The laws of a two-way field, tried at load."""

from __future__ import annotations

from bridge.core.mapping.kinds import Report
from bridge.core.mapping.stream import MappedStream


def check_laws(stream: MappedStream, head: object, report: Report) -> None:
    """To come."""
