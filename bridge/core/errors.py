"""Every error the bridge raises on purpose, named by what the caller does next.

::

    BridgeError
    ├── RemoteError                 a remote call did not do what was asked
    │   ├── Transient               try again later (5xx, reset, time-out of a read); counts as an attempt
    │   ├── Throttled               wait as told (429); costs no attempt
    │   ├── BrokenRemote            the remote is down or talks nonsense: pause the connection; costs no attempt
    │   ├── KeyRefused              401, or 403 for every call: pause the connection and tell a person
    │   ├── OutcomeUnknown          a write was sent and no answer came: find out, never repeat blindly
    │   └── Rejected                the remote understood and said no: park with its message
    │       ├── NotThere            404 on a write
    │       ├── AlreadyThere        a duplicate of something that exists (400, 409 or 422, as the remote likes)
    │       └── ParentNotThere      the record it hangs on is not there (412, or a 400/409/422 that says so)
    ├── Undecodable                 one field's value cannot be translated: attention for that field
    │   ├── ParentNotLinked         the record it points at is not linked yet: bring the parent first
    │   └── LabelMissing            no label of that name; the mapping allows creating it
    ├── LeaseLost                   somebody else owns the record now: drop what was decided
    ├── MappingError                the mapping files have mistakes: all of them, with places
    ├── SettingsError               a setting is missing or wrong: which one and what to write
    └── UsageError                  the caller asked for something that does not exist or cannot be done now

Anything else that escapes is a bug: parked with an id that finds the log entry.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bridge.core.records import Reference


class BridgeError(Exception):
    """Root of all deliberate errors. ``str(error)`` is safe to show: it holds no secret and no personal data."""


class RemoteError(BridgeError):
    """A remote call failed. ``system`` and ``operation`` say where, ``status`` is the HTTP status if there was one."""

    def __init__(
        self, message: str, *, system: str = "", operation: str = "", status: int | None = None, code: str | None = None
    ) -> None:
        super().__init__(message)
        self.system = system
        self.operation = operation
        self.status = status
        self.code = code


class Transient(RemoteError):
    """Try again later."""


class Throttled(RemoteError):
    """Wait ``retry_after`` seconds, then try again."""

    def __init__(
        self, message: str, *, retry_after: float, system: str = "", operation: str = "", status: int | None = 429
    ) -> None:
        super().__init__(message, system=system, operation=operation, status=status)
        self.retry_after = retry_after


class BrokenRemote(RemoteError):
    """Unreachable, or answering with something that is not its API."""


class KeyRefused(RemoteError):
    """The key is wrong, expired, lacks a scope or belongs to another entity."""


class OutcomeUnknown(RemoteError):
    """A write left this machine and its answer did not arrive."""


class Rejected(RemoteError):
    """The remote said no to this request and will say no again."""


class NotThere(Rejected):
    """The object to write to does not exist."""


class AlreadyThere(Rejected):
    """Something with this domain, email, name or source id exists already."""


class ParentNotThere(Rejected):
    """The object it should hang on does not exist."""


class Undecodable(BridgeError):
    """A value that the mapping cannot translate. ``cause`` groups the attention items it leads to."""

    def __init__(self, message: str, *, cause: str) -> None:
        super().__init__(message)
        self.cause = cause


class ParentNotLinked(Undecodable):
    """The value refers to a record that is not linked yet."""

    def __init__(self, reference: Reference) -> None:
        super().__init__(f"its {reference.stream} record {reference.record_id} is not linked yet", cause="parent")
        self.reference = reference


class LabelMissing(Undecodable):
    """The label to write does not exist in the target system and the mapping says ``create: true``."""

    def __init__(self, *, system: str, kind: str, name: str, color: str) -> None:
        super().__init__(f"{system} has no {kind} called {name!r}", cause="label")
        self.system = system
        self.kind = kind
        self.name = name
        self.color = color


class LeaseLost(BridgeError):
    """The lease ran out or was taken over."""


@dataclass(frozen=True, slots=True)
class Mistake:
    """One mistake in a mapping file. Lines and columns count from 1."""

    file: str
    line: int
    column: int
    message: str
    hint: str = ""
    severity: str = "error"

    def __str__(self) -> str:
        text = f"{self.file}:{self.line}:{self.column}: {self.message}"
        return f"{text} {self.hint}" if self.hint else text


class MappingError(BridgeError):
    """All mistakes found in one load."""

    def __init__(self, mistakes: Sequence[Mistake]) -> None:
        super().__init__("\n".join(str(mistake) for mistake in mistakes))
        self.mistakes = tuple(mistakes)


class SettingsError(BridgeError):
    """A setting is missing or wrong."""


class UsageError(BridgeError):
    """Asked for something that is not there or not possible now. ``status`` is its HTTP status."""

    def __init__(self, message: str, *, status: int = 400) -> None:
        super().__init__(message)
        self.status = status
