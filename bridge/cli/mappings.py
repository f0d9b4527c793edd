"""``mappings``: are the files right, do they do what was meant, and what could a first draft look like?"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from itertools import islice
from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from bridge.bootstrap import Dialect, Rules, WiredConnection, load_settings, read_rules
from bridge.cli.opening import ConnectionName, chosen, opened, picked
from bridge.cli.output import FOUND, GOOD, Json, err, out, show_json
from bridge.core.errors import MappingError, UsageError
from bridge.core.mapping import excerpt, schema_text
from bridge.core.mapping.cases import run_cases
from bridge.core.mapping.checks import Finding, check_names, check_records
from bridge.core.mapping.propose import PAIRS
from bridge.core.mapping.propose import propose as draft
from bridge.core.plan import references
from bridge.core.records import Lookups, Record
from bridge.runtime.live_mappings import read_folder
from bridge.settings import ConnectionSettings

SAMPLES = 200
"""Records of each object that a draft is made from, or that fields are tried on."""
HARMLESS = frozenset({"nowhere"})
"""Findings that may well be meant: a path that no record fills yet."""

app = typer.Typer(help="The files that say what goes where.", no_args_is_help=True)

Folder = Annotated[Path, typer.Argument(help="The folder with the *.yaml files.")]


@app.command()
def check(
    folder: Annotated[
        Path | None, typer.Argument(help="The folder with the *.yaml files; by default mappings.")
    ] = None,
    live: Annotated[bool, typer.Option("--live", help="Also try the fields on records of both systems.")] = False,
    connection: ConnectionName = None,
    dialect: Annotated[Dialect, typer.Option(help="The dialect of Assembly that the files are for.")] = "current",
    as_json: Annotated[bool, Json] = False,
) -> int:
    """Every mistake in the files at once, each with its line. Needs no settings and no network, unless --live.

    With --live the files and the dialect are those of a connection, and its systems are asked for records, labels and
    stages. No value is printed: what is found names records by their ids.
    """
    settings = _settings_of(connection) if live else None
    if settings is not None:
        folder, dialect = folder or settings.mappings_dir, settings.assembly_dialect
    folder = folder or Path("mappings")
    texts = read_folder(folder)
    found: tuple[Finding, ...] = ()
    try:
        rules = read_rules(folder, dialect)
        mistakes = rules.warnings
        found = _live(rules, connection) if live else ()
    except MappingError as broken:
        mistakes = broken.mistakes
    wrong = [mistake for mistake in mistakes if mistake.severity == "error"]
    odd = [finding for finding in found if finding.kind not in HARMLESS]
    if as_json:
        show_json([*map(asdict, mistakes), *map(asdict, found)])
        return FOUND if wrong or odd else GOOD
    for mistake in mistakes:
        shown = excerpt(mistake, texts.get(mistake.file, ""))
        out.print(Text(shown, "red" if mistake.severity == "error" else "yellow"), soft_wrap=True)
    for finding in found:
        out.print(Text(str(finding), "yellow" if finding.kind in HARMLESS else "red"), soft_wrap=True)
    out.print(f"{len(wrong) + len(odd)} to mend." if wrong or odd else "No mistakes.")
    return FOUND if wrong or odd else GOOD


def _settings_of(connection: str | None) -> ConnectionSettings:
    """Read before anything is built: files that are wrong are told with their lines."""
    known = {each.name: each for each in load_settings().connections()}
    return picked(known, connection)


def _live(rules: Rules, connection: str | None) -> tuple[Finding, ...]:
    with opened() as bridge:
        wired = chosen(bridge, connection)
        samples = sampled(wired, {(side, each.object(side)) for each in rules.mappings.streams for side in each.sides})
        tables = {(side, kind): table for side, one in wired.connectors.items() for kind, table in one.tables().items()}
        wanted = {
            reference
            for each in rules.mappings.streams
            for side in each.sides
            for reference in references(each, samples.get((side, each.object(side)), ()))
        }
        links = bridge.store.links.resolve(wired.name, frozenset(wanted))
    return (
        *check_records(rules.mappings, samples, Lookups(tables, links)),
        *check_names(rules.mappings, tables),
    )


def sampled(wired: WiredConnection, objects: Iterable[tuple[str, str]]) -> dict[tuple[str, str], list[Record]]:
    """The first records of each (side, object) that can be read."""
    return {
        (side, name): list(
            islice((record for page in wired.connectors[side].pages(name) for record in page.records), SAMPLES)
        )
        for side, name in sorted(objects)
        if side in wired.connectors and wired.connectors[side].traits(name).readable
    }


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
        wanted = {(side, name) for _, crm, assembly in PAIRS for side, name in (("crm", crm), ("assembly", assembly))}
        samples = {place: [record.raw for record in records] for place, records in sampled(wired, wanted).items()}
    drafts = draft(samples)
    if not drafts:
        raise UsageError("there is no pair of objects of which both sides have records to compare")
    for each in drafts:
        out.file.write(f"# ---- {each.stream}.yaml\n{each.text}\n")
        share = ", ".join(f"{ratio:.0%} of the {side}'s fields" for side, ratio in each.coverage.items())
        err.print(f"{each.stream}: maps {share}", markup=False)
    return GOOD
