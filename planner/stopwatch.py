"""The clock that searches look at, and how the user of a command stops them.

When the user asks for the best so far (Ctrl-C, or SIGTERM, by which batch systems end a job), the clock jumps far ahead
and runs a hundred times as fast: every deadline that was set before is over, and what is begun from then on ends soon.
Forked processes have the same clock; a thread that works for a process elsewhere has that process's, once told.
"""

from __future__ import annotations

import mmap
import os
import signal
import struct
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager
from typing import TypeVar

T = TypeVar("T")
_LOADED = time.monotonic()
_began: list[float] = []
_AHEAD_S, _FASTER, _LOOK_S = 1e6, 100, 0.05
_asked = mmap.mmap(-1, 8)
"""When the user asked for the best so far, 0 before that; shared with forked processes."""
_listening = False
_for = threading.local()
_told: dict[str, float] = {}
"""Work for a process elsewhere whose user has asked, and when that was heard here."""
_STOP = (signal.SIGINT, signal.SIGTERM)
_ended_by = signal.SIGINT


def now() -> float:
    """Seconds; the zero means nothing."""
    at, asked = time.monotonic(), _asked_at()
    return at + _AHEAD_S + _FASTER * (at - asked) if asked else at


def _asked_at() -> float:
    work = getattr(_for, "work", None)
    return float(struct.unpack("d", _asked[:])[0]) if work is None else _told.get(work, 0.0)


def of_this_process() -> None:
    """This process is one command: its time began when the process did, but for the interpreter."""
    _began[:] = [_LOADED]


def began() -> float | None:
    """When the command of this process began; None where it is not one command."""
    return _began[0] if _began else None


def stopped() -> bool:
    """Whether the user has asked for the best so far."""
    return bool(_asked_at())


def exit_code() -> int:
    """Of a command that a signal has ended, as shells have it: 130 after SIGINT, 143 after SIGTERM."""
    return 128 + _ended_by


def ended_by_sigterm() -> None:
    """From now on SIGTERM ends this process as Ctrl-C does: what is open is closed, what is half made taken away."""
    def heard(number: int, frame: object) -> None:
        global _ended_by
        _gone_if_forked(here, number)
        _ended_by = signal.Signals(number)
        raise KeyboardInterrupt

    here = os.getpid()
    signal.signal(signal.SIGTERM, heard)


def _gone_if_forked(parent: int, number: int) -> None:
    """A forked process has the handlers of its parent: it ends on SIGTERM as if it had none."""
    if os.getpid() != parent and number == signal.SIGTERM:
        signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)


def listening() -> bool:
    """Whether this process hears the user, or is told of the one for whom this thread works."""
    return _listening or getattr(_for, "work", None) is not None


@contextmanager
def working_for(work: str) -> Iterator[None]:
    """This thread works for a process elsewhere: its clock jumps when that process tells so of ``work``."""
    _for.work = work
    try:
        yield
    finally:
        _for.work = None


def told_to_stop(work: str) -> None:
    """The user of the process for which this ``work`` is done has asked for the best so far."""
    _told.setdefault(work, time.monotonic())


@contextmanager
def stoppable() -> Iterator[None]:
    """The first SIGINT or SIGTERM in this block asks for the best so far, the next is a KeyboardInterrupt as ever.
    Forked processes go on until they see the clock. Nothing changes in a thread other than the main one."""
    global _listening
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    here = os.getpid()

    def heard(number: int, frame: object) -> None:
        global _ended_by
        if os.getpid() != here:
            _gone_if_forked(here, number)
            return
        if stopped():
            _ended_by = signal.Signals(number)
            raise KeyboardInterrupt
        _asked[:] = struct.pack("d", time.monotonic())

    before = {number: signal.signal(number, heard) for number in _STOP}
    _listening = True
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        _listening, _asked[:] = False, bytes(len(_asked))


def heeding(run: Callable[[], T], stop: Callable[[], object], seconds: float) -> T:
    """What ``run`` returns, which may be long and lets other threads run; ``stop`` makes it end soon, when so many
    seconds are over or the user has asked. Where nobody listens it is simply run."""
    if not listening():
        return run()
    until = now() + seconds
    with ThreadPoolExecutor(1) as beside:
        running = beside.submit(run)
        try:
            while not wait([running], _LOOK_S).done:
                if now() > until:
                    stop()
        except BaseException:
            stop()
            raise
        return running.result()
