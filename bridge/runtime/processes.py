"""Child processes that never outlive their parent, and a supervisor that keeps a set of them running.

Every child is started through a four-line ``/bin/sh`` that leaves a *guard* behind and then becomes the child. The
guard reads a pipe whose other end only the parent holds. When the pipe closes, because the parent closes it to stop
the child or because the parent was killed with SIGKILL, the guard ends the child's whole process group: SIGTERM,
then SIGKILL after the grace time. One mechanism for both, so the path taken in a crash is the one used every day.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

GRACE_SECONDS: Final = 5.0
"""From SIGTERM to SIGKILL."""

FIRST_FD: Final = 10
"""Shells redirect descriptors of one digit; the guard's pipe is 3."""

# $1: tenths of a second of grace, $2: a folder to remove afterwards or nothing, the rest: the command.
# The guard is started twice removed, so that it is no child of the command (Redis and RQ wait for theirs).
# `$$` is the command's pid and its process group; the group id cannot be used again while the guard is in it.
GUARD: Final = """
grace=$1 folder=$2; shift 2
exec 3<&0 </dev/null
( (
  trap '' TERM INT HUP; PATH=$PATH:/usr/bin:/bin
  read -r _ <&3
  kill -s TERM -- -$$
  while [ "$grace" -gt 0 ] && kill -0 $$; do sleep 0.1; grace=$((grace - 1)); done
  if [ -n "$folder" ]; then rm -rf -- "$folder"; fi
  kill -s KILL -- -$$
) >/dev/null 2>&1 & )
exec 3<&-
exec "$@"
"""


class Child:
    """One running command, in a session and process group of its own."""

    def __init__(
        self,
        command: Sequence[str],
        *,
        env: Mapping[str, str] | None = None,
        log: Path | None = None,
        cwd: Path | None = None,
        pass_fds: Sequence[int] = (),
        grace: float = GRACE_SECONDS,
        remove: Path | None = None,
    ) -> None:
        """``env`` is added to ours. ``log`` takes both outputs; without it they are inherited. ``remove`` is a folder
        that the guard deletes once the child is gone. ``pass_fds`` are ``FIRST_FD`` or above (see ``raised``)."""
        if any(descriptor < FIRST_FD for descriptor in pass_fds):
            raise ValueError(f"descriptors below {FIRST_FD} are the guard's")
        read_end, self._pipe = os.pipe()
        self._closing = threading.Lock()
        try:
            with contextlib.ExitStack() as files:
                output = None if log is None else files.enter_context(log.open("ab"))
                self._process = subprocess.Popen(  # noqa: S603  the caller's own programs
                    ["/bin/sh", "-c", GUARD, "sh", str(round(grace * 10)), str(remove or ""), *command],
                    stdin=read_end,
                    stdout=output,
                    stderr=None if output is None else subprocess.STDOUT,
                    env={**os.environ, **(env or {})},
                    cwd=cwd,
                    pass_fds=tuple(pass_fds),
                    start_new_session=True,
                )
        except BaseException:
            self._close_pipe()
            raise
        finally:
            os.close(read_end)

    @property
    def pid(self) -> int:
        return self._process.pid

    def poll(self) -> int | None:
        """The exit status once it has ended (negative: the signal), else ``None``."""
        status = self._process.poll()
        if status is not None:
            self._close_pipe()
        return status

    def wait(self, seconds: float) -> int | None:
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(seconds)
        return self.poll()

    def request_stop(self) -> None:
        """Ask it to end; the guard sees to it that it does."""
        self._close_pipe()

    def stop(self, seconds: float = GRACE_SECONDS + 2) -> int:
        """End it and return its status. After ``seconds`` its group is killed from here as well."""
        self.request_stop()
        status = self.wait(seconds)
        if status is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.pid, signal.SIGKILL)
            status = self._process.wait()
        return status

    def _close_pipe(self) -> None:
        with self._closing:
            if self._pipe >= 0:
                os.close(self._pipe)
                self._pipe = -1


def raised(descriptor: int) -> int:
    """A duplicate of ``descriptor`` that can be passed to a ``Child``; the caller closes it."""
    return fcntl.fcntl(descriptor, fcntl.F_DUPFD_CLOEXEC, FIRST_FD)


