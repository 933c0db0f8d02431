"""Two processors for work that is large: a forked process does the one half, this one the other."""

from __future__ import annotations

import gc
import os
import signal
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from concurrent.futures import Future, ProcessPoolExecutor
    from multiprocessing.connection import Connection

T = TypeVar("T")
S = TypeVar("S")
P = TypeVar("P")
_here = threading.local()
_NUMBER, _IN_PIPE = 4, 16_000
"""Bytes of a task's number, and how many numbers every pipe takes (64 KiB) before anybody reads them."""


def two_processors() -> bool:
    """Whether a forked process helps here: on Linux, with more than one processor, where this thread is not one of
    several that work already."""
    return sys.platform == "linux" and (os.cpu_count() or 1) > 1 and not getattr(_here, "one_of_several", False)


@contextmanager
def one_of_several() -> Iterator[None]:
    """Nothing is forked by this thread: others work beside it."""
    _here.one_of_several = True
    try:
        yield
    finally:
        _here.one_of_several = False


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


def shared_out(work: Callable[[S], T], tasks: Sequence[S]) -> list[T]:
    """What ``work`` returns for each task, in their order; a forked process and this one each take the next task when
    they are done with their last. What that process had in hand when it fails is done here."""
    todo, given = os.pipe()
    with open(todo, "rb", buffering=0) as numbers:
        with open(given, "wb") as out:
            out.writelines(n.to_bytes(_NUMBER, "big") for n in range(min(len(tasks), _IN_PIPE)))

        def taken() -> dict[int, T]:
            done: dict[int, T] = {}
            while number := numbers.read(_NUMBER):
                n = int.from_bytes(number, "big")
                done[n] = work(tasks[n])
            return done

        there, here = beside(taken, taken)
    done = there | here
    return [done[n] if n in done else work(task) for n, task in enumerate(tasks)]


def in_forks(work: Callable[[P, S], T], shared: P, tasks: Iterable[S], processes: int) -> Iterator[T]:
    """What ``work``, a function of a module, returns for what all tasks share and each task, in their order, by so many
    forked processes. A task is taken when a process is free for it; what one that died had in hand is done here."""
    from concurrent.futures import FIRST_COMPLETED, wait  # start-up: as above
    from concurrent.futures.process import BrokenProcessPool

    with pool_of(processes, "fork", _work_in_fork, work, shared) as pool:
        todo = iter(tasks)
        asked: deque[tuple[S, Future[T]]] = deque()

        def ask() -> None:
            free = processes - sum(not future.done() for _, future in asked)
            asked.extend((task, _submitted(pool, task)) for task in islice(todo, free))

        ask()
        while asked:
            task, future = asked[0]
            if not future.done():
                wait([f for _, f in asked if not f.done()], return_when=FIRST_COMPLETED)
            else:
                asked.popleft()
                yield work(shared, task) if isinstance(future.exception(), BrokenProcessPool) else future.result()
            ask()


def _submitted(pool: ProcessPoolExecutor, task: Any) -> Future[Any]:
    from concurrent.futures import Future  # start-up: as above
    from concurrent.futures.process import BrokenProcessPool

    try:
        return pool.submit(_in_fork, task)
    except BrokenProcessPool as error:
        failed: Future[Any] = Future()
        failed.set_exception(error)
        return failed


_forked: list[Any] = []


def _work_in_fork(work: Callable[[Any, Any], Any], shared: object) -> None:
    work_for_another()
    gc.freeze()  # what it begins with stays as long as it does: no cycles are looked for in it
    _forked[:] = [work, shared]


def _in_fork(task: object) -> Any:
    work, shared = _forked
    return work(shared, task)


@contextmanager
def pool_of(processes: int, method: str, begin: Callable[..., None] | None = None, *given: Any
            ) -> Iterator[ProcessPoolExecutor]:
    """A pool of so many processes, made by this ``method`` of multiprocessing, that end with this block, and with this
    process however it ends. ``begin`` with what is given is called in each first; it calls :func:`work_for_another`,
    which is what it is by default."""
    from concurrent.futures import ProcessPoolExecutor  # start-up: as above
    from multiprocessing import get_context

    with ended():
        first: Callable[..., None] = begin or work_for_another
        pool = ProcessPoolExecutor(processes, get_context(method), first, given)
        try:
            yield pool
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
    gc.freeze()  # as above
    other_end.close()
    try:
        out.send((work(),))
    except Exception:  # nothing arrives: the work is done again where its exception is seen
        os._exit(1)
    out.close()
