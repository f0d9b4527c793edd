"""The one door to the database."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta

from alembic.util.exc import CommandError
from sqlalchemy import select, text
from sqlalchemy.exc import OperationalError

from bridge.core.effects import Operation, Question
from bridge.core.errors import SettingsError
from bridge.core.ports import Clock
from bridge.store.applying import Answer, apply
from bridge.store.attention import Attention
from bridge.store.changes import Changes
from bridge.store.checkpoints import Checkpoints
from bridge.store.connections import Connections
from bridge.store.database import Database
from bridge.store.declaring import Brake
from bridge.store.duties import Duties
from bridge.store.histories import History
from bridge.store.holds import Holds
from bridge.store.inbox import Inbox
from bridge.store.leasing import Objects
from bridge.store.links import Links
from bridge.store.migrations.runner import migrate
from bridge.store.people import People
from bridge.store.pruning import prune
from bridge.store.runs import Runs
from bridge.store.scans import Scans


class Store:
    """Everything durable. Safe to share between threads and to use again after a fork; its clock is ``clock``.

    The members group the methods by what they are about; ``apply`` carries out what a reconcile asks.
    """

    def __init__(self, url: str, clock: Clock, brake: Brake) -> None:
        self._database = Database(url)
        self._clock = clock
        self._brake = brake
        self._objects = Objects()
        self.connections = Connections(self._database, clock)
        self.inbox = Inbox(self._database, clock)
        self.changes = Changes(self._database, clock, self._objects)
        self.links = Links(self._database, clock)
        self.attention = Attention(self._database, clock)
        self.holds = Holds(self._database, clock)
        self.history = History(self._database)
        self.runs = Runs(self._database, clock)
        self.people = People(self._database, clock, self._objects)
        self.scans = Scans(self._database)
        self.checkpoints = Checkpoints(self._database, clock)
        self.duties = Duties(self._database, clock)

    def set_objects(self, objects: Mapping[tuple[str, str], str]) -> None:
        """(stream, side) to the remote object's name: streams that share an object exclude one another."""
        self._objects.names = dict(objects)

    def migrate(self) -> None:
        """Bring the tables up to date; harmless when they are, and when several processes start at once.

        Raises ``SettingsError`` when the database cannot be opened or was made by a newer version.
        """
        try:
            with self._database.write() as transaction:
                migrate(transaction)
        except OperationalError as error:
            raise SettingsError(f"DATABASE_URL: {self._database.name} cannot be used: {error.orig}") from None
        except CommandError:
            raise SettingsError(f"DATABASE_URL: {self._database.name} was made by a newer version") from None

    def ping(self) -> None:
        """Raises if the database does not answer."""
        with self._database.read() as transaction:
            transaction.execute(select(text("1"))).scalar_one()

    def apply(self, operations: Sequence[Operation]) -> list[Answer]:
        """Carry out operations in one transaction, each fenced by itself.

        One that fails unexpectedly is undone alone and answers its exception; the others stand. Raises only where the one
        transaction of all could not be begun or committed.
        """
        if all(isinstance(operation, Question) for operation in operations):
            with self._database.read() as transaction:
                return apply(transaction, operations, self._brake, self._clock.now())
        try:
            with self._database.write() as transaction:
                try:
                    return apply(transaction, operations, self._brake, self._clock.now())
                except Exception as error:
                    raise _Undone(error) from error
        except _Undone as undone:
            if len(operations) == 1:
                return [undone.reason]
        # One of them spoils it for all: each is done by itself.
        answers: list[Answer] = []
        for each in operations:
            try:
                answers += self.apply([each])
            except Exception as error:
                answers.append(error)
        return answers

    def prune(self, older_than: timedelta) -> dict[str, int]:
        """Drop what only served to work: events, answered intents, settled attention, ended runs' items, listings.

        Links, history and what is still open stay. Answers rows dropped by table.
        """
        return prune(self._database, self._clock.now() - older_than)

    def commit(self, operation: Operation) -> Answer:
        """Carry out one operation by itself. Raises what went wrong with it."""
        (answer,) = self.apply([operation])
        if isinstance(answer, Exception):
            raise answer
        return answer

    def close(self) -> None:
        self._database.close()


class _Undone(Exception):
    """``reason`` came up within a transaction, which was rolled back."""

    def __init__(self, reason: Exception) -> None:
        self.reason = reason
