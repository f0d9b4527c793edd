"""The CRM's webhooks as bytes on the wire: signed as Standard Webhooks, or over the body alone where events have no id."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from datetime import datetime

from bridge.core.mapping.webhooks import load_webhooks

SECRET = "whsec_" + base64.b64encode(b"a secret of the simulation").decode()
ENTITY = "3f0c6c1e-6b1e-4a57-9a1c-2f9f6b1f7a01"
WEBHOOKS = load_webhooks({})
TYPES = {"companies": "company", "contacts": "contact", "leads": "lead", "activities": "activity"}
Headers = list[tuple[bytes, bytes]]


def webhook(event_id: str | None, object: str, id: str, kind: str, now: datetime) -> tuple[Headers, bytes]:
    event = {
        "type": f"{TYPES[object]}.{kind}",
        "timestamp": now.isoformat(),
        "entityId": ENTITY,
        "data": {"id": id},
    }
    body = json.dumps(event).encode()
    if event_id is None:
        mac = hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()
        return [(b"x-signature", f"sha256={mac}".encode())], body
    stamp = str(int(now.timestamp())).encode()
    key = base64.b64decode(SECRET.removeprefix("whsec_"))
    mac64 = base64.b64encode(hmac.new(key, event_id.encode() + b"." + stamp + b"." + body, hashlib.sha256).digest())
    return [
        (b"webhook-id", event_id.encode()),
        (b"webhook-timestamp", stamp),
        (b"webhook-signature", b"v1," + mac64),
    ], body
