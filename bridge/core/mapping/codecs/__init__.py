"""The codecs that a mapping may name after ``as:``, each with how it is written."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bridge.core.mapping.codecs.base import Build, Codec, CodecKind
from bridge.core.mapping.codecs.chain import Chain, ChainError, build_chain
from bridge.core.mapping.codecs.lists import Each, EachRight, Entries, FirstOfList, List
from bridge.core.mapping.codecs.maps import value_map
from bridge.core.mapping.codecs.references import Id, Label, LabelName, LinkByKey, LinkTo, Stage
from bridge.core.mapping.codecs.scalars import Boolean, Date, DateTime, Integer, Money, Number, String
from bridge.core.mapping.codecs.text import Cut, Domain, Email, Lower, Name, Phone, Template, Trim, Words
from bridge.core.mapping.document import Node
from bridge.core.mapping.kinds import (
    Choice,
    Either,
    Flag,
    Key,
    Kind,
    MapOf,
    Plain,
    Report,
    Shape,
    Text,
    Whole,
    nearest,
)
from bridge.core.records import Json

LABEL_TYPES = ("Tier", "Stage", "CompanyType", "AccountTag")
"""Assembly's label types (assembly.txt, "Labels")."""
LABEL_COLOR = "#545A92"
"""The colour a created label gets if the mapping names none: a label cannot be created without one."""

__all__ = ["CODECS", "AsKind", "Build", "Chain", "Codec", "build_chain_at", "build_codecs"]


def _one(codec: Codec) -> Any:
    return lambda _argument, _node, _build: (codec,)


def _of(argument: Json, key: str, default: Json = None) -> Json:
    """A codec's argument may be its main value or an object that holds it under ``key``."""
    return argument.get(key, default) if isinstance(argument, dict) else default


def _domain(argument: Json, _node: Node, _build: Build) -> tuple[Codec, ...]:
    return (Domain(_of(argument, "scheme", "")),)


def _values(_argument: Json, node: Node, build: Build) -> tuple[Codec, ...]:
    pairs = [(key.value, item.value) for key, item in node.at("values").pairs()]
    default = node.get("default")
    to_right, to_left = (default.value, None) if default is not None and default.kind == "scalar" else (None, None)
    if default is not None and default.kind == "map":
        to_right, to_left = default.plain().get(f"to_{build.right}"), default.plain().get(f"to_{build.left}")
    codecs, wrong = value_map(pairs, to_right=to_right, to_left=to_left)
    if wrong is not None:
        build.report(default or node, wrong, nearest(to_left, (str(left) for left, _ in pairs)))
    return codecs


def _label(argument: Json, _node: Node, build: Build) -> tuple[Codec, ...]:
    kind = f"labels.{_of(argument, 'type', argument)}"
    create, color = bool(_of(argument, "create", False)), str(_of(argument, "color", LABEL_COLOR))
    return (
        LabelName(build.right, kind, str(_of(argument, "default", ""))),
        Label(build.right, kind, create, color),
    )


def _stage(argument: Json, _node: Node, build: Build) -> tuple[Codec, ...]:
    return (Stage(build.left, bool(_of(argument, "create", False))),)


def _link(argument: Json, node: Node, build: Build) -> tuple[Codec, ...]:
    stream = str(_of(argument, "stream", argument))
    join = build.joins.get(stream)
    if join is None:
        place = node.at("link", "stream") if isinstance(argument, dict) else node.at("link")
        build.report(place, f"there is no stream `{stream}`", nearest(stream, build.joins))
        return ()
    if _of(argument, "by", "id") == "id":
        return (Id(), LinkTo(stream, build.left, build.right))
    return (Id(), LinkByKey(stream, build.left, build.right, join))


def _name(argument: Json, _node: Node, _build: Build) -> tuple[Codec, ...]:
    return (Name(str(argument)), Words(str(argument)))


def _list(argument: Json, _node: Node, _build: Build) -> tuple[Codec, ...]:
    separator = str(_of(argument, "separator", "") or "")
    return (List(separator), Entries(bool(separator)))


def _template(argument: Json, node: Node, build: Build) -> tuple[Codec, ...]:
    before, mark, after = str(argument).partition("{}")
    if not mark or "{}" in after or not (before or after):
        build.report(node.at("template"), "a template holds `{}` once, with text around it", "For example `crm-{}`.")
        return ()
    return (Template(before, after),)


def build_chain_at(node: Node, codecs: tuple[Codec, ...], report: Report) -> Chain:
    """The chain of these codecs; one that cannot run both ways is reported at the node."""
    try:
        return build_chain(codecs)
    except ChainError:
        report(
            node,
            "these codecs cannot run both ways in this order",
            "First those that compare loosely (trim, lower, domain, number, values), last those that spell out or fill a "
            "list (string, stage, label, first_of_list).",
        )
        return Chain(codecs)


