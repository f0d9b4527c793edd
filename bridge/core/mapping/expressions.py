"""Computed values and conditions, in CEL (common-expression-language): no loops, no memory of its own, no Python.

An expression sees one variable, ``record``: the raw record of the side it is written for. Keys that a record lacks read as
``null``. Whatever an expression needs that is ``null`` makes its result empty; anything else that fails is a question to a person.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import cel

from bridge.core.mapping.kinds import nearest
from bridge.core.records import Json

MAX_CHARACTERS: Final = 1000
MAX_MACROS: Final = 2
MAX_ITEMS: Final = 1000
"""Longest list that a macro may walk; longer ones make the expression fail."""
MAX_TEXT: Final = 100_000

_MACRO = re.compile(r"\.\s*(map|filter|all|exists|exists_one|existsOne)\s*\(\s*([A-Za-z_]\w*)\s*,")
_STRING = re.compile(r"""[rRbB]?("(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')""")
_TOP_KEY = re.compile(r"""\brecord\s*(?:\.\s*([A-Za-z_]\w*)|\[\s*(?:"([^"\\]*)"|'([^'\\]*)')\s*\])""")
_PLACE = re.compile(r"ERROR: <input>:(\d+):(\d+): (?:Syntax error: )?([^\n]*)")


class ExpressionError(ValueError):
    """An expression that may not run. ``column`` counts from 0 inside the expression."""

    def __init__(self, message: str, column: int = 0, hint: str = "") -> None:
        super().__init__(message)
        self.column = column
        self.hint = hint


class Failed(Exception):
    """The expression failed on a record. The message names no value."""


def _text(function: Callable[[str], Json]) -> Callable[[Any], Json]:
    # A function that raises is reported on stderr by the library, with its argument: so none ever does.
    return lambda value: function(value) if isinstance(value, str) else None


def _replace(value: Any, old: Any, new: Any) -> Json:
    if not all(isinstance(part, str) for part in (value, old, new)) or not old:
        return None
    if len(value) + value.count(old) * len(new) > MAX_TEXT:
        return None
    return str(value.replace(old, new))


def _split(value: Any, separator: Any) -> Json:
    if not isinstance(value, str) or not isinstance(separator, str) or not separator:
        return None
    return value.split(separator, MAX_ITEMS)


def _join(values: Any, separator: Any) -> Json:
    if not isinstance(values, list) or not isinstance(separator, str):
        return None
    parts = [value for value in values if isinstance(value, str) and value]
    return separator.join(parts) if sum(map(len, parts)) + len(parts) * len(separator) <= MAX_TEXT else None


def _first(values: Any) -> Json:
    found = values if isinstance(values, list) else [values]
    return next((value for value in found if value is not None and value not in ("", [])), None)


FUNCTIONS: Final[Mapping[str, tuple[Callable[..., Json], str]]] = {
    "lower": (_text(str.lower), "lower(text)"),
    "upper": (_text(str.upper), "upper(text)"),
    "trim": (_text(str.strip), "trim(text)"),
    "replace": (_replace, 'replace(text, "old", "new")'),
    "split": (_split, 'split(text, ",")'),
    "join": (_join, 'join([record.street, record.city], ", "): empty parts are left out'),
    "first": (_first, "first([record.a, record.b]): the first that is not empty"),
}
BUILT_IN: Final = frozenset(
    [
        "size",
        "contains",
        "startsWith",
        "endsWith",
        "matches",
        "string",
        "int",
        "double",
        "bool",
        "timestamp",
        "duration",
        "getFullYear",
        "getMonth",
        "getDayOfMonth",
        "getDate",
        "getHours",
        "getMinutes",
        "getSeconds",
        "getDayOfWeek",
        "getDayOfYear",
    ]
)


@dataclass(frozen=True)
class Expression:
    """A checked expression. Calling it with a raw record gives the value, ``None`` for empty, or raises ``Failed``."""

    source: str
    keys: frozenset[str]
    """The record's keys that it reads."""
    whole: bool
    """It uses ``record`` itself, not only its keys."""
    macros: bool
    _program: Any = field(repr=False, compare=False)
    _context: Any = field(repr=False, compare=False)

    def __call__(self, raw: Mapping[str, Json]) -> Json:
        seen = {key: raw.get(key) for key in self.keys}
        if self.whole:
            seen = {**raw, **seen}
        if self.macros and _longest(seen) > MAX_ITEMS:
            raise Failed(f"a list has more than {MAX_ITEMS} entries")
        context = (
            cel.Context(variables={"record": seen}, functions=self._context) if self._context else {"record": seen}
        )
        try:
            return _json(self._program.execute(context))
        except (TypeError, ValueError, RuntimeError, KeyError, OverflowError, ArithmeticError, IndexError) as problem:
            if any(value is None for value in seen.values()) or isinstance(problem, KeyError):
                return None
            raise Failed(f"the expression cannot be computed ({_reason(problem)})") from None


