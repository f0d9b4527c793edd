"""``record``: one record, what each side holds, what is remembered, and why."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any

import orjson
import typer
import yaml

from bridge.bootstrap import Bridge
from bridge.cli.opening import ConnectionName, chosen, opened
from bridge.cli.output import GOOD, Json, cut, facts, out, show_json, table
from bridge.core.errors import UsageError
from bridge.core.mapping.cases import draft_case
from bridge.core.plan import references
from bridge.core.records import Lookups, Record, Ref
from bridge.operations import records

app = typer.Typer(help="One record, from both sides.", no_args_is_help=True)

Stream = Annotated[str, typer.Argument(help="companies, contacts, deals or notes.")]
Name = Annotated[str, typer.Argument(metavar="SIDE:ID", help="crm:ID or assembly:ID.")]


@app.command()
def show(
    stream: Stream,
    record: Name,
    connection: ConnectionName = None,
    as_test: Annotated[bool, typer.Option("--as-test", help="Print a test case for the mapping instead.")] = False,
    as_json: Annotated[bool, Json] = False,
) -> int:
    """Both sides as they are now, what is remembered, each field's verdict with the mapping line, and the history."""
    side, record_id = named(record)
    with opened() as bridge:
        name = chosen(bridge, connection).name
        shown = records.show(bridge.store, name, bridge.terms(name), stream, side, record_id)
        case = _case(bridge, name, stream, shown) if as_test else None
    if case is not None:
        out.file.write(yaml.safe_dump([case], sort_keys=False, allow_unicode=True))
    elif as_json:
        show_json(shown)
    else:
        _print(shown)
    return GOOD


@app.command()
def sync(stream: Stream, record: Name, connection: ConnectionName = None) -> int:
    """Look at this record again, now."""
    side, record_id = named(record)
    with opened() as bridge:
        name = chosen(bridge, connection).name
        records.sync(bridge.store, name, bridge.terms(name), stream, side, record_id)
        bridge.doorbell.ring(name)
    out.print("Noted; a worker looks at it.")
    return GOOD


def named(record: str, like: str = "crm:ID or assembly:ID") -> tuple[str, str]:
    side, _, record_id = record.partition(":")
    if not side or not record_id:
        raise UsageError(f"name the record as {like}")
    return side, record_id


def _case(bridge: Bridge, connection: str, stream_name: str, shown: Mapping[str, Any]) -> Mapping[str, Any]:
    terms = bridge.terms(connection)
    stream = terms.mappings[stream_name]
    raws = {side: each["record"] for side, each in shown["sides"].items() if each["record"] is not None}
    found = [Record(Ref(side, stream.object(side), shown["sides"][side]["id"]), raw) for side, raw in raws.items()]
    tables = {(side, kind): table for side in raws for kind, table in terms.connectors[side].tables().items()}
    links = bridge.store.links.resolve(connection, references(stream, found))
    return draft_case(stream, "as it is today", raws, Lookups(tables, links))


def _print(shown: Mapping[str, Any]) -> None:
    link, change, sides = shown["link"], shown["change"], shown["sides"]
    pinned = ", ".join(f"{name} ({why})" for name, why in link["pinned"].items()) if link else ""
    out.print(
        facts(
            {
                **{name: _side(each) for name, each in sides.items()},
                "link": f"{link['state']}{'; held fast: ' + pinned if pinned else ''}" if link else "none",
                "change": " · ".join(filter(None, (change["state"], change["cause"], change["detail"])))
                if change
                else "none",
                "mapping": f"{shown['stream']}, version {shown['mapping_version']}",
                **({"open": shown["question"]} if shown["question"] else {}),
            }
        )
    )
    rows = (
        (each["field"], *(_held(each["sides"].get(side, {})) for side in sides), each["verdict"], each["place"])
        for each in shown["fields"]
    )
    out.print(table("Fields", ("field", *sides, "verdict", "by"), rows))
    history = (
        (h["at"][:19], h["side"], h["field"], _json(h["old"]), _json(h["new"]), h["cause"]) for h in shown["history"]
    )
    out.print(table("History", ("when (UTC)", "side", "field", "was", "became", "because"), history))


def _side(each: Mapping[str, Any]) -> str:
    words = each["problem"] or ("" if each["record"] is not None else "not there")
    stamp = f"updated {each['updated_at'][:19]}" if each["updated_at"] else ""
    return " · ".join(filter(None, (each["id"] or "no record", stamp, words)))


def _held(values: Mapping[str, Any]) -> str:
    """The value there now, and the remembered one where it differs."""
    return " | ".join(_cells(values))


def _cells(values: Mapping[str, Any]) -> Iterator[str]:
    if "now" in values:
        yield _json(values["now"])
    if "shadow" in values and values["shadow"] != values.get("now"):
        yield f"remembered {_json(values['shadow'])}"


def _json(value: Any) -> str:
    return "" if value is None else cut(orjson.dumps(value).decode())
