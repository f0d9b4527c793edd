"""The node of one field to a ``MappedField``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from bridge.core.mapping.codecs import Build, Chain, Codec, build_chain_at, build_codecs
from bridge.core.mapping.codecs.base import Join
from bridge.core.mapping.codecs.lists import Inside, InsideRight
from bridge.core.mapping.codecs.references import ParentValue
from bridge.core.mapping.codecs.text import Name
from bridge.core.mapping.document import Node
from bridge.core.mapping.expressions import Expression, ExpressionError, Failed, compile_expression
from bridge.core.mapping.field import FAILED, Echo, End, MappedField
from bridge.core.mapping.kinds import Report, nearest
from bridge.core.mapping.paths import Path, PathError, getter, join_path, parse_path
from bridge.core.records import ABSENT, Json, Value


def compile_field(
    key: Node,
    node: Node,
    file: str,
    sides: tuple[str, str],
    report: Report,
    *,
    defaults: Mapping[str, Json],
    joins: Mapping[str, Join],
    paths: Mapping[str, Mapping[str, str]],
) -> MappedField:
    """Always gives a field, so that later checks can go on; what is wrong is reported."""
    right = sides[1]
    ends, inner = _ends(key, node, sides, report)
    chain = _chain(node, sides, inner, report, joins=joins, paths=paths)
    to = _direction(key, node, sides, ends, chain, report)
    missing = str(_value(node, "missing", ""))
    needed = _needed(node, sides)
    if missing == "attention":
        needed |= {right}
    if missing == "invalid" and right in needed:
        report(
            node.at("missing"), "`missing: invalid` makes a value up where `required` asks for one", "Keep one of them."
        )
    _check_words(node, sides, report)
    return MappedField(
        name=str(key.value),
        place=f"{file}:{key.line}",
        sides=sides,
        ends=ends,
        chain=chain,
        to=to,
        conflict=str(_value(node, "conflict", defaults["conflict"])),
        on_bind=str(_value(node, "on_bind", defaults["on_bind"])),
        wrong_side=_value(node, "wrong_side", "revert"),
        clears=_value(node, "clears", "propagate"),
        fill=_value(node, "fill", False) is True,
        needed=frozenset(needed),
        create_only=_value(node, "create_only", False) is True,
        unordered=_value(node, "unordered", False) is True,
        missing="invalid" if missing == "invalid" else "attention" if missing == "attention" else "",
        defaults=_defaults(node.get("default"), sides),
        echo=_echo(node.get("echo"), sides),
        rule=_written(node),
    )


def _value(node: Node, key: str, default: Any) -> Any:
    found = node.get(key)
    return default if found is None or found.kind != "scalar" else found.value


def _needed(node: Node, sides: tuple[str, str]) -> set[str]:
    said = _value(node, "required", False)
    return set(sides) if said is True else {said} if said in sides else set()


# --- ends --------------------------------------------------------------------------------------------------------


def _ends(key: Node, node: Node, sides: tuple[str, str], report: Report) -> tuple[dict[str, End], dict[str, Codec]]:
    """The two ends, and the lenses into lists that their paths ask for."""
    ends: dict[str, End] = {}
    inner: dict[str, Codec] = {}
    for side in sides:
        place, computed = node.get(side), node.get(f"from_{side}")
        if place is not None and computed is not None:
            report(computed, f"{side} has a path and an expression", f"Remove `{side}` or `from_{side}`.")
        if computed is not None:
            end = _computed(computed, report)
        elif place is not None:
            end = _pathed(place, side, sides, inner, report)
        else:
            continue
        if end is not None:
            ends[side] = end
    constant = node.get("constant")
    if constant is not None and len(ends) == 1:
        (side,) = ends
        other = sides[1] if side == sides[0] else sides[0]
        value = constant.plain()
        ends[other] = End("constant", lambda _raw: value)
    elif constant is not None:
        report(
            constant, "a constant is written to one side", f"Name either {sides[0]} or {sides[1]}, and no expression."
        )
    elif len([side for side in sides if node.get(side) or node.get(f"from_{side}")]) < 2:
        hint = f"Write `{sides[0]}: …` and `{sides[1]}: …`, or `from_{sides[0]}`, or `constant`."
        report(key, f"the field `{key.value}` needs a value on both sides", hint)
    for side, condition in _conditions(node.get("when"), sides, report).items():
        if side in ends:
            ends[side] = _conditional(ends[side], condition)
    return ends, inner


def _computed(node: Node, report: Report) -> End | None:
    if not isinstance(node.value, str):
        return None
    try:
        expression = compile_expression(node.value)
    except ExpressionError as problem:
        report(node, str(problem), problem.hint, at=problem.column)
        return None

    def observe(raw: Mapping[str, Json]) -> Value:
        try:
            return expression(raw)
        except Failed as problem:
            return {FAILED: str(problem)}

    return End(f"expr:{node.value}", observe)


def _pathed(node: Node, side: str, sides: tuple[str, str], inner: dict[str, Codec], report: Report) -> End | None:
    try:
        if node.kind == "scalar":
            path = parse_path(str(node.value))
            if path.inside:
                inner[side] = (Inside if side == sides[0] else InsideRight)(path.inside)
            return End(str(path), getter(path.keys), (join_path(path.keys),))
        several = [parse_path(str(item.value)) for item in node.items]
    except PathError:
        return None
    if side != sides[0] or any(path.inside for path in several):
        report(node, "only the left side may list several plain paths", f"Left is {sides[0]}.")
        return None
    return _joined(several)


def _joined(paths: list[Path]) -> End:
    reads = [getter(path.keys) for path in paths]

    def observe(raw: Mapping[str, Json]) -> Value:
        found = [read(raw) for read in reads]
        if all(value is ABSENT for value in found):
            return ABSENT
        return [None if value is ABSENT else value for value in found]

    return End("+".join(map(str, paths)), observe, tuple(join_path(path.keys) for path in paths), joined=True)


def _conditions(node: Node | None, sides: tuple[str, str], report: Report) -> dict[str, Expression]:
    """A plain condition is judged on the left side's record."""
    if node is None:
        return {}
    parts = {sides[0]: node} if node.kind == "scalar" else {str(key.value): item for key, item in node.pairs()}
    found = {}
    for side, part in parts.items():
        if isinstance(part.value, str):
            try:
                found[side] = compile_expression(part.value)
            except ExpressionError as problem:
                report(part, str(problem), problem.hint, at=problem.column)
    return found


