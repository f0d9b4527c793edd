"""All rows of the table, in its order."""

from __future__ import annotations

from typing import Final

from tests.chaos import (
    rows_delivery,
    rows_doors,
    rows_hostile,
    rows_receiving,
    rows_recovery,
    rows_remote,
    rows_secrets,
    rows_staleness,
)
from tests.chaos.play import Row

_PARTS: Final = (
    rows_receiving,
    rows_delivery,
    rows_recovery,
    rows_staleness,
    rows_remote,
    rows_doors,
    rows_secrets,
    rows_hostile,
)
ROWS: Final[tuple[Row, ...]] = tuple(sorted((row for part in _PARTS for row in part.ROWS), key=lambda row: row.number))
