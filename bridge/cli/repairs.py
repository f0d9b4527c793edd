"""``undo``, ``forget`` and ``links rebuild``: what a person does after something went wrong."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.text import Text

from bridge.bootstrap import Bridge
from bridge.cli.opening import ConnectionName, chosen, opened
from bridge.cli.output import FOUND, GOOD, Json, counted, err, out, show_json, table
from bridge.cli.records import named
from bridge.cli.syncing import carried_out, item_lines, planned_items, raise_if_paused
from bridge.core.errors import UsageError
from bridge.operations import forget as forgetting
from bridge.operations import rebuild as rebuilding
from bridge.operations import undo as undoing
from bridge.store.rows import RunRow, Writes
from bridge.web.schemas import Backfill

links = typer.Typer(help="The pairs of records that are the same thing.", no_args_is_help=True)


@links.callback()
def _group() -> None:
    """Keeps this a group of commands."""


@links.command()
def rebuild(connection: ConnectionName = None, as_json: Annotated[bool, Json] = False) -> int:
    """Find all links again from the join keys in Assembly. Writes nothing to either side; differences are shown."""
    with opened() as bridge:
        wired = chosen(bridge, connection)
        raise_if_paused(bridge, wired.name)
        row = carried_out(bridge, rebuilding.start(bridge.store, wired.mappings, wired.name))
    return _ended(row, as_json=as_json)


def undo(
    run: Annotated[str | None, typer.Argument(help="Everything that this backfill wrote.")] = None,
    record: Annotated[
        str | None, typer.Option(metavar="STREAM/SIDE:ID", help="Everything written to this record.")
    ] = None,
    cause: Annotated[str | None, typer.Option(help="Everything written for this cause, as history names it.")] = None,
    connection: ConnectionName = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Stop at the plan.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Carry out the plan without asking.")] = False,
    as_json: Annotated[bool, Json] = False,
) -> int:
    """Take back what the bridge wrote, where it still stands. Shows the plan and asks before anything is written."""
    with opened() as bridge:
        wired = chosen(bridge, connection)
        raise_if_paused(bridge, wired.name)
        which = _which(bridge, wired.name, run, record, cause)
        plan = carried_out(bridge, undoing.start(bridge.store, wired.mappings, which, dry_run=True))
        if plan.state != "done":
            return _ended(plan, as_json=as_json)
        items = list(planned_items(bridge, plan.id))
        for item in items:
            err.print(Text("\n".join(item_lines(item))), soft_wrap=True)
        if not items:
            out.print("There is nothing to take back.")
            return GOOD
        if dry_run:
            calls = counted(sum(item.calls for item in items), "call")
            out.print(f"{counted(len(items), 'record')}; {calls}. Nothing was written.")
            return FOUND
        if not yes and not typer.confirm("Carry this out?", err=True):
            return GOOD
        return _ended(carried_out(bridge, undoing.apply(bridge.store, plan.id)), as_json=as_json)


def forget(
    email: Annotated[str, typer.Argument(help="The person's e-mail address.")],
    connection: ConnectionName = None,
    yes: Annotated[bool, typer.Option("--yes", help="Erase without asking.")] = False,
    as_json: Annotated[bool, Json] = False,
) -> int:
    """Erase every value of a person from the bridge's database, for good. Both systems keep their records."""
    with opened() as bridge:
        name = chosen(bridge, connection).name
        if not yes and not typer.confirm("Erase this person from the database? It cannot be undone.", err=True):
            return GOOD
        done = forgetting.forget(bridge.store, name, bridge.terms(name), email)
    if as_json:
        records = [f"{each.stream}/{each.side}:{each.record_id}" for each in done.records]
        show_json({"records": records, "erased": done.erased})
    elif not done.records and not any(done.erased.values()):
        out.print("Nothing of this person was found.")
    else:
        rows = sorted((table_name, count) for table_name, count in done.erased.items() if count)
        out.print(f"{counted(len(done.records), 'record')} forgotten.")
        out.print(table("", ("in", "rows erased"), rows))
    return GOOD


def _which(bridge: Bridge, connection: str, run: str | None, record: str | None, cause: str | None) -> Writes:
    if sum(each is not None for each in (run, record, cause)) != 1:
        raise UsageError("say what to undo: a run's id, --record or --cause")
    if record is None:
        return Writes(connection, run_id=run, cause=cause)
    stream, _, name = record.partition("/")
    side, record_id = named(name, "STREAM/SIDE:ID, such as companies/crm:ID")
    return undoing.of_record(bridge.store, connection, stream, side, record_id)


def _ended(row: RunRow, *, as_json: bool) -> int:
    if as_json:
        show_json(Backfill.of(row).model_dump(mode="json"))
    else:
        out.print(table(f"{row.kind} {row.state}", ("result", "records"), sorted(row.counts.items())))
        if row.error:
            err.print(row.error, style="red", markup=False)
    return GOOD if row.state == "done" and not row.counts.get("attention") and not row.counts.get("failed") else FOUND
