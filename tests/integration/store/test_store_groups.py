"""Many reconciles' operations in one transaction come to the same as one after another."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence

import pytest
from sqlalchemy import create_engine, text
from support.stores import HandClock, SetBrake, claim_one, commit, company, contact, draft, finish, ref, step

from bridge.core.effects import (
    Again,
    AwaitParent,
    Busy,
    Claim,
    Declare,
    Declared,
    Done,
    Entry,
    Extend,
    Extended,
    Fenced,
    Finish,
    Finished,
    Held,
    Notice,
    Operation,
    Outcome,
    Park,
)
from bridge.store import ItemDraft, Store

TABLES = ("changes", "leases", "links", "link_ends", "intents", "attention", "history", "run_items", "brake_counts")


def claims(store: Store, count: int) -> list[Claim]:
    store.changes.hint("default", [company(str(number)) for number in range(count)])
    return list(store.changes.claim("default", count, 60))


def contents(store: Store, url: str) -> dict[str, list[tuple[object, ...]]]:
    engine = create_engine(url.replace("postgresql://", "postgresql+psycopg://"))
    with engine.connect() as connection:
        found = {
            name: [tuple(row) for row in connection.execute(text(f"SELECT * FROM {name} ORDER BY 1, 2"))]
            for name in TABLES
        }
    engine.dispose()
    found["runs"] = [tuple(row.counts.items()) + tuple(row.calls.items()) for row in store.runs.page().items]
    return found


def some_finish(chance: random.Random, claim: Claim) -> Finish:
    """What a reconcile might come to; ends collide now and then."""
    record = claim.change.record_id
    notice = Notice("conflict", "both moved", "name", {"crm": 1}, ways=("crm",))
    outcomes: list[Outcome] = [
        Done("created"),
        Done("unchanged"),
        Again(5, "transient", "503", counts=True),
        Again(5, "settle", settle=True),
        Park("rejected", "the remote said no"),
        AwaitParent(ref(company(f"parent-{chance.randrange(3)}"))),
    ]
    link = draft(claim, record, f"a{chance.randrange(12)}", name=record) if chance.random() < 0.6 else None
    return Finish(
        claim,
        chance.choice(outcomes),
        link,
        (Entry("assembly", "name", None, record, "created"),) * chance.randrange(3) if link else (),
        notices=(notice,) if chance.random() < 0.3 else (),
        calls={"assembly": 1},
    )


@pytest.mark.parametrize("seed", range(4))
def test_a_group_comes_to_the_same_as_its_operations_one_after_another(
    url: str, open_store: Callable[[], Store], seed: int
) -> None:
    ends = []
    for grouped in (True, False):
        if not grouped:
            empty_again(url)
        store, chance = open_store(), random.Random(seed)
        store.connections.ensure("default", "live")
        run = store.runs.create("default", ["companies"])
        store.runs.add_items(
            run.id, [ItemDraft("companies", "create", "crm", str(number)) for number in range(0, 12, 2)]
        )
        store.runs.enqueue_items(run.id, "companies", 100)
        store.changes.hint("default", [company(str(number)) for number in range(1, 12, 2)])
        leased = list(store.changes.claim("default", 12, 60))
        store.changes.hint("default", [company(str(number)) for number in range(0, 12, 5)])
        declares = [Declare(claim, (("assembly", step("create", None)),), {"create": 1}) for claim in leased]
        carry_out(store, declares, grouped)
        answers = carry_out(store, [some_finish(chance, claim) for claim in leased], grouped)
        ends.append((answers, untimed(contents(store, url), run.id)))
    assert ends[0] == ends[1]


def carry_out(store: Store, operations: Sequence[Operation], grouped: bool) -> list[str]:
    if grouped:
        return [repr(answer) for answer in store.apply(operations)]
    return [repr(commit(store, operation)) for operation in operations]


def untimed(found: dict[str, list[tuple[object, ...]]], run: str) -> dict[str, list[tuple[object, ...]]]:
    return {
        name: [tuple("run" if value == run else value for value in row) for row in rows] for name, rows in found.items()
    }


def empty_again(url: str) -> None:
    """Every row out, and the numbering of new ones back to its start."""
    engine = create_engine(url.replace("postgresql://", "postgresql+psycopg://"))
    names = (*TABLES, "runs", "tokens")
    with engine.begin() as connection:
        if engine.dialect.name == "postgresql":
            connection.execute(text(f"TRUNCATE {', '.join(names)} RESTART IDENTITY CASCADE"))
        else:
            for name in (*names, "sqlite_sequence"):
                connection.execute(text(f"DELETE FROM {name}"))
    engine.dispose()


def test_two_of_a_group_cannot_link_the_same_record(store: Store) -> None:
    first, second = claims(store, 2)
    answers = store.apply(
        [Finish(each, Done("created"), draft(each, each.change.record_id, "a1")) for each in (first, second)]
    )
    assert [type(answer) for answer in answers] == [Finished, Busy]
    assert isinstance(finish(store, second, Again(0, "bound meanwhile")), Finished), "its lease is still there"


def test_each_of_a_group_is_fenced_by_itself(store: Store, clock: HandClock) -> None:
    old = claims(store, 3)
    clock.pass_(61)
    store.changes.expire()
    (taken,) = store.changes.claim("default", 1, 60)
    answers = store.apply([Finish(claim, Done("updated")) for claim in (*old, taken)])
    stale = next(place for place, claim in enumerate(old) if claim.change.id == taken.change.id)
    assert [place for place, answer in enumerate(answers) if isinstance(answer, Fenced)] == [stale]


def test_the_brake_counts_within_a_group(store: Store, brake: SetBrake) -> None:
    brake.ceilings = {"update": 3}
    declares = [Declare(claim, (("assembly", step()),), {"update": 1}) for claim in claims(store, 5)]
    assert [type(answer) for answer in store.apply(declares)] == [Declared, Declared, Declared, Held, Held]
    (hold,) = store.holds.page(connection="default").items
    assert hold.waiting == 2
    late = claim_one(store, company("late"))
    assert isinstance(commit(store, Declare(late, (("assembly", step()),), {"update": 1})), Held), (
        "what passed is counted"
    )


def test_intents_of_a_group_go_to_whom_they_belong(store: Store) -> None:
    leased = claims(store, 4)
    steps = [
        tuple(("assembly", step(name=f"{each.token}/{part}")) for part in range(each.token % 3)) for each in leased
    ]
    answers = store.apply([Declare(each, mine, {}) for each, mine in zip(leased, steps, strict=True)])
    written = [answer.ids for answer in answers if isinstance(answer, Declared)]
    assert [len(ids) for ids in written] == [len(mine) for mine in steps]
    store.apply([Finish(each, Again(0, "transient")) for each in leased])
    for claim in store.changes.claim("default", 10, 60):
        place = next(place for place, each in enumerate(leased) if each.change.id == claim.change.id)
        assert [intent.id for intent in claim.intents] == list(written[place])
        assert [(intent.side, intent.step) for intent in claim.intents] == list(steps[place])


def test_of_two_that_want_one_key_the_first_gets_it_whole(store: Store) -> None:
    first, second, third = claims(store, 3)
    wanted = (frozenset({"x", "y"}), frozenset({"y", "z"}), frozenset({"z"}))
    extends = [Extend(claim, keys) for claim, keys in zip((first, second, third), wanted, strict=True)]
    assert [type(answer) for answer in store.apply(extends)] == [Extended, Busy, Extended]


def test_who_loses_a_key_within_a_group_has_lost_all(store: Store, clock: HandClock) -> None:
    old = claims(store, 1)[0]
    assert isinstance(commit(store, Extend(old, frozenset({"x"}))), Extended)
    clock.pass_(61)
    store.changes.hint("default", [company("new")])
    (young,) = store.changes.claim("default", 1, 60)
    answers = store.apply([Extend(young, frozenset({"x"})), Extend(old, frozenset({"y"}))])
    assert [type(answer) for answer in answers] == [Extended, Fenced]
    other = claim_one(store, company("other"))
    assert isinstance(commit(store, Extend(other, frozenset({"y"}))), Extended)


def test_operations_of_one_claim_keep_their_order(store: Store) -> None:
    (claim,) = claims(store, 1)
    answers = store.apply(
        [Declare(claim, (("assembly", step()),), {}), Finish(claim, Done("updated")), Extend(claim, frozenset("x"))]
    )
    assert [type(answer) for answer in answers] == [Declared, Finished, Fenced]


@pytest.mark.parametrize("outcome", [Done("created"), Park("rejected", "no"), Done("not created")])
def test_a_child_never_waits_for_a_parent_that_ended_in_the_same_group(store: Store, outcome: Outcome) -> None:
    parent, child = claim_one(store, company("p")), claim_one(store, contact("c"))
    link = draft(parent, "p", "a1") if outcome == Done("created") else None
    store.apply([Finish(child, AwaitParent(ref(company("p")))), Finish(parent, outcome, link)])
    row = store.changes.of_record("default", "contacts", "crm", "c")
    assert row is not None
    assert row.state == ("pending" if link else "parked")