def _each(_argument: Json, node: Node, build: Build) -> tuple[Codec, ...]:
    inner = build.chain(node.at("each"))
    chain = build_chain_at(node.at("each"), inner, build.report)
    return (Each(chain), EachRight(chain))


class AsKind:
    """What may stand after ``as:``: a codec, or a list of codecs from left to right."""

    def check(self, node: Node, report: Report) -> None:
        for step in node.items if node.kind == "list" else (node,):
            self._check_step(step, report)

    def _check_step(self, step: Node, report: Report) -> None:
        if step.kind == "list" or (step.kind == "scalar" and not isinstance(step.value, str)):
            report(step, "a codec's name belongs here", nearest("", CODECS))
        elif step.kind == "scalar":
            if step.value not in CODECS:
                report(step, f"there is no codec `{step.value}`", nearest(step.value, CODECS))
            elif not CODECS[step.value].bare:
                report(
                    step,
                    f"the codec `{step.value}` needs to be told more",
                    f"For example `{CODECS[step.value].example}`.",
                )
        else:
            self._check_map(step, report)

    def _check_map(self, step: Node, report: Report) -> None:
        named = [key for key in step.keys if key.value in CODECS]
        if len(named) != 1:
            first = next((key for key in step.keys if key.value not in CODECS), step)
            what = f"there is no codec `{first.value}`" if not named else "two codecs in one step"
            hint = nearest(first.value, CODECS) if not named else "Write a list: as: [first, second]."
            report(first if not named else named[1], what, hint)
            return
        kind = CODECS[str(named[0].value)]
        for key, item in step.pairs():
            if key is named[0]:
                if kind.argument is None:
                    report(item, f"the codec `{key.value}` takes no argument", f"Write `as: {key.value}`.")
                else:
                    kind.argument.check(item, report)
            elif key.value in kind.options:
                kind.options[str(key.value)].check(item, report)
            else:
                known = [*kind.options, *CODECS]
                report(key, f"`{key.value}` does not belong to the codec `{named[0].value}`", nearest(key.value, known))

    def schema(self) -> dict[str, Any]:
        step = {"$ref": "#/$defs/codec"}
        return {"anyOf": [step, {"type": "array", "items": step, "minItems": 1}]}


def codec_schema() -> dict[str, Any]:
    """The ``codec`` definition of the JSON Schema."""
    forms: list[dict[str, Any]] = [{"enum": [name for name, kind in CODECS.items() if kind.bare]}]
    for name, kind in CODECS.items():
        if kind.argument is not None:
            properties = {name: kind.argument.schema() | {"description": kind.about}}
            properties |= {option: inner.schema() for option, inner in kind.options.items()}
            forms.append(
                {"type": "object", "properties": properties, "required": [name], "additionalProperties": False}
            )
    return {"anyOf": forms}


def build_codecs(node: Node | None, build: Build) -> tuple[Codec, ...]:
    """The codecs of a checked ``as`` node; steps that did not pass the check are left out."""
    if node is None:
        return ()
    codecs: list[Codec] = []
    for step in node.items if node.kind == "list" else (node,):
        name = step.value if step.kind == "scalar" else next((k.value for k in step.keys if k.value in CODECS), None)
        if not isinstance(name, str) or name not in CODECS:
            continue
        argument = step.at(name).plain() if step.kind == "map" else None
        codecs.extend(CODECS[name].build(argument, step, build))
    return tuple(codecs)


def _shape(what: str, **keys: tuple[Kind, str]) -> Shape:
    return Shape({name: Key(kind, about) for name, (kind, about) in keys.items()}, what)


_LABEL_TYPE = Choice(LABEL_TYPES, "label type of Assembly")

