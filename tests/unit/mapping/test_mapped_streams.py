"""What a stream says beside its fields."""

from __future__ import annotations

import pytest

from bridge.core.errors import Undecodable
from bridge.core.mapping import load
from bridge.core.mapping.model import Stream

FIELDS = "fields:\n  name: {crm: name, assembly: name}\n  domain: {crm: website, assembly: domain, as: domain}\n"


def stream(more: str = "", fields: str = FIELDS) -> Stream:
    return load({"s.yaml": f"stream: s\ncrm: companies\nassembly: accounts\n{more}\n{fields}"})["s"]


def test_the_left_side_is_the_crm_in_whatever_order_it_is_written() -> None:
    text = f"assembly: accounts\nstream: s\ncrm: companies\n{FIELDS}"
    found = load({"s.yaml": text})["s"]
    assert found.sides == ("crm", "assembly")
    assert (found.object("crm"), found.object("assembly")) == ("companies", "accounts")
    assert (found.other("crm"), found.other("assembly")) == ("assembly", "crm")
    wavo = load({"s.yaml": "stream: s\nwavo: contacts\nassembly: contacts\nfields: {a: {assembly: a, wavo: b}}\n"})["s"]
    assert wavo.sides == ("assembly", "wavo")


def test_nothing_is_created_deleted_or_archived_unless_said() -> None:
    plain = stream()
    assert not plain.creates("crm")
    assert not plain.creates("assembly")
    assert (plain.on_delete("crm"), plain.on_leave("assembly"), plain.archive_patch("crm")) == ("ignore", "keep", None)
    assert [rule.conflict for rule in plain.fields] == ["newest", "newest"]
    assert [rule.on_bind for rule in plain.fields] == ["ask", "ask"]


def test_what_is_said_holds() -> None:
    found = stream(
        "create: [crm]\ndelete: {in_crm: archive, in_assembly: delete}\non_leave: {in_crm: archive}\n"
        "archive: {crm: {status: inactive, 'flags.\"Is old\"': true}}\nconflict: crm\non_bind: assembly\n"
    )
    assert (found.creates("crm"), found.creates("assembly")) == (True, False)
    assert (found.on_delete("crm"), found.on_delete("assembly")) == ("archive", "delete")
    assert (found.on_leave("crm"), found.on_leave("assembly")) == ("archive", "keep")
    assert found.archive_patch("crm") == {"status": "inactive", 'flags."Is old"': True}
    assert {(rule.conflict, rule.on_bind) for rule in found.fields} == {("crm", "assembly")}


def test_a_field_may_say_otherwise_than_its_stream() -> None:
    fields = "fields:\n  a: {crm: a, assembly: b, conflict: ask, on_bind: newest, wrong_side: keep, clears: ignore, fill: true}\n"
    (rule,) = stream("conflict: crm", fields).fields
    assert (rule.conflict, rule.on_bind, rule.wrong_side, rule.clears, rule.fill) == (
        "ask",
        "newest",
        "keep",
        "ignore",
        True,
    )


@pytest.mark.parametrize(
    ("join", "key", "foreign"),
    [("id", "7", None), ("'crm-{id}'", "crm-7", "7"), ("'{id}@crm'", "7@crm", "7@other"), ("'a{id}a'", "a7a", "a")],
)
def test_a_join_key_is_the_left_id_with_text_around_it(join: str, key: str, foreign: str | None) -> None:
    found = stream(f"join: {join}")
    assert found.join_key("7") == key
    assert found.left_id(key) == "7"
    if foreign is not None:
        assert found.left_id(foreign) is None


def test_match_rules_compare_in_a_normal_form() -> None:
    rules = {
        rule.field: rule
        for rule in stream(
            "match: [domain, name, {field: phone, normalise: phone}, {field: code, normalise: exact}]",
            FIELDS
            + "  phone: {crm: phone, assembly: phone, as: first_of_list}\n  code: {crm: 'x.c', assembly: code}\n",
        ).match
    }
    assert rules["name"].normalise("  ACME  Ltd ") == "acme ltd"
    assert rules["domain"].normalise("acme.com") == "acme.com"
    assert rules["phone"].normalise("+1 (555) 0100") == "+15550100"
    assert rules["phone"].normalise("none") is None
    assert rules["code"].normalise(" A ") == "A"
    assert rules["code"].path("crm") == "x.c"
    for nothing in (None, "", "  ", [], ["a"], True):
        assert rules["name"].normalise(nothing) is None


def test_a_record_is_in_scope_where_the_condition_is_true() -> None:
    found = stream("where: {crm: \"record.status != 'inactive'\", assembly: 'record.seats > 5'}")
    assert found.in_scope("crm", {"status": "active"})
    assert found.in_scope("crm", {})
    assert not found.in_scope("crm", {"status": "inactive"})
    assert found.in_scope("assembly", {"seats": 6})
    assert not found.in_scope("assembly", {"seats": None})
    with pytest.raises(Undecodable) as caught:
        found.in_scope("assembly", {"seats": "six"})
    assert caught.value.cause == "where"


def test_the_version_changes_with_meaning_not_with_form() -> None:
    base = stream("conflict: crm").version
    text = f"# a comment\nassembly: accounts\n\nstream: s\ncrm: companies\nconflict: crm\n{FIELDS}"
    assert len(base) == 12
    assert stream("conflict: 'crm'   # the same").version == base
    assert stream("conflict: assembly").version != base
    assert stream("conflict: crm", FIELDS.replace("as: domain", "as: trim")).version != base
    assert load({"s.yaml": text})["s"].version == base
    # Of two CRM values for one label, the first is what comes back.
    one, other = (
        f"fields: {{a: {{crm: a, assembly: b, as: {{values: {pairs}}}}}}}" for pairs in ("{x: 1, y: 1}", "{y: 1, x: 1}")
    )
    assert stream(fields=one).version != stream(fields=other).version


def test_the_version_of_a_child_changes_with_its_parents_key() -> None:
    child = (
        "stream: c\ncrm: leads\nassembly: deals\nfields: {p: {crm: p, assembly: p, as: {link: {stream: s, by: key}}}}\n"
    )
    parent = f"stream: s\ncrm: companies\nassembly: accounts\n{FIELDS}"
    one = load({"c.yaml": child, "s.yaml": parent})["c"].version
    other = load({"c.yaml": child, "s.yaml": "join: 'k-{id}'\n" + parent})["c"].version
    assert one != other
    assert load({"c.yaml": child, "s.yaml": parent + "  x: {crm: x, assembly: x}\n"})["c"].version == one


def test_several_streams_may_feed_from_one_object() -> None:
    head = "crm: companies\nassembly: accounts\nfields: {a: {crm: a, assembly: b}}\n"
    mappings = load({"b.yaml": f"stream: b\n{head}", "a.yaml": f"stream: a\n{head}"})
    assert [found.name for found in mappings.on_object("crm", "companies")] == ["a", "b"]
    assert "a" in mappings
    assert "c" not in mappings


def test_a_field_knows_its_line_and_its_words() -> None:
    rule = stream().fields[1]
    assert rule.place == "s.yaml:7"
    assert rule.rule == "crm: website, assembly: domain, as: domain"
