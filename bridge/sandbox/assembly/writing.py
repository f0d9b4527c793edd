"""What a POST, PUT or upsert of an account or contact does to its record."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from bridge.sandbox.assembly.records import COMPANY_ONLY, CUSTOMER_ONLY, DEFAULTS, FIELDS, KINDS, LABEL_FIELDS
from bridge.sandbox.messages import Refusal, Row
from bridge.sandbox.shapes import is_domain, is_email

if TYPE_CHECKING:
    from bridge.sandbox.assembly.system import Assembly

_NEVER_EMPTY = ("name", "domain")


def written(assembly: Assembly, object: str, old: Row, body: Row, *, added: str = "") -> Row:
    """``old`` as the body changes it, checked against every other record. ``added`` prefixes the names of the lists that
    add (legacy: ``added_``).

    assembly.txt, "Update Account": fields that are given change; tags and source ids are added, the ``removed_`` ones
    taken away; additional properties are merged.
    """
    if body.get("type") not in (None, KINDS[object]):
        raise Refusal(400, f"the account is a {KINDS[object]}; its type cannot change")
    new = {**old, **_plain(assembly, object, body)}
    if new["domain"] != old["domain"]:
        _check_domain(assembly, object, new)
    _check_labels(assembly, new, body)
    new["tags"] = _listed(old["tags"], body.get(f"{added}tags"), body.get("removed_tags"))
    for tag in body.get(f"{added}tags") or ():
        _require_label(assembly, "tags", tag, "AccountTag")
    sources = body.get(f"{added}source_specific_ids")
    new["source_specific_ids"] = _listed(old["source_specific_ids"], sources, body.get("removed_source_specific_ids"))
    check_sources(assembly, object, old["id"], sources or ())
    properties = body.get("additional_properties")
    if properties and not added:
        new["additional_properties"] = merged(assembly, old["additional_properties"], properties)
    return new


def merged(assembly: Assembly, old: Mapping[str, Any], given: Mapping[str, Any]) -> Row:
    """A null becomes the value (only the add_props DELETE removes a property), or with null meaning "not given" is skipped."""
    kept = given if assembly.switches.null_clears else {name: v for name, v in given.items() if v is not None}
    return {**old, **kept}


def blank(assembly: Assembly, object: str) -> Row:
    """An empty record with its id, to be written to."""
    return assembly.complete(object, {})


def check_sources(assembly: Assembly, object: str, record_id: str, source_ids: Iterable[str]) -> None:
    objects: tuple[str, ...] = (object,)
    if object in KINDS and assembly.switches.shared_source_ids:
        objects = tuple(KINDS)
    for source_id in source_ids:
        for other in objects:
            held = assembly.db[other].one("source", source_id)
            if held is not None and held["id"] != record_id:
                raise assembly.duplicate(f"source specific id already exists: {source_id}")


def _plain(assembly: Assembly, object: str, body: Row) -> Row:
    given: Row = {}
    for name in FIELDS:
        if name not in body:
            continue
        value = body[name]
        if value is None:
            if not assembly.switches.null_clears:
                continue
            if name in _NEVER_EMPTY:
                raise Refusal(400, f"{name} cannot be empty")
            value = DEFAULTS[object][name]
        elif name in (CUSTOMER_ONLY if object == "accounts" else COMPANY_ONLY):
            # assembly.txt, "Create Account": "Only supported for company accounts" and "… customer accounts"
            raise Refusal(400, f"{name} is not supported for {KINDS[object]} accounts")
        given[name] = value
    if assembly.switches.name_limit is not None and "name" in given:
        given["name"] = given["name"][: assembly.switches.name_limit]
    if assembly.switches.lower_domains and "domain" in given:
        given["domain"] = given["domain"].lower()
    return given


def _check_domain(assembly: Assembly, object: str, row: Row) -> None:
    """assembly.txt, "Create Account": a domain "i.e. company.com" for a company, an email for a customer."""
    domain = row["domain"]
    if not (is_domain(domain) if object == "accounts" else is_email(domain)):
        wanted = "a domain (company.com)" if object == "accounts" else "an email (name@company.com)"
        raise Refusal(400, f"invalid domain: must be {wanted}")
    held = assembly.db[object].one("domain", domain.casefold())
    if held is not None and held["id"] != row["id"]:
        raise assembly.duplicate("an account with this domain already exists")


def _check_labels(assembly: Assembly, row: Row, body: Row) -> None:
    for name, kind in LABEL_FIELDS.items():
        if body.get(name) is not None:
            _require_label(assembly, name, row[name], kind)


def _require_label(assembly: Assembly, name: str, label_id: str, kind: str) -> None:
    """assembly.txt, "Create Account": "ID of the tier label" and so on."""
    label = assembly.db["labels"].get(label_id)
    if label is None or label["type"] != kind:
        raise Refusal(400, f"{name} names no label of type {kind}")


def _listed(old: list[str], added: list[str] | None, removed: list[str] | None) -> list[str]:
    if not added and not removed:
        return old
    gone = set(removed or ())
    return list(dict.fromkeys([*(one for one in old if one not in gone), *(added or ())]))