CODECS: Mapping[str, CodecKind] = {
    "trim": CodecKind("Space at both ends is no difference.", _one(Trim())),
    "lower": CodecKind("Letter case is no difference; lower case is carried.", _one(Lower())),
    "domain": CodecKind(
        "A website on the left is a bare domain on the right. The left keeps its spelling while it names the same domain.",
        _domain,
        _shape(
            "domain option", scheme=(Choice(("https", "http"), "scheme"), "Put before domains written to the left.")
        ),
        example="as: domain",
    ),
    "email": CodecKind("One email address; letter case and space are no difference.", _one(Email())),
    "phone": CodecKind("A phone number, compared and carried as digits with a plus.", _one(Phone())),
    "first_of_list": CodecKind(
        "One value on the left is the first of a list on the right; the others stay.", _one(FirstOfList())
    ),
    "list": CodecKind(
        "A list on both sides; with `separator`, a text with separators on the left.",
        _list,
        _shape("list option", separator=(Text("a separator", ", "), "What stands between entries on the left.")),
        example='as: {list: {separator: ";"}}',
    ),
    "each": CodecKind(
        "Applies codecs to every entry of a list.",
        _each,
        AsKind(),
        bare=False,
        example="as: {each: {label: AccountTag}}",
    ),
    "values": CodecKind(
        "A value map. Unknown values are a question to a person, unless a default takes them.",
        _values,
        MapOf(Plain()),
        bare=False,
        options={
            "default": Either(
                scalar=Plain(),
                map=_shape(
                    "direction",
                    to_assembly=(Plain(), "What unknown CRM values become."),
                    to_crm=(Plain(), "What unknown Assembly values become: one of the mapped CRM values."),
                    to_wavo=(Plain(), "What unknown values become in Wavo."),
                ),
            )
        },
        example="as: {values: {customer: Customer, prospect: Prospect}, default: Other}",
    ),
    "label": CodecKind(
        "A name on the left is the id of the Assembly label with that name on the right.",
        _label,
        Either(
            scalar=_LABEL_TYPE,
            map=Shape(
                {
                    "type": Key(_LABEL_TYPE, "The label's type.", required=True),
                    "create": Key(Flag(), "Create labels that are missing."),
                    "color": Key(Text("a colour", LABEL_COLOR), "The colour of created labels, as #RRGGBB."),
                    "default": Key(Text("a label name"), "The label for names that have none."),
                },
                "label option",
            ),
        ),
        bare=False,
        example="as: {label: {type: Tier, create: true}}",
    ),
    "stage": CodecKind(
        "A CRM stage id on the left is the stage's name on the right (its legacy system key is understood too).",
        _stage,
        _shape("stage option", create=(Flag(), "Create stages that the CRM's pipeline lacks.")),
        example="as: stage",
    ),
    "link": CodecKind(
        "A CRM id on the left is the linked record of another stream on the right: its id, or its join key.",
        _link,
        Either(
            scalar=Text("a stream's name", "companies"),
            map=Shape(
                {
                    "stream": Key(Text("a stream's name", "companies"), "The stream of that record.", required=True),
                    "by": Key(Choice(("id", "key"), "way to name a record"), "What the right side holds."),
                },
                "link option",
            ),
        ),
        bare=False,
        example="as: {link: {stream: companies, by: key}}",
    ),
    "name": CodecKind(
        "Several left paths spell one text on the right: crm: [firstName, lastName].",
        _name,
        Text("what stands between the parts", " "),
        bare=False,
        example='as: {name: " "}',
    ),
    "template": CodecKind(
        "Text around the value on the right.",
        _template,
        Text("a template", "crm-{}"),
        bare=False,
        example='as: {template: "crm-{}"}',
    ),
    "cut": CodecKind(
        "The right side holds at most so many characters; longer text on the left stays whole.",
        lambda argument, _node, _build: (Cut(argument),),
        Whole(1, 100_000),
        bare=False,
        example="as: {cut: 100}",
    ),
    "number": CodecKind("A number, also where it is written as text.", _one(Number())),
    "integer": CodecKind("A whole number, also where it is written as text.", _one(Integer())),
    "money": CodecKind(
        "An amount rounded to cents, or to `precision` decimals.",
        lambda argument, _node, _build: (Money(_of(argument, "precision", 2)),),
        _shape("money option", precision=(Whole(0, 6), "Decimals that are kept.")),
        example="as: {money: {precision: 0}}",
    ),
    "string": CodecKind("A number on the left is text on the right.", _one(String())),
    "boolean": CodecKind("True or false, also written as yes/no or 1/0.", _one(Boolean())),
    "date": CodecKind(
        "A day, YYYY-MM-DD. `left` is the left side's own form if it is not ISO.",
        lambda argument, _node, _build: (Date(str(_of(argument, "left", ""))),),
        _shape("date option", left=(Text("a form", "%m/%d/%Y"), "How the left side writes days (strftime codes).")),
        example='as: {date: {left: "%m/%d/%Y"}}',
    ),
    "datetime": CodecKind(
        "A moment, carried in UTC (2026-09-30T08:00:00Z).",
        lambda argument, _node, _build: (DateTime("unix" if _of(argument, "left") == "unix" else ""),),
        _shape("datetime option", left=(Choice(("unix",), "time form"), "Seconds since 1970 on the left.")),
        example="as: datetime",
    ),
}
