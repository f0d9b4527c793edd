"""A small, realistic CRM, the same for the same seed."""

from __future__ import annotations

import random
import unicodedata
from datetime import UTC, datetime, timedelta
from typing import Final

from bridge.sandbox.clock import Ids, iso
from bridge.sandbox.messages import Row
from bridge.sandbox.seed import words

_END: Final = datetime(2026, 6, 30, 16, 0, tzinfo=UTC)
"""The last moment anything happened; a fixed one, so that runs repeat."""

_STAGES: Final = (
    ("Lead", "open", 10),
    ("Qualified", "open", 25),
    ("Proposal", "open", 50),
    ("Negotiation", "open", 75),
    ("Won", "won", 100),
    ("Lost", "lost", 0),
)


def demo(seed: int = 0, companies: int = 40) -> dict[str, list[Row]]:
    """Stages, companies, contacts, memberships, leads and activities.

    With the gaps of real data: about one company in seven has no website, one contact in fifteen no email, one contact no
    company and one two companies (with a primary); some companies are archived, some leads have no value or date.
    """
    return _Maker(seed).make(companies)


class _Maker:
    def __init__(self, seed: int) -> None:
        self.random = random.Random(f"demo:{seed}")
        self.ids = Ids(seed, "demo")
        self.owners = [self.ids.uuid4() for _ in range(3)]
        self.made: dict[str, list[Row]] = {
            name: [] for name in ("stages", "companies", "contacts", "memberships", "leads", "activities")
        }
        self.taken: set[str] = set()

    def make(self, companies: int) -> dict[str, list[Row]]:
        for position, (name, kind, percent) in enumerate(_STAGES):
            self.add("stages", name=name, kind=kind, sortOrder=position, defaultProbabilityPct=percent)
        for number in range(companies):
            company = self.company(number)
            people = [self.contact(company) for _ in range(self.random.randint(1, 4))]
            if company["status"] == "active":
                for _ in range(self.random.choice((0, 1, 1, 2, 3))):
                    self.lead(company, self.random.choice(people))
                for _ in range(self.random.choice((0, 0, 1, 2))):
                    self.activity(company, people)
        self.loners()
        return self.made

    def add(self, object: str, **fields: object) -> Row:
        created = _END - timedelta(minutes=self.random.randint(60 * 24 * 30, 60 * 24 * 700))
        changed = created + (_END - created) * self.random.random()
        row: Row = {"id": self.ids.uuid4(), **fields, "createdAt": iso(created), "updatedAt": iso(changed)}
        self.made[object].append(row)
        return row

    def company(self, number: int) -> Row:
        pick = self.random
        name = f"{pick.choice(words.COMPANY_HEADS)} {pick.choice(words.COMPANY_TAILS)}"
        while name in self.taken:
            name = f"{pick.choice(words.COMPANY_HEADS)} {pick.choice(words.COMPANY_HEADS)} {pick.choice(words.COMPANY_TAILS)}"
        self.taken.add(name)
        host = f"{plain(name)}.example"
        spelled = pick.choice((f"https://www.{host}", f"https://{host}/", host, f"http://{host}"))
        return self.add(
            "companies",
            name=name,
            website=None if number % 7 == 3 else spelled,
            phone=self.phone() if pick.random() < 0.8 else None,
            relationshipType=pick.choice(("prospect", "prospect", "customer", "customer", "vendor", "both")),
            status="inactive" if number % 13 == 12 else "active",
            industry=pick.choice(words.INDUSTRIES),
            ownerId=pick.choice([*self.owners, None]),
            employees=pick.choice((3, 12, 45, 80, 250, 900, 1001, 4200)),
            annualRevenue=pick.choice((None, 250_000, 1_200_000.5, 18_000_000, 440_000_000)),
            address=pick.choice(words.CITIES),
            tags=pick.sample(("key account", "newsletter", "partner", "event 2026"), pick.choice((0, 0, 1, 2))),
        )

    def phone(self) -> str:
        return f"+1-555-{self.random.randint(100, 999)}-{self.random.randint(1000, 9999)}"

    def contact(self, company: Row | None) -> Row:
        pick = self.random
        first, last = pick.choice(words.FIRST_NAMES), pick.choice(words.LAST_NAMES)
        host = plain(company["name"]) if company else "mailbox"
        email = f"{plain(first)}.{plain(last)}@{host}.example"
        while email in self.taken:
            last = pick.choice(words.LAST_NAMES)
            email = f"{plain(first)}.{plain(last)}{pick.randint(2, 99)}@{host}.example"
        self.taken.add(email)
        row = self.add(
            "contacts",
            firstName=first,
            lastName=last,
            email=None if len(self.made["contacts"]) % 15 == 8 else email,
            phone=self.phone() if pick.random() < 0.6 else None,
            jobTitle=pick.choice([*words.JOB_TITLES, None]),
            ownerId=pick.choice([*self.owners, None]),
        )
        if company is not None:
            self.add("memberships", contactId=row["id"], companyId=company["id"], isPrimary=True)
        return row

    def lead(self, company: Row, contact: Row) -> None:
        pick = self.random
        stage = pick.choice(self.made["stages"])
        value = None if pick.random() < 0.15 else round(pick.uniform(500, 90_000), 2)
        close = (_END + timedelta(days=pick.randint(-200, 200))).date().isoformat()
        self.add(
            "leads",
            title=f"{company['name']}: {pick.choice(words.DEAL_THINGS)}",
            companyId=company["id"],
            contactId=contact["id"],
            stageId=stage["id"],
            value=value,
            expectedCloseDate=None if pick.random() < 0.2 else close,
            description=pick.choice((None, "Came in through the website.", "Referred by a customer.")),
            ownerId=pick.choice([*self.owners, None]),
        )

    def activity(self, company: Row, people: list[Row]) -> None:
        pick = self.random
        kind, subject, body = pick.choice(words.SUBJECTS)
        leads = [one for one in self.made["leads"] if one["companyId"] == company["id"]]
        row = self.add(
            "activities",
            type=kind,
            subject=subject,
            body=body,
            companyId=company["id"],
            contactId=people[0]["id"],
            leadId=leads[0]["id"] if leads else None,
            participants=[one["email"] for one in people if one["email"]],
        )
        row["occurredAt"] = row["createdAt"]

    def loners(self) -> None:
        """A contact of no company, and one who works for two."""
        self.contact(None)
        if len(self.made["companies"]) > 1:
            self.add(
                "memberships",
                contactId=self.made["contacts"][0]["id"],
                companyId=self.made["companies"][1]["id"],
                isPrimary=False,
            )


def plain(text: str) -> str:
    """Letters and digits of ``text`` without accents, for host names and mailboxes."""
    folded = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    return "".join(letter for letter in folded if letter.isalnum())
