"""DESIGN §5 and §6, Intent then write: workers die, answers are lost, writes land late."""

from __future__ import annotations

from tests.simulation.chances import Chances
from tests.simulation.stage import INDUSTRY, Stage, every_crash, rules, stage


def test_a_crash_between_write_and_commit_is_not_read_as_a_human_edit() -> None:
    """The write landed and its worker died before remembering it; then a person edits where the edit came from."""
    with stage(terms=rules(conflict="assembly")) as told:
        crm, assembly = told.company()
        told.settle()
        told.world.kill_before.append("commit Finish")
        told.crm.edit("companies", crm, {"industry": "Glass"})
        told.wait(3)
        assert told.value("assembly", "accounts", assembly, INDUSTRY) == "Glass"
        told.crm.edit("companies", crm, {"industry": "Wood"})
        told.settle()
        assert told.value("crm", "companies", crm, "industry") == "Wood"
        assert told.value("assembly", "accounts", assembly, INDUSTRY) == "Wood"


def test_a_late_write_of_a_stopped_worker_is_repaired_and_never_carried_back() -> None:
    with stage() as told:
        crm, assembly = told.company()
        told.settle()
        told.faults["assembly"].late, told.faults["assembly"].late_by = 1.0, 12.0
        told.crm.edit("companies", crm, {"industry": "Glass"})
        told.wait(2.5)
        told.faults["assembly"].late = 0.0
        told.crm.edit("companies", crm, {"industry": "Wood"})
        told.settle()
        assert told.value("crm", "companies", crm, "industry") == "Wood"
        assert told.value("assembly", "accounts", assembly, INDUSTRY) == "Wood"


def test_two_workers_on_two_ends_of_one_link() -> None:
    """Each end is hinted at the same moment; one lease covers both."""
    with stage(chances=Chances(workers=3), terms=rules(conflict="crm")) as told:
        crm, assembly = told.company()
        told.settle()
        for number in range(6):
            told.crm.edit("companies", crm, {"industry": f"C{number}"})
            told.assembly.edit("accounts", assembly, {"phone": [f"+1 {number}"]})
            told.world.perform_duty("poll")
            told.wait(2)
        told.settle()
        assert told.value("assembly", "accounts", assembly, INDUSTRY) == "C5"
        assert told.value("crm", "companies", crm, "phone") == "+1 5"


def _creates_both_ways(told: Stage) -> None:
    told.crm.create("companies", {"name": "Acme", "website": "acme.com"})
    told.assembly.create("accounts", {"name": "Borg", "domain": "borg.com"})
    told.rest()


def _edits(told: Stage) -> None:
    crm, assembly = told.company()
    told.crm.edit("companies", crm, {"industry": "Glass"})
    told.assembly.edit("accounts", assembly, {"phone": ["+1 5"]})
    told.rest()


def _family(told: Stage) -> None:
    company = told.crm.create("companies", {"name": "Acme", "website": "acme.com"})
    told.crm.create("contacts", {"lastName": "Doe", "email": "doe@acme.com", "companyId": company})
    told.crm.create("leads", {"title": "Deal", "companyId": company, "value": 5.0})
    told.rest()


def test_creates_survive_a_kill_before_any_effect() -> None:
    assert every_crash(_creates_both_ways) > 10


def test_edits_survive_a_kill_before_any_effect() -> None:
    assert every_crash(_edits) > 10


def test_a_family_survives_a_kill_before_any_effect() -> None:
    assert every_crash(_family) > 10


def test_a_create_in_the_crm_whose_answer_was_lost_is_found_and_not_repeated() -> None:
    with stage() as told:
        told.faults["crm"].timeout = 1.0
        told.assembly.create("accounts", {"name": "Borg", "domain": "borg.com"})
        told.wait(40)
        told.faults["crm"].timeout = 0.0
        told.wait(1500)
        assert len(told.live("crm", "companies")) == 1


def test_a_deal_made_in_the_crm_whose_answer_was_lost_is_found_among_the_companys_leads() -> None:
    with stage() as told:
        crm, _ = told.company()
        told.crm.create("leads", {"title": "Old deal", "companyId": crm})
        told.settle()
        told.faults["crm"].timeout = 1.0
        told.assembly.create("deals", {"name": "New deal", "account_source_specific_id": crm, "amount": 7.0})
        told.wait(40)
        told.faults["crm"].timeout = 0.0
        told.wait(1500)
        assert len(told.live("crm", "deals")) == 2


def test_a_create_that_never_arrived_is_made_after_all() -> None:
    with stage() as told:
        told.faults["crm"].lost = 1.0
        told.assembly.create("accounts", {"name": "Borg", "domain": "borg.com"})
        told.wait(40)
        told.faults["crm"].lost = 0.0
        told.wait(1500)
        assert len(told.live("crm", "companies")) == 1


def test_a_create_in_assembly_whose_answer_was_lost_is_repeated_without_harm() -> None:
    with stage() as told:
        told.faults["assembly"].timeout = 1.0
        told.crm.create("companies", {"name": "Acme", "website": "acme.com"})
        told.wait(40)
        told.faults["assembly"].timeout = 0.0
        told.wait(1500)
        assert len(told.live("assembly", "companies")) == 1


def test_a_hint_that_comes_while_its_change_is_leased_is_not_lost() -> None:
    """The generation is compared when the lease ends."""
    with stage(chances=Chances(latency=1.0)) as told:
        crm, assembly = told.company()
        told.settle()
        for number in range(8):
            told.crm.edit("companies", crm, {"industry": f"C{number}"})
            told.wait(0.7)
        told.wait(12)
        assert told.value("assembly", "accounts", assembly, INDUSTRY) == "C7"
