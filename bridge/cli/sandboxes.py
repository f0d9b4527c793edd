"""``sandbox``: the simulated systems on their own, for trying settings and mappings without the real ones."""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import Annotated

import typer

from bridge.cli.output import err, out
from bridge.core.errors import UsageError
from bridge.sandbox import server
from bridge.sandbox.control import Control
from bridge.sandbox.seed import load_sales_opportunities

app = typer.Typer(help="Simulated systems on this machine.", no_args_is_help=True)

Token = Annotated[str, typer.Option(envvar="SANDBOX_TOKEN", help="Guards the control plane under /_sandbox.")]


@app.command()
def serve(
    system: Annotated[server.SystemName, typer.Argument(help="Which one.")],
    host: Annotated[str, typer.Option(help="Where it listens.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="0: a free one, told on stdout.")] = 0,
    key: Annotated[str, typer.Option(envvar="SANDBOX_KEY", help="The API key it accepts; made up if not given.")] = "",
    entity_id: Annotated[str, typer.Option(help="The entity that the CRM's key belongs to.")] = "",
    token: Token = "",
    seed: Annotated[int, typer.Option(help="Of its ids.")] = 0,
    limit: Annotated[int | None, typer.Option(help="Requests a second before it answers 429.")] = None,
    port_file: Annotated[Path | None, typer.Option(help="Write the port there instead of to stdout.")] = None,
) -> None:
    """Run one until Ctrl-C. It starts empty and forgets everything at its end."""
    if not key or not token:
        key, token = key or f"ak_{secrets.token_hex(16)}", token or secrets.token_hex(16)
        err.print(f"key: {key}\ntoken: {token}", markup=False)
    server.run(
        system,
        host,
        port,
        key=key,
        token=token,
        entity_id=entity_id,
        seed=seed,
        limit_per_second=limit,
        port_file=port_file,
    )


@app.command()
def load(
    folder: Annotated[Path, typer.Argument(help="The folder with the CRM sales opportunities (CSV files).")],
    url: Annotated[str, typer.Option(help="Where the CRM sandbox runs, such as http://127.0.0.1:8101.")],
    token: Token = "",
) -> None:
    """Fill a running CRM sandbox with a real data set: companies, stages and leads."""
    if not folder.is_dir():
        raise UsageError(f"{folder} is not a folder")
    try:
        records = load_sales_opportunities(folder)
    except (OSError, KeyError, ValueError) as error:
        raise UsageError(f"{folder} does not hold that data set: {error}") from error
    counts = Control(url, token).seed(records)
    out.print(", ".join(f"{count} {name}" for name, count in counts.items()))


if __name__ == "__main__":
    app()
