"""``record``: one record, what each side holds, what is remembered, and why."""

from __future__ import annotations

from typing import Annotated

import typer

from bridge.cli.opening import ConnectionName, chosen, opened
from bridge.cli.output import GOOD, Json, show_json
from bridge.core.errors import UsageError
from bridge.operations import records

app = typer.Typer(help="One record, from both sides.", no_args_is_help=True)


@app.callback()
def _group() -> None:
    """A group, although it has one command now."""


@app.command()
def show(
    stream: Annotated[str, typer.Argument(help="companies, contacts, deals or notes.")],
    record: Annotated[str, typer.Argument(help="crm:ID or assembly:ID.")],
    connection: ConnectionName = None,
    as_json: Annotated[bool, Json] = False,
) -> int:
    """Both sides, the shadows, the history, and why it is as it is."""
    side, _, record_id = record.partition(":")
    if not record_id:
        raise UsageError("name the record as crm:ID or assembly:ID")
    with opened() as bridge:
        wired = chosen(bridge, connection)
        shown = records.show(bridge.store, wired.name, bridge.terms(wired.name), stream, side, record_id)
    if as_json:
        show_json(shown)
        return GOOD
    return GOOD
