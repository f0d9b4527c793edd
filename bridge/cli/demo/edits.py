"""What the demo's people do: edits on either side, each with the sign that it arrived on the other."""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from bridge.cli.demo.world import World

Row: TypeAlias = dict[str, Any]
Change: TypeAlias = Callable[[World, random.Random], "Edit | None"]

CRM_TO_ASSEMBLY: Final = "CRM → Assembly"
ASSEMBLY_TO_CRM: Final = "Assembly → CRM"


@dataclass(frozen=True, slots=True)
class Edit:
    """One edit by a person. ``make`` does it; ``arrived`` asks the other side, as a person there would see it."""

    way: str
    words: str
    make: Callable[[], object]
    arrived: Callable[[], bool]


def story(world: World, random: random.Random) -> Iterator[Edit]:
    """One edit of each kind, then again with other records, for ever. A kind that finds no fitting record is left out."""
    for change in itertools.cycle(KINDS):
        edit = change(world, random)
        if edit is not None:
            yield edit


def _linked(world: World, crm: str, assembly: str) -> list[tuple[Row, Row]]:
    """Pairs that are in step, by the join key."""
    by_key = {key: row for row in world.assembly.dump(assembly) for key in row["source_specific_ids"]}
    return [(row, by_key[row["id"]]) for row in world.crm.dump(crm) if row["id"] in by_key]


def _find(world: World, side: str, object: str, id: str) -> Row:
    rows = (world.crm if side == "crm" else world.assembly).dump(object)
    return next((row for row in rows if row["id"] == id), {})


def _pick(world: World, random: random.Random, crm: str, assembly: str) -> tuple[Row, Row] | None:
    pairs = [pair for pair in _linked(world, crm, assembly) if pair[0].get("status") != "inactive"]
    return random.choice(pairs) if pairs else None


def _phone(random: random.Random) -> str:
    return f"+1 212 555 {random.randrange(10_000):04d}"


def company_renamed(world: World, random: random.Random) -> Edit | None:
    pair = _pick(world, random, "companies", "accounts")
    if pair is None:
        return None
    crm, assembly = pair
    name = f"{crm['name'].split(' (')[0]} ({random.randrange(100, 1000)})"
    return Edit(
        CRM_TO_ASSEMBLY,
        f"company renamed to “{name}”",
        lambda: world.crm.patch("companies", crm["id"], {"name": name}),
        lambda: _find(world, "assembly", "accounts", assembly["id"])["name"] == name,
    )


def account_phone(world: World, random: random.Random) -> Edit | None:
    pair = _pick(world, random, "companies", "accounts")
    if pair is None:
        return None
    crm, assembly = pair
    phone = _phone(random)
    return Edit(
        ASSEMBLY_TO_CRM,
        f"phone of “{assembly['name']}” changed to {phone}",
        lambda: world.assembly.patch("accounts", assembly["id"], {"phone": [phone, *assembly["phone"][1:]]}),
        lambda: _find(world, "crm", "companies", crm["id"])["phone"] == phone,
    )


def lead_moved(world: World, random: random.Random) -> Edit | None:
    pair = _pick(world, random, "leads", "deals")
    stages = world.crm.dump("stages")
    if pair is None or len(stages) < 2:
        return None
    crm, assembly = pair
    stage = random.choice([stage for stage in stages if stage["id"] != crm["stageId"]])
    return Edit(
        CRM_TO_ASSEMBLY,
        f"lead “{crm['title']}” moved to stage {stage['name']}",
        lambda: world.crm.patch("leads", crm["id"], {"stageId": stage["id"]}),
        lambda: _find(world, "assembly", "deals", assembly["id"])["stage"] == stage["name"],
    )


def deal_amount(world: World, random: random.Random) -> Edit | None:
    pair = _pick(world, random, "leads", "deals")
    if pair is None:
        return None
    crm, assembly = pair
    amount = random.randrange(10, 900) * 100
    return Edit(
        ASSEMBLY_TO_CRM,
        f"amount of “{assembly['name']}” changed to {amount:,}",
        lambda: world.assembly.patch("deals", assembly["id"], {"amount": amount}),
        lambda: _find(world, "crm", "leads", crm["id"])["value"] == amount,
    )


def contact_phone_cleared(world: World, random: random.Random) -> Edit | None:
    pairs = [
        (crm, other)
        for crm, other in _linked(world, "contacts", "contacts")
        if crm["phone"] and len(other["phone"]) == 1
    ]
    if not pairs:
        return None
    crm, assembly = random.choice(pairs)
    return Edit(
        CRM_TO_ASSEMBLY,
        f"phone of {assembly['name']} cleared",
        lambda: world.crm.patch("contacts", crm["id"], {"phone": None}),
        lambda: not any(_find(world, "assembly", "contacts", assembly["id"])["phone"]),
    )


def contact_role(world: World, random: random.Random) -> Edit | None:
    pair = _pick(world, random, "contacts", "contacts")
    if pair is None:
        return None
    crm, assembly = pair
    role = random.choice([title for title in ("Head of Operations", "Data Lead", "Buyer") if title != crm["jobTitle"]])
    return Edit(
        ASSEMBLY_TO_CRM,
        f"{assembly['name']} became {role}",
        lambda: world.assembly.patch("contacts", assembly["id"], {"role": role}),
        lambda: _find(world, "crm", "contacts", crm["id"])["jobTitle"] == role,
    )


def contact_moved(world: World, random: random.Random) -> Edit | None:
    """A contact with one membership changes company: the CRM's membership is edited, not the contact."""
    contacts = {crm["id"]: other for crm, other in _linked(world, "contacts", "contacts")}
    companies = {
        crm["id"]: other for crm, other in _linked(world, "companies", "accounts") if crm["status"] != "inactive"
    }
    memberships = [row for row in world.crm.dump("memberships") if row["contactId"] in contacts]
    single = [row for row in memberships if sum(m["contactId"] == row["contactId"] for m in memberships) == 1]
    if not single or len(companies) < 2:
        return None
    membership = random.choice(single)
    company = random.choice([id for id in companies if id != membership["companyId"]])
    contact = contacts[membership["contactId"]]
    return Edit(
        CRM_TO_ASSEMBLY,
        f"{contact['name']} moved to “{companies[company]['name']}”",
        lambda: world.crm.patch("memberships", membership["id"], {"companyId": company}),
        lambda: _find(world, "assembly", "contacts", contact["id"])["company_id"] == companies[company]["id"],
    )


def activity_logged(world: World, random: random.Random) -> Edit | None:
    pair = _pick(world, random, "companies", "accounts")
    if pair is None:
        return None
    crm, assembly = pair
    text = f"Talked about the renewal, call {random.randrange(1000, 10_000)}"

    def arrived() -> bool:
        return any(row["note"] == text for row in world.assembly.dump("notes"))

    return Edit(
        CRM_TO_ASSEMBLY,
        f"call logged with “{assembly['name']}”",
        lambda: world.crm.create(
            "activities", {"type": "call", "subject": "Call", "body": text, "companyId": crm["id"]}
        ),
        arrived,
    )


KINDS: Final[tuple[Change, ...]] = (
    company_renamed,
    account_phone,
    lead_moved,
    deal_amount,
    contact_phone_cleared,
    contact_role,
    contact_moved,
    activity_logged,
)
