"""What the engine sees of the CRM, with each open point played each way."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from client_remotes import ENTITY, Remote

from bridge.clients.crm import CrmClient, Names
from bridge.connectors import CrmConnector, CrmOptions
from bridge.core.errors import (
    BrokenRemote,
    KeyRefused,
    OutcomeUnknown,
    ParentNotThere,
    Rejected,
    RemoteError,
    Throttled,
    Transient,
)
from bridge.core.records import Patch, Record, Ref, Sent

NOBODY = "00000000-0000-4000-8000-000000000000"


def write(connector: CrmConnector, verb: str, patch: Patch) -> str:
    """All steps of a patch, the way the engine sends them: a step without an id gets the created one."""
    made: str | None = patch.record_id
    for step in connector.steps(verb, patch):
        sent: Sent = connector.send(step if step.record_id else _with_id(step, made))
        made = sent.record_id or made
    assert made is not None
    return made


def _with_id(step: Any, record_id: str | None) -> Any:
    return type(step)(step.system, step.object, step.verb, record_id, step.payload, step.values, step.calls)


def create(connector: CrmConnector, object: str, **values: Any) -> str:
    return write(connector, "create", Patch(object, None, values))


def read(connector: CrmConnector, object: str, record_id: str) -> Mapping[str, Any]:
    found = connector.get(Ref("crm", object, record_id))
    assert found is not None
    return found.raw


def listed(connector: CrmConnector, object: str) -> dict[str, Record]:
    return {one.ref.id: one for page in connector.pages(object) for one in page.records}


def play(remote: Remote, **switches: object) -> None:
    remote.control.switches(**switches)


@pytest.mark.parametrize("lists", ["named", "data", "bare"])
@pytest.mark.parametrize("objects", ["bare", "named", "data"])
@pytest.mark.parametrize("made", [200, 201])
def test_every_envelope_is_opened(
    crm_connector: CrmConnector, crm_remote: Remote, lists: str, objects: str, made: int
) -> None:
    play(crm_remote, list_envelope=lists, object_envelope=objects, created_status=made)
    company = create(crm_connector, "companies", name="Acme")
    contact = create(crm_connector, "contacts", firstName="Ada", companyId=company)
    lead = create(crm_connector, "leads", title="Deal", companyId=company)
    activity = create(crm_connector, "activities", type="call", subject="Intro", leadId=lead)
    for object, record_id in (("companies", company), ("contacts", contact), ("leads", lead), ("activities", activity)):
        assert list(listed(crm_connector, object)) == [record_id]
        found = crm_connector.get(Ref("crm", object, record_id))
        assert found is not None
        assert found.raw == listed(crm_connector, object)[record_id].raw
        assert found.updated_at is not None
        assert found.read_at is not None


@pytest.mark.parametrize("body", ["success", "empty", "none"])
def test_deletes_whatever_they_answer(crm_connector: CrmConnector, crm_remote: Remote, body: str) -> None:
    play(crm_remote, delete_body=body)
    contact = create(crm_connector, "contacts", firstName="Ada")
    write(crm_connector, "delete", Patch("contacts", contact))
    assert crm_connector.get(Ref("crm", "contacts", contact)) is None


@pytest.mark.parametrize("embedded", [True, False])
@pytest.mark.parametrize("path", ["membership", "company"])
class TestCompanyOfAContact:
    @pytest.fixture(autouse=True)
    def _play(self, crm_remote: Remote, crm: CrmClient, embedded: bool, path: Any) -> None:
        play(crm_remote, embedded_memberships=embedded, membership_path=path)
        self.connector = CrmConnector(crm, CrmOptions(membership_id=path))
        self.acme = create(self.connector, "companies", name="Acme")
        self.beta = create(self.connector, "companies", name="Beta")

    def company(self, contact: str) -> object:
        one = read(self.connector, "contacts", contact).get("companyId", "absent")
        assert listed(self.connector, "contacts")[contact].raw.get("companyId", "absent") == one
        return one

    def test_moves_and_clears(self) -> None:
        ada = create(self.connector, "contacts", firstName="Ada", companyId=self.acme)
        assert self.company(ada) == self.acme
        write(self.connector, "update", Patch("contacts", ada, {"companyId": self.beta}, {"companyId": self.acme}))
        assert self.company(ada) == self.beta
        write(self.connector, "update", Patch("contacts", ada, {"companyId": None}, {"companyId": self.beta}))
        assert self.company(ada) is None

    def test_other_memberships_stay(self, crm: CrmClient) -> None:
        third = create(self.connector, "companies", name="Third")
        ada = create(self.connector, "contacts", firstName="Ada", companyId=self.acme)
        crm.memberships.add(ada, third)
        write(self.connector, "update", Patch("contacts", ada, {"companyId": self.beta}, {"companyId": self.acme}))
        assert self.company(ada) == self.beta
        assert {one["companyId"] for one in crm.memberships.list(ada).value.items} == {self.beta, third}

    def test_one_that_is_a_member_already_becomes_primary(self, crm: CrmClient) -> None:
        ada = create(self.connector, "contacts", firstName="Ada", companyId=self.acme)
        crm.memberships.add(ada, self.beta)
        write(self.connector, "update", Patch("contacts", ada, {"companyId": self.beta}, {"companyId": self.acme}))
        assert self.company(ada) == self.beta

    def test_a_repeated_move_adds_nothing_twice(self, crm: CrmClient) -> None:
        ada = create(self.connector, "contacts", firstName="Ada", companyId=self.acme)
        patch = Patch("contacts", ada, {"companyId": self.beta}, {"companyId": self.acme})
        write(self.connector, "update", patch)
        write(self.connector, "update", patch)
        assert [one["companyId"] for one in crm.memberships.list(ada).value.items] == [self.beta]

    def test_several_without_a_primary_are_none_to_choose(self, crm: CrmClient, crm_remote: Remote) -> None:
        play(crm_remote, first_membership_primary=False)
        ada = create(self.connector, "contacts", firstName="Ada")
        for company in (self.acme, self.beta):
            crm.memberships.add(ada, company)
        assert self.company(ada) == "absent"
        assert sorted(read(self.connector, "contacts", ada)["companyIds"]) == sorted([self.acme, self.beta])

    def test_a_company_that_is_not_there(self) -> None:
        ada = create(self.connector, "contacts", firstName="Ada", companyId=self.acme)
        with pytest.raises(ParentNotThere):
            write(self.connector, "update", Patch("contacts", ada, {"companyId": NOBODY}, {"companyId": self.acme}))
        assert self.company(ada) == self.acme

    def test_halfway_is_an_unknown_outcome(self, crm_remote: Remote) -> None:
        ada = create(self.connector, "contacts", firstName="Ada", companyId=self.acme)
        crm_remote.control.fault("status", operation="memberships.delete", status=400)
        with pytest.raises(OutcomeUnknown):
            write(self.connector, "update", Patch("contacts", ada, {"companyId": self.beta}, {"companyId": self.acme}))


def test_a_leads_stage_has_its_own_call(crm: CrmClient, crm_remote: Remote) -> None:
    play(crm_remote, stage_field="to")
    connector = CrmConnector(crm, CrmOptions(stage_field="to"))
    first = crm.stages.create("First").value["id"]
    second = crm.stages.create("Second", {"systemKey": "two"}).value["id"]
    lead = create(connector, "leads", title="Deal", stageId=second)
    assert read(connector, "leads", lead)["stageId"] == second
    write(connector, "update", Patch("leads", lead, {"stageId": first, "value": 5}))
    assert (read(connector, "leads", lead)["stageId"], read(connector, "leads", lead)["value"]) == (first, 5)
    assert [step.verb for step in connector.steps("update", Patch("leads", lead, {"stageId": first}))] == ["stage"]


def test_stages_are_named_in_their_order(crm_connector: CrmConnector, crm: CrmClient) -> None:
    last = crm.stages.create("Last", {"sortOrder": 900}).value["id"]
    table = crm_connector.tables()["stages"]
    assert list(table.names)[-1] == last
    assert table.ids(" LAST ") == (last,)
    crm.stages.update(last, {"name": "End"})
    assert crm_connector.tables()["stages"].names[last] == "Last"
    assert crm_connector.tables(fresh=True)["stages"].names[last] == "End"


def test_clears_reach_the_crm(crm_connector: CrmConnector) -> None:
    company = create(crm_connector, "companies", name="Acme", website="https://acme.com", industry=None)
    write(crm_connector, "update", Patch("companies", company, {"website": None}))
    assert read(crm_connector, "companies", company)["website"] is None


def test_children(crm_connector: CrmConnector) -> None:
    company = create(crm_connector, "companies", name="Acme")
    contact = create(crm_connector, "contacts", firstName="Ada", companyId=company)
    create(crm_connector, "contacts", firstName="Bob")
    lead = create(crm_connector, "leads", title="Deal", companyId=company, contactId=contact)
    create(crm_connector, "leads", title="Other")
    activity = create(crm_connector, "activities", type="call", subject="Intro", leadId=lead)
    create(crm_connector, "activities", type="call", subject="Else")

    def ids(object: str, parent: Ref) -> list[str]:
        return [one.ref.id for page in crm_connector.children(object, parent) for one in page.records]

    assert ids("contacts", Ref("crm", "companies", company)) == [contact]
    assert ids("leads", Ref("crm", "companies", company)) == [lead]
    assert ids("leads", Ref("crm", "contacts", contact)) == [lead]
    assert ids("activities", Ref("crm", "leads", lead)) == [activity]


def test_children_survive_a_filter_of_another_name(crm: CrmClient, crm_remote: Remote) -> None:
    connector = CrmConnector(CrmClient(crm_remote.http, ENTITY, Names(company="firm")))
    company = create(connector, "companies", name="Acme")
    lead = create(connector, "leads", title="Deal", companyId=company)
    create(connector, "leads", title="Other")
    found = [
        one.ref.id for page in connector.children("leads", Ref("crm", "companies", company)) for one in page.records
    ]
    assert found == [lead]


def test_find_gives_candidates(crm_connector: CrmConnector, crm_remote: Remote) -> None:
    acme = create(crm_connector, "companies", name="Acme", website="https://www.ACME.com/", phone="+1 (555) 010-9999")
    for number in range(4):
        create(crm_connector, "companies", name=f"Other {number}")
    ada = create(crm_connector, "contacts", email="Ada@acme.com")
    calls = crm_remote.control.stats()["total"]
    assert [one.ref.id for one in crm_connector.find("companies", "name", "acme")] == [acme]
    assert crm_remote.control.stats()["total"] - calls == 2  # one search, one look for a second page
    assert [one.ref.id for one in crm_connector.find("companies", "website", "acme.com")] == [acme]
    assert [one.ref.id for one in crm_connector.find("companies", "phone", "15550109999")] == [acme]
    assert [one.ref.id for one in crm_connector.find("contacts", "email", "ada@acme.com")] == [ada]
    assert crm_connector.find("contacts", "email", "bob@acme.com") == ()


def test_many_who_look_at_once_share_listings(crm: CrmClient, crm_remote: Remote) -> None:
    connector = CrmConnector(crm, CrmOptions(page_size=5))
    for number in range(20):
        create(connector, "companies", name=f"Company {number}", website=f"https://c{number}.example")
    calls = crm_remote.control.stats()["total"]
    with ThreadPoolExecutor(20) as pool:
        found = list(pool.map(lambda n: connector.find("companies", "website", f"c{n}.example"), range(20)))
    assert [[one.raw["name"] for one in each] for each in found] == [[f"Company {n}"] for n in range(20)]
    listings = (crm_remote.control.stats()["total"] - calls) / 5  # four pages and an empty one
    assert listings < 10


def test_only_the_contacts_that_were_found_are_asked_for_their_company(crm: CrmClient, crm_remote: Remote) -> None:
    play(crm_remote, embedded_memberships=False)
    connector = CrmConnector(crm)
    company = create(connector, "companies", name="Acme")
    for number in range(10):
        create(connector, "contacts", email=f"p{number}@acme.com", companyId=company)
    calls = crm_remote.control.stats()["total"]
    (found,) = connector.find("contacts", "email", "p7@acme.com")
    assert found.raw["companyId"] == company
    assert crm_remote.control.stats()["total"] - calls == 2  # the list, and one list of memberships


def test_an_activity_is_found_in_one_list_for_many(crm_connector: CrmConnector, crm_remote: Remote) -> None:
    ids = [create(crm_connector, "activities", type="call", subject=f"{number}") for number in range(5)]
    calls = crm_remote.control.stats()["total"]
    for record_id in ids:
        assert crm_connector.get(Ref("crm", "activities", record_id)) is not None
    assert crm_remote.control.stats()["total"] - calls == 1
    later = create(crm_connector, "activities", type="call", subject="later")
    assert crm_connector.get(Ref("crm", "activities", later)) is not None
    calls = crm_remote.control.stats()["total"]
    assert crm_connector.get(Ref("crm", "activities", NOBODY)) is None
    assert crm_remote.control.stats()["total"] - calls == 1


def test_what_the_crm_cannot_do_is_refused_before_it_is_sent(crm_connector: CrmConnector) -> None:
    for verb, patch in (
        ("delete", Patch("companies", "x")),
        ("delete", Patch("activities", "x")),
        ("update", Patch("activities", "x", {"subject": "y"})),
        ("create", Patch("companies", None, {"website": "https://acme.com"})),
        ("update", Patch("leads", "x", {"stageId": None})),
    ):
        with pytest.raises(Rejected):
            crm_connector.steps(verb, patch)
    assert not crm_connector.traits("companies").deletable
    assert not crm_connector.traits("activities").updatable


def test_nothing_there_is_none(crm_connector: CrmConnector) -> None:
    for object in ("companies", "contacts", "leads", "activities"):
        assert crm_connector.get(Ref("crm", object, NOBODY)) is None


def test_a_page_parameter_of_another_name_is_told(crm_remote: Remote) -> None:
    connector = CrmConnector(CrmClient(crm_remote.http, ENTITY, Names(page="p")), CrmOptions(page_size=2))
    for number in range(5):
        create(connector, "companies", name=f"C{number}")
    with pytest.raises(BrokenRemote):
        listed(connector, "companies")


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        ({"kind": "status", "status": 500}, OutcomeUnknown),
        ({"kind": "status", "status": 503, "applied": True}, OutcomeUnknown),
        ({"kind": "reset"}, OutcomeUnknown),
        ({"kind": "reset", "applied": True}, OutcomeUnknown),
        ({"kind": "truncate"}, OutcomeUnknown),
        ({"kind": "not_json"}, OutcomeUnknown),
        ({"kind": "hang", "seconds": 4.0}, OutcomeUnknown),
        ({"kind": "status", "status": 429, "retry_after": 7}, Throttled),
        ({"kind": "status", "status": 401}, KeyRefused),
    ],
)
def test_a_create_that_goes_wrong(
    crm_connector: CrmConnector, crm_remote: Remote, fault: dict[str, Any], expected: type[RemoteError]
) -> None:
    crm_remote.control.fault(**fault, operation="companies.create", next=1)
    with pytest.raises(RemoteError) as caught:
        create(crm_connector, "companies", name="Acme")
    assert type(caught.value) is expected
    applied = fault.get("applied") or fault["kind"] in ("truncate", "not_json")
    assert len(crm_remote.control.dump("companies")) == (1 if applied else 0)


@pytest.mark.parametrize("kind", ["reset", "truncate", "not_json", "status"])
def test_a_read_that_goes_wrong_is_repeated(crm_connector: CrmConnector, crm_remote: Remote, kind: str) -> None:
    company = create(crm_connector, "companies", name="Acme")
    crm_remote.control.fault(kind, operation="companies.get", next=2)
    assert read(crm_connector, "companies", company)["name"] == "Acme"
    crm_remote.control.fault(kind, operation="companies.get")
    with pytest.raises(BrokenRemote if kind == "not_json" else Transient):
        read(crm_connector, "companies", company)


def test_probe_and_clock(crm_connector: CrmConnector, crm_remote: Remote) -> None:
    crm_connector.probe()
    assert crm_connector.clock_offset() is not None
    crm_remote.control.switches(read_scope=False)
    with pytest.raises(KeyRefused):
        crm_connector.probe()
