"""The command tree, and the one place where errors become words and exit statuses."""

from __future__ import annotations

import sys
import uuid
from collections.abc import Sequence

import structlog
import typer
from typer.exceptions import TyperException

from bridge.cli import attention, connections, demo, health, mappings, records, repairs, running, sandboxes, syncing
from bridge.cli.output import FOUND, WRONG_USE, err
from bridge.core.errors import BridgeError, SettingsError, UsageError
from bridge.runtime import logs

log = structlog.get_logger(__name__)

app = typer.Typer(
    name="bridge",
    help="Keeps a CRM and Assembly in step, in both directions, from YAML mappings.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

app.command("demo", rich_help_panel="Start")(demo.demo)
app.command("up", rich_help_panel="Start")(running.up)
app.command("serve", rich_help_panel="Start")(running.serve)
app.command("worker", rich_help_panel="Start")(running.worker)
app.command("check", rich_help_panel="Look")(health.check)
app.command("health", rich_help_panel="Look")(health.health)
app.command("plan", rich_help_panel="Synchronise")(syncing.plan)
app.command("backfill", rich_help_panel="Synchronise")(syncing.backfill)
app.command("undo", rich_help_panel="Repair")(repairs.undo)
app.command("forget", rich_help_panel="Repair")(repairs.forget)
app.add_typer(repairs.links, name="links", rich_help_panel="Repair")
app.add_typer(attention.app, name="attention", rich_help_panel="Look")
app.add_typer(connections.app, name="connections", rich_help_panel="Look")
app.add_typer(records.app, name="record", rich_help_panel="Look")
app.add_typer(mappings.app, name="mappings", rich_help_panel="Mappings")
app.add_typer(sandboxes.app, name="sandbox", rich_help_panel="Start")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status: 0 good, 1 found something, 2 wrong usage."""
    logs.configure(level="warning")
    try:
        status = app(args=None if arguments is None else list(arguments), standalone_mode=False)
    except typer.Exit as end:
        return end.exit_code
    except TyperException as wrong:
        _say(wrong.format_message())
        _say("`bridge --help` and `bridge COMMAND --help` show what can be written.")
        return WRONG_USE
    except (KeyboardInterrupt, typer.Abort):
        err.print("Stopped.")
        return 130
    except (SettingsError, UsageError) as wrong:
        _say(str(wrong))
        return WRONG_USE
    except BridgeError as wrong:
        _say(str(wrong))
        return FOUND
    except BrokenPipeError:
        # The reader of our output (head, less) has seen enough.
        sys.stderr.close()
        return FOUND
    except Exception as bug:
        reference = uuid.uuid4().hex[:8]
        log.error("bug", reference=reference, exc_info=bug)
        err.print(f"[red]This is a bug in the bridge.[/red] The log line with {reference} has the details.")
        return FOUND
    return status if isinstance(status, int) else 0


def _say(words: str) -> None:
    for line in words.splitlines():
        err.print(line, style="red", markup=False)
