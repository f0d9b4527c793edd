"""The demo from its first line to its last."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from rich.text import Text

from bridge.cli.demo import report
from bridge.cli.demo.edits import Edit, story
from bridge.cli.demo.twins import accounts_known_before
from bridge.cli.demo.world import Stopped, World, until, world
from bridge.cli.output import FOUND, GOOD, out
from bridge.cli.running import stop_signals
from bridge.cli.syncing import ENDED, progress_bar
from bridge.core.errors import BridgeError
from bridge.sandbox import seed as seeds
from bridge.sandbox.control import Control

ARRIVAL_SECONDS: Final = 20.0
BACKFILL_SECONDS: Final = 600.0
QUIET_SECONDS: Final = 20.0
PAUSE_SECONDS: Final = 2.0
ONE_OF_EACH: Final = 8


def demo(
    once: Annotated[
        bool, typer.Option("--once", help="End after one round; the exit status says if both sides agree.")
    ] = False,
    seed: Annotated[int, typer.Option(help="The same number makes the same records and edits.")] = 1,
    companies: Annotated[int, typer.Option(min=1, max=5000, help="How many companies the CRM begins with.")] = 40,
    mappings: Annotated[Path, typer.Option(help="The folder of mappings to use.")] = Path("mappings"),
    keep: Annotated[Path | None, typer.Option(help="Keep the database and the logs in this folder.")] = None,
) -> int:
    """Watch everything work on this machine: two simulated systems, a backfill, and edits arriving on the other side."""
    began = time.monotonic()
    with stop_signals() as stopping:
        try:
            records = seeds.demo(seed, companies)
            accounts = accounts_known_before(records["companies"])

            def fill(crm: Control, assembly: Control) -> None:
                crm.seed(records)
                assembly.seed({"accounts": accounts})

            with world(mappings, seed=seed, fill=fill, tell=_tell, stopping=stopping, keep=keep) as made:
                show = _Show(made, random.Random(seed), stopping, began)
                show.open({name: len(rows) for name, rows in records.items()}, len(accounts))
                return show.run(once=once)
        except Stopped:
            out.print("Stopped; nothing is left running.")
            return GOOD


def _tell(name: str, what: str) -> None:
    if "ended" in what:
        out.print(f"{name}: {what}", style="yellow", markup=False)


class _Show:
    def __init__(self, world: World, random: random.Random, stopping: threading.Event, began: float) -> None:
        self.world = world
        self.random = random
        self.stopping = stopping
        self.began = began
        self.results: dict[str, dict[str, int]] = {}

    def open(self, records: Mapping[str, int], accounts: int) -> None:
        counts = ", ".join(f"{count} {name}" for name, count in records.items())
        self.say(f"Everything runs ({self.clock()}). The CRM holds {counts}.")
        self.say(f"Assembly holds {accounts} accounts that somebody typed in: all but one of them are in the CRM, too.")
        out.print(report.addresses(self.world))

    def run(self, *, once: bool) -> int:
        self.backfill("Backfill")
        self.say("Now people edit records on both sides:")
        edits = story(self.world, self.random)
        arrived = self.edits(islice(edits, ONE_OF_EACH))
        if once:
            return self.end(arrived)
        self.say("It goes on like this until you press Ctrl-C.")
        try:
            self.edits(self.slowly(edits))
        except Stopped:
            # The last table is still to come; another Ctrl-C ends it all.
            self.stopping.clear()
            out.print()
        return self.end(arrived)

    def end(self, arrived: bool) -> int:
        self.quiet()
        again = self.backfill("Second backfill")
        spent = report.both(self.world)
        found = report.check(self.world)
        out.print(report.final(self.world, self.results, spent))
        out.print(report.differences(found))
        writes = sum(each.writes for each in again.values())
        style = "bold green" if writes == 0 else "bold red"
        out.print(
            Text(f"The second backfill made {writes} writes and {sum(e.total for e in again.values())} reads.", style)
        )
        too_many = sum(each.too_many for each in spent.values())
        out.print(f"Took {self.clock()}.")
        return GOOD if arrived and not found and writes == 0 and too_many == 0 else FOUND

    # --- the backfill ---------------------------------------------------------------------------------------------

    def backfill(self, title: str) -> Mapping[str, report.Calls]:
        """Run one with a progress bar; what it cost each system."""
        before = report.both(self.world)
        began, already = time.monotonic(), 0
        run = self.world.post("/admin/backfills", {"connection": "default"})
        with progress_bar() as bar:
            task = bar.add_task(title, total=None)
            while run["state"] not in ENDED:
                self.check_up()
                if time.monotonic() - began > BACKFILL_SECONDS:
                    raise BridgeError(f"the backfill is still {run['state']} after {BACKFILL_SECONDS:g} seconds")
                time.sleep(0.2)
                run = self.world.get(f"/admin/backfills/{run['id']}")
                counted = sum(run["counts"].values())
                if run["state"] == "applying" and bar.tasks[0].total is None:
                    already = counted
                    bar.update(
                        task, total=sum(1 for _ in report.pages(self.world, f"/admin/backfills/{run['id']}/plan"))
                    )
                bar.update(task, description=f"{title}: {run['state']}", completed=counted - already)
        if run["state"] != "done":
            raise BridgeError(f"the backfill {run['state']}: {run['error']}")
        spent = {name: now.since(before[name]) for name, now in report.both(self.world).items()}
        counts = ", ".join(f"{count} {name}" for name, count in run["counts"].items() if count)
        cost = ", ".join(f"{each.total} {name} calls" for name, each in spent.items())
        self.say(f"{title} done in {time.monotonic() - began:.1f} s: {counts or 'nothing to do'}; {cost}.")
        if not self.results:
            self.tally(run["id"])
        return spent

    def tally(self, run_id: str) -> None:
        """Per stream what the first backfill came to. What it found equal has no item: the rest of the pairs."""
        for item in report.pages(self.world, f"/admin/backfills/{run_id}/plan"):
            counts = self.results.setdefault(item["stream"], {})
            counts[item["result"] or item["state"]] = counts.get(item["result"] or item["state"], 0) + 1
        for stream, pairs in report.pairs(self.world).items():
            counts = self.results.setdefault(stream, {})
            counts["unchanged"] = pairs - sum(counts.get(name, 0) for name in ("created", "bound", "updated", "voided"))

    # --- live edits -----------------------------------------------------------------------------------------------

    def edits(self, edits: Iterator[Edit]) -> bool:
        """Make them one after the other; whether each arrived."""
        good = True
        for edit in edits:
            self.check_up()
            edit.make()
            try:
                took = until(edit.arrived, ARRIVAL_SECONDS, edit.words, self.stopping)
                mark, time_taken = Text("✓", "green"), f"{took:5.2f} s"
            except BridgeError:
                good = False
                mark, time_taken = Text("✗", "bold red"), f"not within {ARRIVAL_SECONDS:g} s"
            out.print(Text.assemble(" ", mark, f" {time_taken}  ", (f"{edit.way:<15}", "cyan"), f"  {edit.words}"))
        return good

    def slowly(self, edits: Iterator[Edit]) -> Iterator[Edit]:
        for edit in edits:
            if self.stopping.wait(PAUSE_SECONDS):
                return
            yield edit

    def quiet(self) -> None:
        """Let what is under way come to its end: echoes, second looks, notes."""

        def still() -> bool:
            changes: dict[str, Any] = self.world.get("/admin/connections/default")["changes"]
            return not changes.get("pending", 0) and not changes.get("leased", 0)

        until(still, QUIET_SECONDS, "quiet", self.stopping, pause=0.2)

    # --- small things ---------------------------------------------------------------------------------------------

    def check_up(self) -> None:
        if self.stopping.is_set():
            raise Stopped

    def say(self, words: str) -> None:
        out.print(Text(words))

    def clock(self) -> str:
        return f"{time.monotonic() - self.began:.1f} s"
