"""One call to a remote: what is sent, how silence and refusals are named, what is repeated."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from bridge import transport
from bridge.core.errors import (
    AlreadyThere,
    BrokenRemote,
    KeyRefused,
    NotThere,
    OutcomeUnknown,
    ParentNotThere,
    Rejected,
    RemoteError,
    SettingsError,
    Throttled,
    Transient,
)
from bridge.core.records import Lane
from bridge.transport import Call, CallCounter, Http, Slot, Timing

FAST = Timing(timeout=10.0, patience=0.5, broken_after=60.0, attempts=3, first_pause=0.001)
NOW = datetime(2026, 11, 2, 12, 0, 0, tzinfo=UTC)
READ = Call("GET", "/companies/{id}", {"id": "c1"})
WRITE = Call("PATCH", "/companies/{id}", {"id": "c1"}, body={"name": "Ada Byron", "email": "ada@byron.org"})


class Open:
    """Always a slot; remembers what it was told."""

    def __init__(self) -> None:
        self.lanes: list[str] = []
        self.answers = 0
        self.held: list[float] = []

    def acquire(self, lane: Lane, patience: float) -> Slot:
        self.lanes.append(lane)
        return Slot("1", 0, shared=False)

    def answered(self, slot: Slot, round_trip: float) -> None:
        self.answers += 1

    def hold(self, seconds: float) -> None:
        self.held.append(seconds)


class Script:
    """Plays answers one after the other; the last one stays."""

    def __init__(self, *answers: httpx.Response | Exception | type[Exception]) -> None:
        self.answers = list(answers)
        self.requests: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, httpx.Response):
            return httpx.Response(answer.status_code, headers=answer.headers, content=answer.content)
        raise answer if isinstance(answer, Exception) else answer("told by test")


def client(
    handler: Callable[[httpx.Request], httpx.Response],
    limiter: Open | None = None,
    timing: Timing = FAST,
    calls: CallCounter | None = None,
    base_url: str = "https://crm.example.com/api/crm",
) -> Http:
    return transport.open(
        "crm",
        base_url,
        "Bearer ak_secret",
        limiter or Open(),
        timing=timing,
        calls=calls,
        now=lambda: NOW,
        transport=httpx.MockTransport(handler),
    )


def json(status: int, body: object, **headers: str) -> httpx.Response:
    return httpx.Response(status, json=body, headers={k.replace("_", "-"): v for k, v in headers.items()})


OK = json(200, {"id": "c1"})
PAGE = httpx.Response(200, text="<html>Sign in</html>", headers={"content-type": "text/html"})


class TestWhatIsSent:
    def test_ids_and_queries_are_escaped_whole(self) -> None:
        script = Script(OK)
        client(script).read(
            Call(
                "GET",
                "/accounts/{id}",
                {"id": "a/b c?"},
                {"after": "2026-01-01T00:00:00+02:00", "name": "test company", "none": None},
            )
        )
        url = str(script.requests[0].url)
        assert (
            url
            == "https://crm.example.com/api/crm/accounts/a%2Fb%20c%3F?after=2026-01-01T00%3A00%3A00%2B02%3A00&name=test%20company"
        )

    @pytest.mark.parametrize("path", ["/my%20api", "/a%2Fb", "/%C3%BC"])
    def test_a_base_url_is_kept_as_it_is_spelled(self, path: str) -> None:
        script = Script(OK)
        client(script, base_url=f"https://crm.example.com{path}/").read(Call("GET", "/accounts"))
        assert str(script.requests[0].url) == f"https://crm.example.com{path}/accounts"

    @pytest.mark.parametrize("id", ["", ".", ".."])
    def test_an_id_that_is_none_is_never_sent(self, id: str) -> None:
        script = Script(OK)
        with pytest.raises(Rejected):
            client(script).read(Call("GET", "/accounts/{id}", {"id": id}))
        assert script.requests == []

    def test_the_key_goes_in_its_header_as_given(self) -> None:
        script = Script(OK)
        client(script).write(WRITE)
        assert script.requests[0].headers["authorization"] == "Bearer ak_secret"
        assert script.requests[0].headers["content-type"] == "application/json"

    @pytest.mark.parametrize("key", ["", "  ", "ak_\nX-Other: 1", "ak_ö"])
    def test_a_key_that_no_header_can_carry_is_a_settings_error(self, key: str) -> None:
        with pytest.raises(SettingsError):
            transport.open("crm", "https://crm.example.com", key, Open())

    def test_the_lane_reaches_the_limiter_and_the_answer_is_told_to_it(self) -> None:
        limiter = Open()
        client(Script(OK), limiter).read(Call("GET", "/x", lane="backfill"))
        assert (limiter.lanes, limiter.answers) == (["backfill"], 1)


class TestErrors:
    @pytest.mark.parametrize(
        ("status", "words", "read", "write"),
        [
            (401, "bad key", KeyRefused, KeyRefused),
            (403, "wrong entity", KeyRefused, KeyRefused),
            (404, "not found", NotThere, NotThere),
            (405, "no", Rejected, Rejected),
            (408, "slow", Transient, Transient),
            (412, "domain does not correspond to a company", ParentNotThere, ParentNotThere),
            (400, "name is required", Rejected, Rejected),
            (400, "Account already exists", AlreadyThere, AlreadyThere),
            (409, "duplicate domain", AlreadyThere, AlreadyThere),
            (409, "", AlreadyThere, AlreadyThere),
            (409, "the stage still has leads", Rejected, Rejected),
            (422, "domain must be unique", AlreadyThere, AlreadyThere),
            (400, "company not found", ParentNotThere, ParentNotThere),
            (422, "no such company", ParentNotThere, ParentNotThere),
            (
                409,
                "account_source_specific_id does not match an existing company account",
                ParentNotThere,
                ParentNotThere,
            ),
            (500, "oops", Transient, OutcomeUnknown),
            (502, "oops", Transient, OutcomeUnknown),
            (504, "oops", Transient, OutcomeUnknown),
            (302, "", BrokenRemote, OutcomeUnknown),
        ],
    )
    def test_statuses_by_what_comes_next(
        self, status: int, words: str, read: type[RemoteError], write: type[RemoteError]
    ) -> None:
        answer = json(status, {"error": words})
        for call, expected in ((READ, read), (WRITE, write)):
            http = client(Script(answer))
            with pytest.raises(RemoteError) as caught:
                http.read(call) if call is READ else http.write(call)
            assert type(caught.value) is expected
            assert caught.value.status == status
            assert caught.value.operation == call.operation

    @pytest.mark.parametrize(
        "body",
        [
            {"error": "email is taken"},
            {"message": "Invalid data", "errors": {"email": ["email is taken"]}},
            {"errors": [{"detail": "email is taken"}]},
            {"error": {"code": 7, "message": "email is taken"}},
            ["email is taken"],
            "email is taken",
        ],
    )
    def test_the_words_are_found_wherever_they_are(self, body: object) -> None:
        with pytest.raises(AlreadyThere, match="email is taken"):
            client(Script(json(422, body))).write(WRITE)

    def test_a_web_page_is_no_answer(self) -> None:
        with pytest.raises(BrokenRemote):
            client(Script(PAGE)).read(READ)
        with pytest.raises(OutcomeUnknown):
            client(Script(PAGE)).write(WRITE)

    def test_a_web_page_that_says_404_proves_no_absence(self) -> None:
        missing = httpx.Response(404, text="<!doctype html>nginx", headers={"content-type": "text/html"})
        with pytest.raises(BrokenRemote):
            client(Script(missing)).read(READ)

    def test_a_truncated_body_is_read_again(self) -> None:
        script = Script(httpx.Response(200, content=b'{"id": "c'), OK)
        assert client(script).read(READ).body == {"id": "c1"}

    @pytest.mark.parametrize(
        "silence", [httpx.ReadTimeout, httpx.ReadError, httpx.RemoteProtocolError, httpx.WriteError]
    )
    def test_a_write_without_an_answer_has_an_unknown_outcome(self, silence: type[Exception]) -> None:
        script = Script(silence)
        with pytest.raises(OutcomeUnknown):
            client(script).write(WRITE)
        assert len(script.requests) == 1

    @pytest.mark.parametrize("silence", [httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout])
    def test_a_write_that_never_left_may_be_tried_again(self, silence: type[Exception]) -> None:
        with pytest.raises(Transient):
            client(Script(silence)).write(WRITE)

    def test_a_lasting_outage_is_a_broken_remote(self) -> None:
        http = client(Script(httpx.ConnectError), timing=Timing(broken_after=0.05, attempts=1, first_pause=0.001))
        with pytest.raises(Transient):
            http.read(READ)
        threading.Event().wait(0.06)
        with pytest.raises(BrokenRemote):
            http.read(READ)

    def test_one_answer_ends_an_outage(self) -> None:
        script = Script(json(503, {}), OK, json(503, {}))
        http = client(script, timing=Timing(broken_after=0.05, attempts=1, first_pause=0.001))
        with pytest.raises(Transient):
            http.read(READ)
        threading.Event().wait(0.06)
        http.read(READ)
        with pytest.raises(Transient):
            http.read(READ)

    def test_messages_hold_no_body_no_id_and_no_person(self) -> None:
        words = 'contact "Ada Byron" <ada@byron.org> 497f6eca-6276-4993-bfeb-53cbbbba6f08 exists, key ak_secret'
        with pytest.raises(AlreadyThere) as caught:
            client(Script(json(409, {"error": words}))).write(WRITE)
        text = str(caught.value)
        assert text.startswith("PATCH /companies/{id} answered 409: ")
        for secret in ("Ada", "byron", "497f", "ak_secret", "c1"):
            assert secret not in text


class TestRepeating:
    def test_reads_are_repeated(self) -> None:
        script = Script(json(500, {}), httpx.ReadTimeout, OK)
        assert client(script).read(READ).status == 200
        assert len(script.requests) == 3

    def test_refused_reads_are_not(self) -> None:
        script = Script(json(400, {"error": "no"}))
        with pytest.raises(Rejected):
            client(script).read(READ)
        assert len(script.requests) == 1

    def test_writes_never_are(self) -> None:
        script = Script(json(500, {}), OK)
        with pytest.raises(OutcomeUnknown):
            client(script).write(WRITE)
        assert len(script.requests) == 1

    def test_redirects_are_not_followed(self) -> None:
        script = Script(httpx.Response(302, headers={"location": "https://elsewhere.example.com"}))
        with pytest.raises(BrokenRemote):
            client(script).read(READ)
        assert len(script.requests) == 1


class TestThrottling:
    @pytest.mark.parametrize(
        ("header", "seconds"),
        [
            ("7", 7.0),
            ("0.5", 0.5),
            ("Mon, 02 Nov 2026 12:00:09 GMT", 9.0),
            ("soon", 1.0),
            ("-3", 0.0),
            ("999999", 3600.0),
            ("nan", 1.0),
        ],
    )
    def test_retry_after_closes_the_gate_for_all(self, header: str, seconds: float) -> None:
        limiter = Open()
        with pytest.raises(Throttled) as caught:
            client(Script(json(429, {}, retry_after=header)), limiter).write(WRITE)
        assert caught.value.retry_after == seconds
        assert limiter.held == [seconds]

    def test_its_date_is_the_remotes_clock(self) -> None:
        answer = json(429, {}, retry_after="Mon, 02 Nov 2026 13:00:05 GMT", date="Mon, 02 Nov 2026 13:00:00 GMT")
        with pytest.raises(Throttled) as caught:
            client(Script(answer)).write(WRITE)
        assert caught.value.retry_after == 5.0

    def test_without_one_it_is_a_second(self) -> None:
        with pytest.raises(Throttled) as caught:
            client(Script(json(429, {}))).write(WRITE)
        assert caught.value.retry_after == 1.0

    def test_a_short_one_is_waited_out_by_a_read(self) -> None:
        assert client(Script(json(429, {}, retry_after="0.01"), OK)).read(READ).status == 200

    def test_a_long_one_goes_back_to_the_change(self) -> None:
        script = Script(json(429, {}, retry_after="30"), OK)
        with pytest.raises(Throttled):
            client(script).read(READ)
        assert len(script.requests) == 1

    def test_no_slot_in_time_names_the_operation_and_sends_nothing(self) -> None:
        class Closed(Open):
            def acquire(self, lane: Lane, patience: float) -> Slot:
                raise Throttled("closed", retry_after=9.0)

        script = Script(OK)
        with pytest.raises(Throttled) as caught:
            client(script, Closed()).read(READ)
        assert caught.value.retry_after == 9.0
        assert caught.value.operation == "GET /companies/{id}"
        assert script.requests == []


class TestClockAndCounts:
    def test_the_date_header_tells_the_remotes_clock(self) -> None:
        http = client(Script(json(200, {"id": "c1"}, date="Mon, 02 Nov 2026 12:00:30 GMT")))
        assert http.clock.offset() is None
        answer = http.read(READ)
        assert answer.server_date == NOW + timedelta(seconds=30)
        assert http.clock.offset() == timedelta(seconds=30.5)

    def test_a_broken_date_says_nothing(self) -> None:
        http = client(Script(json(200, {"id": "c1"}, date="yesterday")))
        assert http.read(READ).server_date is None
        assert http.clock.offset() is None

    def test_calls_are_counted_by_result(self) -> None:
        calls = CallCounter()
        script = Script(
            OK, json(404, {}), json(429, {}), json(400, {}), json(500, {}), httpx.ReadTimeout, httpx.ConnectError
        )
        http = client(script, calls=calls, timing=Timing(attempts=1))
        http.read(READ)
        for _ in range(6):
            with pytest.raises(RemoteError):
                http.write(WRITE)
        seen = calls.read()
        assert (seen.answered, seen.throttled, seen.refused, seen.failed, seen.unanswered) == (2, 1, 1, 1, 1)
        assert (seen.total, seen.writes, seen.backfill) == (6, 5, 0)


class TestAddress:
    @pytest.mark.parametrize(
        "url",
        [
            "crm.example.com",
            "ftp://crm.example.com",
            "https://",
            "http://crm.example.com/api",
            "https://key@crm.example.com",
            "https://crm.example.com/?x=1",
            "https://crm.example.com/#top",
            "https://crm.example.com:port",
        ],
    )
    def test_urls_that_no_key_should_go_to(self, url: str) -> None:
        with pytest.raises(SettingsError):
            transport.check_base_url(url)

    @pytest.mark.parametrize(
        "url", ["http://127.0.0.1:8080/api/crm", "http://sandbox:1", "http://[::1]:9", "http://10.1.2.3"]
    )
    def test_plain_http_stays_near(self, url: str) -> None:
        assert transport.check_base_url(url + "/") == url


@pytest.fixture
def dripping() -> Iterator[str]:
    """A server that sends its body one byte at a time, never pausing long enough for a read time-out."""
    listener = socket.create_server(("127.0.0.1", 0))
    stop = threading.Event()

    def run() -> None:
        connection, _ = listener.accept()
        with connection:
            connection.recv(65536)
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n")
            while not stop.wait(0.05):
                try:
                    connection.sendall(b" ")
                except OSError:
                    return

    thread = threading.Thread(target=run)
    thread.start()
    yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    stop.set()
    thread.join()
    listener.close()


def test_a_write_whose_answer_drips_is_given_up_in_time(dripping: str) -> None:
    http = transport.open("crm", dripping, "k", Open(), timing=Timing(timeout=0.3))
    with pytest.raises(OutcomeUnknown):
        http.write(WRITE)
    http.close()


def test_no_log_holds_a_url_or_the_key(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    client(Script(json(500, {}), OK)).read(Call("GET", "/contacts/{id}", {"id": "ada@byron.org"}))
    assert "ada" not in caplog.text
    assert "ak_secret" not in caplog.text


def test_a_call_shows_no_values() -> None:
    assert "Ada" not in repr(WRITE)
    assert "c1" not in repr(WRITE)
