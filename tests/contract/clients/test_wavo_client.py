"""Every operation of Wavo, client against sandbox."""

from __future__ import annotations

import pytest
from client_remotes import Remote

from bridge import transport
from bridge.clients.wavo import GROUPS, LIMITS, WavoClient, rate
from bridge.core.errors import AlreadyThere, KeyRefused, NotThere, Rejected, Throttled
from bridge.transport import LocalLimiter, Timing


@pytest.fixture(autouse=True)
def _no_limits(wavo_remote: Remote) -> None:
    wavo_remote.control.switches(**{f"limit_{group}": None for group in GROUPS})


@pytest.fixture
def client_id(wavo: WavoClient) -> str:
    return str(wavo.clients.create("Thompson LLC", 3).value["id"])


@pytest.fixture
def campaign_id(wavo: WavoClient, client_id: str) -> str:
    return str(wavo.campaigns.create("Spring", client_id, "US/Mountain").value["id"])


def test_clients_and_campaigns(wavo: WavoClient, client_id: str, campaign_id: str) -> None:
    other = wavo.clients.create("Block PLC", 3).value
    assert other["max_emails"] == 3
    assert {one["id"] for one in wavo.clients.list().value.items} == {client_id, other["id"]}
    (campaign,) = wavo.campaigns.list().value.items
    assert (campaign["id"], campaign["timezone"], campaign["client"]["id"]) == (campaign_id, "US/Mountain", client_id)
    assert len(wavo.campaigns.list(client_id=client_id).value.items) == 1
    with pytest.raises(Rejected):
        wavo.campaigns.create("", client_id, "US/Mountain")


def test_client_users(wavo: WavoClient, client_id: str) -> None:
    assert "mike@wavo.co" in wavo.clients.add_user(client_id, "mike@wavo.co", export_campaigns=True).value
    (invited,) = wavo.clients.users(client_id).value["invitations"]
    assert invited["roles"] == ["export_data"]
    wavo.clients.update_user(client_id, "mike@wavo.co", export_campaigns=False, view_campaigns=True)
    assert wavo.clients.users(client_id).value["invitations"][0]["roles"] == ["view_campaigns"]
    wavo.clients.delete_user(client_id, "mike@wavo.co")
    assert wavo.clients.users(client_id).value["invitations"] == []


def test_contacts(wavo: WavoClient, campaign_id: str, client_id: str) -> None:
    made = wavo.contacts.create(campaign_id, "ada@example.org", {"first_name": "Ada"}).value
    found = wavo.contacts.get(made["id"]).value
    assert (found["first_name"], found["campaign"]["id"]) == ("Ada", campaign_id)
    for number in range(4):
        wavo.contacts.create(campaign_id, f"p{number}@example.org")
    listed = [row["id"] for page in wavo.contacts.pages(campaign_id, limit=2) for row in page.items]
    assert len(listed) == len(set(listed)) == 5
    assert len([row for page in wavo.contacts.pages(campaign_id, interest="unmarked") for row in page.items]) == 5
    assert [row for page in wavo.contacts.pages(campaign_id, status="replied") for row in page.items] == []
    for filters in ({}, {"client_id": client_id}, {"campaign_id": campaign_id}):
        assert [one["id"] for one in wavo.contacts.search("ada@example.org", **filters).value.items] == [made["id"]]
    with pytest.raises(NotThere):
        wavo.contacts.get("nobodynobodynobodynobody1")


@pytest.mark.parametrize("status", [400, 422])
def test_a_second_contact_with_an_email_where_it_must_be_the_only_one(
    wavo: WavoClient, wavo_remote: Remote, campaign_id: str, status: int
) -> None:
    wavo_remote.control.switches(unique_email_in_campaign=True, invalid_status=status)
    wavo.contacts.create(campaign_id, "ada@example.org")
    with pytest.raises(AlreadyThere):
        wavo.contacts.create(campaign_id, "ada@example.org")


def test_replies_and_threads(wavo: WavoClient, wavo_remote: Remote, campaign_id: str) -> None:
    contact = wavo.contacts.create(campaign_id, "ada@example.org").value["id"]
    held = {"campaign_id": campaign_id, "contact_id": contact}
    thread_id = wavo_remote.control.create("threads", held)["id"]
    replies = [wavo_remote.control.create("messages", {**held, "thread_id": thread_id}) for _ in range(5)]
    ids = {one["id"] for one in replies}
    assert {row["id"] for page in wavo.replies.of_campaign(campaign_id, limit=2) for row in page.items} == ids
    assert {one["id"] for one in wavo.replies.of_contact(contact).value.items} == ids
    thread = wavo.replies.thread(thread_id).value
    assert thread["contact_id"] == contact
    assert thread["email_messages"]


def test_suppressions(wavo: WavoClient, client_id: str) -> None:
    assert wavo.suppressions.add_emails(client_id, ["a@example.com", "b@example.com"]).value == (
        "a@example.com",
        "b@example.com",
    )
    assert wavo.suppressions.add_domains(client_id, ["example.com"]).value == ("example.com",)


def test_groups_have_limits_of_their_own(wavo_remote: Remote) -> None:
    wavo_remote.control.switches(limit_contact_search=3, limit_clients=5)
    assert set(LIMITS) == set(GROUPS)
    https = {
        group: transport.open(
            "wavo",
            wavo_remote.base_url,
            "Bearer token",
            LocalLimiter(rate({"contact_search": 3, "clients": 5}.get(group, 60))),
            timing=Timing(patience=1.5, attempts=1),
        )
        for group in GROUPS
    }
    wavo = WavoClient(https)
    for _ in range(3):
        wavo.contacts.search("ada@example.org")
    with pytest.raises(Throttled):
        wavo.contacts.search("ada@example.org")
    for _ in range(5):
        wavo.clients.list()
    assert wavo_remote.control.stats()["too_many"] == 0
    for http in https.values():
        http.close()


def test_a_wrong_token_is_refused(wavo_remote: Remote) -> None:
    wrong = transport.open("wavo", wavo_remote.base_url, "Bearer wrong", wavo_remote.http._limiter)
    with pytest.raises(KeyRefused):
        WavoClient(dict.fromkeys(GROUPS, wrong)).clients.list()
    wrong.close()
