"""Who may send an event: signatures, timestamps, several secrets, hostile headers."""

from __future__ import annotations

import base64
import hashlib
import hmac
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.core.errors import UsageError
from bridge.sync.intake import Headers, check_entity, parse, verify

NOW = datetime(2026, 11, 3, 12, 0, tzinfo=UTC)
KEY = b"0123456789abcdef0123456789abcdef"
SECRET = "whsec_" + base64.b64encode(KEY).decode()
BODY = b'{"type":"company.updated","data":{"id":"c1"}}'


def standard(
    body: bytes = BODY, *, key: bytes = KEY, event_id: bytes = b"evt_1", at: datetime = NOW, version: bytes = b"v1"
) -> list[tuple[bytes, bytes]]:
    timestamp = str(int(at.timestamp())).encode()
    mac = base64.b64encode(hmac.new(key, event_id + b"." + timestamp + b"." + body, hashlib.sha256).digest())
    return [
        (b"webhook-id", event_id),
        (b"webhook-timestamp", timestamp),
        (b"webhook-signature", version + b"," + mac),
    ]


def body_signature(body: bytes = BODY, *, key: bytes = b"plain secret") -> list[tuple[bytes, bytes]]:
    return [(b"x-signature", b"sha256=" + hmac.new(key, body, hashlib.sha256).hexdigest().encode())]


def check(headers: Headers, body: bytes = BODY, *secrets: str) -> str | None:
    return verify(headers, body, secrets or (SECRET,), now=NOW, tolerance_seconds=300).event_id


def refused(headers: Headers, body: bytes = BODY, *secrets: str) -> int:
    with pytest.raises(UsageError) as error:
        check(headers, body, *secrets)
    return error.value.status


def replaced(headers: list[tuple[bytes, bytes]], name: bytes, value: bytes) -> list[tuple[bytes, bytes]]:
    return [(key, value if key == name else old) for key, old in headers]


def test_a_standard_webhook_proves_body_and_id() -> None:
    assert check(standard()) == "evt_1"


def test_the_documented_example_of_standard_webhooks() -> None:
    # The example of the Standard Webhooks specification, libraries' shared test vector.
    headers = [
        (b"webhook-id", b"msg_p5jXN8AQM9LWM0D4loKWxJek"),
        (b"webhook-timestamp", b"1614265330"),
        (b"webhook-signature", b"v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="),
    ]
    delivery = verify(
        headers,
        b'{"test": 2432232314}',
        ["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"],
        now=datetime.fromtimestamp(1614265330, UTC),
        tolerance_seconds=300,
    )
    assert delivery.event_id == "msg_p5jXN8AQM9LWM0D4loKWxJek"


def test_a_body_signature_proves_the_body_and_no_id() -> None:
    headers = [*body_signature(), (b"webhook-id", b"evt_1")]
    assert check(headers, BODY, "plain secret") is None


def test_hex_may_be_upper_case() -> None:
    ((name, value),) = body_signature()
    assert check([(name, b"SHA256=" + value[7:].upper())], BODY, "plain secret") is None


@pytest.mark.parametrize("secrets", [(SECRET, "whsec_b3RoZXI="), ("whsec_b3RoZXI=", SECRET)])
def test_two_secrets_count_while_one_replaces_the_other(secrets: tuple[str, str]) -> None:
    assert check(standard(), BODY, *secrets) == "evt_1"
    assert check(body_signature(key=secrets[1].encode()), BODY, *secrets) is None


def test_one_right_signature_among_several_is_enough() -> None:
    headers = standard()
    assert check(replaced(headers, b"webhook-signature", b"v1,AAAA v1a,BBBB " + headers[2][1])) == "evt_1"


def test_a_secret_without_prefix_is_base64_or_text() -> None:
    assert check(standard(), BODY, base64.b64encode(KEY).decode()) == "evt_1"
    assert check(standard(key=b"any text, no base64"), BODY, "any text, no base64") == "evt_1"


@pytest.mark.parametrize(
    "headers",
    [
        [],
        standard(key=b"another key"),
        standard(b"another body"),
        standard(version=b"v2"),
        replaced(standard(), b"webhook-id", b"evt_2"),
        replaced(standard(), b"webhook-id", b""),
        replaced(standard(), b"webhook-id", b"x" * 201),
        replaced(standard(), b"webhook-timestamp", b"now"),
        replaced(standard(), b"webhook-timestamp", b"9" * 400),
        replaced(standard(), b"webhook-timestamp", b"-1"),
        replaced(standard(), b"webhook-timestamp", "١".encode()),
        replaced(standard(), b"webhook-signature", b""),
        replaced(standard(), b"webhook-signature", b"v1,"),
        replaced(standard(), b"webhook-signature", b"\xff\xfe,\x00"),
        replaced(standard(), b"webhook-signature", b"v1,%%%"),
        standard()[:2],
        standard()[1:],
        [*standard(), (b"Webhook-Id", b"evt_1")],
        [(b"x-signature", b"sha256=")],
        [(b"x-signature", b"sha1=" + b"0" * 40)],
        [(b"x-signature", b"\xff")],
        [(b"x-signature", body_signature(key=SECRET.encode())[0][1].replace(b"sha256", b"sha512"))],
        # A right body signature does not make up for a wrong standard one.
        [*standard(key=b"another key"), *body_signature(key=SECRET.encode())],
    ],
)
def test_anything_else_is_refused(headers: list[tuple[bytes, bytes]]) -> None:
    assert refused(headers) == 401


@pytest.mark.parametrize(("seconds", "accepted"), [(-301, False), (-299, True), (299, True), (301, False)])
def test_a_stale_or_early_timestamp_is_refused(seconds: int, accepted: bool) -> None:
    headers = standard(at=NOW + timedelta(seconds=seconds))
    if accepted:
        assert check(headers) == "evt_1"
    else:
        assert refused(headers) == 401


@pytest.mark.parametrize("secret", ["whsec_", "whsec_%%%", "whsec_é"])
def test_a_secret_without_a_key_never_accepts_the_empty_key(secret: str) -> None:
    assert refused(standard(key=b""), BODY, secret) == 401


def test_without_a_secret_there_is_nothing_here() -> None:
    assert refused(standard(key=b""), BODY, "") == 404


def test_only_so_many_signatures_are_compared() -> None:
    headers = standard()
    assert refused(replaced(headers, b"webhook-signature", b"v1,AAAA " * 50 + headers[2][1])) == 401


names = st.sampled_from([b"webhook-id", b"webhook-timestamp", b"webhook-signature", b"x-signature"])


@given(st.lists(st.tuples(names, st.binary(max_size=60))), st.binary(max_size=60))
def test_hostile_headers_are_refused_and_nothing_else(headers: list[tuple[bytes, bytes]], body: bytes) -> None:
    assert refused(headers, body) == 401


@pytest.mark.parametrize(
    "body", [b"", b"{", b"\xff\xfe", b"[]", b"5", b'"text"', b"null", b"[" * 100_000, b'{"a": "\\ud800"}', b"{'a': 1}"]
)
def test_what_is_no_json_object_is_refused(body: bytes) -> None:
    with pytest.raises(UsageError) as error:
        parse(body)
    assert error.value.status == 400


def test_an_event_of_another_entity_is_refused() -> None:
    check_entity(None, "497F6ECA")
    check_entity("497f6eca", "497F6ECA")
    with pytest.raises(UsageError) as error:
        check_entity("other", "497F6ECA")
    assert error.value.status == 403
