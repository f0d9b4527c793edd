"""Guards of a reconcile, each alone: what it asks of the world, effect by effect."""

from __future__ import annotations

import dataclasses
import random
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bridge.core.effects import (
    Again,
    Claim,
    Commit,
    Done,
    Effect,
    Extend,
    Extended,
    FindByKey,
    FindByValue,
    Finish,
    GetRecord,
    OpenCreates,
    Park,
    Read,
    ReadTables,
    Resolve,
    Siblings,
)
from bridge.core.errors import LabelMissing
from bridge.core.identity import Several, choose, match_values
from bridge.core.mapping import load
from bridge.core.mapping.model import Mappings, Stream
from bridge.core.plan import Situation, plan_update, settle
from bridge.core.ports import Traits
from bridge.core.records import Change, End, Intent, Link, Lookups, Patch, Record, Ref, Shadow, Step, Table
from bridge.sync.deletion import SUSPECTED
from bridge.sync.reconcile import reconcile
from bridge.sync.terms import PATIENCE, Terms, Timings
from bridge.sync.writing import make_labels

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
TEXT = """
stream: companies
crm: companies
assembly: accounts
join: id
match: [domain]
create: [assembly, crm]
conflict: newest
fields:
  name: {crm: name, assembly: name}
  domain: {crm: website, assembly: domain, as: domain, required: assembly}
"""


class Remote:
    """A system that can do everything; nothing is ever sent to it here."""

    def __init__(self, system: str) -> None:
        self.system = system

    def traits(self, object: str) -> Traits:
        return Traits(join_keys=self.system == "assembly")

    def join_keys(self, record: Record) -> tuple[str, ...]:
        return tuple(record.raw.get("source_specific_ids", ()))

    def steps(self, verb: str, patch: Patch) -> tuple[Step, ...]:
        return (Step(self.system, patch.object, verb, patch.record_id, dict(patch.set), dict(patch.set)),)

    def clock_offset(self) -> timedelta:
        return timedelta()

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(name)


@pytest.fixture(scope="module")
def terms() -> Terms:
    mappings: Mappings = load({"companies.yaml": TEXT})
    remotes: Any = {side: Remote(side) for side in ("crm", "assembly")}
    return Terms(remotes, mappings, Timings(), random.Random(1))


@pytest.fixture
def stream(terms: Terms) -> Stream:
    return terms.mappings["companies"]


def crm(name: str, at: datetime | None = NOON, id: str = "c1") -> Record:
    return Record(Ref("crm", "companies", id), {"id": id, "name": name, "website": "acme.com"}, at)


def account(name: str, at: datetime | None = NOON, id: str = "a1") -> Record:
    raw = {"id": id, "name": name, "domain": "acme.com", "source_specific_ids": ["c1"]}
    return Record(Ref("assembly", "accounts", id), raw, at)


def link(stream: Stream, *, sent: frozenset[str] = frozenset()) -> Link:
    """Both sides say ``Acme`` and did so at noon."""
    left = Shadow({"name": "Acme", "website": "acme.com"}, frozenset(), NOON, stream.version)
    right = Shadow({"name": "Acme", "domain": "acme.com"}, sent, NOON, stream.version)
    return Link(1, "companies", "live", {"crm": End("crm", "c1", left), "assembly": End("assembly", "a1", right)})


def claim(side: str, record_id: str, *, cause: str = "", attempts: int = 0, **more: Any) -> Claim:
    change = Change(1, "default", "companies", side, record_id, cause=cause, attempts=attempts)
    return Claim(change, 7, NOON, NOON + timedelta(seconds=20), **more)


def play(
    claim: Claim,
    terms: Terms,
    records: Mapping[str, Record],
    pending: tuple[Intent, ...] = (),
    siblings: tuple[str, ...] = (),
) -> tuple[list[Effect], Finish]:
    """Run a reconcile against these records (by id): everything it asked for, and how it ended. No write is answered."""
    flow = reconcile(claim, terms)
    asked: list[Effect] = []
    answer: Any = None
    while True:
        effect = flow.send(answer)
        asked.append(effect)
        match effect:
            case Commit(Finish() as finish):
                return asked, finish
            case Commit(Extend()):
                answer = Extended()
            case Commit(Resolve()) | Read(ReadTables()):
                answer = {}
            case Commit(Siblings()):
                answer = siblings
            case Read(FindByValue()):
                answer = ()
            case Read(GetRecord(ref)):
                answer = records.get(ref.id)
            case Read(FindByKey()):
                answer = None
            case Commit(OpenCreates()):
                answer = pending
            case _:
                raise AssertionError(f"not expected: {effect}")


