"""Computed values: what they can say, what they must not be able to do."""

from __future__ import annotations

import threading
import time
from contextlib import suppress
from typing import Any

import pytest

from bridge.core.mapping.expressions import (
    MAX_ITEMS,
    MAX_TEXT,
    Expression,
    ExpressionError,
    Failed,
    compile_expression,
)


def value(source: str, **record: Any) -> Any:
    return compile_expression(source)(record)


@pytest.mark.parametrize(
    ("source", "record", "expected"),
    [
        ("record.employees > 1000 ? 'Enterprise' : 'SMB'", {"employees": 1200}, "Enterprise"),
        ("record.employees > 1000 ? 'Enterprise' : 'SMB'", {"employees": 12.5}, "SMB"),
        ("record.status != 'inactive'", {}, True),
        ("record['annual revenue'] * 2.0", {"annual revenue": 1.5}, 3.0),
        ("lower(trim(record.name))", {"name": " ACME "}, "acme"),
        ("upper(record.name).startsWith('AC')", {"name": "acme"}, True),
        ("replace(record.a, '-', '')", {"a": "1-2-3"}, "123"),
        ("split(record.a, ',')[1]", {"a": "x,y"}, "y"),
        ("join([record.a, record.b, record.c], ', ')", {"a": "x", "b": "", "c": "z"}, "x, z"),
        ("first([record.a, record.b])", {"a": "", "b": 7}, 7),
        ("record.tags.filter(t, t.startsWith('x')).map(t, lower(t))", {"tags": ["xA", "b"]}, ["xa"]),
        ("size(record)", {"a": 1, "b": 2}, 2),
        ("record.address.city", {"address": {"city": "Bonn"}}, "Bonn"),
    ],
)
def test_expressions_compute(source: str, record: dict[str, Any], expected: Any) -> None:
    assert value(source, **record) == expected


@pytest.mark.parametrize(
    ("source", "record"),
    [
        ("record.employees > 1000 ? 'E' : 'S'", {"employees": None}),
        ("record.employees > 1000 ? 'E' : 'S'", {}),
        ("lower(record.name)", {"name": None}),
        ("record.address.city", {"address": None}),
        ("record.address.city", {"address": {}}),
        ("record.a + record.b", {"a": "x"}),
    ],
)
def test_what_needs_a_value_that_is_not_there_is_empty(source: str, record: dict[str, Any]) -> None:
    assert value(source, **record) is None


@pytest.mark.parametrize(
    ("source", "record"),
    [
        ("record.a > 5", {"a": "secret text"}),
        ("record.a / 0", {"a": 5}),
        ("record.a + 9223372036854775807", {"a": 5}),
        ("record.a[3]", {"a": [1]}),
        ("int(record.a)", {"a": "secret text"}),
        ("timestamp(record.a)", {"a": "2026-01-01T00:00:00Z"}),
        ("b'bytes'", {}),
        ("record.a.matches('(')", {"a": "secret text"}),
    ],
)
def test_what_cannot_be_computed_is_a_question_without_the_value(
    source: str, record: dict[str, Any], capfd: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(Failed) as caught:
        value(source, **record)
    assert "secret" not in str(caught.value) + "".join(capfd.readouterr())


@pytest.mark.parametrize(
    ("source", "column", "told", "hint"),
    [
        ("recrd.a == 1", 0, "`recrd` is not known", "record.recrd"),
        ("record.a == status", 12, "`status` is not known", "record.status"),
        ("lowr(record.a)", 0, "no function `lowr`", "lower"),
        ("record.a ==", 11, "cannot be read", ""),
        ("record.a == 'x", 12, "a quote that is not closed", ""),
        ("", 0, "cannot be read", ""),
        ("has(record.a)", 0, "has() is not needed", "record.x != null"),
        ("record.a.map(x, record.a.map(y, y))", 24, "map stands inside map", "after the other"),
        ("record.a.map(x, x).filter(x, x).all(x, x)", 31, "at most 2", ""),
        ("record.a.existsOne(x, record.a.existsOne(y, true))", 30, "stands inside", "after the other"),
        ("record.a.map(record, record)", 13, "`record` is the record", ""),
        ("record.a.map//x\n(x, x)", 12, "a comment", ""),
        ("(" * 400 + "1" + ")" * 400, 0, "nested too deeply", ""),
        ("cel.bind(x, 1, x)", 0, "`cel` is not known", ""),
        ("record.a + " * 200 + "1", 0, "characters", ""),
    ],
)
def test_a_wrong_expression_says_where_and_what(source: str, column: int, told: str, hint: str) -> None:
    with pytest.raises(ExpressionError) as caught:
        compile_expression(source)
    assert told in str(caught.value)
    assert hint in caught.value.hint
    if column:
        assert caught.value.column == column


@pytest.mark.parametrize(
    "source",
    [
        "record.__class__.__mro__",
        "record.a.__class__",
        "lower.__globals__",
        "lower(record).__class__",
        "record.a.format",
        "record['__class__']",
        "'%s' % record.a",
        "import('os')",
        "eval('1')",
        "__import__('os').system('true')",
        "lower(lower)",
        "cel.bind(x, record, x)",
        "record.a.format([record])",
    ],
)
def test_python_is_out_of_reach(source: str) -> None:
    with suppress(ExpressionError, Failed):
        assert value(source, a="x") in (None, "x")


def _seconds(run: Expression, record: dict[str, Any]) -> float:
    start = time.process_time()
    with suppress(Failed):
        run(record)
    return time.process_time() - start


@pytest.mark.parametrize(
    "source",
    [
        "record.l.map(x, x + x)",
        "record.l.map(x, lower(x)).filter(x, x.contains('a'))",
        "record.s.matches('(a+)+$')",
        "record.s.matches('(a|a)*b(a|a)*b(a|a)*c')",
        "replace(record.s, 'a', record.s)",
        "join(record.l, record.s)",
        "split(record.s, 'a')",
        "record.s + record.s + record.s + record.s",
        "size(record.l) > 3",
    ],
)
def test_no_expression_runs_away(source: str) -> None:
    run = compile_expression(source)
    record = {"l": ["a" * 50] * (MAX_ITEMS * 20), "s": "a" * MAX_TEXT}
    assert _seconds(run, record) < 0.5


def test_a_longer_list_than_a_macro_may_walk_is_a_question() -> None:
    run = compile_expression("record.l.exists(x, x == 'b')")
    assert run({"l": ["a"] * MAX_ITEMS}) is False
    with pytest.raises(Failed, match="entries"):
        run({"l": ["a"] * (MAX_ITEMS + 1)})


@pytest.mark.parametrize("name", ["lower", "upper", "trim"])
def test_a_function_given_something_else_than_text_is_empty_and_tells_nobody(
    name: str, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    # The library reports a function that raises on stderr, with its argument.
    assert value(f"{name}(record.a)", a=5559999) is None
    assert "".join(capfd.readouterr()) + caplog.text == ""


def test_an_expression_may_be_shared_by_threads() -> None:
    run = compile_expression("lower(record.a) + string(record.n)")
    wrong: list[Any] = []

    def work(number: int) -> None:
        wrong.extend(number for _ in range(200) if run({"a": "X", "n": number}) != f"x{number}")

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_only_the_keys_it_reads_are_handed_over() -> None:
    assert compile_expression("record.a + record['b c'] + 'record.d'").keys == {"a", "b c"}
