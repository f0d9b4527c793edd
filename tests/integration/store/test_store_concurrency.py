"""Several processes on one database; some of them die."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import timedelta
from multiprocessing.connection import Connection
from typing import Any

import pytest
from support.stores import OBJECTS, START, HandClock, SetBrake, claim_one, company, draft, finish

from bridge.core.effects import Busy, Claim, Done, Finish, Finished, Resolve
from bridge.core.records import Link
from bridge.store import Hint, InboxEvent, Store

Work = Callable[[Store, int], Any]


def opened(url: str, seconds: float = 0) -> Store:
    store = Store(url, HandClock(START + timedelta(seconds=seconds)), SetBrake())
    store.set_objects(OBJECTS)
    return store


def _run(url: str, work: Work, number: int, gate: Any, pipe: Connection) -> None:
    store = opened(url)
    gate.wait(30)
    pipe.send(work(store, number))
    store.close()


def together(url: str, work: Work, processes: int = 3) -> list[Any]:
    """What ``work`` answers in each of several processes that start it at the same moment."""
    context = multiprocessing.get_context("fork")
    gate = context.Barrier(processes)
    pipes, running = [], []
    for number in range(processes):
        ours, theirs = context.Pipe(duplex=False)
        process = context.Process(target=_run, args=(url, work, number, gate, theirs))
        process.start()
        pipes.append(ours)
        running.append(process)
    answers = [pipe.recv() if pipe.poll(60) else None for pipe in pipes]
    for process in running:
        process.join(30)
    assert [process.exitcode for process in running] == [0] * processes
    return answers


def drain(store: Store, number: int) -> list[int]:
    claimed = []
    while claims := store.changes.claim("default", 7, 60):
        claimed += [claim.change.id for claim in claims]
        answers = store.apply([Finish(claim, Done("updated")) for claim in claims])
        assert all(isinstance(answer, Finished) for answer in answers)
    return claimed


def claim_all(store: Store, number: int) -> list[int]:
    return [claim.token for _ in range(20) for claim in store.changes.claim("default", 3, 60)]


def bind(store: Store, number: int) -> list[str]:
    answers: Sequence[Link | Busy] = [
        store.links.bind("default", [draft(None, str(record), f"{number}/{record}")])[0] for record in range(30)
    ]
    return [type(answer).__name__ for answer in answers]


def receive(store: Store, number: int) -> list[str]:
    answers: list[str] = []
    for batch in range(10):
        ids = [f"e{batch}-{one}" for one in range(5)]
        events = [InboxEvent("default", id, "company.updated", "companies", id, b"{}") for id in ids]
        answers += store.inbox.receive(events, [[company(id)] for id in ids])
    return answers


def hint_same(store: Store, number: int) -> int:
    return sum(store.changes.hint("default", [company(str(record)) for record in range(10)]) for _ in range(10))


def test_no_change_is_claimed_twice(store: Store, url: str) -> None:
    store.changes.hint("default", [company(str(number)) for number in range(100)])
    claimed = [id for answer in together(url, drain) for id in answer]
    assert len(claimed) == len(set(claimed)) == 100
    assert store.changes.counts("default") == {"done": 100}


def test_fencing_tokens_are_given_once(store: Store, url: str) -> None:
    store.changes.hint("default", [company(str(number)) for number in range(60)])
    tokens = [token for answer in together(url, claim_all) for token in answer]
    assert sorted(tokens) == list(range(1, 61))


def test_a_record_is_linked_once(store: Store, url: str) -> None:
    answers = [answer for process in together(url, bind) for answer in process]
    assert Counter(answers) == {"Link": 30, "Busy": 60}
    assert len(store.links.by_end("default", "companies", "crm", [str(record) for record in range(30)])) == 30


def test_an_event_that_arrives_at_two_receivers_is_stored_once(store: Store, url: str) -> None:
    answers = [answer for process in together(url, receive) for answer in process]
    assert Counter(answers) == {"stored": 50, "duplicate": 100}
    assert store.changes.counts("default") == {"pending": 50}


def test_no_hint_is_lost(store: Store, url: str) -> None:
    together(url, hint_same)
    for record in range(10):
        row = store.changes.of_record("default", "companies", "crm", str(record))
        assert row is not None
        assert row.generation == 30


def _die_in_a_transaction(url: str, pipe: Connection) -> None:
    store = opened(url, seconds=1)
    with store._database.write() as transaction:
        for claim in claims_in(store):
            transaction.exec_driver_sql(f"UPDATE changes SET state = 'done' WHERE id = {claim}")
        pipe.send("in the middle")
        signal.pause()


def claims_in(store: Store) -> list[int]:
    with store._database.read() as connection:
        return [row[0] for row in connection.exec_driver_sql("SELECT id FROM changes")]


def test_a_process_that_dies_in_the_middle_leaves_nothing_behind(store: Store, url: str) -> None:
    store.changes.hint("default", [company("1"), company("2")])
    context = multiprocessing.get_context("fork")
    ours, theirs = context.Pipe(duplex=False)
    process = context.Process(target=_die_in_a_transaction, args=(url, theirs))
    process.start()
    assert ours.poll(30)
    assert process.pid is not None
    os.kill(process.pid, signal.SIGKILL)
    process.join(30)
    assert store.changes.counts("default") == {"pending": 2}
    assert len(store.changes.claim("default", 10, 60)) == 2, "and it holds no lock any more"


def test_the_work_of_a_dead_worker_is_taken_over(store: Store, clock: HandClock) -> None:
    claim_one(store, company("1"), seconds=30)
    clock.pass_(30)
    store.changes.expire()
    (claim,) = store.changes.claim("default", 10, 30)
    assert isinstance(finish(store, claim, link=draft(claim, "1", "a1")), Finished)


def _use_inherited(store: Store, inherited: object) -> None:
    store.changes.hint("default", [company("child")])
    assert store.commit(Resolve("default", frozenset())) == {}
    assert store._database._engine.pool is not inherited


def test_a_forked_worker_works_on_connections_of_its_own(store: Store) -> None:
    assert store.commit(Resolve("default", frozenset())) == {}
    pool = store._database._engine.pool
    child = multiprocessing.get_context("fork").Process(target=_use_inherited, args=(store, pool))
    child.start()
    child.join(30)
    code = child.exitcode
    child.kill()
    assert code == 0
    assert store.commit(Resolve("default", frozenset())) == {}
    assert store.changes.counts("default") == {"pending": 1}


def test_threads_commit_beside_one_another(store: Store) -> None:
    records = [str(number) for number in range(64)]
    store.changes.hint("default", [company(record) for record in records])
    claims = store.changes.claim("default", 100, 60)
    answers: list[object] = []

    def work(part: list[Claim]) -> None:
        for claim in part:
            link = draft(claim, claim.change.record_id, f"a{claim.change.record_id}")
            answers.append(store.commit(Finish(claim, Done("updated"), link)))

    threads = [threading.Thread(target=work, args=(claims[number::8],)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(answers) == 64
    assert all(isinstance(answer, Finished) for answer in answers)
    assert store.links.counts("default") == {("companies", "live"): 64}


@pytest.mark.parametrize("side", ["crm", "assembly"])
def test_readers_are_not_kept_waiting_by_a_writer(store: Store, side: str) -> None:
    store.changes.hint("default", [Hint("companies", side, "1")])
    with store._database.write() as transaction:
        transaction.exec_driver_sql("UPDATE changes SET state = 'done'")
        reader = threading.Thread(target=lambda: seen.append(store.changes.counts("default")))
        seen: list[dict[str, int]] = []
        reader.start()
        reader.join(10)
        assert seen == [{"pending": 1}]
