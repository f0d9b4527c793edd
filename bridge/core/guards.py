"""The brake: how many changes of one class an hour may bring before a person is asked (pure)."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Brake:
    """The ceilings: a fixed count and a share of the stream's live links (in percent), whichever is greater, an hour."""

    counts: Mapping[str, int]
    percents: Mapping[str, float]

    def ceiling(self, klass: str, live_links: int) -> int | None:
        """How many of a class one hour may bring; ``None``: as many as come."""
        if klass not in self.counts:
            return None
        return max(self.counts[klass], math.ceil(self.percents.get(klass, 0) * live_links / 100))
