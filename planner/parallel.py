"""Two processors for work that is large: a forked process does the one half, this one the other."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

T = TypeVar("T")
S = TypeVar("S")


def two_processors() -> bool:
    """Whether a forked process helps here: on Linux, with more than one processor."""
    return sys.platform == "linux" and (os.cpu_count() or 1) > 1


def beside(there: Callable[[], T], here: Callable[[], S]) -> tuple[T, S]:
    """What both return; ``there`` runs in a forked process, so what it changes is lost and its result is pickled.

    When that process fails, ``there`` runs here, so that its exception is raised here.
    """
    if not two_processors():
        return there(), here()
    import multiprocessing  # start-up: small questions do without

    if multiprocessing.current_process().daemon:  # one of several already, and not allowed to make more
        return there(), here()
    context = multiprocessing.get_context("fork")
    mine, theirs = context.Pipe(duplex=False)
    process = context.Process(target=_sent, args=(there, mine, theirs), daemon=True)
    process.start()
    theirs.close()
    try:
        second = here()
        try:
            first: Any = mine.recv()
        except EOFError:
            first = (there(),)
    except BaseException:
        process.terminate()
        raise
    finally:
        mine.close()
        process.join()
    return first[0], second


def in_forks(work: Callable[[S], T], tasks: Sequence[S], processes: int) -> Iterator[T]:
    """What ``work``, a function of a module, returns for each task, in their order, by so many forked processes. What a
    process that died had in hand is done here."""
    import multiprocessing  # start-up: as above
    from concurrent.futures import ProcessPoolExecutor
    from concurrent.futures.process import BrokenProcessPool

    with ended():
        pool = ProcessPoolExecutor(processes, multiprocessing.get_context("fork"), work_for_another)
        try:
            for task, asked in [(task, pool.submit(work, task)) for task in tasks]:
                try:
                    yield asked.result()
                except BrokenProcessPool:
                    yield work(task)
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


@contextmanager
def ended() -> Iterator[None]:
    """Processes that begin in this block end with it."""
    import multiprocessing  # start-up: as above

    others = {child.pid for child in multiprocessing.active_children()}
    try:
        yield
    finally:
        begun = [child for child in multiprocessing.active_children() if child.pid not in others]
        for child in begun:
            child.terminate()
        for child in begun:
            child.join()
            while child.is_alive():  # a pool's own thread has waited for it, and is about to say so
                time.sleep(0.001)


def work_for_another() -> None:
    """Of this process: it ends on SIGTERM, and with the process that it works for, however that one ends."""
    import multiprocessing  # start-up: as above

    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_outlived, args=(parent,), daemon=True).start()


def _outlived(parent: Any) -> None:
    parent.join()
    os._exit(1)


def _sent(work: Callable[[], Any], other_end: Connection, out: Connection) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    other_end.close()
    try:
        out.send((work(),))
    except Exception:  # nothing arrives: the work is done again where its exception is seen
        os._exit(1)
    out.close()
