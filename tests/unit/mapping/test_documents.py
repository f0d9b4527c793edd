"""Reading YAML: what a person wrote stays what they wrote; what could harm is refused where it stands, at once."""

from __future__ import annotations

import time
from typing import Any

import pytest

from bridge.core.errors import Mistake
from bridge.core.mapping.document import MAX_CHARACTERS, Node, read_document


def tree(text: str) -> Node:
    node = read_document("a.yaml", text)
    assert isinstance(node, Node), node
    return node


def refused(text: str) -> Mistake:
    told = read_document("a.yaml", text)
    assert isinstance(told, Mistake), told
    return told


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("no", "no"),
        ("Yes", "Yes"),
        ("on", "on"),
        ("12:30:00", "12:30:00"),
        ("010", "010"),
        ("0o17", "0o17"),
        ("0x1F", "0x1F"),
        ("2026-01-02", "2026-01-02"),
        ("1_000", "1_000"),
        (".inf", ".inf"),
        ("1e3", "1e3"),
        ("true", True),
        ("~", None),
        ("12", 12),
        ("-0.50", -0.5),
        ("'12'", "12"),
        ('"true"', "true"),
        ("99999999999999999999", "99999999999999999999"),
    ],
)
def test_a_value_stays_what_a_person_wrote(written: str, value: Any) -> None:
    found = tree(f"key: {written}").plain()["key"]
    assert (found, type(found)) == (value, type(value))


def test_every_node_knows_its_place() -> None:
    node = tree("a: 1\nb:\n  - x\n  - {c: y}\n")
    assert (node.at("b", 1, "c").line, node.at("b", 1, "c").column) == (4, 9)
    assert (node.key_at("b").line, node.key_at("b").column) == (2, 1)
    assert node.at("b", 7, "c") is node.at("b")


@pytest.mark.parametrize(
    ("text", "place", "told"),
    [
        ("a: &x 1\nb: *x\n", (1, 4), "anchors"),
        ("a: *x\n", (1, 4), "aliases"),
        ("<<: {a: b}\n", (1, 1), "merge keys"),
        ("a: 1\nb: 2\na: 3\n", (3, 1), "a is written twice"),
        ("a: !!python/object/apply:os.system [ls]\n", (1, 4), "the tag"),
        ("a: !env SECRET\n", (1, 4), "the tag"),
        ("a: 1\n---\nb: 2\n", (2, 1), "second document"),
        ("{a: b}: x\n", (1, 1), "a key must be a plain word"),
        ("a: b\n\tc: d\n", (2, 1), "not YAML"),
        ("a: 'b\n", (2, 1), "not YAML"),
        ("", (1, 1), "empty"),
        ("# only a comment\n", (1, 1), "empty"),
        ("a: \x00\n", (1, 1), "not YAML"),
        ("a: \ud800\n", (1, 1), "half characters"),
    ],
)
def test_what_could_surprise_is_refused_where_it_stands(text: str, place: tuple[int, int], told: str) -> None:
    mistake = refused(text)
    assert (mistake.line, mistake.column) == place
    assert told in mistake.message


def test_a_value_true_and_a_text_true_are_two_keys() -> None:
    assert [key.value for key in tree("true: a\n'true': b\n1: c\n").keys] == [True, "true", 1]


LAUGHS = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{chr(98 + n)}: &{chr(98 + n)} [{', '.join([f'*{chr(97 + n)}'] * 9)}]\n" for n in range(20)
)


@pytest.mark.parametrize(
    "bomb",
    [
        LAUGHS,
        "[" * 5000,
        "a: " + "{a: " * 5000,
        "- " * 5000 + "x",
        "x" * 10_000_000,
        "a: '" + "x" * (MAX_CHARACTERS - 4),
        "? " * 5000,
    ],
    ids=["laughs", "brackets", "braces", "dashes", "ten megabytes", "quotes", "question marks"],
)
def test_a_bomb_is_refused_in_a_tenth_of_a_second(bomb: str) -> None:
    best = 1.0
    for _ in range(3):
        start = time.process_time()
        refused(bomb)
        best = min(best, time.process_time() - start)
    assert best < 0.1


def test_many_values_are_refused_before_they_are_built() -> None:
    assert "too large" in refused("- x\n" * 60_000).message
