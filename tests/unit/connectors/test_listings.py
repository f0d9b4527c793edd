"""What is looked for at once is looked for in one listing, which begins after it was asked for."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from bridge.connectors.listings import Listings
from bridge.core.errors import Transient
from bridge.core.ports import Page
from bridge.core.records import Record, Ref


class Remote:
    """Its listings go on once ``gate`` is set."""

    def __init__(self, *names: str) -> None:
        self.names = list(names)
        self.begun = 0
        self.gate = threading.Event()
        self.gate.set()

    def pages(self) -> Iterator[Page]:
        self.begun += 1
        told = [Record(Ref("crm", "companies", name), {"name": name}) for name in self.names]
        assert self.gate.wait(5)
        for record in told:
            yield Page((record,), None)


def ids(found: tuple[Record, ...]) -> list[str]:
    return [record.ref.id for record in found]


def while_one_is_under_way(
    remote: Remote, pool: ThreadPoolExecutor, listings: Listings, kind: str = "companies"
) -> None:
    remote.gate.clear()
    pool.submit(listings.find, kind, remote.pages, "name", "first")
    while remote.begun == 0:
        time.sleep(0.001)


def test_who_asks_while_a_listing_is_under_way_shares_the_next_one() -> None:
    remote, listings = Remote(*(f"n{number}" for number in range(20))), Listings()
    with ThreadPoolExecutor(21) as pool:
        while_one_is_under_way(remote, pool, listings)
        asked = [pool.submit(listings.find, "companies", remote.pages, "name", f"n{number}") for number in range(20)]
        time.sleep(0.1)
        remote.gate.set()
        found = [ids(each.result(5)) for each in asked]
    # Parts of a name make a candidate, too.
    assert found[19] == ["n19"]
    assert found[1] == ["n1", *(f"n{number}" for number in range(10, 20))]
    assert remote.begun == 2


def test_what_was_made_before_the_question_is_found_though_a_listing_was_under_way() -> None:
    remote, listings = Remote("old"), Listings()
    with ThreadPoolExecutor(2) as pool:
        while_one_is_under_way(remote, pool, listings)
        remote.names.append("new")
        asked = pool.submit(listings.find, "companies", remote.pages, "name", "new")
        time.sleep(0.05)
        remote.gate.set()
        assert ids(asked.result(5)) == ["new"]


def test_one_kind_does_not_wait_for_another() -> None:
    remote, other, listings = Remote("a"), Remote("b"), Listings()
    with ThreadPoolExecutor(2) as pool:
        while_one_is_under_way(remote, pool, listings)
        assert ids(pool.submit(listings.find, "contacts", other.pages, "name", "b").result(5)) == ["b"]
        remote.gate.set()


def test_a_listing_that_fails_fails_for_all_it_was_for_and_for_nobody_else() -> None:
    remote, listings = Remote("a"), Listings()

    def broken() -> Iterator[Page]:
        raise Transient("no answer")
        yield

    with ThreadPoolExecutor(4) as pool:
        while_one_is_under_way(remote, pool, listings)
        asked = [pool.submit(listings.find, "companies", broken, "name", "a") for _ in range(3)]
        time.sleep(0.05)
        remote.gate.set()
        for each in asked:
            with pytest.raises(Transient):
                each.result(5)
    assert ids(listings.find("companies", remote.pages, "name", "a")) == ["a"]
