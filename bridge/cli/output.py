"""What commands print: tables for people, JSON for scripts, one red line for a mistake."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, TextIO

import orjson
import typer
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

GOOD: Final = 0
FOUND: Final = 1
"""The command worked and found something that wants attention, or what it did failed."""
WRONG_USE: Final = 2

_UNBROKEN: Final = 100_000
"""Columns where no terminal is: lines are not broken, so that ids can be searched for and copied."""


def _console(file: TextIO, *, stderr: bool = False) -> Console:
    return Console(stderr=stderr, highlight=False, width=None if file.isatty() else _UNBROKEN)


out: Final = _console(sys.stdout)
err: Final = _console(sys.stderr, stderr=True)

Json = typer.Option("--json", help="Print JSON for scripts.")


MOST_SHOWN: Final = 80
"""Characters of one value in a table; ``--json`` shows all of it."""


def cut(text: str) -> str:
    return text if len(text) <= MOST_SHOWN else f"{text[:MOST_SHOWN]}…"


def counted(count: int, what: str) -> str:
    return f"{count} {what}" if count == 1 else f"{count} {what}s"


def show_json(value: Any) -> None:
    sys.stdout.write(orjson.dumps(value, default=str, option=orjson.OPT_INDENT_2).decode() + "\n")


def table(title: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> Table:
    """A table whose first column is bold; cells are plain text, never markup."""
    made = Table(title=title or None, title_justify="left", header_style="bold", box=box.SIMPLE_HEAD, pad_edge=False)
    for index, column in enumerate(columns):
        made.add_column(column, style="bold" if index == 0 else "", overflow="fold")
    for row in rows:
        made.add_row(*(_cell(cell) for cell in row))
    return made


def _cell(cell: object) -> Any:
    return cell if isinstance(cell, Text) else Text("" if cell is None else str(cell))


def facts(values: Mapping[str, object]) -> Table:
    """Two columns without a frame: name and value."""
    made = Table.grid(padding=(0, 2))
    made.add_column(style="bold")
    made.add_column(overflow="fold")
    for name, value in values.items():
        made.add_row(_cell(name), _cell(value))
    return made