def _conditional(end: End, condition: Expression) -> End:
    inside = end.observe

    def observe(raw: Mapping[str, Json]) -> Value:
        try:
            return inside(raw) if condition(raw) is True else ABSENT
        except Failed as problem:
            return {FAILED: str(problem)}

    return End(end.key, observe, end.paths, end.joined)


# --- chain -------------------------------------------------------------------------------------------------------


def _chain(
    node: Node,
    sides: tuple[str, str],
    inner: Mapping[str, Codec],
    report: Report,
    *,
    joins: Mapping[str, Join],
    paths: Mapping[str, Mapping[str, str]],
) -> Chain:
    left, right = sides
    build = Build(left, right, joins, report)
    build = Build(left, right, joins, report, chain=lambda part: build_codecs(part, build))
    codecs = list(build_codecs(node.get("as"), build))
    if (parent := node.get("parent")) is not None:
        codecs += _parent(parent, sides, report, joins, paths)
    several = node.get(left) is not None and node.at(left).kind == "list"
    if several:
        codecs = _counted(node, codecs, len(node.at(left).items), report)
    elif codecs and isinstance(codecs[0], Name):
        report(node.at("as"), "`name` joins several paths", f"Write `{left}: [firstName, lastName]`, or remove it.")
    whole = (*filter(None, [inner.get(left)]), *codecs, *filter(None, [inner.get(right)]))
    return build_chain_at(node.at("as"), whole, report)


def _counted(node: Node, codecs: list[Codec], count: int, report: Report) -> list[Codec]:
    if not codecs or not isinstance(codecs[0], Name):
        report(node.at("as") if node.get("as") else node, "several paths need `name` first", 'Write `as: {name: " "}`.')
        return codecs
    return [Name(codecs[0].separator, count), *codecs[1:]]


