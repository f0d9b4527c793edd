"""All rows of the table, in its order."""

from __future__ import annotations

from typing import Final

from tests.chaos import rows_delivery, rows_receiving, rows_recovery, rows_remote, rows_safety
from tests.chaos.play import Row

_ALL: Final = (*rows_receiving.ROWS, *rows_delivery.ROWS, *rows_recovery.ROWS, *rows_remote.ROWS, *rows_safety.ROWS)
ROWS: Final[tuple[Row, ...]] = tuple(sorted(_ALL, key=lambda row: row.number))