def asks(effects: list[Effect], kind: type) -> bool:
    return any(
        isinstance(effect.ask if isinstance(effect, Read) else getattr(effect, "operation", None), kind)
        for effect in effects
    )


def test_a_stale_read_is_looked_at_again(terms: Terms, stream: Stream) -> None:
    old = crm("Yesterday", NOON - timedelta(seconds=1))
    asked, finish = play(claim("crm", "c1", link=link(stream)), terms, {"c1": old, "a1": account("Acme")})
    assert isinstance(finish.outcome, Again)
    assert finish.outcome.cause == "stale read"
    assert finish.link is None
    assert len(asked) == 2


def test_a_hint_that_found_nothing_gets_a_second_look(terms: Terms, stream: Stream) -> None:
    _asked, finish = play(claim("crm", "c1", link=link(stream)), terms, {"c1": crm("Acme")})
    assert finish.outcome == Again(terms.timings.settle, "settle", settle=True)


def test_a_dead_link_is_never_looked_behind(terms: Terms, stream: Stream) -> None:
    """A webhook that comes late tells of a record that somebody deleted: nothing is asked, let alone made again."""
    gone = dataclasses.replace(link(stream), state="dead")
    asked, finish = play(claim("crm", "c1", link=gone), terms, {"c1": crm("Edited", NOON + timedelta(minutes=1))})
    assert finish.outcome == Done("dead")
    assert len(asked) == 1


def test_a_replica_that_shows_what_was_before_our_write_is_not_believed(terms: Terms, stream: Stream) -> None:
    step = Step("assembly", "accounts", "update", "a1", {"name": "Acme"}, {"name": "Acme"})
    written = Intent(3, 1, 1, "assembly", step, 6, NOON - timedelta(seconds=1), "answered")
    of_ours = link(stream, sent=frozenset({"name"}))
    records = {"c1": crm("Acme"), "a1": account("Before")}
    _asked, finish = play(claim("assembly", "a1", link=of_ours, intents=(written,)), terms, records)
    assert finish.outcome == Again(terms.timings.lag, "stale read")
    assert finish.link is None


def test_absence_is_suspected_first_and_confirmed_after_the_lag(terms: Terms, stream: Stream) -> None:
    asked, finish = play(claim("crm", "c1", link=link(stream)), terms, {})
    assert finish.outcome == Again(terms.timings.lag, SUSPECTED)
    assert not asks(asked, Siblings)
    asked, finish = play(claim("crm", "c1", cause=SUSPECTED, link=link(stream)), terms, {})
    assert asks(asked, Siblings)
    assert finish.link is None, "with nobody to ask whether the key still works, nothing is taken for deleted"


@pytest.mark.parametrize(("attempts", "asked"), [(0, False), (PATIENCE, True)])
def test_a_side_looks_empty_only_after_some_patience(terms: Terms, stream: Stream, attempts: int, asked: bool) -> None:
    """A thousand records deleted at once are looked at one after the other: the first ones find none that answers."""
    suspected = claim("crm", "c1", cause=SUSPECTED, attempts=attempts, link=link(stream))
    _asked, finish = play(suspected, terms, {}, siblings=("c2", "c3"))
    assert isinstance(finish.outcome, Park if asked else Again)
    assert getattr(finish.outcome, "cause", "") == ("side looks empty" if asked else SUSPECTED)
    assert finish.link is None


def test_it_is_too_early_to_look_for_a_create_that_may_still_land(terms: Terms) -> None:
    step = Step("crm", "companies", "create", None, {"name": "Acme"}, {"name": "Acme"})
    sent = Intent(3, None, 1, "crm", step, 6, NOON - timedelta(seconds=1))
    asked, finish = play(claim("assembly", "a1", intents=(sent,)), terms, {"a1": account("Acme")})
    assert isinstance(finish.outcome, Again)
    assert finish.outcome.cause == "outcome unknown"
    assert finish.outcome.seconds == pytest.approx(terms.timings.window - 1)
    assert not asks(asked, FindByValue)
    assert finish.intents == {}, "it stays open until what it made was looked for"


def test_what_may_be_our_own_create_is_no_new_record(terms: Terms) -> None:
    """Its webhook outran the answer; another change's saga made it, and will bind it."""
    step = Step("crm", "companies", "create", None, {"name": "Acme"}, {"name": "Acme"})
    sent = Intent(3, None, 9, "crm", step, 6, NOON)
    _asked, finish = play(claim("crm", "c2"), terms, {"c2": crm("Acme", id="c2")}, (sent,))
    assert isinstance(finish.outcome, Again)
    assert finish.outcome.cause == "may be our own create"


