"""What happens next after the remotes answered, in one place."""

from __future__ import annotations

from bridge.core.effects import Again, Claim, Done, Finish, Notice, Outcome, Park, Pause
from bridge.core.errors import BrokenRemote, KeyRefused, LeaseLost, OutcomeUnknown, Rejected, RemoteError, Throttled
from bridge.core.records import Intent
from bridge.sync.raw import by_key
from bridge.sync.terms import Terms
from bridge.sync.writing import Written


def refusal(claim: Claim, terms: Terms, error: RemoteError) -> Finish:
    """What happens next after a remote error, by its kind."""
    outcome: Outcome
    notices: tuple[Notice, ...] = ()
    match error:
        case Throttled():
            outcome = Again(error.retry_after, "throttled", str(error))
        case KeyRefused():
            outcome = Pause("key refused", str(error), None)
        case BrokenRemote():
            outcome = Pause("remote broken", str(error), terms.timings.pause)
        case Rejected():
            outcome = Park("rejected", str(error))
            notices = (Notice("rejected", str(error), ways=("retry", "dismiss")),)
        case OutcomeUnknown():
            # What was sent may land late: its intent stays open, and the look again waits for the remote's lag.
            outcome = Again(
                terms.timings.lag + terms.backoff(claim.change.attempts), "outcome unknown", str(error), counts=True
            )
        case _:
            outcome = Again(terms.backoff(claim.change.attempts), "transient", str(error), counts=True)
    return Finish(claim, outcome, notices=notices, keep_notices=frozenset(claim.open_fields))


def outcome_of(claim: Claim, terms: Terms, written: Written, result: str) -> tuple[Outcome, tuple[Notice, ...]]:
    """The outcome after a write phase: ``result`` if every step was answered, else by the problem's kind."""
    match written.problem:
        case None:
            return Done(result, claim.change.side), ()
        case LeaseLost():
            return Again(terms.timings.busy, "lease"), ()
        case error:
            finish = refusal(claim, terms, error)
            return finish.outcome, finish.notices


def lapsed(finish: Finish, terms: Terms) -> dict[int, str]:
    """Open intents so old that no write of theirs can land any more. A create stays open until what it made was looked for, and
    what was written to a field that waits for a person is not forgotten: its base does not hold it."""
    claim = finish.claim
    linked = claim.link is not None and claim.link.state == "live"
    asked = frozenset(notice.field for notice in finish.notices) | finish.keep_notices
    return {
        intent.id: "lapsed"
        for intent in claim.intents
        if intent.state == "open"
        and (intent.step.verb != "create" or linked)
        and (claim.now - intent.created_at).total_seconds() > terms.timings.window
        and not asked & _fields(claim, terms, intent)
    }


def _fields(claim: Claim, terms: Terms, intent: Intent) -> frozenset[str]:
    if claim.change.stream not in terms.mappings:
        return frozenset()
    stream = terms.mappings[claim.change.stream]
    written = by_key(stream, intent.side, intent.step.values)
    return frozenset(rule.name for rule in stream.fields if rule.has(intent.side) and rule.key(intent.side) in written)
