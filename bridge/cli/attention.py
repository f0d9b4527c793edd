"""``attention``: what waits for a person, and giving the answer."""

from __future__ import annotations

from typing import Annotated

import orjson
import typer

from bridge.bootstrap import Bridge
from bridge.cli.opening import ConnectionName, chosen, opened, why_paused
from bridge.cli.output import FOUND, GOOD, Json, counted, facts, out, show_json, table
from bridge.core.errors import UsageError
from bridge.store.rows import AttentionRow
from bridge.web.schemas import Attention, AttentionCause

app = typer.Typer(help="What waits for a person, and why.", no_args_is_help=True)


@app.command("list")
def index(
    connection: ConnectionName = None,
    stream: Annotated[str | None, typer.Option(help="Only this stream.")] = None,
    cause: Annotated[str | None, typer.Option(help="Only this cause.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="How many items to show.")] = 20,
    as_json: Annotated[bool, Json] = False,
) -> int:
    """How many records wait under which cause, and the newest of them."""
    with opened() as bridge:
        name = chosen(bridge, connection).name
        paused = why_paused(bridge, name)
        groups = bridge.store.attention.groups(name)
        page = bridge.store.attention.page(connection=name, stream=stream, cause=cause, state="open", limit=limit)
    if as_json:
        show_json(
            {
                "paused": paused,
                "groups": [AttentionCause.of(group).model_dump(mode="json") for group in groups],
                "items": [Attention.of(row, None).model_dump(mode="json") for row in page.items],
                "next": page.next,
            }
        )
    elif not groups:
        out.print(paused or "Nothing waits for a person.")
    else:
        if paused:
            out.print(paused)
        out.print(
            table(
                "",
                ("waiting", "with them", "stream", "cause", "field", "group"),
                ((g.count, g.children, g.stream, g.cause, g.field, g.group) for g in groups),
            )
        )
        rows = ((r.id, f"{r.stream}/{r.side}:{r.record_id}", r.field, r.detail, ", ".join(r.ways)) for r in page.items)
        out.print(table("", ("id", "record", "field", "why", "answers"), rows))
    return FOUND if groups or paused else GOOD


@app.command()
def show(
    id: Annotated[int, typer.Argument(help="Its number in the list.")], as_json: Annotated[bool, Json] = False
) -> int:
    """One item, with what both sides hold."""
    with opened() as bridge:
        item = Attention.of(_open(bridge, id), None)
    if as_json:
        show_json(item.model_dump(mode="json"))
    else:
        out.print(
            facts(
                {
                    "record": f"{item.stream}/{item.side}:{item.record_id}",
                    "field": item.field or "the whole record",
                    "cause": item.cause,
                    "why": item.detail,
                    **{f"{side} holds": orjson.dumps(value).decode() for side, value in item.values.items()},
                    "answers": ", ".join(item.ways) or "none: mend it at the source",
                    "state": item.state,
                }
            )
        )
    return FOUND if item.state == "parked" else GOOD


@app.command()
def resolve(
    id: Annotated[int, typer.Argument(help="Its number in the list.")],
    way: Annotated[str, typer.Argument(help="One of its answers, such as a side's name.")],
    value: Annotated[str | None, typer.Option(help="For the answer `value`: the JSON to write.")] = None,
) -> int:
    """Give the answer. Refused if the values are not those of the item any more."""
    with opened() as bridge:
        row = _open(bridge, id)
        if row.state != "open":
            raise UsageError("it is settled, or about other values by now: bridge attention list shows what waits")
        if way not in row.ways:
            raise UsageError(f"it can be answered with: {', '.join(row.ways) or 'nothing'}")
        bridge.store.attention.decide(id, _answer(way, value), row.values)
        out.print(f"Noted; {_carrier(bridge, row.connection)}.")
        bridge.doorbell.ring(row.connection)
    return GOOD


@app.command("resolve-group")
def resolve_group(
    group: Annotated[str, typer.Argument(help="The group's name in the list.")],
    way: Annotated[str, typer.Argument(help="An answer that all of its items offer.")],
    value: Annotated[str | None, typer.Option(help="For the answer `value`: the JSON to write.")] = None,
    connection: ConnectionName = None,
) -> int:
    """Give every item of a group the same answer; those whose values have moved on meanwhile stay."""
    with opened() as bridge:
        name = chosen(bridge, connection).name
        if not bridge.store.attention.page(connection=name, group=group, limit=1).items:
            raise UsageError(f"nothing waits in a group called {group}")
        count = bridge.store.attention.decide_group(name, group, _answer(way, value))
        out.print(f"Noted for {counted(count, 'record')}; {_carrier(bridge, name)}.")
        bridge.doorbell.ring(name)
    return GOOD if count else FOUND


def _carrier(bridge: Bridge, connection: str) -> str:
    row = bridge.store.connections.get(connection)
    if row is not None and row.mode != "live":
        return f"it is carried out when {connection} is live again: it is {row.mode}"
    return "a worker carries it out"


def _open(bridge: Bridge, id: int) -> AttentionRow:
    row = bridge.store.attention.get(id)
    if row is None:
        raise UsageError(f"there is no attention item {id}")
    return row


def _answer(way: str, value: str | None) -> dict[str, object]:
    if (way == "value") != (value is not None):
        raise UsageError("the answer `value` needs a --value (null empties the field), and no other answer takes one")
    return {"way": way, "value": _parsed(value)}


def _parsed(value: str | None) -> object:
    if value is None:
        return None
    try:
        return orjson.loads(value)
    except orjson.JSONDecodeError as error:
        raise UsageError("--value takes JSON: text in double quotes, such as '\"Acme Ltd\"'") from error