def test_a_label_that_somebody_just_made_is_not_made_again(terms: Terms) -> None:
    missing = LabelMissing(system="assembly", kind="labels.Tier", name="Partner", color="#888888")
    flow = make_labels(claim("crm", "c1"), [missing])
    assert isinstance(next(flow), Commit)
    assert flow.send(Extended()) == Read(ReadTables("assembly", fresh=True))
    with pytest.raises(StopIteration):
        flow.send({"labels.Tier": Table({"t9": "partner"})})


def test_a_stamp_that_our_own_write_may_have_made_proves_nothing(stream: Stream) -> None:
    """Assembly's stamp moved with our write of another field; it must not beat a person's later edit in the CRM."""
    records: dict[str, Record | None] = {
        "crm": crm("By hand", NOON + timedelta(minutes=1)),
        "assembly": account("There", NOON + timedelta(minutes=9)),
    }
    sure = plan_update(stream, Situation(link(stream), records), Lookups())
    assert sure.patches.keys() == {"crm"}, "stamps that nobody but people moved do prove who was last"
    ours = plan_update(stream, Situation(link(stream, sent=frozenset({"domain"})), records), Lookups())
    assert not ours.patches
    assert [notice.cause for notice in ours.notices] == ["conflict"]


def test_stamps_are_compared_on_one_clock(stream: Stream) -> None:
    """Assembly's clock is ten minutes ahead: its stamp looks newer, and the edit was older."""
    records: dict[str, Record | None] = {
        "crm": crm("Later", NOON + timedelta(minutes=5)),
        "assembly": account("Earlier", NOON + timedelta(minutes=11)),
    }
    offsets = {"crm": timedelta(), "assembly": timedelta(minutes=10)}
    plan = plan_update(stream, Situation(link(stream), records, offsets=offsets), Lookups())
    assert {side: dict(patch.set) for side, patch in plan.patches.items()} == {"assembly": {"name": "Later"}}


def test_a_write_without_an_answer_moves_no_base(stream: Stream) -> None:
    records: dict[str, Record | None] = {"crm": crm("Acme Ltd"), "assembly": account("Acme")}
    plan = plan_update(stream, Situation(link(stream), records), Lookups())
    assert plan.patches["assembly"].set == {"name": "Acme Ltd"}
    ids = {"crm": "c1", "assembly": "a1"}
    for answered, bases in (({}, ("Acme", "Acme")), ({"assembly": frozenset({"name"})}, ("Acme Ltd", "Acme Ltd"))):
        ends = settle(stream, plan, link(stream), records, ids, answered)
        assert (ends["crm"].shadow.values["name"], ends["assembly"].shadow.values["name"]) == bases


def test_each_shadow_holds_its_own_sides_raw_value(stream: Stream) -> None:
    """The CRM's spelling of a website must never be looked for in Assembly: it would be an edit for ever."""
    left = Record(
        Ref("crm", "companies", "c1"), {"id": "c1", "name": "Acme", "website": "https://www.acme.com/about"}, NOON
    )
    records: dict[str, Record | None] = {"crm": left, "assembly": account("Acme")}
    plan = plan_update(stream, Situation(None, records, "bind"), Lookups())
    ends = settle(stream, plan, None, records, {"crm": "c1", "assembly": "a1"}, {})
    assert ends["crm"].shadow.values["website"] == "https://www.acme.com/about"
    assert ends["assembly"].shadow.values["domain"] == "acme.com"


def test_a_field_that_waits_for_a_person_keeps_its_base(stream: Stream) -> None:
    """Within the margin nothing proves who was last; whichever edit is answered later, it is still an edit."""
    records: dict[str, Record | None] = {
        "crm": crm("Here", NOON + timedelta(minutes=1)),
        "assembly": account("There", NOON + timedelta(minutes=1)),
    }
    plan = plan_update(stream, Situation(link(stream), records), Lookups())
    assert [notice.cause for notice in plan.notices] == ["conflict"]
    ends = settle(stream, plan, link(stream), records, {"crm": "c1", "assembly": "a1"}, {})
    assert {side: end.shadow.values["name"] for side, end in ends.items()} == {"crm": "Acme", "assembly": "Acme"}


def test_several_candidates_are_never_narrowed_down_by_who_is_free(stream: Stream) -> None:
    one, two = account("Acme"), account("Acme too", id="a2")
    (match,) = match_values(stream, "crm", crm("Acme").raw, Lookups())
    chosen = choose(stream, match, "assembly", [one, two], frozenset({"a2"}), Lookups())
    assert isinstance(chosen, Several)
