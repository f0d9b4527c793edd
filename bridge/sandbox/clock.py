"""Time and ids of one sandbox."""

from __future__ import annotations

import random
import time
import uuid
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Literal

Grain = Literal["microseconds", "milliseconds", "seconds"]


def iso(moment: datetime, grain: Grain = "microseconds") -> str:
    """UTC with a ``Z``, cut (not rounded) at ``grain``."""
    return moment.astimezone(UTC).isoformat(timespec=grain).replace("+00:00", "Z")


def wall(skew_seconds: float = 0.0) -> datetime:
    return datetime.now(UTC) + timedelta(seconds=skew_seconds)


class DateHeader:
    """The value of the Date header, made once a second."""

    def __init__(self) -> None:
        self._made: tuple[int, str] = (-1, "")

    def value(self, skew_seconds: float) -> str:
        second = int(time.time() + skew_seconds)
        if self._made[0] != second:
            self._made = (second, format_datetime(datetime.fromtimestamp(second, UTC), usegmt=True))
        return self._made[1]


class Ids:
    """Ids that depend on the seed and on nothing else."""

    def __init__(self, seed: int, kind: str) -> None:
        self._random = random.Random(f"{kind}:{seed}")
        self._count = 0

    def uuid4(self) -> str:
        return str(uuid.UUID(int=self._random.getrandbits(128), version=4))

    def uuid7(self) -> str:
        """Grows with every call, as in assembly.txt's examples; its time part is a counter, so that runs repeat."""
        self._count += 1
        milliseconds = 0x01945162_52FC + self._count
        value = (milliseconds << 80) | self._random.getrandbits(80)
        return str(uuid.UUID(int=(value & ~(0xF << 76) & ~(0x3 << 62)) | (0x7 << 76) | (0x2 << 62)))

    def opaque(self, length: int) -> str:
        """Lower-case letters and digits, as wavo.txt's."""
        return "".join(self._random.choices("0123456789abcdefghjklmnopqrstuvwxyz", k=length))
