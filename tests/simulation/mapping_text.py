"""The mapping files of a world, written out from its ``Rules`` as a person would write them."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from tests.simulation.rules import OBJECTS, STREAMS, TIERS, FieldSpec, Rules

MATCH = {"companies": ["domain"], "contacts": ["email"], "deals": []}


OPTIONAL = (
    ("companies", "phone"),
    ("companies", "tier"),
    ("contacts", "title"),
    ("deals", "amount"),
    ("deals", "close_date"),
)
"""Fields that a person may leave out, and map later."""


@dataclass(frozen=True, slots=True)
class Style:
    """What a person declares about the remotes' spelling."""

    trim: bool = True
    cut: bool = True


def draw_rules(rng: random.Random) -> tuple[Rules, Style]:
    streams = ("companies", "contacts", "deals")
    creates = {(stream, "assembly") for stream in streams}
    if rng.random() < 0.8:
        creates |= {(stream, "crm") for stream in streams}
    deletes = {
        ("companies", "crm"): rng.choice(("ignore", "archive")),
        ("companies", "assembly"): rng.choice(("ignore", "delete")),
        ("contacts", "crm"): rng.choice(("ignore", "delete")),
        ("contacts", "assembly"): rng.choice(("ignore", "delete")),
        ("deals", "crm"): rng.choice(("ignore", "delete")),
        ("deals", "assembly"): rng.choice(("ignore", "delete")),
    }
    rules = Rules(
        streams=STREAMS,
        conflict=rng.choice(("newest", "crm", "assembly", "ask")),
        on_bind=rng.choice(("crm", "crm", "assembly", "newest", "ask")),
        wrong_side=rng.choice(("revert", "revert", "keep", "report")),
        clears="propagate",
        creates=frozenset(creates),
        deletes=deletes,
        notes=rng.random() < 0.6,
    )
    if rng.random() < 0.4:
        rules = rules.without(*rng.choice(OPTIONAL))
    return rules, Style(trim=rng.random() < 0.7, cut=rng.random() < 0.7)


def mapping_files(rules: Rules, style: Style) -> Mapping[str, str]:
    files = {f"{stream}.yaml": _stream(stream, rules, style) for stream in rules.streams}
    return files | ({"notes.yaml": _shipped("notes.yaml")} if rules.notes else {})


@cache
def _shipped(name: str) -> str:
    return (Path(__file__).parents[2] / "mappings" / name).read_text("utf-8")


def _stream(stream: str, rules: Rules, style: Style) -> str:
    lines = [
        f"stream: {stream}",
        f"crm: {OBJECTS[stream]['crm']}",
        f"assembly: {OBJECTS[stream]['assembly']}",
        "join: id",
    ]
    if MATCH[stream]:
        lines.append(f"match: [{', '.join(MATCH[stream])}]")
    sides = [side for side in ("assembly", "crm") if (stream, side) in rules.creates]
    lines.append(f"create: [{', '.join(sides)}]")
    deletes = {side: rules.deletes.get((stream, side), "ignore") for side in ("crm", "assembly")}
    lines.append(f"delete: {{in_crm: {deletes['crm']}, in_assembly: {deletes['assembly']}}}")
    if stream == "companies":
        lines.append("where: {crm: \"record.status != 'inactive'\"}")
        if deletes["crm"] == "archive":
            lines.append("archive: {crm: {status: inactive}}")
    lines += [f"conflict: {rules.conflict}", f"on_bind: {rules.on_bind}", "fields:"]
    lines += [f"  {spec.name}: {{{_field(spec, rules, style)}}}" for spec in rules.streams[stream]]
    return "\n".join(lines) + "\n"


def _field(spec: FieldSpec, rules: Rules, style: Style) -> str:
    parts = [f"crm: {spec.crm}", f"assembly: {spec.assembly}"]
    codecs = _codecs(spec)
    if codecs:
        parts.append(f"as: {codecs}")
    if spec.required:
        parts.append("required: true" if spec.kind == "text" else "required: assembly")
    if spec.kind == "domain":
        parts.append("missing: invalid")
    echo = _echo(spec, style)
    if echo:
        parts.append(f"echo: {{assembly: {{{', '.join(echo)}}}}}")
    if spec.kind == "tags":
        parts.append("unordered: true")
    if spec.to:
        parts += [f"direction: to_{spec.to}", f"wrong_side: {rules.wrong_side}"]
    return ", ".join(parts)


def _codecs(spec: FieldSpec) -> str:
    match spec.kind:
        case "domain" | "email" | "stage" | "money" | "date":
            return spec.kind
        case "phone":
            return "first_of_list"
        case "label":
            pairs = ", ".join(f"{key}: {name}" for key, name in TIERS.items())
            return f"[{{values: {{{pairs}}}}}, {{label: Tier}}]"
        case "parent":
            by_key = spec.assembly == "account_source_specific_id"
            return "{link: {stream: companies, by: key}}" if by_key else "{link: companies}"
    return ""


def _echo(spec: FieldSpec, style: Style) -> list[str]:
    if spec.kind != "text":
        return []
    found = ["trim: true"] if style.trim else []
    if spec.cut and style.cut:
        found.append("cut: 100")
    return found
