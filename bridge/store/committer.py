"""Group commit: many threads' operations, one transaction."""

from __future__ import annotations

import os
import queue
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future

from bridge.core.effects import Operation
from bridge.store.applying import Answer

MAX_GROUP = 64


class GroupCommitter:
    """One thread gathers what is queued and commits it together.

    Nothing is delayed on purpose: while one group's fsync runs, the next group gathers by itself.
    """

    def __init__(self, apply: Callable[[Sequence[Operation]], list[Answer]]) -> None:
        self._apply = apply
        self._starting = threading.Lock()
        self._pid = 0
        self._closed = False
        self._queue: queue.SimpleQueue[tuple[Operation, Future[Answer]] | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None

    def submit(self, operation: Operation) -> Answer:
        """Carry out ``operation`` and wait for its commit. Raises what went wrong with it, or with the whole group."""
        answer: Future[Answer] = Future()
        self._running_queue().put((operation, answer))
        told = answer.result()
        if isinstance(told, Exception):
            raise told
        return told

    def close(self) -> None:
        """Finish what is queued and stop; nothing may be submitted afterwards."""
        with self._starting:
            self._closed = True
            if self._thread is not None and self._pid == os.getpid():
                self._queue.put(None)
                self._thread.join()
            self._thread = None

    def _running_queue(self) -> queue.SimpleQueue[tuple[Operation, Future[Answer]] | None]:
        if self._pid == os.getpid() and self._thread is not None:
            return self._queue
        with self._starting:
            if self._closed:
                raise RuntimeError("the store is closed")
            if self._thread is None or self._pid != os.getpid():
                # After a fork the parent's thread is not here, and its queue is not ours to answer.
                self._queue = queue.SimpleQueue()
                self._thread = threading.Thread(target=self._run, args=(self._queue,), name="group-commit", daemon=True)
                self._pid = os.getpid()
                self._thread.start()
            return self._queue

    def _run(self, waiting: queue.SimpleQueue[tuple[Operation, Future[Answer]] | None]) -> None:
        while (first := waiting.get()) is not None:
            group, last = [first], False
            while len(group) < MAX_GROUP:
                try:
                    entry = waiting.get_nowait()
                except queue.Empty:
                    break
                if entry is None:
                    last = True
                    break
                group.append(entry)
            self._commit(group)
            if last:
                return

    def _commit(self, group: Sequence[tuple[Operation, Future[Answer]]]) -> None:
        try:
            answers = self._apply([operation for operation, _ in group])
        except Exception as error:
            for _, answer in group:
                answer.set_exception(error)
            return
        for (_, answer), told in zip(group, answers, strict=True):
            answer.set_result(told)
