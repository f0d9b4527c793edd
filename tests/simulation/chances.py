"""How rough one world is: every number is drawn from the world's seed, so that most worlds stress a few things hard."""

from __future__ import annotations

import random
from dataclasses import dataclass

from bridge.core.guards import Brake
from tests.simulation.faults import Faults
from tests.simulation.remote import Habits

REMOTE_LAG = 3.0
"""Seconds; what the engine is told about replicas."""
HTTP_TIMEOUT = 8.0
"""Seconds."""


@dataclass(frozen=True, slots=True)
class Chances:
    """Per event, unless said otherwise."""

    kill: float = 0.0
    """Per effect: the worker dies before it; before a write and the commits around it, that many times ``HEAVY`` more."""
    duty_kill: float = 0.0
    """Per pause inside a duty."""
    stall: float = 0.0
    """Per write: the worker stops between looking at its lease and sending."""
    ring_lost: float = 0.0
    hook_lost: float = 0.0
    hook_twice: float = 0.0
    hook_late: float = 0.0
    workers: int = 2
    latency: float = 0.2
    """Seconds a call takes at most, one way."""


def draw_chances(rng: random.Random) -> Chances:
    def some(odds: float, most: float) -> float:
        return rng.uniform(0, most) if rng.random() < odds else 0.0

    return Chances(
        kill=some(0.6, 0.04),
        duty_kill=some(0.4, 0.4),
        stall=some(0.4, 0.2),
        ring_lost=some(0.4, 0.8),
        hook_lost=some(0.5, 0.6),
        hook_twice=some(0.5, 0.6),
        hook_late=some(0.5, 0.5),
        workers=rng.choice((2, 2, 3)),
        latency=rng.choice((0.05, 0.2, 1.0)),
    )


def draw_brake(rng: random.Random) -> Brake:
    """In most worlds as many writes as come."""
    classes = {"create": 2, "update": 4, "clear": 1, "delete": 1, "reparent": 1}
    if rng.random() < 0.7:
        return Brake({}, {})
    return Brake({klass: most for klass, most in classes.items() if rng.random() < 0.5}, {})


def draw_faults(rng: random.Random) -> Faults:
    def some(odds: float, most: float) -> float:
        return rng.uniform(0, most) if rng.random() < odds else 0.0

    return Faults(
        rng=random.Random(rng.random()),
        throttle=some(0.4, 0.1),
        error=some(0.4, 0.1),
        lost=some(0.5, 0.12),
        timeout=some(0.5, 0.2),
        late=some(0.5, 0.15),
        late_by=rng.choice((1.0, 5.0, 20.0)),
    )


def draw_crm(rng: random.Random) -> Habits:
    lag = rng.choice((0.0, 0.0, REMOTE_LAG))
    return Habits(
        skew=rng.choice((0.0, 0.0, rng.uniform(-90, 90))),
        grain=rng.choice((0.0, 0.001, 1.0)),
        null_stamps=rng.random() < 0.15,
        dates=rng.random() < 0.8,
        lag=lag,
        stale=rng.choice((0.1, 0.5)),
        trim=rng.random() < 0.3,
        lower_email=rng.random() < 0.3,
        cents=rng.random() < 0.5,
        answers_stamp=rng.random() < 0.7,
        event_ids=rng.random() < 0.5,
        page=rng.choice((2, 3, 50)),
    )


def draw_assembly(rng: random.Random) -> Habits:
    lag = rng.choice((0.0, 0.0, REMOTE_LAG))
    return Habits(
        skew=rng.choice((0.0, 0.0, rng.uniform(-90, 90))),
        grain=rng.choice((0.0, 0.001, 1.0)),
        null_stamps=rng.random() < 0.2,
        property_stamps=rng.random() < 0.7,
        dates=rng.random() < 0.8,
        lag=lag,
        stale=rng.choice((0.1, 0.5)),
        trim=rng.random() < 0.4,
        cut=rng.choice((None, 100)),
        lower_email=rng.random() < 0.4,
        cents=rng.random() < 0.5,
        null_ignored=rng.random() < 0.2,
        shows_parent=rng.random() < 0.7,
        answers_stamp=False,
        upsert_by_domain=rng.random() < 0.2,
        shared_keys=rng.random() < 0.3,
        deleted_label=rng.choice(("kept", "null")),
        page=rng.choice((2, 3, 50)),
    )
