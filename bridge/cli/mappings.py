"""``mappings``: are the files right, do they do what was meant, and what could a first draft look like?"""

from __future__ import annotations

from dataclasses import asdict
from itertools import islice
from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from bridge.bootstrap import read_rules
from bridge.cli.opening import ConnectionName, chosen, opened
from bridge.cli.output import FOUND, GOOD, Json, err, out, show_json
from bridge.core.errors import MappingError, UsageError
from bridge.core.mapping import schema_text
from bridge.core.mapping.cases import run_cases
from bridge.core.mapping.propose import PAIRS
from bridge.core.mapping.propose import propose as draft
from bridge.runtime.live_mappings import read_folder

SAMPLES = 200
"""Records of each object that a draft is made from."""

app = typer.Typer(help="The files that say what goes where.", no_args_is_help=True)

Folder = Annotated[Path, typer.Argument(help="The folder with the *.yaml files.")]


@app.command()
def check(folder: Folder = Path("mappings"), as_json: Annotated[bool, Json] = False) -> int:
    """Every mistake in the files at once, with file, line and column. Needs no settings and no network."""
    try:
        mistakes = read_rules(folder).warnings
    except MappingError as wrong:
        mistakes = wrong.mistakes
    errors = [mistake for mistake in mistakes if mistake.severity == "error"]
    if as_json:
        show_json([asdict(mistake) for mistake in mistakes])
        return FOUND if errors else GOOD
    for mistake in mistakes:
        out.print(Text(str(mistake), "red" if mistake.severity == "error" else "yellow"))
    out.print(f"{len(errors)} to mend." if errors else "No mistakes.")
    return FOUND if errors else GOOD


@app.command("test")
def run_tests(folder: Folder = Path("mappings"), as_json: Annotated[bool, Json] = False) -> int:
    """Run the test cases beside the mappings (*_test.yaml). Needs no settings and no network."""
    results = run_cases(read_rules(folder).mappings, read_folder(folder))
    failed = [result for result in results if not result.passed]
    if as_json:
        show_json([{**asdict(result), "passed": result.passed} for result in results])
    else:
        for result in results:
            out.print(Text(str(result), "" if result.passed else "red"))
        out.print(f"{len(results)} cases, {len(failed)} failed.")
    return FOUND if failed else GOOD


@app.command()
def schema() -> int:
    """The JSON Schema of mapping files, for editors; kept beside them as schema.json."""
    out.file.write(schema_text())
    return GOOD


@app.command()
def propose(connection: ConnectionName = None) -> int:
    """Draft mappings from what both systems hold now. Reads a page of every object, writes nothing."""
    with opened() as bridge:
        wired = chosen(bridge, connection)
        samples = {}
        for _, crm, assembly in PAIRS:
            for side, name in (("crm", crm), ("assembly", assembly)):
                records = (record for page in wired.connectors[side].pages(name) for record in page.records)
                samples[side, name] = [record.raw for record in islice(records, SAMPLES)]
    drafts = draft(samples)
    if not drafts:
        raise UsageError("there is no pair of objects of which both sides have records to compare")
    for each in drafts:
        out.file.write(f"# ---- {each.stream}.yaml\n{each.text}\n")
        share = ", ".join(f"{ratio:.0%} of the {side}'s fields" for side, ratio in each.coverage.items())
        err.print(f"{each.stream}: maps {share}", markup=False)
    return GOOD
