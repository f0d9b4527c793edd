"""Hand-made mutants of the engine: each breaks one rule as a hurried change might, and names the tests that must notice.

``old`` occurs exactly once in ``file``. ``tests`` is the fastest selection that kills the mutant; ``only`` narrows it (pytest's ``-k``).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]

MERGE = "tests/unit/core/test_merge_rules.py"
POLL = "tests/unit/sync/test_poll_rounds.py"
VALUES = "tests/simulation/scenarios/test_scenario_values.py"
CRASH = "tests/simulation/scenarios/test_scenario_crash.py"
DELETION = "tests/simulation/scenarios/test_scenario_deletion.py"
IDENTITY = "tests/simulation/scenarios/test_scenario_identity.py"
CHANGES = "tests/integration/store/test_store_changes.py"
LINKS = "tests/integration/store/test_store_links.py"
BRAKE = "tests/integration/store/test_store_brake.py"
PARENTS = "tests/integration/store/test_store_parents.py"
PEOPLE_ASKED = "tests/integration/store/test_store_attention.py"
REBUILD = "tests/integration/operations/test_rebuild.py"
OSCILLATION = "tests/unit/operations/test_oscillation_rule.py"
DRIVER = "tests/unit/runtime/test_driver.py"
LISTINGS = "tests/unit/connectors/test_listings.py"
LEASES = "tests/unit/store/test_lease_guards.py"
GUARDED = "tests/unit/sync/test_engine_guards.py"
STAMPS = "tests/simulation/scenarios/test_scenario_stamps.py"
RUNS = "tests/simulation/scenarios/test_scenario_runs.py"
SAGAS = "tests/simulation/scenarios/test_scenario_sagas.py"


@dataclass(frozen=True, slots=True)
class Mutant:
    """``rule`` is the sentence that the mutant breaks."""

    name: str
    rule: str
    file: str
    old: str
    new: str
    tests: tuple[str, ...]
    only: str = ""

    def occurrences(self, root: Path = ROOT) -> int:
        return (root / self.file).read_text().count(self.old)

    def apply(self, root: Path) -> None:
        path = root / self.file
        path.write_text(path.read_text().replace(self.old, self.new))


MERGING = (
    Mutant(
        "clear dropped",
        "A cleared value is carried like any other.",
        "bridge/core/merge.py",
        '        if rule.clears == "ignore":',
        "        if True:",
        (MERGE,),
        "moved",
    ),
    Mutant(
        "absent taken for a clear",
        "A path that a record does not carry is silence, not emptiness.",
        "bridge/core/merge.py",
        "    if isinstance(base, _NoBase) or base is ABSENT or now is ABSENT:\n        return _Read(view, common, NO_BASE, moved=False)",
        "    if now is ABSENT:\n"
        "        return _Read(SideView(side, None, base), None, base, moved=True)\n"
        "    if isinstance(base, _NoBase) or base is ABSENT:\n"
        "        return _Read(view, common, NO_BASE, moved=False)",
        (MERGE,),
        "absent",
    ),
    Mutant(
        "newest without its margin",
        "Stamps within the margin prove nothing.",
        "bridge/core/merge.py",
        "return newer if second - first > self.margin else None",
        "return newer",
        (MERGE,),
        "newest",
    ),
    Mutant(
        "our own stamp taken for a person's",
        "A stamp that our own write may have made proves nothing.",
        "bridge/core/plan.py",
        "            if first or (end.shadow.own_at is not None and stamp <= end.shadow.own_at):\n",
        "            if False:\n",
        (GUARDED,),
        "stamp",
    ),
    Mutant(
        "the remote's clock not corrected",
        "Stamps are corrected by the remotes' Date headers.",
        "bridge/core/plan.py",
        "stamp - (offset or timedelta())",
        "stamp",
        (GUARDED,),
        "one_clock",
    ),
    Mutant(
        "wrong-side edit stays",
        "A wrong-side edit is reverted unless the mapping says otherwise.",
        "bridge/core/merge.py",
        '            return _carry(rule, source, target, "reverted")',
        '            return _settle(rule, source, target, "reverted")',
        (MERGE,),
        "wrong_side",
    ),
    Mutant(
        "echo rule off",
        "What the declared echo rule derives from what was sent is the remote's spelling.",
        "bridge/core/merge.py",
        "if (view.sent and rule.is_echo(side, base, now)) or (view.unread and resembles(base, now)):",
        "if False:",
        (MERGE,),
        "spelling",
    ),
    Mutant(
        "late write carried back",
        "A value that equals an open intent is ours, never an edit.",
        "bridge/core/merge.py",
        "if not merged and any(strictly_equal(now, value) or resembles(value, now) for value in view.ours):",
        "if False:",
        (MERGE,),
        "late_write",
    ),
    Mutant(
        "decision on values that moved",
        "A person's answer counts only while both sides hold what they saw.",
        "bridge/core/merge.py",
        "if read.silent or seen is ABSENT or strictly_equal(seen, read.view.now):",
        "if True:",
        (MERGE,),
        "decision",
    ),
    Mutant(
        "rebuild overwrites",
        "After a lost database differences are shown and nothing is written.",
        "bridge/core/merge.py",
        '    if mode == "rebuild":\n        return _ask(',
        "    if False:\n        return _ask(",
        (MERGE,),
        "rebuild",
    ),
    Mutant(
        "fill overwrites",
        "A fill writes only where the target is empty.",
        "bridge/core/merge.py",
        "if rule.fill and not target.silent and target.common not in (None, []):",
        "if False:",
        (MERGE,),
        "fill",
    ),
    Mutant(
        "one is true",
        "A number is not a flag.",
        "bridge/core/merge.py",
        "        return a is b\n",
        "        return bool(a == b)\n",
        (MERGE,),
        "true",
    ),
    Mutant(
        "conflict goes to the first side",
        "Both sides moved apart: the field's conflict rule decides.",
        "bridge/core/merge.py",
        "    if left.moved and right.moved:\n",
        "    if False:\n",
        (MERGE,),
        "moved_apart",
    ),
    Mutant(
        "one side's value into both shadows",
        "Each side's shadow holds that side's own raw values.",
        "bridge/core/plan.py",
        "values[key] = planned.verdict.settled[side]",
        "values[key] = next(iter(planned.verdict.settled.values()))",
        (GUARDED,),
        "own_sides_raw",
    ),
    Mutant(
        "base of a held field advanced",
        "A held field keeps its base, so that the question stays open.",
        "bridge/core/plan.py",
        "            if planned.verdict.hold:\n                continue\n",
        "            if planned.verdict.hold:\n"
        "                values[key] = _shown(records[side] and planned.rule.observe(side, records[side].raw))\n"
        "                continue\n",
        (GUARDED,),
        "keeps_its_base",
    ),
    Mutant(
        "base advanced without an answer",
        "Shadows hold only what was answered.",
        "bridge/core/plan.py",
        "            if not _all_answered(planned, answered):\n                if len",
        "            if False:\n                if len",
        (GUARDED,),
        "answer",
    ),
    Mutant(
        "swing never seen",
        "After k flips the field is frozen.",
        "bridge/core/guards.py",
        "return len(turns) > most and is_flip(coming, turns, same) and flips(turns, same) >= most",
        "return is_flip(coming, turns, same) and flips(turns, same) > most",
        (OSCILLATION,),
    ),
)

IDENTIFYING = (
    Mutant(
        "match before join key",
        "The join key comes before the match rules.",
        "bridge/sync/binding.py",
        "    keyed = yield from _by_key(claim, stream, terms, record)\n    if",
        "    keyed: Identity = Nobody()\n    if",
        (IDENTITY,),
        "join_key",
    ),
    Mutant(
        "first of several",
        "Several candidates are a question to a person.",
        "bridge/core/identity.py",
        "    if len(free) == 1 and len(fitting) == 1:",
        "    if free:",
        (IDENTITY, GUARDED),
        "two_companies or candidates",
    ),
    Mutant(
        "join key not added",
        "A record made or bound gets its join key.",
        "bridge/sync/binding.py",
        "    key = missing_key(stream, terms, records)\n",
        "    key = None\n",
        (IDENTITY,),
        "twins or key",
    ),
    Mutant(
        "lost create repeated",
        "After an unknown outcome a create is looked up and never blindly repeated.",
        "bridge/sync/binding.py",
        "    if isinstance(twin, Nobody) and open_creates(claim.intents, other):",
        "    if False:",
        (CRASH,),
        "answer_was_lost",
    ),
    Mutant(
        "lookup before the lag",
        "A create whose answer was lost may still land: it is looked up after the lag.",
        "bridge/sync/binding.py",
        "    if (early := _too_early(claim, terms, other)) is not None:",
        "    early = _too_early(claim, terms, other)\n    if early is not None and early is None:",
        (GUARDED,),
        "early",
    ),
    Mutant(
        "our own create taken for a stranger",
        "The webhook of our own create makes no twin.",
        "bridge/sync/binding.py",
        "    if (mine := maybe_ours(stream, record, lost)) is not None:",
        "    if (mine := maybe_ours(stream, record, ())) is not None:",
        (GUARDED,),
        "our_own_create",
    ),
    Mutant(
        "label made twice",
        "A label that somebody just made is used, not made again.",
        "bridge/sync/writing.py",
        "        if label.kind in named and named[label.kind].ids(label.name):\n            continue\n",
        "",
        (GUARDED,),
        "label",
    ),
)

READING = (
    Mutant(
        "stale read accepted",
        "A read older than the shadow's stamp is discarded.",
        "bridge/sync/reconcile.py",
        "    if record.updated_at >= end.shadow.updated_at:",
        "    if True:",
        (GUARDED,),
        "stale",
    ),
    Mutant(
        "lagging replica believed",
        "A reading soon after our own write that differs without being newer is a lagging replica.",
        "bridge/sync/update.py",
        "    if suspicious(claim, stream, terms, records):",
        "    if False:",
        (GUARDED,),
        "replica",
    ),
    Mutant(
        "no second look",
        "A hint that found nothing is looked at once more.",
        "bridge/sync/reconcile.py",
        "    if terms.looks_again(change):",
        "    if False:",
        (GUARDED,),
        "second_look",
    ),
    Mutant(
        "clears not read back",
        "Clears are always read back.",
        "bridge/sync/readback.py",
        "return is_empty(value) or at_risk(value)",
        "return at_risk(value)",
        (VALUES,),
        "not_taken",
    ),
    Mutant(
        "spelling not read back",
        "Another value that an immediate read-back shows is the remote's spelling.",
        "bridge/sync/readback.py",
        "return is_empty(value) or at_risk(value)",
        "return is_empty(value)",
        (VALUES,),
        "undeclared",
    ),
    Mutant(
        "dead link recreates",
        "A dead link never recreates.",
        "bridge/sync/reconcile.py",
        'if claim.link is not None and claim.link.state == "dead":',
        "if False:",
        (GUARDED,),
        "dead_link",
    ),
    Mutant(
        "deletion without confirmation",
        "Absence is a suspicion until it is confirmed after the lag.",
        "bridge/sync/deletion.py",
        "    if claim.change.cause != SUSPECTED:",
        "    if False:",
        (GUARDED,),
        "confirmed",
    ),
    Mutant(
        "empty side means delete all",
        "A sentinel record must answer before an absence is believed.",
        "bridge/sync/deletion.py",
        "    if not confirmed:\n",
        "    if False:\n",
        (GUARDED,),
        "some_patience",
    ),
    Mutant(
        "edited survivor deleted",
        "An edit on the other side beats a deletion.",
        "bridge/sync/deletion.py",
        "    if not as_remembered(stream, other, survivor, end.shadow, untouched=False):",
        "    if False:",
        (DELETION,),
        "beats",
    ),
    Mutant(
        "parent with children archived",
        "A parent with live children is held.",
        "bridge/sync/deletion.py",
        "    if (yield from has_children(claim, stream, terms, survivor)):",
        "    if False:",
        (DELETION,),
        "children",
    ),
    Mutant(
        "out of scope written",
        "Leaving the scope suspends the link: nothing is written.",
        "bridge/sync/reconcile.py",
        "    if not stream.in_scope(change.side, record.raw):",
        "    if False:",
        (DELETION,),
        "out_of_scope",
    ),
    Mutant(
        "unanswered writes forgotten",
        "A crash between write and commit is not read as a human edit.",
        "bridge/sync/update.py",
        '        if intent.state != "open":\n            continue\n',
        "        continue\n",
        (CRASH,),
        "human_edit or late_write",
    ),
    Mutant(
        "overlap removed",
        "A checkpoint stays an overlap behind what was seen.",
        "bridge/sync/poll.py",
        "min(self.began, self.newest or self.began) - overlap)",
        "min(self.began, self.newest or self.began))",
        (POLL,),
        "overlap",
    ),
    Mutant(
        "checkpoint past the remote's clock",
        "A checkpoint never passes the remote's Date at the scan's start.",
        "bridge/sync/poll.py",
        "min(self.began, self.newest or self.began) - overlap)",
        "(self.newest or self.began) - overlap)",
        (POLL,),
        "clock",
    ),
    Mutant(
        "cursor moved early",
        "The checkpoint moves only after the hints are stored.",
        "bridge/sync/poll.py",
        "            hinted += _hint(store, connection, streams, side, seen.fresh(page))",
        "            news = seen.fresh(page)\n"
        "            if (moved := seen.checkpoint(overlap)) is not None:\n"
        "                store.checkpoints.set(connection, name, moved)\n"
        "            hinted += _hint(store, connection, streams, side, news)",
        (POLL,),
        "dies_between",
    ),
    Mutant(
        "scan not repeated",
        "A scan of several pages is repeated until its set of ids is stable.",
        "bridge/sync/poll.py",
        "        if seen.settle() or pages <= 1:",
        "        if True:",
        (POLL,),
        "slipped",
    ),
    Mutant(
        "gap not looked at",
        "A linked record that the full listing does not show is looked at.",
        "bridge/sync/poll.py",
        "        total += Polled(0, _gaps(store, connection, stream, side, ids))",
        "        del ids",
        (DELETION,),
        "found_by_the_listing",
    ),
)

REMEMBERING = (
    Mutant(
        "lease unchecked at the claim",
        "A record that somebody holds is not claimed again.",
        "bridge/store/claiming.py",
        "        if taken & mine or any(key in held and held[key][1] > lessor.now for key in mine):",
        "        if taken & mine:",
        (LEASES,),
        "other_end",
    ),
    Mutant(
        "only the hinted end is leased",
        "A lease covers both ends of the link.",
        "bridge/store/claiming.py",
        "    if link is not None:\n        keys |=",
        "    if False:\n        keys |=",
        (CHANGES,),
        "both_ends",
    ),
    Mutant(
        "extending takes what is held",
        "A lease that cannot be had as a whole is not taken.",
        "bridge/store/leasing.py",
        "    if any(expires_at > now for _, expires_at in others.values()):",
        "    if False:",
        (CHANGES,),
        "extending",
    ),
    Mutant(
        "fence not checked at the finish",
        "The finishing commit checks its token.",
        "bridge/store/finishing.py",
        "    return [None if operation.claim.token in owned else Fenced() for operation in operations]",
        "    return [None for operation in operations]",
        (CHANGES,),
        "fenced",
    ),
    Mutant(
        "fence not checked at the intent",
        "A worker that lost its lease declares nothing.",
        "bridge/store/declaring.py",
        "        if operation.claim.token not in owned:",
        "        if False:",
        (BRAKE,),
        "fenced",
    ),
    Mutant(
        "link's version not compared",
        "The finishing commit checks the version of the link it read.",
        "bridge/store/saving.py",
        "        if draft.id is not None and versions.get(draft.id) != draft.version:",
        "        if False:",
        (LINKS,),
        "older_version",
    ),
    Mutant(
        "one record in two links",
        "An end that another link holds cannot be linked again.",
        "bridge/store/saving.py",
        "        elif any(end in owners and (owners[end] is None or owners[end] != draft.id) for end in _ends(draft)):",
        "        elif False:",
        (LINKS,),
        "another_link",
    ),
    Mutant(
        "generation not compared",
        "A hint that came during a lease leaves the change pending.",
        "bridge/store/resting.py",
        "        return self.row is not None and self.row.generation != self.operation.claim.change.generation",
        "        return False",
        (CHANGES,),
        "leased or newer",
    ),
    Mutant(
        "intent not written",
        "Every write is written down before it is sent.",
        "bridge/store/declaring.py",
        '        "state": "open",\n',
        '        "state": "refused",\n',
        (LINKS,),
        "intent",
    ),
    Mutant(
        "unanswered intents not looked up",
        "An open intent is known to the next claim of its record.",
        "bridge/store/remembered.py",
        '    intents.c.state == "open",\n    (intents',
        '    intents.c.state == "never",\n    (intents',
        (LINKS,),
        "intent",
    ),
    Mutant(
        "brake off by one",
        "The ceiling is the most that passes, and no step more.",
        "bridge/store/declaring.py",
        "        if all(spent.get(klass, 0) + braked[klass] <= limit for klass, limit in limits.items()):",
        "        if all(spent.get(klass, 0) + braked[klass] <= limit + 1 for klass, limit in limits.items()):",
        (BRAKE,),
        "ceiling",
    ),
    Mutant(
        "the brake counts nothing",
        "What passed counts towards the hour's ceiling.",
        "bridge/store/declaring.py",
        "            counter.count(operation.claim.change.stream, braked)\n",
        "",
        (BRAKE,),
        "over_the_ceiling",
    ),
    Mutant(
        "children not released",
        "The parent's commit releases its children.",
        "bridge/store/resting.py",
        "    release_children(connection, name, sorted(linked), now)\n",
        "",
        (PARENTS,),
        "releases",
    ),
    Mutant(
        "children not told",
        "A parent that cannot be synced holds its children under its cause.",
        "bridge/store/resting.py",
        "        park_children(connection, change.connection, end, *told, now)",
        "        del end",
        (PARENTS,),
        "parks",
    ),
    Mutant(
        "decision used twice",
        "A person's decision is used up once it was carried.",
        "bridge/store/noticing.py",
        "        return row.id in used and (isinstance(operation.outcome, Done) or _only_held(operation))",
        "        return False",
        (PEOPLE_ASKED,),
        "once",
    ),
)

INTERRUPTED = (
    Mutant(
        "stage of a new lead forgotten",
        "What a create had still to send is carried from the side it was made for.",
        "bridge/sync/binding.py",
        'draft = LinkDraft(None, stream.name, "half", ends, pinned=pins(plan, None, written.paths()))',
        'draft = LinkDraft(None, stream.name, "half", ends)',
        (SAGAS,),
        "wherever_its_create_is_killed",
    ),
    Mutant(
        "later steps of a lost create forgotten",
        "What hangs on a create whose outcome is unknown is still to be sent.",
        "bridge/sync/writing.py",
        "            if not (isinstance(written.problem, OutcomeUnknown) and planned.record_id is None):\n",
        "            if True:\n",
        (SAGAS,),
        "was_not_answered_gets_the_stage",
    ),
    Mutant(
        "half a bind forgotten",
        "What was answered of an interrupted bind is remembered.",
        "bridge/sync/update.py",
        "    new: LinkDraft | None = _draft(",
        "    new: LinkDraft | None = None if written.problem is not None else _draft(",
        (SAGAS,),
        "while_a_bind_is_interrupted",
    ),
    Mutant(
        "any lost create taken for the origin",
        "A record in Assembly that carries no join key of ours was not made by our upsert.",
        "bridge/sync/recovery.py",
        "        ours = [intent for intent in lost if _carries_key(stream, terms, made, source) or _tells(stream, made, intent)]\n",
        "        ours = lost\n",
        (SAGAS,),
        "stranger",
    ),
    Mutant(
        "doubt decided by on_bind",
        "In doubt whether a create of ours made one of two records nothing is overwritten.",
        "bridge/sync/recovery.py",
        '            doubt = "perhaps"',
        "            doubt = None",
        (SAGAS,),
        "may_be_our_own_create",
    ),
    Mutant(
        "given up creates forgotten",
        "A create sent long after it was given up is shown, not copied on.",
        "bridge/store/remembered.py",
        'intents.c.state.in_(("open", "lapsed")),',
        'intents.c.state.in_(("open",)),',
        (SAGAS,),
        "stopped_worker",
    ),
    Mutant(
        "lost create looked for under its parent only",
        "What a create may have made is looked for by its name, too.",
        "bridge/sync/recovery.py",
        "        if not alike:\n",
        "        if parent is None:\n",
        (SAGAS,),
        "moved_it",
    ),
    Mutant(
        "part of a name found is a candidate",
        "A search finds parts of names: what a lost create sent must be shown whole.",
        "bridge/sync/recovery.py",
        "resembles(value, get_path(one.raw, path))",
        "shares(stream, one, intent)",
        (SAGAS,),
        "only_begins",
    ),
)

KNOWING = (
    Mutant(
        "planned write of one side only",
        "What a run planned is looked at on both sides.",
        "bridge/sync/reconcile.py",
        " or change.item is not None",
        "",
        (RUNS,),
        "only_the_listing_shows",
    ),
    Mutant(
        "new taken for newest",
        "A version that is new is looked at once more: the replica may be behind.",
        "bridge/sync/reconcile.py",
        "outcome=_once_more(claim, terms, finish))",
        "outcome=finish.outcome)",
        (STAMPS,),
        "newest_is_looked",
    ),
    Mutant(
        "held for an hour",
        "What is held stays held until a person decides.",
        "bridge/store/declaring.py",
        "for klass, ceiling in waiting.get(operation.claim.change.id, ())",
        "for klass, ceiling in ()",
        (BRAKE,),
        "stays_held",
    ),
    Mutant(
        "unlinked records known by nothing",
        "A listing compares an unlinked record with what was seen of it.",
        "bridge/sync/compare.py",
        "        return seen == fingerprint(stream, side, record)\n",
        "        return seen is not None\n",
        (SAGAS,),
        "listing_finds_what_came",
    ),
)

PATIENT = (
    Mutant(
        "a lease renewed late",
        "A lease that has run out is nobody's to renew.",
        "bridge/store/claiming.py",
        ', changes.c.state == "leased", changes.c.lease_until > bindparam("now")\n',
        ', changes.c.state == "leased", bindparam("now").is_not(None)\n',
        (CHANGES,),
        "ran_out_is_not_renewed",
    ),
    Mutant(
        "another's lease renewed",
        "A token renews what it holds, and nothing else.",
        "bridge/store/claiming.py",
        " for change, token in rows if owners[change] == token}",
        " for change, token in rows}",
        (CHANGES,),
        "only_its_own_lease",
    ),
    Mutant(
        "keys left behind",
        "All keys of a claim are renewed with it.",
        "bridge/store/claiming.py",
        "    leasing.renew(connection, held.values(), now, until)\n",
        "",
        (CHANGES,),
        "with_all_its_keys",
    ),
    Mutant(
        "renewed while writing",
        "The lease in which a write is declared is the last one.",
        "bridge/runtime/driver.py",
        " and not flow.declared]",
        "]",
        (DRIVER,),
        "no_lease_is_renewed",
    ),
    Mutant(
        "renewed for the store alone",
        "What is written goes by the renewed lease.",
        "bridge/runtime/driver.py",
        "                flow.lease_until = until\n",
        "                pass\n",
        (DRIVER,),
        "lease_is_renewed",
    ),
    Mutant(
        "more leases for the rest of the old one",
        "Leases taken after a renewal last as long as it does.",
        "bridge/runtime/driver.py",
        "                return Commit(replace(operation, claim=replace(claim, lease_until=self.lease_until)))\n",
        "                return effect\n",
        (DRIVER,),
        "lease_is_renewed",
    ),
    Mutant(
        "a listing joined halfway",
        "Who asks while a listing is under way is served by the next one.",
        "bridge/connectors/listings.py",
        "                with line.lock:\n                    line.next = _Round()\n                _look_through(shared, pages)\n",
        "                _look_through(shared, pages)\n                with line.lock:\n                    line.next = _Round()\n",
        (LISTINGS,),
        "shares_the_next_one",
    ),
    Mutant(
        "all at once after a pause",
        "A single change shows whether the remote is back.",
        "bridge/store/claiming.py",
        "            claims = _claim(connection, lessor, 1, streams, LANES)\n",
        "            claims = _claim(connection, lessor, limit, streams, LANES)\n",
        (CHANGES,),
        "one_change_is_tried",
    ),
    Mutant(
        "any end ends a pause",
        "A trial that failed is no sign that the remote is back.",
        "bridge/store/resting.py",
        "    if claim.trial and not _failed(outcome):\n",
        "    if claim.trial:\n",
        (CHANGES,),
        "no_sign_that_the_remote_is_back",
    ),
    Mutant(
        "a person's pause ended",
        "A trial does not end what a person paused meanwhile.",
        "bridge/store/pausing.py",
        "    if row is not None and row.paused_until is not None:\n        resume",
        "    if row is not None:\n        resume",
        (CHANGES,),
        "pause_of_a_person",
    ),
)

MUTANTS = (*MERGING, *IDENTIFYING, *READING, *REMEMBERING, *INTERRUPTED, *KNOWING, *PATIENT)