@dataclass(frozen=True, slots=True)
class Program:
    """What the supervisor keeps running. ``vital``: when it ends by itself, everything ends (a sandbox holds its
    records in memory, so a new one would be empty)."""

    name: str
    command: tuple[str, ...]
    env: Mapping[str, str] = field(default_factory=dict)
    log: Path | None = None
    cwd: Path | None = None
    pass_fds: tuple[int, ...] = ()
    vital: bool = False


@dataclass(frozen=True, slots=True)
class Backoff:
    """Waits before a restart, in seconds: doubling up to ``longest``; a run of ``healthy`` starts again at ``first``."""

    first: float = 0.5
    longest: float = 30.0
    healthy: float = 30.0

    def after(self, crashes: int) -> float:
        return min(self.longest, self.first * 2.0 ** min(crashes - 1, 16))


@dataclass(slots=True)
class _Slot:
    program: Program
    child: Child | None = None
    started: float = 0.0
    crashes: int = 0
    restart_at: float = 0.0


class Supervisor:
    """Starts programs, restarts the crashed ones, stops them all in reverse order of their start."""

    def __init__(
        self,
        *,
        on_event: Callable[[str, str], None] = lambda *_: None,
        backoff: Backoff = Backoff(),
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """``on_event(program, what)`` is told of starts, crashes and stops, from the watching thread too."""
        self._slots: list[_Slot] = []
        self._on_event = on_event
        self._backoff = backoff
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self.failed = threading.Event()
        """Set when a vital program ended by itself."""
        self._watcher = threading.Thread(target=self._watch, name="supervisor", daemon=True)

    def start(self, program: Program) -> None:
        with self._lock:
            if self._stopping.is_set():
                return
            slot = _Slot(program)
            self._slots.append(slot)
            self._launch(slot)
        if not self._watcher.is_alive():
            self._watcher.start()

    def pids(self) -> dict[str, int]:
        """Program name to the pid it runs under now; one that waits for its restart is left out."""
        with self._lock:
            return {s.program.name: s.child.pid for s in self._slots if s.child is not None and s.child.poll() is None}

    def crashes(self, name: str) -> int:
        """How often a program ended by itself in a row."""
        with self._lock:
            return next((slot.crashes for slot in self._slots if slot.program.name == name), 0)

    def stop(self) -> None:
        """End everything, the last started first, and wait until it is gone."""
        self._stopping.set()
        with self._lock:
            children = [slot.child for slot in reversed(self._slots) if slot.child is not None]
            self._slots.clear()
        for child in children:
            child.request_stop()
        for child in children:
            child.stop()

    def _launch(self, slot: _Slot) -> None:
        program = slot.program
        slot.child = Child(
            program.command, env=program.env, log=program.log, cwd=program.cwd, pass_fds=program.pass_fds
        )
        slot.started = self._monotonic()
        self._on_event(program.name, f"started, pid {slot.child.pid}")

    def _watch(self) -> None:
        while not self._stopping.wait(0.1):
            with self._lock:
                for slot in self._slots:
                    self._look_after(slot)

    def _look_after(self, slot: _Slot) -> None:
        now = self._monotonic()
        if slot.child is None:
            if now >= slot.restart_at:
                self._launch(slot)
            return
        status = slot.child.poll()
        if status is None:
            return
        slot.child = None
        if slot.program.vital:
            slot.restart_at = float("inf")
            self._on_event(slot.program.name, f"ended ({describe(status)})")
            self.failed.set()
            return
        slot.crashes = 1 if now - slot.started >= self._backoff.healthy else slot.crashes + 1
        wait = self._backoff.after(slot.crashes)
        slot.restart_at = now + wait
        self._on_event(slot.program.name, f"ended ({describe(status)}), restart in {wait:g} s")


def describe(status: int) -> str:
    """An exit status in words: ``exit 3`` or ``SIGKILL``."""
    if status >= 0:
        return f"exit {status}"
    with contextlib.suppress(ValueError):
        return signal.Signals(-status).name
    return f"signal {-status}"
