"""Checked nodes of one file to a compiled stream. What only shows when things are put together is reported here."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from bridge.core.mapping.codecs.base import Join
from bridge.core.mapping.document import Node
from bridge.core.mapping.expressions import Expression, ExpressionError, compile_expression
from bridge.core.mapping.field import MappedField
from bridge.core.mapping.fields import compile_field
from bridge.core.mapping.kinds import Report, nearest
from bridge.core.mapping.paths import PathError, parse_path
from bridge.core.mapping.stream import FORMS, FieldMatch, MappedStream
from bridge.core.ports import Traits
from bridge.core.records import Json


@dataclass(frozen=True)
class Head:
    """What is known of a stream before it is compiled. ``right_paths`` are the paths it maps on the right side."""

    file: str
    name: str
    sides: tuple[str, str]
    join: Join
    root: Node
    right_paths: Mapping[str, str]


def compile_stream(
    head: Head,
    heads: Mapping[str, Head],
    report: Report,
    *,
    version: str,
    traits: Mapping[tuple[str, str], Traits] | None,
) -> MappedStream:
    root, sides = head.root, head.sides
    fields = tuple(_fields(head, heads, report))
    stream = MappedStream(
        name=head.name,
        version=version,
        sides=sides,
        objects={side: str(root.at(side).value) for side in sides},
        fields=fields,
        join=head.join,
        parents=frozenset(_parents(root)) - {head.name},
        match=tuple(_matches(root, fields, sides, report)),
        creating=frozenset(_words(root.get("create"))),
        deleting=_per_side(root.get("delete"), sides, "in_"),
        leaving=_per_side(root.get("on_leave"), sides, "in_"),
        archives=_archives(root.get("archive"), sides),
        where=_conditions(root.get("where"), sides, report),
        place=f"{head.file}:{root.line}",
    )
    _check_sides(root, sides, report)
    _check_targets(root, stream, report)
    _check_archive(root, stream, report)
    if traits is not None:
        _check_traits(root, stream, report, traits)
    return stream


def _map(node: Node | None) -> Iterator[tuple[Node, Node]]:
    return node.pairs() if node is not None and node.kind == "map" else iter(())


def _words(node: Node | None) -> list[str]:
    return [str(item.value) for item in node.items] if node is not None and node.kind == "list" else []


def _fields(head: Head, heads: Mapping[str, Head], report: Report) -> Iterator[MappedField]:
    defaults = {
        "conflict": head.root.at("conflict").value if head.root.get("conflict") else "newest",
        "on_bind": head.root.at("on_bind").value if head.root.get("on_bind") else "ask",
    }
    joins = {name: other.join for name, other in heads.items() if other.sides == head.sides}
    paths = {name: other.right_paths for name, other in heads.items() if other.sides == head.sides}
    for key, node in _map(head.root.get("fields")):
        if node.kind == "map":
            yield compile_field(key, node, head.file, head.sides, report, defaults=defaults, joins=joins, paths=paths)


def _parents(root: Node) -> Iterator[str]:
    """Streams that links and parent values point at, wherever they stand in a chain."""

    def walk(node: Node) -> Iterator[str]:
        for key, item in _map(node):
            if key.value in ("link", "parent"):
                target = item.at("stream").value if item.kind == "map" else item.value
                if isinstance(target, str):
                    yield target
            else:
                yield from walk(item)
        if node.kind == "list":
            for item in node.items:
                yield from walk(item)

    for _, node in _map(root.get("fields")):
        for part in ("as", "parent"):
            if (found := node.get(part)) is not None:
                holder = Node("map", node.line, node.column, items=(found,), keys=(Node("scalar", 0, 0, part),))
                yield from walk(holder)


def _matches(
    root: Node, fields: tuple[MappedField, ...], sides: tuple[str, str], report: Report
) -> Iterator[FieldMatch]:
    known = {rule.name: rule for rule in fields}
    node = root.get("match")
    for item in node.items if node is not None and node.kind == "list" else ():
        place = item.at("field") if item.kind == "map" else item
        rule = known.get(str(place.value))
        if rule is None:
            report(place, f"there is no field `{place.value}` to match by", nearest(place.value, known))
            continue
        if not all(rule.has(side) and len(rule.ends[side].paths) == 1 for side in sides):
            report(place, f"`{rule.name}` cannot be matched by", "A match needs a field with one path on each side.")
            continue
        named = item.get("normalise")
        form = str(named.value) if named is not None else ("exact" if rule.chain.agree else "case")
        yield FieldMatch(rule.name, {side: rule.ends[side].paths[0] for side in sides}, FORMS.get(form, FORMS["case"]))


def _per_side(node: Node | None, sides: tuple[str, str], prefix: str) -> dict[str, Any]:
    if node is None:
        return {}
    if node.kind == "scalar":
        return dict.fromkeys(sides, node.value)
    return {side: found.value for side in sides if (found := node.get(f"{prefix}{side}")) is not None}


def _archives(node: Node | None, sides: tuple[str, str]) -> dict[str, Mapping[str, Json]]:
    found: dict[str, Mapping[str, Json]] = {}
    for side in sides:
        part = node.get(side) if node is not None else None
        if part is None:
            continue
        values = {}
        for key, item in _map(part):
            try:
                values[str(parse_path(str(key.value)))] = item.plain()
            except PathError:
                continue
        found[side] = values
    return found


def _conditions(node: Node | None, sides: tuple[str, str], report: Report) -> dict[str, Expression]:
    found = {}
    for side in sides:
        part = node.get(side) if node is not None else None
        expression = expression_at(part, report) if part is not None else None
        if expression is not None:
            found[side] = expression
    return found


def expression_at(node: Node, report: Report) -> Expression | None:
    if not isinstance(node.value, str):
        return None
    try:
        return compile_expression(node.value)
    except ExpressionError as problem:
        report(node, str(problem), problem.hint, at=problem.column)
        return None


def _check_sides(root: Node, sides: tuple[str, str], report: Report) -> None:
    """Keys that speak of a system which is no side of this stream."""
    strange = [system for system in ("crm", "assembly", "wavo") if system not in sides]
    for holder, prefix in (("delete", "in_"), ("on_leave", "in_"), ("archive", ""), ("where", "")):
        for key, _ in _map(root.get(holder)):
            if any(key.value == f"{prefix}{system}" for system in strange):
                report(
                    key,
                    f"`{key.value}` speaks of a side that this stream does not have",
                    f"Its sides: {', '.join(sides)}.",
                )
    create = root.get("create")
    for item in create.items if create is not None else ():
        if item.value in strange:
            report(item, f"this stream has no side `{item.value}`", f"Its sides: {', '.join(sides)}.")
    for rule in ("conflict", "on_bind"):
        found = root.get(rule)
        if found is not None and found.value in strange:
            report(found, f"this stream has no side `{found.value}`", f"Its sides: {', '.join(sides)}.")


def _check_targets(root: Node, stream: MappedStream, report: Report) -> None:
    """Two fields that write the same place would overwrite each other for ever."""
    for side in stream.sides:
        taken: dict[tuple[str, ...], MappedField] = {}
        for rule in stream.fields:
            if rule.to not in (None, side) or not rule.has(side):
                continue
            for path in rule.ends[side].paths:
                keys = parse_path(path).keys
                for other, owner in taken.items():
                    if owner is not rule and keys[: len(other)] == other[: len(keys)]:
                        place = root.at("fields", rule.name, side)
                        hint = f"`{owner.name}` ({owner.place}) writes {'.'.join(other)}: make one of them one-way, or remove it."
                        report(place, f"`{rule.name}` and `{owner.name}` write the same place in {side}", hint)
                        break
                taken[keys] = rule


def _check_archive(root: Node, stream: MappedStream, report: Report) -> None:
    for side in stream.sides:
        for key, asked in (("delete", stream.on_delete(side)), ("on_leave", stream.on_leave(side))):
            if asked == "archive" and not stream.archive_patch(side):
                hint = f"Write for example `archive: {{{side}: {{status: inactive}}}}`."
                report(root.at(key), f"nothing says how a record is archived in {side}", hint)


def _check_traits(root: Node, stream: MappedStream, report: Report, traits: Mapping[tuple[str, str], Traits]) -> None:
    for side in stream.sides:
        trait = traits.get((side, stream.object(side)))
        if trait is None:
            known = [name for system, name in traits if system == side]
            report(root.at(side), f"{side} has no object `{stream.object(side)}`", nearest(stream.object(side), known))
            continue
        if not any((trait.readable, trait.creatable, trait.updatable, trait.deletable)):
            hint = "Remove this file, or use the dialect that has them (BRIDGE_ASSEMBLY_DIALECT)."
            report(root.at(side), f"{side} has no `{stream.object(side)}` in this dialect", hint)
            continue
        checks: tuple[tuple[bool, str, str], ...] = (
            (stream.creates(side) and not trait.creatable, "create", f"{side} cannot create {stream.object(side)}"),
            (
                stream.on_delete(side) == "delete" and not trait.deletable,
                "delete",
                f"{side} cannot delete {stream.object(side)}",
            ),
            (
                stream.on_delete(side) == "archive" and not trait.updatable,
                "delete",
                f"{side} cannot change {stream.object(side)}",
            ),
        )
        for wrong, key, message in checks:
            if wrong:
                report(root.at(key), message, "Remove it there.")
        for rule in stream.fields:
            away = rule.to != side and rule.has(side)
            if away and not trait.readable:
                report(
                    root.key_at("fields", rule.name),
                    f"`{rule.name}` would flow from {side}, whose {stream.object(side)} cannot be read",
                    f"Write `direction: to_{side}`.",
                )
            if rule.to in (None, side) and rule.has(side) and not trait.updatable and not rule.create_only:
                report(
                    root.key_at("fields", rule.name),
                    f"`{rule.name}` would be changed in {side}, whose {stream.object(side)} cannot be changed",
                    f"Write `create_only: true`, or `direction: to_{stream.other(side)}`.",
                )
