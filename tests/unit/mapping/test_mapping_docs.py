"""``docs/mappings.md`` names every key, codec and function, and its recipes do what they say."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from bridge.core.mapping import load
from bridge.core.mapping.casefile import CASE
from bridge.core.mapping.cases import run_cases
from bridge.core.mapping.codecs import CODECS
from bridge.core.mapping.expressions import FUNCTIONS
from bridge.core.mapping.grammar import FIELD, STREAM

PAGE = (Path(__file__).parents[3] / "docs" / "mappings.md").read_text("utf-8")
BLOCK = re.compile(r"```yaml( recipe| cases|)\n(.*?)```", re.S)


def rows() -> dict[str, list[str]]:
    """What each table must hold, from the code that reads the files."""
    return {
        "stream keys": [
            f"| `{name}` | {key.about} | {'required' if key.required else key.default} |"
            for name, key in STREAM.keys.items()
        ],
        "field keys": [f"| `{name}` | {key.about} | {key.default} |" for name, key in FIELD.keys.items()],
        "codecs": [f"| `{name}` | {kind.about} | `{kind.example or f'as: {name}'}` |" for name, kind in CODECS.items()],
        "functions": [f"| `{name}` | {use} |" for name, (_, use) in FUNCTIONS.items()],
        "case keys": [f"| `{name}` | {key.about} |" for name, key in CASE.keys.items()],
    }


@pytest.mark.parametrize("table", rows())
def test_every_key_is_in_its_table(table: str) -> None:
    after = PAGE.split(f"<!-- {table} -->\n")[1].split("\n\n")[0]
    assert after.splitlines() == rows()[table]


def recipes() -> list[tuple[str, list[str], str]]:
    """Title, streams and cases of each recipe."""
    found = []
    for section in PAGE.split("\n### ")[1:]:
        blocks = BLOCK.findall(section.split("\n## ")[0])
        streams = [text for kind, text in blocks if kind == " recipe"]
        cases = [text for kind, text in blocks if kind == " cases"]
        assert streams, "a recipe without a mapping"
        assert len(cases) == 1, "a recipe without cases"
        found.append((section.splitlines()[0], streams, cases[0]))
    return found


@pytest.mark.parametrize(("title", "streams", "cases"), recipes(), ids=[title for title, _, _ in recipes()])
def test_a_recipe_does_what_it_says(title: str, streams: list[str], cases: str) -> None:
    files = {f"{number}.yaml": text for number, text in enumerate(streams)}
    name = re.search(r"^stream: (\S+)", streams[-1], re.M)
    assert name is not None
    indented = "".join(f"  {line}\n" for line in cases.splitlines())
    results = run_cases(load(files), {"recipe_test.yaml": f"stream: {name[1]}\ncases:\n{indented}"})
    assert results
    assert [str(result) for result in results if not result.passed] == []


def test_the_other_examples_load() -> None:
    plain = [text for kind, text in BLOCK.findall(PAGE) if not kind]
    assert plain
    for text in plain:
        load({"example.yaml": text})


def test_every_codec_example_is_right() -> None:
    for name, kind in CODECS.items():
        example = kind.example or f"as: {name}"
        left = "[a, b]" if name == "name" else "a"
        rule = f"crm: {left}, assembly: b, {example}"
        load({"companies.yaml": f"stream: companies\ncrm: companies\nassembly: accounts\nfields: {{f: {{{rule}}}}}\n"})
