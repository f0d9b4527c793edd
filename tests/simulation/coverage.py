"""How often each thing must have happened in a campaign: a simulation in which nothing happens proves nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from tests.simulation.operations import WEIGHTS

PER_THOUSAND: dict[str, int] = {
    # faults on the way
    "fault crm read throttle": 100,
    "fault crm read error": 100,
    "fault crm write throttle": 20,
    "fault crm write error": 20,
    "fault crm write lost": 20,
    "fault crm write timeout": 40,
    "fault crm write late": 20,
    "fault assembly read throttle": 100,
    "fault assembly read error": 100,
    "fault assembly write throttle": 20,
    "fault assembly write error": 20,
    "fault assembly write lost": 20,
    "fault assembly write timeout": 40,
    "fault assembly write late": 20,
    # webhooks and rings
    "hook lost": 200,
    "hook twice": 200,
    "hook late": 200,
    "ring lost": 200,
    # deaths and stops
    "kill": 800,
    "kill in duty": 20,
    "kill before read GetRecord": 100,
    "kill before commit Declare": 20,
    "kill before commit Finish": 100,
    "kill before commit Extend": 20,
    "kill before commit Advance": 2,
    "kill before write create": 10,
    "kill before write update": 10,
    "stall": 50,
    # outages
    "outage down": 10,
    "outage wrong_key": 10,
    "outage key_refused": 10,
    "outage empty_list": 10,
    "outage capped_list": 10,
    # duties
    "duty poll": 5000,
    "duty list": 2000,
    "duty sweep": 5000,
}
PER_OPERATION = 40
"""Per unit of an operation's weight and thousand seeds."""
PER_MEETING: dict[str, float] = {}
"""Per unit of an operation's weight and thousand seeds: how often it met each fault, each crash, each pair of them."""
SMALLEST = 500
"""Fewer seeds than this prove no counts."""
REACH = 30.0
"""Seconds after an operation in which the bridge is busy with it: what fails then, fails on its way."""
FAULTS: dict[str, str] = {
    "throttle": "refused",
    "error": "refused",
    "lost": "unanswered",
    "timeout": "unanswered",
    "late": "unanswered",
    "hook lost": "unheard",
    "hook twice": "unheard",
    "hook late": "unheard",
    "ring lost": "unheard",
    "outage": "outage",
}
"""What can go wrong outside, and the kind of trouble it is."""
CRASHES = ("read", "commit", "write", "duty", "stall", "wait")
"""Before what a worker died; a duty that died; a worker that stopped and went on."""


def crossings(meetings: Sequence[tuple[float, str, str]]) -> Counter[str]:
    """How often each operation met each fault, each crash, and both at once."""
    found: Counter[str] = Counter()
    for at, kind, name in meetings:
        if kind != "operation":
            continue
        near = [(what, which) for when, what, which in meetings if at <= when <= at + REACH and what != "operation"]
        faults = {which for what, which in near if what == "fault"}
        crashes = {which for what, which in near if what == "crash"}
        found.update(cross(name, fault) for fault in faults)
        found.update(cross(name, crash) for crash in crashes)
        found.update(cross(name, trouble, crash) for trouble in {FAULTS[one] for one in faults} for crash in crashes)
    return found


def cross(*names: str) -> str:
    return " × ".join(names)


def missing(counts: Counter[str], seeds: int) -> list[str]:
    """What was played less often than it must be."""
    if seeds < SMALLEST:
        return [name for name in ("kill", "op edit", "op create", "hook lost", "duty poll") if not counts[name]]
    wanted = {name: float(needed) for name, needed in PER_THOUSAND.items()}
    wanted |= {f"op {name}": PER_OPERATION * weight for name, weight in WEIGHTS.items()}
    wanted |= {cross(name, met): each * weight for name, weight in WEIGHTS.items() for met, each in PER_MEETING.items()}
    return [
        f"{name}: {counts[name]} of {int(needed * seeds / 1000)}"
        for name, needed in sorted(wanted.items())
        if counts[name] < int(needed * seeds / 1000)
    ]