def compile_expression(source: str) -> Expression:
    """Check and compile. Raises ``ExpressionError``."""
    if len(source) > MAX_CHARACTERS:
        raise ExpressionError(f"the expression has {len(source)} characters, at most {MAX_CHARACTERS} are allowed")
    bare = _STRING.sub(lambda found: '"' + " " * (len(found.group()) - 2) + '"', source)
    if "//" in bare:
        raise ExpressionError("a comment cannot stand in an expression", bare.index("//"))
    bound = _check_macros(bare)
    if found := re.search(r"\bhas\s*\(", bare):
        raise ExpressionError("has() is not needed here", found.start(), "Missing keys read as null: record.x != null.")
    try:
        program = cel.compile(source)
    except Exception as problem:
        raise _syntax(problem) from None
    for name in program.variables():
        if name != "record" and name not in bound:
            place = re.search(rf"\b{re.escape(name)}\b", bare)
            raise ExpressionError(
                f"`{name}` is not known here",
                place.start() if place else 0,
                f"Write `record.{name}` for the record's key.",
            )
    _check_functions(program, bare)
    used = {name: FUNCTIONS[name][0] for name in program.functions() if name in FUNCTIONS}
    # The blanked text has the same length: what starts inside a quoted text is no use of the record.
    read = [found for found in _TOP_KEY.finditer(source) if bare.startswith("record", found.start())]
    keys = frozenset(key for found in read for key in found.groups() if key)
    whole = len(re.findall(r"\brecord\b", bare)) > len(read)
    return Expression(source, keys, whole, bool(bound), program, used)


def _check_macros(bare: str) -> frozenset[str]:
    """Names that macros bind. Macros may follow each other, never nest: a nested one can run for seconds."""
    found = list(_MACRO.finditer(bare))
    loose = re.findall(r"\b(?:map|filter|all|exists|exists_one|existsOne)\s*\(", bare)
    if len(found) > MAX_MACROS or len(loose) > len(found):
        raise ExpressionError(
            f"at most {MAX_MACROS} of map, filter, all, exists are allowed", found[-1].start() if found else 0
        )
    for outer in found:
        depth, end = 1, outer.end()
        while end < len(bare) and depth:
            depth += {"(": 1, ")": -1}.get(bare[end], 0)
            end += 1
        inner = next((macro for macro in found if outer.start() < macro.start() < end), None)
        if inner is not None:
            raise ExpressionError(
                f"{inner.group(1)} stands inside {outer.group(1)}", inner.start(), "Write one after the other."
            )
    for match in found:
        if match.group(2) == "record":
            raise ExpressionError("`record` is the record; name the entry something else", match.start(2))
    return frozenset(match.group(2) for match in found)


def _check_functions(program: Any, bare: str) -> None:
    for name in program.functions():
        if name.startswith(("_", "@", "!", "-")) or name in BUILT_IN or name in FUNCTIONS:
            continue
        place = re.search(rf"\b{re.escape(name)}\s*\(", bare)
        hint = nearest(name, [*FUNCTIONS, *BUILT_IN]) or f"Known: {', '.join(sorted([*FUNCTIONS, *BUILT_IN]))}."
        raise ExpressionError(f"there is no function `{name}`", place.start() if place else 0, hint)


def _syntax(problem: Exception) -> ExpressionError:
    found = _PLACE.search(str(problem))
    if found is None:
        return ExpressionError("the expression cannot be read")
    what = found.group(3).split(" expecting ")[0].replace("'<EOF>'", "its end")
    if what.startswith("OtherError"):
        what = "it is nested too deeply"
    if "token recognition" in what:
        what = "a character that does not belong here, or a quote that is not closed"
    return ExpressionError(f"the expression cannot be read: {what}", max(0, int(found.group(2)) - 1))


def _longest(seen: Json) -> int:
    match seen:
        case list():
            return max([len(seen), *(_longest(item) for item in seen[:MAX_ITEMS])])
        case dict():
            return max([0, *(_longest(item) for item in seen.values())])
        case _:
            return 0


def _json(value: Any) -> Json:
    """CEL's own types (times, bytes) are no JSON."""
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, list):
        return [_json(item) for item in value]
    if isinstance(value, dict):
        return {str(key): _json(item) for key, item in value.items()}
    raise Failed("the result is no text, number, list or object")


def _reason(problem: Exception) -> str:
    match problem:
        case ZeroDivisionError():
            return "division by zero"
        case OverflowError():
            return "a number is too large"
        case TypeError():
            return "kinds of values do not fit"
        case _:
            return "a value does not fit"
