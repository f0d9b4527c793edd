"""Plays one seed from its first record to its last quiet day, and judges it."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from tests.simulation import operations
from tests.simulation.chances import draw_brake
from tests.simulation.coverage import crossings
from tests.simulation.engine import Bridge
from tests.simulation.engine_runs import rebuild_elsewhere
from tests.simulation.journal import Event
from tests.simulation.mapping_text import draw_rules
from tests.simulation.operations import Operation
from tests.simulation.operations_attention import answer_everything
from tests.simulation.oracle import Final, Oracle, Violation
from tests.simulation.remote import Habits
from tests.simulation.world import World

COMPANIES, CONTACTS, DEALS = 0, 2, 3
"""See ``operations.some_stream``."""
SPAN = 240.0
"""Virtual seconds of activity."""
PATIENCE = 2 * 3600.0
"""Virtual seconds in which a world must come to rest once all trouble is over."""
ROUND = 300.0
HELP_ROUND, ANSWER_ROUND = 1, 2
"""In these rounds a person tries again what waits for one, and in every other world answers what is asked."""
HIDDEN = frozenset({("assembly", "company_id"), ("assembly", "account_source_specific_id")})
DAY = 24 * 3600.0


@dataclass(slots=True)
class Outcome:
    seed: int
    operations: Sequence[Operation]
    violations: list[Violation]
    counts: Counter[str]
    events: list[Event] = field(default_factory=list)
    effects: int = 0
    about: str = ""
    """How this world was made, and what was shown to a person at its end."""

    @property
    def failed(self) -> bool:
        return bool(self.violations)


def operations_of(seed: int) -> list[Operation]:
    rng = random.Random(f"operations {seed}")
    return operations.draw(rng, rng.choice((6, 10, 14)), span=SPAN)


def play(
    seed: int, chosen: Sequence[Operation] | None = None, *, trace: bool = False, crash_at: frozenset[int] = frozenset()
) -> Outcome:
    """Run one seed; ``chosen`` replaces its operations. Everything else follows from the seed."""
    world = World(seed)
    world.trace = trace
    world.crash_at = crash_at
    rules, style = draw_rules(random.Random(f"rules {seed}"))
    bridge = Bridge(world, rules, style, brake=draw_brake(random.Random(f"brake {seed}")))
    world.engine = bridge
    todo = list(operations_of(seed) if chosen is None else chosen)
    try:
        _before(world, seed)
        world.start(bridge)
        for operation in todo:
            world.later(operation.at, lambda operation=operation: operations.perform(world, operation))  # type: ignore[misc]
        world.run(SPAN)
        violations = _come_to_rest(world, bridge)
        final = final_of(world, bridge)
        if seed % 2 == 0:
            final = replace(final, rebuilt=rebuild_elsewhere(bridge))
            world.counts["links rebuilt"] += 1
        violations += Oracle(world.journal, final, bridge.rules).judge()
        violations += [Violation("bug", text) for text in world.bugs]
        about = _about(world, bridge)
        bridge_shown = final.shown
    finally:
        bridge.close()
    world.counts.update(f"shown {shown.cause}" for shown in bridge_shown)
    world.counts.update(crossings(world.meetings))
    for peer in world.peers.values():
        world.counts.update({f"fault {peer.system} {name}": count for name, count in peer.faults.counts.items()})
    return Outcome(seed, todo, violations, world.counts, world.journal.events, world.effects, about)


def _about(world: World, bridge: Bridge) -> str:
    settings = replace(bridge.rules, streams={})
    lines = [str(settings), str(bridge.style), str(world.chances)]
    lines += [f"{side}: {peer.remote.habits}" for side, peer in world.peers.items()]
    lines += [str(shown) for shown in bridge.shown()] + [str(link) for link in bridge.links()]
    return "\n".join(lines)


def _before(world: World, seed: int) -> None:
    """Records that were there before anybody connected the two systems."""
    rng = random.Random(f"before {seed}")

    def do(name: str, *fixed: int) -> None:
        dice = (*fixed, *(rng.randrange(1 << 16) for _ in range(5 - len(fixed))))
        operations.ACTS[name](world, dice)

    for _ in range(rng.choice((1, 2, 3))):
        do("create", rng.randrange(2), COMPANIES)
    for _ in range(rng.choice((0, 1, 3))):
        do("create", rng.randrange(2), rng.choice((CONTACTS, DEALS)))
    for _ in range(rng.choice((0, 0, 1, 2))):
        do("same_domain")


def _come_to_rest(world: World, bridge: Bridge) -> list[Violation]:
    """All trouble ends, a person puts right what waits for one; then nothing may be written any more."""
    world.calm = True
    for peer in world.peers.values():
        peer.faults.calm()
    world.run(world.now + 60)
    end, still, rounds = world.now + PATIENCE, False, 0
    answering = bool(world.seed % 2)
    while world.now < end and not still:
        rounds += 1
        if rounds == HELP_ROUND:
            bridge.help()
        if rounds == ANSWER_ROUND and answering:
            answer_everything(world, bridge, world.seed // 2)
        before = world.journal.count("landing", "removal")
        for name in world.duties:
            world.perform_duty(name)
        world.run(world.now + ROUND)
        rested = world.journal.count("landing", "removal") == before and not bridge.at_work()
        still = rested and rounds > (ANSWER_ROUND if answering else HELP_ROUND)
    if not still:
        return [Violation("never quiet", f"still at work {PATIENCE / 3600:.0f} h after the last trouble")]
    before = world.journal.count("landing", "removal")
    world.run(world.now + DAY)
    for name in world.duties:
        world.perform_duty(name)
    world.run(world.now + ROUND)
    extra = world.journal.of("landing", "removal")[before:]
    return [Violation("not quiet", f"a day later: {event}") for event in extra[:3]]


def _doubt(habits: Habits) -> float:
    """A Date header tells a clock's skew to half a second; without one it stays unknown."""
    return habits.grain + (0.5 if habits.dates and habits.skew else abs(habits.skew))


def _remembered(world: World, bridge: Bridge) -> frozenset[str]:
    """Addresses of forgotten people that the database holds, but for those that another record brings back."""
    told = world.journal.of("forgotten")
    gone = {(event.side, event.id) for event in told}
    addresses = {str(event.values["address"]).lower() for event in told if event.values}
    if not addresses:
        return frozenset()
    others = str(
        [
            raw
            for side, peer in world.peers.items()
            for row in peer.remote.rows.values()
            if (side, row.id) not in gone
            for _, raw in row.versions
        ]
    ).lower()
    kept = bridge.everything_kept().lower()
    return frozenset(one for one in addresses if one not in others and one.encode() in kept)


def final_of(world: World, bridge: Bridge) -> Final:
    return Final(
        rows={"crm": world.crm.rows, "assembly": world.assembly.rows},
        links=bridge.links(),
        shown=bridge.shown(),
        names={(side, kind): names for side, peer in world.peers.items() for kind, names in peer.remote.ever.items()},
        cut=world.assembly.habits.cut,
        plans=tuple(world.plans),
        ceilings=bridge.brake.counts,
        remembered=_remembered(world, bridge),
        clears_ignored=world.assembly.habits.null_ignored,
        skews={side: peer.remote.habits.skew for side, peer in world.peers.items()},
        doubts={side: _doubt(peer.remote.habits) for side, peer in world.peers.items()},
        hidden=frozenset() if world.assembly.habits.shows_parent else HIDDEN,
    )
