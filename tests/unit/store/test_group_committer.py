from __future__ import annotations

import threading
from collections.abc import Sequence

import pytest

from bridge.core.effects import Operation, Resolve
from bridge.store.applying import Answer
from bridge.store.committer import MAX_GROUP, GroupCommitter


def asking(name: str) -> Resolve:
    return Resolve(name, frozenset())


class Commits:
    """Answers each operation with its name; the first commit takes until it is let go."""

    def __init__(self) -> None:
        self.groups: list[list[str]] = []
        self.started, self.go = threading.Event(), threading.Event()

    def __call__(self, operations: Sequence[Operation]) -> list[Answer]:
        names = [operation.connection for operation in operations if isinstance(operation, Resolve)]
        self.groups.append(names)
        self.started.set()
        self.go.wait(10)
        if "broken" in names:
            raise OSError("the database is gone")
        return [ValueError(name) if name.startswith("bad") else (name,) for name in names]


def submit_all(committer: GroupCommitter, names: Sequence[str]) -> tuple[list[threading.Thread], dict[str, object]]:
    answers: dict[str, object] = {}

    def work(name: str) -> None:
        try:
            answers[name] = committer.submit(asking(name))
        except Exception as error:
            answers[name] = error

    threads = [threading.Thread(target=work, args=(name,)) for name in names]
    for thread in threads:
        thread.start()
    return threads, answers


def gathered(commits: Commits, names: Sequence[str]) -> dict[str, object]:
    """Submit one operation, hold its commit, and submit the others meanwhile."""
    committer = GroupCommitter(commits)
    first, answers = submit_all(committer, ["first"])
    commits.started.wait(10)
    threads, more = submit_all(committer, names)
    while committer._queue.qsize() < len(names):
        pass
    commits.go.set()
    for thread in [*first, *threads]:
        thread.join(10)
    committer.close()
    return {**answers, **more}


def test_what_comes_during_a_commit_shares_the_next_one() -> None:
    commits = Commits()
    answers = gathered(commits, ["a", "b", "c"])
    assert commits.groups[0] == ["first"]
    assert sorted(commits.groups[1]) == ["a", "b", "c"]
    assert answers == {name: (name,) for name in ("first", "a", "b", "c")}


def test_a_group_has_a_limit() -> None:
    commits = Commits()
    gathered(commits, [str(number) for number in range(MAX_GROUP + 10)])
    assert [len(group) for group in commits.groups] == [1, MAX_GROUP, 10]


def test_only_the_one_whose_operation_failed_is_told() -> None:
    answers = gathered(Commits(), ["good", "bad"])
    assert answers["good"] == ("good",)
    assert isinstance(answers["bad"], ValueError)


def test_a_commit_that_fails_is_told_to_all_of_its_group() -> None:
    answers = gathered(Commits(), ["good", "broken"])
    assert isinstance(answers["good"], OSError)
    assert isinstance(answers["broken"], OSError)
    assert answers["first"] == ("first",)


def test_closing_finishes_what_is_queued_and_refuses_more() -> None:
    commits = Commits()
    commits.go.set()
    committer = GroupCommitter(commits)
    assert committer.submit(asking("a")) == ("a",)
    committer.close()
    with pytest.raises(RuntimeError, match="closed"):
        committer.submit(asking("b"))
    committer.close()
