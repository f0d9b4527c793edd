"""The JSON Schema for editors agrees with the loader."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from bridge.core.mapping import is_stream_file, schema, schema_text

FOLDER = Path(__file__).parents[3] / "mappings"


def valid(text: str) -> bool:
    document: Any = yaml.safe_load(text)
    return bool(jsonschema.Draft202012Validator(schema()).is_valid(document))


def test_the_schema_is_a_schema() -> None:
    jsonschema.Draft202012Validator.check_schema(schema())


def test_the_file_in_the_mappings_folder_is_the_schema_of_today() -> None:
    kept = (FOLDER / "schema.json").read_text("utf-8")
    assert kept == schema_text(), "run `bridge mappings schema > mappings/schema.json`"


@pytest.mark.parametrize("path", [path for path in FOLDER.glob("*.yaml") if is_stream_file(path.name)], ids=str)
def test_the_shipped_mappings_fit_it_and_name_it(path: Path) -> None:
    text = path.read_text("utf-8")
    assert valid(text)
    assert text.startswith("# yaml-language-server: $schema=./schema.json\n")


HEAD = "stream: s\ncrm: companies\nassembly: accounts\nfields:\n  f: "


@pytest.mark.parametrize(
    ("rule", "fits"),
    [
        ("{crm: a, assembly: b}", True),
        ("{crm: a, assembly: b, as: domain}", True),
        ("{crm: a, assembly: b, as: [trim, {values: {a: x}, default: y}]}", True),
        ("{crm: a, assembly: b, as: {each: [{label: {type: Tier, create: true}}]}}", True),
        ("{crm: [a, b], assembly: b, as: {name: ' '}, required: assembly}", True),
        ("{crm: a, assembly: b, default: []}", True),
        ("{crm: a, assembly: b, requird: true}", False),
        ("{crm: a, assembly: b, as: domian}", False),
        ("{crm: a, assembly: b, as: {label: Teir}}", False),
        ("{crm: a, assembly: b, as: {trim: 5}}", False),
        ("{crm: a, assembly: b, conflict: newset}", False),
        ("{crm: a, assembly: b, required: maybe}", False),
        ("[a]", False),
    ],
)
def test_an_editor_marks_what_the_loader_refuses(rule: str, fits: bool) -> None:
    assert valid(f"{HEAD}{rule}\n") is fits
