"""``plan`` and ``backfill``: compare both sides, show the price, do it.

They work on the database (docs/decisions/0004): a worker that listens does the work, and where none does this process
works itself until the run has ended.
"""

from __future__ import annotations

import contextlib
import json
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Annotated, Final

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeRemainingColumn
from rich.text import Text

from bridge.bootstrap import Bridge, WiredConnection, working
from bridge.cli.opening import ConnectionName, chosen, opened
from bridge.cli.output import FOUND, GOOD, Json, err, out, show_json, table
from bridge.core.errors import BridgeError, UsageError
from bridge.operations import backfill as runs
from bridge.store import RunRow
from bridge.web.schemas import Backfill, PlanItem

ENDED: Final = frozenset({"done", "cancelled", "failed"})
UNDONE: Final = frozenset({"revert", "uncreate", "keep"})
LOOK_SECONDS: Final = 0.25

_RESULTS: Final = {"voided": "a live change came first", "attention": "waiting for a person", "bound": "found there"}

Streams = Annotated[list[str] | None, typer.Option("--stream", "-s", help="Only this stream; may be given again.")]
Items = Annotated[int, typer.Option(min=0, help="How many planned items to show.")]


def plan(
    connection: ConnectionName = None, stream: Streams = None, items: Items = 20, as_json: Annotated[bool, Json] = False
) -> int:
    """What a backfill would do now and what it would cost. Writes nothing to either side."""
    with opened() as bridge:
        wired = chosen(bridge, connection)
        row = _run(bridge, wired, stream, dry_run=True)
        planned = list(planned_items(bridge, row.id))
    if as_json:
        show_json({"backfill": _shown(row), "items": [item.model_dump(mode="json") for item in planned]})
    else:
        _print_plan(row, planned, items)
    return _status(row) or (FOUND if planned else GOOD)


def backfill(connection: ConnectionName = None, stream: Streams = None, as_json: Annotated[bool, Json] = False) -> int:
    """Bring both sides in step and keep them so: the first one ends a connection's observing."""
    with opened() as bridge:
        wired = chosen(bridge, connection)
        row = _run(bridge, wired, stream, dry_run=False)
    if as_json:
        show_json(_shown(row))
    else:
        results = ((_RESULTS.get(name, name), count) for name, count in sorted(row.counts.items()))
        out.print(table(f"Backfill {row.state}", ("result", "records"), results))
        if row.error:
            err.print(row.error, style="red", markup=False)
        if row.counts.get("attention"):
            out.print("What waits for a person: bridge attention list")
    return _status(row)


def _status(row: RunRow) -> int:
    return GOOD if row.state == "done" and not row.counts.get("failed") else FOUND


def _shown(row: RunRow) -> object:
    return Backfill.of(row).model_dump(mode="json")


def _run(bridge: Bridge, wired: WiredConnection, streams: list[str] | None, *, dry_run: bool) -> RunRow:
    raise_if_paused(bridge, wired.name)
    row = runs.active(bridge.store, wired.name)
    if row is not None and row.dry_run == dry_run:
        err.print("One is under way already; this shows that one.")
    else:
        row = runs.start(bridge.store, wired.mappings, wired.name, streams or (), dry_run=dry_run)
    return carried_out(bridge, row)


def carried_out(bridge: Bridge, row: RunRow) -> RunRow:
    """Follow a run that was started to its end, working here if nobody else does."""
    bridge.doorbell.ring(row.connection)
    with contextlib.ExitStack() as stack:
        if not bridge.doorbell.listening():
            stack.enter_context(working(bridge))
        return _followed(bridge, row.id)


def _followed(bridge: Bridge, run_id: str) -> RunRow:
    """Show a run's progress until it has ended; on Ctrl-C it goes on, if a worker listens, or when one starts."""
    with progress_bar() as progress:
        task = progress.add_task("queued", total=None)
        while True:
            row = bridge.store.runs.get(run_id)
            if row is None:
                raise UsageError(f"the run {run_id} is gone")
            words = f"{row.state}: {row.error}" if row.error else row.state
            left = sum(bridge.store.runs.open_items(run_id).values())
            if row.state == "applying" and progress.tasks[0].total is None:
                progress.update(task, total=left)
            done = (progress.tasks[0].total or 0) - left
            progress.update(task, description=words, completed=max(0, done))
            if row.state in ENDED:
                return row
            raise_if_paused(bridge, row.connection)
            time.sleep(LOOK_SECONDS)


def raise_if_paused(bridge: Bridge, name: str) -> None:
    row = bridge.store.connections.get(name)
    if row is not None and row.mode == "paused" and row.paused_until is None:
        why = row.pause_detail or row.pause_cause
        raise BridgeError(
            f"the connection {name} is paused: {why}\nMend it, then: bridge connections resume {name}\n"
            "What has begun goes on from where it is."
        )


@contextlib.contextmanager
def progress_bar() -> Iterator[Progress]:
    with Progress(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=err,
        transient=True,
    ) as progress:
        yield progress


def planned_items(bridge: Bridge, run_id: str) -> Iterator[PlanItem]:
    cursor: str | None = None
    while True:
        page = bridge.store.runs.items_page(run_id, cursor=cursor, limit=500)
        yield from (PlanItem.of(row) for row in page.items)
        if page.next is None:
            return
        cursor = page.next


def _print_plan(row: RunRow, planned: list[PlanItem], most: int) -> None:
    calls = Counter[tuple[str, str, str]]()
    counts = Counter[tuple[str, str, str]]()
    for item in planned:
        counts[item.stream, item.action, item.side] += 1
        calls[item.stream, item.action, item.side] += item.calls
    eta = f", about {max(1, round(row.eta_seconds / 60))} min" if row.eta_seconds else ""
    out.print(f"{len(planned)} records differ; {sum(calls.values())} calls{eta}. Nothing was written.")
    if planned:
        rows = ((*key, count, calls[key]) for key, count in counts.items())
        out.print(table("", ("stream", "action", "seen in", "records", "calls"), rows))
    for item in planned[:most]:
        out.print(Text("\n".join(item_lines(item))), soft_wrap=True)
    if most and (left := len(planned) - most) > 0:
        out.print(f"… and {left} more: --items {len(planned)} shows all, --json too.")


def item_lines(item: PlanItem) -> Iterator[str]:
    """One record of a plan: what happens to it, a line for each field that would be written, a line for each question."""
    detail = item.detail if isinstance(item.detail, Mapping) else {}
    yield f"{item.stream} {item.action} {item.side}:{item.record_id}"
    if item.action == "uncreate":
        yield f"  the bridge made it: it is deleted in {item.side}, or archived where it cannot be deleted"
    for field in detail.get("fields", ()):
        if item.action == "uncreate":
            yield f"  {field['field']}: {_value(field['old'])}"
            continue
        was = "" if item.action == "create" else f"{_value(field['old'])} → "
        yield f"  {field['field']}: {was}{_value(field['new'])} in {field['side']}"
    # A question of an undo needs no answer: the field is left as it is.
    asks = "left as it is" if item.action in UNDONE else "asks a person"
    for question in detail.get("questions", ()):
        about = f"{question['field']}: " if question["field"] else ""
        yield f"  {asks}: {about}{question.get('detail') or question['cause']}"
    if detail.get("why"):
        yield f"  {detail['why']}"


def _value(value: object) -> str:
    return "empty" if value is None else json.dumps(value, ensure_ascii=False)
