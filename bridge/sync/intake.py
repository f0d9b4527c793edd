"""From a webhook's bytes to a stored event and its hints (DESIGN §5, §8): verify, parse, check the entity. All pure.

Two signatures are understood. Standard Webhooks: ``webhook-signature: v1,<base64>`` over ``id.timestamp.body``, with
the timestamp at most ``tolerance_seconds`` from now. ``X-Signature: sha256=<hex>`` over the body alone; that one proves
neither an id nor a time, so a delivery id in its headers is not believed. The CRM's documents describe no webhooks;
which of the two a real system sends is told by its headers.

Header names and values are the bytes that arrived. Whatever they hold, the only error is ``UsageError``, whose status
is the answer of DESIGN §11.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import orjson

from bridge.core.errors import UsageError
from bridge.core.mapping.model import Mappings
from bridge.core.mapping.webhooks import Envelope, WebhookRules
from bridge.core.records import Json
from bridge.store.rows import Hint, InboxEvent

ID: Final = b"webhook-id"
TIMESTAMP: Final = b"webhook-timestamp"
SIGNATURE: Final = b"webhook-signature"
BODY_SIGNATURE: Final = b"x-signature"
Headers = Sequence[tuple[bytes, bytes]]

_SPELLS_BASE64: Final = "whsec_"
_TIMESTAMP = re.compile(rb"[0-9]{1,12}")
_EVENT_ID = re.compile(rb"[\x21-\x7e]{1,200}")


@dataclass(frozen=True, slots=True)
class Delivery:
    """What a valid signature proved: the body is the sender's; under Standard Webhooks also the event's id."""

    body: bytes
    event_id: str | None


def verify(
    headers: Headers, body: bytes, secrets: Sequence[str], *, now: datetime, tolerance_seconds: float
) -> Delivery:
    """Raises ``UsageError``: 404 without a secret, 401 for a missing, malformed, stale or wrong signature."""
    if not any(secrets):
        raise UsageError("this connection takes no webhooks: no secret is set", status=404)
    given = _single(headers)
    if SIGNATURE in given:
        return _verify_standard(given, body, secrets, now=now, tolerance_seconds=tolerance_seconds)
    if BODY_SIGNATURE in given:
        return _verify_body(given[BODY_SIGNATURE], body, secrets)
    raise UsageError("the request carries no signature", status=401)


def _single(headers: Headers) -> Mapping[bytes, bytes]:
    """The headers that matter. One that stands twice is refused: two readers could disagree on which counts."""
    wanted = {ID, TIMESTAMP, SIGNATURE, BODY_SIGNATURE}
    found: dict[bytes, bytes] = {}
    for spelt, value in headers:
        name = spelt.lower()
        if name not in wanted:
            continue
        if name in found:
            raise UsageError("a signature header stands twice", status=401)
        found[name] = value
    return found


def _verify_standard(
    given: Mapping[bytes, bytes], body: bytes, secrets: Sequence[str], *, now: datetime, tolerance_seconds: float
) -> Delivery:
    event_id, timestamp = given.get(ID, b""), given.get(TIMESTAMP, b"")
    if not _EVENT_ID.fullmatch(event_id) or not _TIMESTAMP.fullmatch(timestamp):
        raise UsageError("webhook-id or webhook-timestamp is missing or malformed", status=401)
    signed = event_id + b"." + timestamp + b"." + body
    signatures = [word[3:] for word in given[SIGNATURE].split() if word.startswith(b"v1,")]
    expected = [_base64_mac(key, signed) for secret in secrets for key in _standard_keys(secret)]
    if not _any_equal(expected, signatures):
        raise UsageError("the signature is wrong", status=401)
    if abs(now.timestamp() - int(timestamp)) > tolerance_seconds:
        raise UsageError("the signed timestamp is too far from now", status=401)
    return Delivery(body, event_id.decode("ascii"))


def _verify_body(signature: bytes, body: bytes, secrets: Sequence[str]) -> Delivery:
    scheme, _, given = signature.partition(b"=")
    expected = [hmac.new(secret.encode(), body, hashlib.sha256).hexdigest().encode() for secret in secrets if secret]
    if scheme.strip().lower() != b"sha256" or not _any_equal(expected, [given.strip().lower()]):
        raise UsageError("the signature is wrong", status=401)
    return Delivery(body, None)


def _standard_keys(secret: str) -> Iterator[bytes]:
    """The keys a secret may stand for: ``whsec_<base64>``, else base64 or the text itself, as senders differ."""
    text = secret.removeprefix(_SPELLS_BASE64)
    try:
        decoded = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        decoded = b""
    if decoded:
        yield decoded
    if secret and not secret.startswith(_SPELLS_BASE64):
        yield secret.encode()


def _base64_mac(key: bytes, signed: bytes) -> bytes:
    return base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest())


def _any_equal(expected: Sequence[bytes], given: Sequence[bytes]) -> bool:
    matches = [hmac.compare_digest(one, other) for one in expected for other in given[:_MOST_SIGNATURES]]
    return any(matches)


_MOST_SIGNATURES: Final = 10
"""A header full of signatures must not buy computing time."""


def parse(body: bytes) -> Mapping[str, Json]:
    """The event as JSON. Raises ``UsageError`` 400."""
    try:
        event = orjson.loads(body)
    except orjson.JSONDecodeError:
        raise UsageError("the body is not JSON", status=400) from None
    if not isinstance(event, dict):
        raise UsageError("the body is not a JSON object", status=400)
    return event


def check_entity(named: str | None, entity_id: str) -> None:
    """Raises ``UsageError`` 403 if the event names an entity and it is another one. UUIDs differ in case at will."""
    if named is not None and named.strip().casefold() != entity_id.strip().casefold():
        raise UsageError("the event belongs to another entity", status=403)


@dataclass(frozen=True, slots=True)
class Arrival:
    """A verified event as it will be stored, and the records it says may have changed."""

    event: InboxEvent
    hints: tuple[Hint, ...]


def arrive(delivery: Delivery, rules: WebhookRules, mappings: Mappings, *, connection: str, entity_id: str) -> Arrival:
    """Raises ``UsageError``: 400 for a body that is no event, 403 for another entity.

    A type that ``webhooks.yaml`` does not know is stored without hints, so that nothing is lost while somebody adds it.
    """
    envelope = _read(parse(delivery.body), rules)
    check_entity(envelope.entity_id, entity_id)
    named = [envelope.type, envelope.event_id or "", *(word for hint in envelope.hints for word in hint)]
    if any(_UNFIT.search(text) or len(text) > _LONGEST for text in named):
        raise UsageError("the event's type or an id in it is too long or holds control characters", status=400)
    object_, record_id = envelope.hints[0] if envelope.hints else ("", "")
    event = InboxEvent(
        connection=connection,
        event_id=delivery.event_id or envelope.event_id,
        type=envelope.type,
        object=object_,
        record_id=record_id,
        occurred_at=envelope.occurred_at,
        body=delivery.body,
        state="stored" if envelope.known else "unknown",
    )
    return Arrival(event, hints(envelope.hints, mappings))


def _read(event: Mapping[str, Json], rules: WebhookRules) -> Envelope:
    try:
        return rules.read(event)
    except RecursionError:
        raise UsageError("the body is nested too deeply", status=400) from None


def hints(records: Sequence[tuple[str, str]], mappings: Mappings) -> tuple[Hint, ...]:
    """A hint for every stream that the CRM's record feeds."""
    found = [
        Hint(stream.name, CRM, record_id)
        for object_, record_id in records
        for stream in mappings.on_object(CRM, object_)
    ]
    return tuple(dict.fromkeys(found))


CRM: Final = "crm"
_LONGEST: Final = 200
_UNFIT = re.compile(r"[\x00-\x1f\x7f]")
