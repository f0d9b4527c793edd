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
    "duty poll": 4000,
    "duty list": 2000,
    "duty sweep": 4000,
    # what persons do
    "plan applied": 30,
    "plan line": 30,
    "links rebuilt": 400,
    "answer crm": 20,
    "answer assembly": 20,
    "answer value": 15,
    "answer retry": 40,
    "answer dismiss": 30,
    "answer release": 8,
    "answer discard": 4,
    "hold release": 8,
    "forgotten records": 10,
}
PER_OPERATION = 30
"""Per unit of an operation's weight and thousand seeds."""
SHARE: dict[str, float] = {
    "answer": 0.3,
    "answer_group": 0.2,
    "decide_hold": 0.05,
    "delete": 0.6,
    "delete_and_restore": 0.3,
    "forget": 0.3,
    "move_child": 0.4,
    "undo": 0.4,
}
"""Of the times an operation is drawn, how often it finds something to do, where that is seldom."""
PER_MEETING: dict[str, float] = {
    # outside
    "throttle": 4,
    "error": 4,
    "lost": 0.5,
    "timeout": 1,
    "late": 0.5,
    "hook lost": 4,
    "hook twice": 4,
    "hook late": 4,
    "ring lost": 4,
    "outage": 1,
    # inside
    "read": 2,
    "commit": 3,
    "write": 1,
    "duty": 0.1,
    "stall": 0.5,
    # both at once
    "refused × read": 0.4,
    "refused × commit": 0.8,
    "refused × write": 0.2,
    "refused × stall": 0.15,
    "unanswered × read": 0.2,
    "unanswered × commit": 0.25,
    "unanswered × write": 0.1,
    "unanswered × stall": 0.05,
    "unheard × read": 0.8,
    "unheard × commit": 1.2,
    "unheard × write": 0.3,
    "unheard × stall": 0.25,
    "unheard × duty": 0.05,
    "outage × commit": 0.15,
    "outage × read": 0.08,
}
"""How often an operation met each fault, each crash and both at once, per unit of its weight and thousand seeds: rare meetings are
asked of the operations that are drawn often enough to have them."""
SURE = 3.0
TOGETHER = "the others"
SELDOM = frozenset({"decide_hold", "answer_group", "forget", "undo", "plan_and_apply"})
"""What these begin happens in a still world, or seldom: their own count proves them."""
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
    thousands = seeds / 1000
    wanted = {name: needed * thousands for name, needed in PER_THOUSAND.items()}
    have = Counter(counts)
    for name, weight in WEIGHTS.items():
        share = weight * SHARE.get(name, 1.0)
        wanted[f"op {name}"] = PER_OPERATION * share * thousands
        for met, each in PER_MEETING.items() if name not in SELDOM else ():
            needed = each * share * thousands
            # What one operation would meet once or twice by chance is asked of all such operations together.
            asked = cross(name if needed >= SURE else TOGETHER, met)
            wanted[asked] = wanted.get(asked, 0.0) + needed
            if needed < SURE:
                have[asked] += counts[cross(name, met)]
    return [
        f"{name}: {have[name]} of {int(needed)}" for name, needed in sorted(wanted.items()) if have[name] < int(needed)
    ]
