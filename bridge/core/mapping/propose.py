"""Draft mappings from samples of both systems, for a person to finish: the pure part of ``bridge mappings propose``.

Fields are paired by name and by value: records that show the same email, domain or name are taken for twins, and two paths
whose values agree among twins belong together. Everything that found no partner is listed, so that nothing is forgotten silently.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from bridge.core.errors import Undecodable
from bridge.core.mapping.checks import paths_of
from bridge.core.mapping.codecs.scalars import parse_time
from bridge.core.mapping.codecs.text import bare_domain, phone_form
from bridge.core.mapping.likeness import Keys, likeness, twins, word
from bridge.core.mapping.paths import getter, join_path
from bridge.core.mapping.values import is_empty
from bridge.core.records import ABSENT, Json

PAIRS: Final = (
    ("companies", "companies", "accounts"),
    ("contacts", "contacts", "contacts"),
    ("deals", "leads", "deals"),
)
"""Stream, CRM object, Assembly object: what can be compared (Assembly's notes cannot be read)."""
_SKIPPED: Final = frozenset(
    [
        "id",
        "createdat",
        "updatedat",
        "entityid",
        "sourcespecificids",
        "accounttype",
        "type",
        "orgid",
        "organizationid",
        "companymemberships",
        "companyids",
        "additionalproperties",
        "imageurl",
    ]
)
_ENOUGH: Final = 0.55


@dataclass(frozen=True, slots=True)
class Pair:
    """A drafted field. ``score`` is between 0 and 1; ``rest`` is the YAML after the two paths."""

    name: str
    left: str
    right: str
    score: float
    codec: str = ""


@dataclass(frozen=True, slots=True)
class Draft:
    """One drafted stream: its YAML, and the paths of each side that go nowhere."""

    stream: str
    text: str
    pairs: tuple[Pair, ...] = ()
    nowhere: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    seen: Mapping[str, int] = field(default_factory=dict)

    @property
    def coverage(self) -> Mapping[str, float]:
        """The share of each side's paths that the draft maps."""
        return {
            side: 1.0 if not total else 1 - len(self.nowhere.get(side, ())) / total for side, total in self.seen.items()
        }


def propose(samples: Mapping[tuple[str, str], Sequence[Mapping[str, Json]]]) -> tuple[Draft, ...]:
    """Drafts for every pair of objects of which both sides have samples; ``samples`` is keyed by (system, object)."""
    linked = bool(samples.get(("crm", "companies"))) and bool(samples.get(("assembly", "accounts")))
    drafts = []
    for stream, left, right in PAIRS:
        lefts, rights = samples.get(("crm", left), ()), samples.get(("assembly", right), ())
        if lefts and rights:
            drafts.append(_draft(stream, left, right, lefts, rights, linked=linked))
    return tuple(drafts)


def _draft(
    stream: str,
    left: str,
    right: str,
    lefts: Sequence[Mapping[str, Json]],
    rights: Sequence[Mapping[str, Json]],
    *,
    linked: bool,
) -> Draft:
    columns = {"crm": _columns(lefts), "assembly": _columns(rights)}
    same = list(twins(lefts, rights))
    scored = sorted(
        (
            (likeness(a, b, columns["crm"][a], columns["assembly"][b], same), a, b)
            for a in columns["crm"]
            for b in columns["assembly"]
        ),
        key=lambda row: (-row[0], row[1], row[2]),
    )
    used: set[tuple[str, Keys]] = set()
    pairs: list[Pair] = []
    for score, a, b in scored:
        if not (join_path(a) + join_path(b)).isprintable():
            # No YAML can hold such a key in one line.
            continue
        if score < _ENOUGH or _taken("crm", a, used) or _taken("assembly", b, used):
            continue
        codec = _codec(a, b, columns["crm"][a], columns["assembly"][b])
        if "link" in codec and not linked:
            # A link needs the stream of its companies.
            continue
        used |= {("crm", a), ("assembly", b)}
        name = _field_name(a, {pair.name for pair in pairs})
        pairs.append(Pair(name, join_path(a), join_path(b), score, codec))
    pairs += _joined_name(columns, used)
    order = {join_path(path): index for index, path in enumerate(columns["crm"])}
    pairs.sort(key=lambda pair: order.get(pair.left, -1))
    nowhere = {
        side: tuple(join_path(path) for path in found if (side, path) not in used) for side, found in columns.items()
    }
    seen = {side: len(found) for side, found in columns.items()}
    return Draft(
        stream, _text(stream, left, right, pairs, nowhere, len(lefts), len(rights)), tuple(pairs), nowhere, seen
    )


def _taken(side: str, path: Keys, used: set[tuple[str, Keys]]) -> bool:
    """Whether the path, something in it or something around it is drafted already."""
    return any(side == other and found[: len(path)] == path[: len(found)] for other, found in used)


def _joined_name(columns: Mapping[str, Mapping[Keys, list[Json]]], used: set[tuple[str, Keys]]) -> Iterator[Pair]:
    """First and last name on the left, one name on the right."""
    parts = [
        next((path for path in columns["crm"] if word(path[-1]) == part), None) for part in ("firstname", "lastname")
    ]
    whole = ("name",)
    if None in parts or whole not in columns["assembly"] or _taken("assembly", whole, used):
        return
    paths = [path for path in parts if path is not None and not _taken("crm", path, used)]
    if len(paths) == 2:
        used |= {("crm", path) for path in paths} | {("assembly", whole)}
        yield Pair("name", f"[{', '.join(_quoted(join_path(path)) for path in paths)}]", "name", 0.9, 'as: {name: " "}')


def _columns(records: Iterable[Mapping[str, Json]]) -> dict[Keys, list[Json]]:
    """Every path with the values seen there, empty ones left out."""
    found: dict[Keys, list[Json]] = {}
    for record in records:
        for path in paths_of(record, 2):
            value = getter(path)(record)
            if (
                word(path[-1]) in _SKIPPED
                or word(path[0]) in _SKIPPED - {"additionalproperties"}
                or isinstance(value, dict)
            ):
                continue
            column = found.setdefault(path, [])
            if value is not ABSENT and not is_empty(value):
                column.append(value)
    return found


# --- codecs ---------------------------------------------------------------------------------------------------------


def _codec(a: Keys, b: Keys, lefts: Sequence[Json], rights: Sequence[Json]) -> str:
    """The codec that fits what was seen."""
    left, right = word(a[-1]), word(b[-1])
    if right == "companyid" and left == "companyid":
        return "as: {link: companies}"
    if right == "accountsourcespecificid":
        return "as: {link: {stream: companies, by: key}}"
    if left == "stageid":
        return "as: stage"
    if right in ("tier", "companytype") or (right == "stage" and left != "stageid"):
        kind = {"tier": "Tier", "companytype": "CompanyType", "stage": "Stage"}[right]
        return f"as: {{label: {kind}}}"
    if (
        rights
        and all(isinstance(value, list) for value in rights)
        and not any(isinstance(value, list) for value in lefts)
    ):
        return "as: first_of_list"
    if any(isinstance(value, list) for value in lefts):
        return "as: list"
    return _by_values([*lefts, *rights], right)


def _by_values(values: Sequence[Json], right: str) -> str:
    texts = [value for value in values if isinstance(value, str)]
    if texts and len(texts) == len(values):
        if all("@" in text for text in texts):
            return "as: email"
        if right == "domain" or all("://" in text for text in texts):
            return "as: domain" if all(bare_domain(text) for text in texts) else ""
        if all(_is_date(text) for text in texts):
            return (
                "as: datetime"
                if any(len(text) > 10 and not re.search(r"T00:00(:00(\.0+)?)?(Z|[+-]00:?00)?$", text) for text in texts)
                else "as: date"
            )
        if right == "phone" and all(phone_form(text) for text in texts):
            return "as: phone"
    if any(isinstance(value, int | float) and not isinstance(value, bool) for value in values):
        return "as: number" if texts or any(isinstance(value, float) for value in values) else ""
    return ""


def _is_date(text: str) -> bool:
    try:
        parse_time(text)
    except Undecodable:
        return False
    return bool(re.match(r"\d{4}-\d{2}-\d{2}", text))


# --- the text ------------------------------------------------------------------------------------------------------


def _field_name(path: Keys, taken: set[str]) -> str:
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|[^A-Za-z0-9]+", "_", path[-1]).strip("_").lower()
    if not words or words[0].isdigit() or words in ("true", "false", "null"):
        words = f"field_{words}".strip("_")
    name, number = words, 2
    while name in taken:
        name, number = f"{words}_{number}", number + 1
    return name


def _text(
    stream: str,
    left: str,
    right: str,
    pairs: Sequence[Pair],
    nowhere: Mapping[str, Sequence[str]],
    lefts: int,
    rights: int,
) -> str:
    match = next((pair.name for pair in pairs if pair.codec in ("as: email", "as: domain")), None)
    lines = [
        "# yaml-language-server: $schema=./schema.json",
        f"# Drafted from {lefts} records of the CRM and {rights} of Assembly: check every line. Nothing is created until",
        "# `create` names a side.",
        f"stream: {stream}",
        f"crm: {left}",
        f"assembly: {right}",
        *([f"match: [{match}]"] if match else []),
        "create: []",
        "",
        "fields:",
    ]
    for pair in pairs:
        parts = [
            f"crm: {_quoted(pair.left)}",
            f"assembly: {_quoted(pair.right)}",
            *([pair.codec] if pair.codec else []),
        ]
        lines.append(f"  {pair.name}: {{{', '.join(parts)}}}  # {pair.score:.0%} alike")
    for side, title in (("crm", "the CRM"), ("assembly", "Assembly")):
        if nowhere.get(side):
            lines += ["", f"# Of {title}, these go nowhere:"]
            lines += [f"#   {path if path.isprintable() else ascii(path)}" for path in nowhere[side]]
    return "\n".join(lines) + "\n"


def _quoted(path: str) -> str:
    """A path as a YAML value inside braces."""
    plain = re.fullmatch(r"[A-Za-z_][\w.-]*(\.\"[\w .-]+\")?", path) and path.lower() not in ("null", "true", "false")
    if path.startswith("[") or plain:
        return path
    escaped = path.replace("'", "''")
    return f"'{escaped}'"
