"""The Wavo sandbox against wavo.txt, over HTTP."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from tests.support.sandboxes import Box


def made(answer: httpx.Response) -> Any:
    assert answer.status_code == 201, answer.text
    return answer.json()["data"]


@pytest.fixture
def client(wavo: httpx.Client) -> dict[str, Any]:
    return dict(made(wavo.post("/clients", json={"name": "Thompson LLC", "max_emails": 3})))


@pytest.fixture
def campaign(wavo: httpx.Client, client: dict[str, Any]) -> dict[str, Any]:
    body = {"name": "consequuntur", "client_id": client["id"], "timezone": "US/Mountain"}
    return dict(made(wavo.post("/campaigns", json=body)))


def contact(wavo: httpx.Client, campaign: dict[str, Any], email: str = "a@b.co", **fields: Any) -> dict[str, Any]:
    (row,) = made(wavo.post("/contacts", json={"campaign_id": campaign["id"], "email": email, **fields}))
    return dict(row)


@pytest.mark.parametrize("authorization", ["", "sandbox-wavo-token", "Bearer wrong"])
def test_a_wrong_token_is_401(wavo: httpx.Client, authorization: str) -> None:
    answer = wavo.get("/clients", headers={"Authorization": authorization})
    assert (answer.status_code, answer.json()) == (401, {"message": "Unauthenticated."})


def test_clients_and_campaigns(wavo: httpx.Client, client: dict[str, Any], campaign: dict[str, Any]) -> None:
    assert list(client) == ["id", "name", "max_emails", "created_at"]
    assert isinstance(client["created_at"], int)
    other = made(wavo.post("/clients", json={"name": "Other", "max_emails": 1}))
    assert sorted(len(one["id"]) for one in (client, other)) == [19, 20]
    assert wavo.get("/clients").json() == {"data": [client, other]}
    assert campaign["client"] == client
    assert (campaign["status"], campaign["timezone"]) == ("DRAFT", "US/Mountain")
    assert wavo.get("/campaigns").json() == {"data": [campaign]}
    assert wavo.get("/campaigns", params={"client_id": client["id"]}).json() == {"data": [campaign]}
    assert wavo.get("/campaigns", params={"client_id": "other"}).json() == {"data": []}


def test_slashes_are_escaped(wavo: httpx.Client, campaign: dict[str, Any]) -> None:
    assert r'"US\/Mountain"' in wavo.get("/campaigns").text


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/clients", {"name": "x"}),
        ("/clients", {"name": "", "max_emails": 3}),
        ("/clients", {"name": "x", "max_emails": "3"}),
        ("/campaigns", {"name": "x", "timezone": "UTC"}),
        ("/campaigns", {"name": "x", "timezone": "UTC", "client_id": "unknown"}),
        ("/contacts", {"email": "a@b.co"}),
        ("/contacts", {"email": "a@b.co", "campaign_id": "unknown"}),
        ("/suppressions/emails", {"client_id": "unknown", "emails": ["a@b.co"]}),
        ("/suppressions/emails", {"client_id": "unknown"}),
        ("/suppressions/domains", {"client_id": "unknown", "domains": []}),
    ],
)
def test_a_wrong_body_answers_the_open_status(wavo_box: Box, wavo: httpx.Client, path: str, body: object) -> None:
    assert wavo.post(path, json=body).status_code == 422
    wavo_box.control.switches(invalid_status=400)
    assert wavo.post(path, json=body).status_code == 400


def test_users_are_invited_changed_and_removed(wavo_box: Box, wavo: httpx.Client, client: dict[str, Any]) -> None:
    path, email = f"/clients/{client['id']}/users", {"email": "mike@wavo.co"}
    asked = {**email, "view_campaigns": True, "create_campaigns": True, "export_campaigns": True}
    answer = wavo.post(path, json=asked)
    assert (answer.status_code, answer.json()) == (200, {"message": "An invitation was sent to mike@wavo.co"})
    assert wavo.post(path, json=asked).status_code == 422
    (invited,) = wavo.get(path).json()["data"]["invitations"]
    assert invited["roles"] == ["view_campaigns", "create_campaigns", "export_data"]
    changed = wavo.put(path, json={**email, "view_campaigns": False, "create_campaigns": False})
    assert (changed.status_code, changed.json()) == (200, {"message": "Success. Updated user roles."})
    assert wavo.get(path).json()["data"]["invitations"][0]["roles"] == ["export_data"]
    (row,) = wavo_box.control.dump("users")
    wavo_box.control.patch("users", row["id"], {"invited": False, "name": "Mike Jones"})
    (user,) = wavo.get(path).json()["data"]["users"]
    assert list(user) == ["name", "email", "created_at", "roles"]
    gone = wavo.delete(path, params=email)
    assert (gone.status_code, gone.content) == (204, b"")
    assert wavo.delete(path, params=email).status_code == 404
    assert wavo.delete(path).status_code == 422
    assert wavo.put(path, json=email).status_code == 404
    assert wavo.get("/clients/unknown/users").status_code == 404


def test_a_contact_is_created_in_a_list_and_read_as_an_object(
    wavo: httpx.Client, client: dict[str, Any], campaign: dict[str, Any]
) -> None:
    row = contact(wavo, campaign, first_name="Aditya", custom_merge_fields={"fav color": "purple"})
    assert (row["status"], row["interest"], row["emails_sent"], row["last_name"]) == ("OK", None, 0, None)
    short = {name: client[name] for name in ("id", "name", "created_at")}
    assert row["campaign"] == {**campaign, "client": short}
    assert wavo.get(f"/contacts/{row['id']}").json() == {"data": row}
    (listed,) = wavo.get(f"/campaigns/{campaign['id']}/contacts").json()["data"]
    assert listed == {name: value for name, value in row.items() if name != "campaign"}
    assert wavo.get("/contacts/unknown").status_code == 404
    assert wavo.get("/campaigns/unknown/contacts").status_code == 404


def test_contacts_are_filtered_in_lower_case(wavo_box: Box, wavo: httpx.Client, campaign: dict[str, Any]) -> None:
    fields: list[dict[str, Any]] = [
        {"status": "OK", "interest": None, "emails_sent": 0},
        {"status": "REPLIED", "interest": "POSITIVE", "emails_sent": 3},
        {"status": "MISSING-DATA", "interest": "NEGATIVE", "emails_sent": 3},
    ]
    rows = [{"id": f"c{n}", "campaign_id": campaign["id"], "email": f"{n}@b.co", **one} for n, one in enumerate(fields)]
    wavo_box.control.seed({"contacts": rows})
    path = f"/campaigns/{campaign['id']}/contacts"

    def found(**query: Any) -> list[str]:
        return [row["id"] for row in wavo.get(path, params=query).json()["data"]]

    assert found() == ["c0", "c1", "c2"]
    assert found(status="replied") == ["c1"]
    assert found(status="missing-data") == ["c2"]
    assert found(interest="unmarked") == ["c0"]
    assert found(emails_sent=3, interest="positive") == ["c1"]
    assert found(limit=1, offset=1) == ["c1"]
    for wrong in ({"status": "REPLIED"}, {"interest": "x"}, {"emails_sent": "x"}, {"limit": 501}, {"limit": 0}):
        assert wavo.get(path, params=wrong).status_code == 422, wrong


def test_search_is_by_email(wavo: httpx.Client, client: dict[str, Any], campaign: dict[str, Any]) -> None:
    row = contact(wavo, campaign)

    def found(**query: str) -> list[Any]:
        return list(wavo.get("/contacts", params={"email": "A@b.co", **query}).json()["data"])

    assert found() == found(client_id=client["id"]) == found(campaign_id=campaign["id"]) == [row]
    assert found(client_id="other") == found(campaign_id="other") == []
    assert wavo.get("/contacts").status_code == 422


def test_whether_an_email_is_unique_in_a_campaign_is_open(
    wavo_box: Box, wavo: httpx.Client, campaign: dict[str, Any]
) -> None:
    body = {"campaign_id": campaign["id"], "email": "a@b.co"}
    assert [wavo.post("/contacts", json=body).status_code for _ in range(2)] == [201, 201]
    wavo_box.control.switches(unique_email_in_campaign=True)
    assert wavo.post("/contacts", json=body).status_code == 422


def test_replies_and_threads(wavo_box: Box, wavo: httpx.Client, campaign: dict[str, Any]) -> None:
    person = contact(wavo, campaign)
    common = {"campaign_id": campaign["id"], "contact_id": person["id"], "thread_id": "t1", "subject": "S"}
    sent = {**common, "id": "m0", "is_reply": False}
    replies = [{**common, "id": f"m{n}"} for n in range(1, 13)]
    stray = {**common, "id": "m99", "is_reply": False, "thread_id": "t9", "shown_in_thread": "t1"}
    thread = {"id": "t1", "campaign_id": campaign["id"], "contact_id": person["id"]}
    wavo_box.control.seed({"messages": [sent, *replies, stray], "threads": [thread]})
    of_campaign = wavo.get(f"/campaigns/{campaign['id']}/replies").json()["data"]
    assert [row["id"] for row in of_campaign] == [f"m{n}" for n in range(1, 11)]
    page = wavo.get(f"/campaigns/{campaign['id']}/replies", params={"limit": 20, "offset": 10}).json()["data"]
    assert [row["id"] for row in page] == ["m11", "m12"]
    assert wavo.get(f"/campaigns/{campaign['id']}/replies", params={"limit": 21}).status_code == 422
    assert len(wavo.get(f"/contacts/{person['id']}/replies").json()["data"]) == 12
    shown = wavo.get("/email-threads/t1").json()["data"]
    assert [row["id"] for row in shown["email_messages"]][:2] == ["m0", "m1"]
    assert shown["email_messages"][-1]["thread_id"] == "t9"
    assert wavo.get("/email-threads/t2").status_code == 404


@pytest.mark.parametrize(("kind", "value"), [("emails", "a@b.co"), ("domains", "b.co")])
def test_suppression_unsubscribes(
    wavo: httpx.Client, client: dict[str, Any], campaign: dict[str, Any], kind: str, value: str
) -> None:
    old, other = contact(wavo, campaign), contact(wavo, campaign, "a@c.co")
    assert made(wavo.post(f"/suppressions/{kind}", json={"client_id": client["id"], kind: [value]})) == [value]
    assert wavo.get(f"/contacts/{old['id']}").json()["data"]["status"] == "UNSUBSCRIBED"
    assert wavo.get(f"/contacts/{other['id']}").json()["data"]["status"] == "OK"
    assert contact(wavo, campaign)["status"] == "UNSUBSCRIBED"
    assert wavo.get(f"/suppressions/{kind}").status_code == 405


def test_limits_are_independent(wavo_box: Box, wavo: httpx.Client) -> None:
    wavo_box.control.switches(limit_contact_search=10, limit_clients=10)
    searches = [wavo.get("/contacts", params={"email": "a@b.co"}).status_code for _ in range(11)]
    assert searches == [200] * 10 + [429]
    # As many again in the same minute, of another group with a limit of the same size.
    assert [wavo.get("/clients").status_code for _ in range(11)] == [200] * 10 + [429]
    wavo_box.control.switches(limit_seconds=0.05)
    assert wavo.get("/clients").status_code == 200
