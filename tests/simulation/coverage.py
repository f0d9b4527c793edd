"""How often each thing must have happened in a campaign: a simulation in which nothing happens proves nothing."""

from __future__ import annotations

from collections import Counter

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
SMALLEST = 500
"""Fewer seeds than this prove no counts."""


def missing(counts: Counter[str], seeds: int) -> list[str]:
    """What was played less often than it must be."""
    if seeds < SMALLEST:
        return [name for name in ("kill", "op edit", "op create", "hook lost", "duty poll") if not counts[name]]
    wanted = dict(PER_THOUSAND) | {f"op {name}": int(PER_OPERATION * weight) for name, weight in WEIGHTS.items()}
    return [
        f"{name}: {counts[name]} of {needed * seeds // 1000}"
        for name, needed in sorted(wanted.items())
        if counts[name] < needed * seeds // 1000
    ]