def _parent(
    node: Node,
    sides: tuple[str, str],
    report: Report,
    joins: Mapping[str, Join],
    paths: Mapping[str, Mapping[str, str]],
) -> list[Codec]:
    stream, path = str(node.at("stream").value), str(node.at("path").value)
    if stream not in joins:
        report(node.at("stream"), f"there is no stream `{stream}`", nearest(stream, joins))
        return []
    try:
        key = str(parse_path(path))
    except PathError:
        return []
    if key not in paths[stream]:
        report(
            node.at("path"), f"the stream `{stream}` does not map `{key}` in {sides[1]}", nearest(key, paths[stream])
        )
        return []
    return [ParentValue(stream, key, *sides)]


def _direction(
    key: Node, node: Node, sides: tuple[str, str], ends: Mapping[str, End], chain: Chain, report: Report
) -> str | None:
    """The only side it flows to. A computed or constant side, and a one-way codec, leave no choice."""
    left, right = sides
    computed = [side for side in sides if side in ends and not ends[side].paths]
    forced = (right if computed[0] == left else left) if len(computed) == 1 else None
    if len(computed) == 2:
        report(key, f"`{key.value}` has nowhere to be written", "Give one side a path.")
    if not chain.two_way:
        forced = right
    said = _value(node, "direction", None)
    wanted = said[3:] if isinstance(said, str) and said.startswith("to_") else None
    if wanted is not None and wanted not in sides:
        report(node.at("direction"), f"this stream has no side `{wanted}`", f"Its sides: {left}, {right}.")
        return forced
    if forced is not None and said is not None and wanted != forced:
        what = "an expression or constant" if computed else "a value of the parent"
        report(node.at("direction"), f"{what} runs one way only", f"Write `direction: to_{forced}`, or leave it out.")
    return forced or wanted


# --- words -------------------------------------------------------------------------------------------------------


def _check_words(node: Node, sides: tuple[str, str], report: Report) -> None:
    strange = [system for system in ("crm", "assembly", "wavo") if system not in sides]
    for name, item in node.pairs():
        system = str(name.value).removeprefix("from_")
        if system in strange and str(name.value) in (system, f"from_{system}"):
            report(name, f"this stream has no side `{system}`", f"Its sides: {', '.join(sides)}.")
        if name.value in ("conflict", "on_bind", "required") and item.value in strange:
            report(item, f"this stream has no side `{item.value}`", f"Its sides: {', '.join(sides)}.")
    fits: Callable[[str], bool] = lambda word: any(word in (side, f"to_{side}") for side in sides)  # noqa: E731
    for holder in ("default", "when"):
        found = node.get(holder)
        for name, _ in found.pairs() if found is not None and found.kind == "map" else ():
            if not fits(str(name.value)):
                report(
                    name,
                    f"`{name.value}` speaks of a side that this stream does not have",
                    f"Its sides: {', '.join(sides)}.",
                )


def _defaults(node: Node | None, sides: tuple[str, str]) -> dict[str, Json]:
    if node is None:
        return {}
    if node.kind == "map":
        return {side: found.plain() for side in sides if (found := node.get(f"to_{side}")) is not None}
    return dict.fromkeys(sides, node.plain())


def _echo(node: Node | None, sides: tuple[str, str]) -> dict[str, Echo]:
    if node is None or node.kind != "map":
        return {}
    said = node.plain()
    both = {name: value for name, value in said.items() if name in ("cut", "trim", "case", "precision")}
    found = {}
    for side in sides:
        own = both | (said.get(side) or {})
        if own:
            found[side] = Echo(own.get("cut"), own.get("trim") is True, own.get("case") is True, own.get("precision"))
    return found


def _written(node: Node) -> str:
    return ", ".join(f"{key}: {_flow(value)}" for key, value in node.plain().items())


def _flow(value: Json) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {_flow(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_flow, value)) + "]"
    return (
        {True: "true", False: "false", None: "null"}.get(value, str(value))
        if not isinstance(value, int | float) or isinstance(value, bool)
        else str(value)
    )
