"""``mappings``: is what you wrote right?"""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from bridge.bootstrap import check_mappings
from bridge.cli.output import FOUND, GOOD, Json, out, show_json

app = typer.Typer(help="The files that say what goes where.", no_args_is_help=True)

Folder = Annotated[Path, typer.Argument(help="The folder with the *.yaml files.")]


@app.callback()
def _group() -> None:
    """Keeps this a group of commands."""


@app.command()
def check(folder: Folder = Path("mappings"), as_json: Annotated[bool, Json] = False) -> int:
    """Every mistake in the files at once, with file, line and column. Needs no settings and no network."""
    mistakes = check_mappings(folder)
    errors = [mistake for mistake in mistakes if mistake.severity == "error"]
    if as_json:
        show_json([asdict(mistake) for mistake in mistakes])
        return FOUND if errors else GOOD
    for mistake in mistakes:
        out.print(Text(str(mistake), "red" if mistake.severity == "error" else "yellow"))
    out.print("No mistakes." if not errors else f"{len(errors)} to mend.")
    return FOUND if errors else GOOD
