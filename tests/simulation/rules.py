"""The oracle's own statement of what is mapped and how values compare. Imports nothing from the bridge.

A ``FieldSpec`` says where a value lives on each side and how it is spelled there; ``common`` brings a raw value into the
form in which both sides can be compared.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal, TypeAlias

Kind: TypeAlias = Literal[
    "text", "domain", "email", "phone", "label", "stage", "money", "date", "parent", "owner", "tags"
]
SIDES = ("crm", "assembly")
OBJECTS = {
    "companies": {"crm": "companies", "assembly": "accounts"},
    "contacts": {"crm": "contacts", "assembly": "contacts"},
    "deals": {"crm": "leads", "assembly": "deals"},
    "notes": {"crm": "activities", "assembly": "notes"},
}
STREAM_OF = {(side, objects[side]): stream for stream, objects in OBJECTS.items() for side in SIDES}
TIERS = {"customer": "Customer", "prospect": "Prospect", "vendor": "Vendor", "both": "Partner"}


def other(side: str) -> str:
    return "assembly" if side == "crm" else "crm"


@dataclass(frozen=True, slots=True)
class FieldSpec:
    """One mapped field. ``to`` is the only side it flows to, if there is one."""

    name: str
    crm: str
    assembly: str
    kind: Kind = "text"
    to: str | None = None
    required: bool = False
    cut: bool = False
    """Assembly may cut it; declared in the mapping."""

    def path(self, side: str) -> str:
        return self.crm if side == "crm" else self.assembly


@dataclass(frozen=True, slots=True)
class Rules:
    """What a person configured for this world: the part of the mapping files that decides outcomes."""

    streams: Mapping[str, tuple[FieldSpec, ...]]
    conflict: str = "newest"
    on_bind: str = "crm"
    wrong_side: str = "revert"
    clears: str = "propagate"
    creates: frozenset[tuple[str, str]] = frozenset()
    """(stream, side) where records may be made."""
    notes: bool = False
    """Activities become notes, by the shipped mapping."""
    deletes: Mapping[tuple[str, str], str] = field(default_factory=dict)
    """(stream, side) → what happens there when the other side's record is gone."""

    def fields(self, stream: str) -> tuple[FieldSpec, ...]:
        return self.streams.get(stream, ())

    def without(self, stream: str, name: str) -> Rules:
        """As if one field were not mapped."""
        return self._with(stream, tuple(spec for spec in self.streams[stream] if spec.name != name))

    def mapping(self, stream: str, spec: FieldSpec) -> Rules:
        """With a field mapped, in its usual place, or mapped otherwise than it was."""
        names = [known.name for known in STREAMS[stream]]
        others = [known for known in self.streams[stream] if known.name != spec.name]
        return self._with(stream, tuple(sorted([*others, spec], key=lambda one: names.index(one.name))))

    def _with(self, stream: str, specs: tuple[FieldSpec, ...]) -> Rules:
        return replace(self, streams={**self.streams, stream: specs})

    def touched(self, stream: str, side: str, values: Mapping[str, Any]) -> tuple[FieldSpec, ...]:
        """The fields that a user's write to these paths changes."""
        return tuple(spec for spec in self.fields(stream) if spec.path(side) in values)


COMPANIES = (
    FieldSpec("name", "name", "name", required=True, cut=True),
    FieldSpec("domain", "website", "domain", "domain"),
    FieldSpec("phone", "phone", "phone", "phone"),
    FieldSpec("tier", "relationshipType", "tier", "label"),
    FieldSpec("industry", "industry", "additional_properties.Industry"),
    FieldSpec("tags", "tags", "tags", "tags"),
    FieldSpec("owner", "ownerId", 'additional_properties."CRM owner"', "owner", to="assembly"),
)
CONTACTS = (
    FieldSpec("name", "lastName", "name", required=True, cut=True),
    FieldSpec("email", "email", "domain", "email", required=True),
    FieldSpec("title", "jobTitle", "role"),
    FieldSpec("company", "companyId", "company_id", "parent", required=True),
)
DEALS = (
    FieldSpec("name", "title", "name", required=True, cut=True),
    FieldSpec("amount", "value", "amount", "money"),
    FieldSpec("stage", "stageId", "stage", "stage"),
    FieldSpec("close_date", "expectedCloseDate", "close_date", "date"),
    FieldSpec("company", "companyId", "account_source_specific_id", "parent", required=True),
)
STREAMS = {"companies": COMPANIES, "contacts": CONTACTS, "deals": DEALS}

EMPTY: tuple[Any, ...] = (None, "", [])


@dataclass(frozen=True, slots=True)
class World:
    """What values may refer to: names of stages and labels, and which ids are the same company."""

    names: Mapping[tuple[str, str], Mapping[str, Sequence[str]]]
    """(side, kind) → id → every name it ever had."""
    pairs: Mapping[tuple[str, str], str]
    """(side, company id) → a token for the pair; what is not linked stands for itself."""


def common(spec: FieldSpec, side: str, raw: Any, world: World) -> Any:
    """The value in the form that both sides share; ``None`` for empty."""
    if raw in EMPTY:
        return None
    match spec.kind:
        case "domain":
            return host(str(raw))
        case "email":
            return str(raw).strip().lower()
        case "phone":
            return (raw[0] if isinstance(raw, list) else raw) or None
        case "label":
            return _tier(side, raw, world)
        case "stage":
            return raw if side == "crm" else _stage(str(raw), world)
        case "tags":
            return tuple(sorted(raw))
        case "money":
            return round(float(raw), 2)
        case "parent":
            return world.pairs.get((side, str(raw)), f"{side}:{raw}")
    return raw


def _stage(name: str, world: World) -> str:
    wanted = name.strip().casefold()
    stages = world.names.get(("crm", "stages"), {})
    found = [id for id, names in stages.items() if wanted in [known.casefold() for known in names]]
    return found[0] if found else f"stage {wanted}"


def _tier(side: str, raw: Any, world: World) -> Any:
    if side == "crm":
        return raw
    names = world.names.get(("assembly", "labels.Tier"), {}).get(raw, ())
    return next((key for key, label in TIERS.items() if label in names), f"label {raw}")


def host(text: str) -> str | None:
    """``https://www.Acme.com/about`` → ``acme.com``; made-up domains stand for none."""
    found = re.sub(r"^[a-z]+://", "", text.strip().lower()).split("/")[0].removeprefix("www.")
    return None if found.endswith(".invalid") or not found else found


def alike(spec: FieldSpec, crm: Any, assembly: Any, *, cut: int | None) -> bool:
    """Whether the two sides' common values are the same, up to how Assembly spells what it is given."""
    if crm == assembly:
        return True
    if spec.kind == "money" and isinstance(crm, float) and isinstance(assembly, float):
        # Half a cent is rounded either way.
        return abs(crm - assembly) < 0.0101
    if isinstance(crm, str) and isinstance(assembly, str):
        spelled = crm.strip()
        if spec.cut and cut is not None:
            spelled = spelled[:cut].strip()
        return spelled == assembly.strip()
    return False
