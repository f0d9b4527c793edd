"""Links: read by end, walked, bound in bulk."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime

from sqlalchemy import func, select

from bridge.core.effects import Busy, LinkDraft
from bridge.core.ports import Clock
from bridge.core.records import Intent, Link, Reference
from bridge.store.database import Database
from bridge.store.linking import LINK_COLUMNS, links_by_end, links_by_id
from bridge.store.paging import page_by
from bridge.store.remembered import intents_by_link
from bridge.store.rows import EndRow, Listing
from bridge.store.saving import adopt_attention, save_links
from bridge.store.sql import AnyRow
from bridge.store.tables import link_ends, links
from bridge.store.waiting import release_children


class Links:
    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def by_end(self, connection: str, stream: str, side: str, ids: Iterable[str]) -> dict[str, Link]:
        """Record id to its link, whatever the link's state; ids without one are left out."""
        with self._database.read() as transaction:
            found = links_by_end(transaction, connection, (Reference(stream, side, id) for id in ids))
        return {reference.record_id: link for reference, link in found.items()}

    def resolve(self, connection: str, references: Iterable[Reference]) -> dict[Reference, Link]:
        """The link of each reference; one that is not linked is left out."""
        with self._database.read() as transaction:
            return links_by_end(transaction, connection, references)

    def lately(self, ids: Collection[int]) -> tuple[datetime, dict[int, tuple[Intent, ...]]]:
        """The time, and by link the writes that a claim would show now: unanswered ones, and those answered a moment ago."""
        now = self._clock.now()
        with self._database.read() as transaction:
            return now, intents_by_link(transaction, ids, now)

    def get(self, id: int) -> Link | None:
        with self._database.read() as transaction:
            return links_by_id(transaction, [id]).get(id)

    def page(self, connection: str, stream: str, cursor: str | None = None, limit: int = 100) -> Listing[Link]:
        """Links in the order they were made."""
        query = select(*LINK_COLUMNS).where(links.c.connection == connection, links.c.stream == stream)
        with self._database.read() as transaction:
            ids = page_by(transaction, query, links.c.id, _id_of, cursor=cursor, limit=limit, newest_first=False)
            found = links_by_id(transaction, ids.items)
        return Listing(tuple(found[id] for id in ids.items), ids.next)

    def ends_page(
        self, connection: str, stream: str, side: str, after: str = "", limit: int = 1000
    ) -> tuple[EndRow, ...]:
        """One side's linked ids after ``after``, in id order, for comparing with a full listing."""
        query = (
            select(link_ends.c.record_id, link_ends.c.link_id, links.c.state)
            .join_from(link_ends, links, links.c.id == link_ends.c.link_id)
            .where(
                link_ends.c.connection == connection,
                link_ends.c.stream == stream,
                link_ends.c.side == side,
                link_ends.c.record_id > after,
            )
            .order_by(link_ends.c.record_id)
            .limit(limit)
        )
        with self._database.read() as transaction:
            return tuple(EndRow(row.record_id, row.link_id, row.state) for row in transaction.execute(query))

    def counts(self, connection: str) -> dict[tuple[str, str], int]:
        """(stream, state) to how many."""
        query = (
            select(links.c.stream, links.c.state, func.count())
            .where(links.c.connection == connection)
            .group_by(links.c.stream, links.c.state)
        )
        with self._database.read() as transaction:
            return {(stream, state): count for stream, state, count in transaction.execute(query)}

    def bind(self, connection: str, drafts: Sequence[LinkDraft], run_id: str | None = None) -> list[Link | Busy]:
        """Make or move many links in one transaction, without remote writes. ``Busy``: an end is linked elsewhere, or
        the link is not at the version that was read; that draft alone is left out. Waiting children are released."""
        now = self._clock.now()
        with self._database.write() as transaction:
            saved = save_links(transaction, connection, drafts, now, [run_id] * len(drafts))
            answers = [link if isinstance(link, Link) else Busy() for link in saved]
            made = [link for link in answers if isinstance(link, Link)]
            adopt_attention(transaction, connection, made)
            live = [link for link in made if link.state == "live"]
            ends = [Reference(link.stream, end.side, end.record_id) for link in live for end in link.ends.values()]
            release_children(transaction, connection, ends, now)
        return answers

    def unlinked(self, connection: str, stream: str, side: str, ids: Collection[str]) -> set[str]:
        """Those of ``ids`` that no link holds."""
        return set(ids) - self.by_end(connection, stream, side, ids).keys()


def _id_of(row: AnyRow) -> int:
    return int(row.id)
