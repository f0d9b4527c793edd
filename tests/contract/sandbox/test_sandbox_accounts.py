"""Reading Assembly's accounts against assembly.txt, over HTTP: key, get, list, updated_after, search."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from tests.contract.sandbox.assembly_calls import NOBODY, account, listed, shown
from tests.support.sandboxes import Box

# --- key ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("key", ["", "wrong", "Bearer sandbox-assembly-key"])
def test_the_raw_key_goes_in_the_header(assembly: httpx.Client, key: str) -> None:
    assert assembly.get("/accounts", headers={"Authorization": key}).status_code == 401


def test_keys_expire(assembly_box: Box, assembly: httpx.Client) -> None:
    assembly_box.control.switches(key_expired=True)
    assert assembly.get("/accounts").status_code == 401


# --- reading -----------------------------------------------------------------------------------------------------


def test_an_account_is_found_by_id_domain_and_source_id(assembly: httpx.Client) -> None:
    made_id = account(assembly, source_specific_ids=["a b/c"])
    rows = [shown(assembly, made_id), shown(assembly, "account.com"), shown(assembly, "ACCOUNT.COM")]
    rows.append(assembly.get("/accounts", params={"source_specific_id": "a b/c"}).json()["account"])
    assert [row["id"] for row in rows] == [made_id] * 4
    assert assembly.get("/accounts/a b%2Fc").status_code == 404
    assert assembly.get(f"/accounts/{NOBODY}").status_code == 404
    assert assembly.get("/accounts", params={"source_specific_id": "b"}).status_code == 404


def test_an_empty_source_id_is_a_list(assembly: httpx.Client) -> None:
    account(assembly)
    answer = assembly.get("/accounts", params={"source_specific_id": ""}).json()
    assert list(answer["accounts"]) == ["data", "has_next_page", "next_cursor"]


def test_companies_come_first_then_customers_each_by_name(assembly_box: Box, assembly: httpx.Client) -> None:
    assembly_box.control.seed(
        {
            "contacts": [{"name": name, "domain": f"{name}@x.co"} for name in ("alf", "Zoe")],
            "accounts": [{"name": name, "domain": f"{name}.co"} for name in ("Beta", "alpha", "Gamma")],
        }
    )
    assert listed(assembly) == ["alpha", "Beta", "Gamma", "alf", "Zoe"]
    assert listed(assembly, limit=2, offset=2) == ["Gamma", "alf"]
    pages = [assembly.get("/accounts", params={"limit": 2, "offset": n}).json()["accounts"] for n in (0, 2, 4)]
    assert [(len(one["data"]), one["has_next_page"], one["next_cursor"]) for one in pages] == [
        (2, True, 2),
        (2, True, 4),
        (1, False, 5),
    ]
    assembly.put("/accounts/beta.co", json={"name": "Zz"})
    assert listed(assembly) == ["alpha", "Gamma", "Zz", "alf", "Zoe"]
    assembly.delete("/accounts/gamma.co")
    assert listed(assembly) == ["alpha", "Zz", "alf", "Zoe"]


def test_the_name_filter_looks_at_names_and_domains(assembly_box: Box, assembly: httpx.Client) -> None:
    rows = [
        {"name": "Test Company", "domain": "tc.co"},
        {"name": "Other", "domain": "company.co"},
        {"name": "X", "domain": "x.co"},
    ]
    assembly_box.control.seed({"accounts": rows})
    assert listed(assembly, name="company") == ["Other", "Test Company"]
    assert listed(assembly, name="test company") == ["Test Company"]


@pytest.mark.parametrize("wrong", [{"limit": 0}, {"limit": "x"}, {"limit": -1}, {"offset": -1}, {"offset": "1.5"}])
def test_wrong_pages_are_400(assembly: httpx.Client, wrong: dict[str, Any]) -> None:
    assert assembly.get("/accounts", params=wrong).status_code == 400


def test_the_default_page_has_100_rows_and_a_large_limit_is_clamped(assembly_box: Box, assembly: httpx.Client) -> None:
    assembly_box.control.seed({"accounts": [{"name": f"{n}", "domain": f"{n}.co"} for n in range(130)]})
    assert len(listed(assembly)) == 100
    assert len(listed(assembly, limit=500)) == 130
    assembly_box.control.switches(list_limit=120)
    assert len(listed(assembly, limit=500)) == 120


@pytest.mark.parametrize(("form", "last"), [("offset", 1), ("null", None), ("zero", 0)])
def test_the_last_cursor_is_open(assembly_box: Box, assembly: httpx.Client, form: str, last: object) -> None:
    account(assembly)
    assembly_box.control.switches(last_cursor=form)
    assert assembly.get("/accounts").json()["accounts"]["next_cursor"] == last


# --- updated_after ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("after", "expected"),
    [
        ("2026-06-01T00:00:00Z", ["B", "C"]),
        ("2026-06-01", ["B", "C"]),
        ("2026-06-01T02:00:00+02:00", ["B", "C"]),
        ("2026-06-01T00:00:00.000001Z", ["C"]),
        ("2026-05-31T23:59:59Z", ["A", "B", "C"]),
        ("2027-01-01", []),
    ],
)
def test_updated_after_is_inclusive_and_leaves_out_nulls(
    assembly_box: Box, assembly: httpx.Client, after: str, expected: list[str]
) -> None:
    stamps = {"A": "2026-05-31T23:59:59Z", "B": "2026-06-01T00:00:00Z", "C": "2026-06-01T00:00:01Z", "D": None}
    for objects, at in (("accounts", "{}.co"), ("contacts", "x@{}.co")):
        rows = [{"name": name, "domain": at.format(name), "updated_at": stamp} for name, stamp in stamps.items()]
        assembly_box.control.seed({objects: rows})
    assert listed(assembly, updated_after=after) == expected * 2
    contacts = assembly.get("/contacts", params={"updated_after": after}).json()["contacts"]["data"]
    assert [row["name"] for row in contacts] == expected
    searched = assembly.post("/accounts/search", json={"updated_after": after}).json()["accounts"]["data"]
    assert [row["account"]["name"] for row in searched] == expected * 2


@pytest.mark.parametrize(
    "wrong", ["", "yesterday", "2026-13-01", "2026-06-01T00:00:00", "1780272000", "2026-06-01T00:00:00 02:00"]
)
@pytest.mark.parametrize("path", ["/accounts", "/contacts", "/deals", "/usage", "/accounts/labels"])
def test_an_invalid_updated_after_is_400(assembly: httpx.Client, path: str, wrong: str) -> None:
    answer = assembly.get(path, params={"updated_after": wrong})
    assert (answer.status_code, answer.json()) == (400, {"error": "invalid updated_after parameter"})


def test_a_plus_that_was_not_escaped_is_invalid(assembly: httpx.Client) -> None:
    assert assembly.get("/accounts?updated_after=2026-06-01T00:00:00+02:00").status_code == 400


def test_pages_of_a_filtered_list_shift_when_a_row_changes(assembly_box: Box, assembly: httpx.Client) -> None:
    rows = [{"name": f"{n}", "domain": f"{n}.co", "updated_at": "2026-01-01T00:00:00Z"} for n in range(4)]
    assembly_box.control.seed({"accounts": rows})
    assert listed(assembly, updated_after="2026-01-01", limit=2) == ["0", "1"]
    assembly.put("/accounts/0.co", json={"name": "9"})
    assert listed(assembly, updated_after="2026-01-01", limit=2, offset=2) == ["3", "9"]


# --- search -------------------------------------------------------------------------------------------------------


def test_search_combines_its_filters(assembly: httpx.Client) -> None:
    account(
        assembly, name="Acme", domain="acme.com", additional_properties={"Account Name": "Sample Company", "Seats": 3}
    )
    account(assembly, name="Acme 2", domain="acme2.com", additional_properties={"Account Name": "Sample"})

    def found(**body: Any) -> list[str]:
        answer = assembly.post("/accounts/search", json=body)
        assert answer.status_code == 200, answer.text
        return [row["account"]["name"] for row in answer.json()["accounts"]["data"]]

    assert found() == ["Acme", "Acme 2"]
    assert found(name="acme") == ["Acme", "Acme 2"]
    assert found(domain="ACME2") == ["Acme 2"]
    assert found(name="acme2") == []  # unlike the list's, this name looks at names only
    assert found(additional_properties=[{"name": "Account Name", "value": "Sample Company"}]) == ["Acme"]
    assert found(additional_properties=[{"name": "Account Name", "value": "sample company"}]) == []
    assert found(additional_properties=[{"name": "Seats", "value": "3"}]) == ["Acme"]
    assert found(name="Acme", additional_properties=[{"name": "Account Name", "value": "Sample"}]) == ["Acme 2"]
    assert found(limit=1, offset=1) == ["Acme 2"]


@pytest.mark.parametrize(
    "wrong",
    [
        {"limit": 0},
        {"limit": 1001},
        {"limit": "5"},
        {"offset": -1},
        {"additional_properties": [{"name": "A"}]},
        {"additional_properties": [{"value": "A"}]},
        {"additional_properties": {"A": 1}},
        {"updated_after": "x"},
        [],
    ],
)
def test_a_wrong_search_is_400(assembly: httpx.Client, wrong: object) -> None:
    assert assembly.post("/accounts/search", json=wrong).status_code == 400


def test_search_items_come_in_both_readings(assembly_box: Box, assembly: httpx.Client) -> None:
    made_id = account(assembly, additional_properties={"A": 1})
    (item,) = assembly.post("/accounts/search", json={}).json()["accounts"]["data"]
    assert item["account"]["type"] == "Company"
    assert item["account"]["attributes_cached"] == [{"name": "A", "value": 1}]
    assert not {"account_type", "additional_properties"} & set(item["account"])
    assembly_box.control.switches(search_items="identical")
    assert assembly.post("/accounts/search", json={}).json()["accounts"]["data"] == [shown(assembly, made_id)]


# --- how records are shown ----------------------------------------------------------------------------------------


def test_additional_properties_are_shown_in_three_ways(assembly_box: Box, assembly: httpx.Client) -> None:
    made_id = account(assembly, additional_properties={"A": 1, "B": ["x"]})
    as_list = [{"name": "A", "value": 1}, {"name": "B", "value": ["x"]}]
    assert shown(assembly, made_id)["additional_properties"] == {"A": 1, "B": ["x"]}
    assembly_box.control.switches(additional_properties="list")
    assert shown(assembly, made_id)["additional_properties"] == as_list
    assembly_box.control.switches(additional_properties="attributes_cached")
    assert shown(assembly, made_id)["attributes_cached"] == as_list
    assert "additional_properties" not in shown(assembly, made_id)


def test_errors_can_be_plain_text(assembly_box: Box, assembly: httpx.Client) -> None:
    assembly_box.control.switches(error_body="text")
    answer = assembly.get("/accounts?updated_after=x")
    assert (answer.text, answer.headers["content-type"]) == ("400 - invalid updated_after parameter", "text/plain")


@pytest.mark.parametrize(("grain", "length"), [("microseconds", 27), ("milliseconds", 24), ("seconds", 20)])
def test_stamps_come_in_three_grains(assembly_box: Box, assembly: httpx.Client, grain: str, length: int) -> None:
    assembly_box.control.switches(stamp_grain=grain)
    assert len(shown(assembly, account(assembly))["updated_at"]) == length
