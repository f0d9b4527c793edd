"""Twenty places on the worker's way at which a kill must do no harm: before and after each effect of a reconcile, and in its duties."""

# mypy: disable-error-code="method-assign, assignment, attr-defined, misc"

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

EFFECTS: Final = ("GetRecord", "Extend", "Declare", "Write", "Advance", "Finish")
POINTS: Final[tuple[str, ...]] = (
    "before-claim",
    "after-claim",
    *(f"{when}-{name}" for name in ("GetRecord", "Declare", "Write", "Finish") for when in ("before", "after")),
    "after-Extend",
    "inside-Declare-commit",
    "inside-Finish-commit",
    "after-group-commit",
    "before-ring",
    "before-expire",
    "after-expire",
    "before-poll-hint",
    "after-poll-hint",
    "before-checkpoint",
)


def arm(point: str, die: Callable[[], None]) -> None:
    """From now on this process dies the first time it comes to ``point``."""
    if point not in POINTS:
        raise ValueError(f"no such point: {point}")
    when, _, what = point.partition("-")
    if what in EFFECTS:
        _arm_effect(when, what, die)
    else:
        _others()[point](die)


def _name(work: Any) -> str:
    """Of an operation, or of what an effect does: ``Write``, or what a read asks."""
    return type(getattr(work, "ask", None) or work).__name__


def _arm_effect(when: str, what: str, die: Callable[[], None]) -> None:
    from bridge.runtime.driver import Driver

    carry_out, commit = Driver.carry_out, Driver.commit

    def calling(self: Any, effect: Any, *args: Any) -> Any:
        return _dying(die, when, mine=_name(effect) == what, go_on=lambda: carry_out(self, effect, *args))

    def committing(self: Any, operations: Any) -> Any:
        mine = any(_name(operation) == what for operation in operations)
        return _dying(die, when, mine=mine, go_on=lambda: commit(self, operations))

    Driver.carry_out, Driver.commit = calling, committing


def _dying(die: Callable[[], None], when: str, *, mine: bool, go_on: Callable[[], Any]) -> Any:
    if mine and when == "before":
        die()
    answer = go_on()
    if mine and when == "after":
        die()
    return answer


def _around(owner: Any, name: str, when: str, *, always: bool = False) -> Callable[[Callable[[], None]], None]:
    """Die before or after the call of a method."""

    def armed(die: Callable[[], None]) -> None:
        plain = getattr(owner, name)

        def dying(*args: Any, **more: Any) -> Any:
            if when == "before":
                die()
            answer = plain(*args, **more)
            # Claims of nothing and polls of nothing are no event.
            if when == "after" and (answer or always):
                die()
            return answer

        setattr(owner, name, dying)

    return armed


def _inside_commit(operation: str) -> Callable[[Callable[[], None]], None]:
    """Die in the transaction that holds such an operation: applied, not committed."""

    def armed(die: Callable[[], None]) -> None:
        from bridge.store import store

        plain = store.apply

        def dying(connection: Any, operations: Any, *args: Any) -> Any:
            answer = plain(connection, operations, *args)
            if any(type(one).__name__ == operation for one in operations):
                die()
            return answer

        store.apply = dying

    return armed


def _others() -> dict[str, Callable[[Callable[[], None]], None]]:
    from bridge.jobs import RedisDoorbell
    from bridge.store import Store
    from bridge.store.changes import Changes
    from bridge.store.checkpoints import Checkpoints

    return {
        "before-claim": _around(Changes, "claim", "before"),
        "after-claim": _around(Changes, "claim", "after"),
        "inside-Declare-commit": _inside_commit("Declare"),
        "inside-Finish-commit": _inside_commit("Finish"),
        "after-group-commit": _around(Store, "apply", "after"),
        "before-ring": _around(RedisDoorbell, "ring", "before"),
        "before-expire": _around(Changes, "expire", "before"),
        "after-expire": _around(Changes, "expire", "after", always=True),
        "before-poll-hint": _around(Changes, "hint", "before"),
        "after-poll-hint": _around(Changes, "hint", "after"),
        "before-checkpoint": _around(Checkpoints, "set", "before"),
    }
