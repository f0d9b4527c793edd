"""Mapping files to compiled streams, with every mistake of every file at once."""

from __future__ import annotations

import graphlib
import hashlib
import json
from collections.abc import Mapping

from bridge.core.errors import MappingError, Mistake
from bridge.core.mapping.codecs.base import Join
from bridge.core.mapping.compile import Head, compile_stream
from bridge.core.mapping.document import Node, read_document
from bridge.core.mapping.grammar import STREAM, SYSTEMS
from bridge.core.mapping.laws import check_laws
from bridge.core.mapping.model import Mappings
from bridge.core.mapping.notes import Notes, is_stream_file
from bridge.core.mapping.paths import PathError, parse_path
from bridge.core.mapping.stream import MappedStream
from bridge.core.ports import Traits
from bridge.core.records import Json

LANGUAGE = 1
"""Counts changes of what a mapping means: shadows taken under another count are read anew."""


def load(files: Mapping[str, str], *, traits: Mapping[tuple[str, str], Traits] | None = None) -> Mappings:
    """Compile the texts of a mappings folder (file name to text). Raises ``MappingError`` with all mistakes."""
    return load_with_warnings(files, traits=traits)[0]


def load_with_warnings(
    files: Mapping[str, str], *, traits: Mapping[tuple[str, str], Traits] | None = None
) -> tuple[Mappings, tuple[Mistake, ...]]:
    """As ``load``, with what is odd but can run."""
    notes = {name: Notes(name) for name in sorted(files) if is_stream_file(name)}
    heads = _heads(files, notes)
    streams = {}
    for head in heads.values():
        note = notes[head.file]
        stream = compile_stream(head, heads, note, version=_version(head, heads), traits=traits)
        if not note.broken:
            check_laws(stream.fields, head.root, note)
        streams[stream.name] = stream
    order = _order(streams, heads, notes)
    mistakes = tuple(
        mistake
        for note in notes.values()
        for mistake in sorted(note.mistakes, key=lambda item: (item.line, item.column))
    )
    if any(mistake.severity == "error" for mistake in mistakes):
        raise MappingError(mistakes)
    return Mappings(tuple(streams[name] for name in order)), mistakes


def _heads(files: Mapping[str, str], notes: Mapping[str, Notes]) -> dict[str, Head]:
    heads: dict[str, Head] = {}
    for name, note in notes.items():
        root = read_document(name, files[name])
        if isinstance(root, Mistake):
            note.mistakes.append(root)
            continue
        STREAM.check(root, note)
        head = _head(name, root, note)
        if head is None:
            continue
        if head.name in heads:
            other = heads[head.name].file
            note(root.at("stream"), f"the stream `{head.name}` is in {other} too", "Give one of them another name.")
            continue
        heads[head.name] = head
    return heads


def _head(file: str, root: Node, note: Notes) -> Head | None:
    """Name, sides and join of a stream: what other streams need to know of it."""
    name = root.at("stream").value if root.get("stream") is not None else None
    sides = [system for system in SYSTEMS if root.get(system) is not None]
    if root.kind != "map" or not isinstance(name, str):
        return None
    if len(sides) != 2:
        said = " and ".join(sides) if sides else "no system"
        note(
            root,
            f"a stream has two sides, this one names {said}",
            "Write for example `crm: companies` and `assembly: accounts`.",
        )
        return None
    left, right = sides
    keys: dict[str, str] = {}
    fields = root.get("fields")
    for _, item in fields.pairs() if fields is not None and fields.kind == "map" else ():
        path = item.get(right) if item.kind == "map" else None
        if path is not None and isinstance(path.value, str):
            try:
                key = str(parse_path(path.value))
            except PathError:
                continue
            keys[key] = key
    return Head(file, name, (left, right), _join(root, note), root, keys)


def _join(root: Node, note: Notes) -> Join:
    node = root.get("join")
    if node is None or not isinstance(node.value, str) or node.value == "id":
        return Join()
    before, mark, after = node.value.partition("{id}")
    if not mark or "{" in before + after or "}" in before + after:
        note(node, f"`{node.value}` is no join key", "Write `id`, or a template that holds {id} once: crm-{id}.")
        return Join()
    return Join(before, after)


def _version(head: Head, heads: Mapping[str, Head]) -> str:
    """Other streams' joins decide values of links, so they count; places and comments do not."""
    joins = {name: [other.join.before, other.join.after] for name, other in sorted(heads.items())}
    content: Json = [LANGUAGE, _pairs(head.root), joins]
    return hashlib.sha256(json.dumps(content, ensure_ascii=False).encode()).hexdigest()[:12]


def _pairs(node: Node, *, ordered: bool = False) -> Json:
    """A node as JSON that keeps ``1`` and ``"1"`` apart as keys. Only in a value map does the order of keys mean something."""
    match node.kind:
        case "scalar":
            return node.value
        case "list":
            return ["list", *(_pairs(item) for item in node.items)]
        case _:
            pairs = [[key.value, _pairs(item, ordered=key.value == "values")] for key, item in node.pairs()]
            return ["map", *(pairs if ordered else sorted(pairs, key=lambda pair: repr(pair[0])))]


def _order(streams: Mapping[str, MappedStream], heads: Mapping[str, Head], notes: Mapping[str, Notes]) -> list[str]:
    """Parents before children, otherwise by name; a cycle is a mistake in each of its streams."""
    graph = {name: sorted(stream.parents & streams.keys()) for name, stream in sorted(streams.items())}
    try:
        return list(graphlib.TopologicalSorter(graph).static_order())
    except graphlib.CycleError as problem:
        cycle = list(problem.args[1])
        for name in dict.fromkeys(cycle):
            way = " → ".join(cycle)
            notes[heads[name].file](
                heads[name].root.at("stream"), f"its parents go round in a circle: {way}", "Remove one link."
            )
        return sorted(streams)
