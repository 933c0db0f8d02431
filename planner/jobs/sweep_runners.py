"""Where the cells of a sweep are answered: in this process, in a pool of processes, on a Dask cluster.

A worker that dies costs the cell that it was at, no other; the cell is tried again, and after ``TRIES`` deaths it is
told as failed.
"""

from __future__ import annotations

import os
import pickle  # nosec B403: what this program packed, on its way to its own workers
import signal
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context

from planner.cluster import Cluster, ClusterLostError, TaskReply
from planner.errors import UsageError
from planner.jobs.sweep import FAILED, CellAnswer, Runner, SweepContext, Task, answer
from planner.parallel import ended, work_for_another
from planner.scenarios.model import Scenario

TRIES = 3
_DEAD = f"its worker died {TRIES} times (killed, or out of memory)"
_NO_WORKER_S = 60.0


def in_process(context: SweepContext, tasks: Sequence[Task]) -> Iterator[tuple[str, CellAnswer]]:
    """One after the other, here."""
    for task in tasks:
        yield task.id, answer(context, task.scenario)


def cores_here() -> int:
    """The processors that this process may use."""
    affinity = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity is not None else os.cpu_count() or 1


# ---- a pool of processes --------------------------------------------------------------------------------------------

_HELD: list[SweepContext] = []


def _start(blob: bytes) -> None:
    """In a worker: take the context; leave Ctrl-C to the parent."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    work_for_another()
    _HELD[:] = [pickle.loads(blob)]  # nosec B301: as above


def _answered_here(scenario: Scenario) -> CellAnswer:
    return answer(_HELD[0], scenario)


def process_pool(workers: int) -> Runner:
    """A runner on so many processes. Each is a pool of its own, so that a death tells which cell it was at."""

    def run(context: SweepContext, tasks: Sequence[Task]) -> Iterator[tuple[str, CellAnswer]]:
        with ended():
            yield from _in_pools(pickle.dumps(context), tasks, workers)
    return run


def _in_pools(blob: bytes, tasks: Sequence[Task], workers: int) -> Iterator[tuple[str, CellAnswer]]:
    todo = deque((task, 1) for task in tasks)
    running: dict[Future[CellAnswer], tuple[ProcessPoolExecutor, Task, int]] = {}
    free = [_pool(blob) for _ in range(min(workers, len(todo)))]
    try:
        while todo or running:
            while free and todo:
                task, attempt = todo.popleft()
                pool, future = _submitted(free.pop(), blob, task)
                running[future] = (pool, task, attempt)
            for future in sorted(wait(running, return_when=FIRST_COMPLETED).done, key=lambda f: running[f][1].id):
                pool, task, attempt = running.pop(future)
                reply = _result(future)
                if reply is None:
                    pool.shutdown(wait=False)
                    pool = _pool(blob)
                free.append(pool)
                if reply is None and attempt < TRIES:
                    todo.append((task, attempt + 1))
                else:
                    yield task.id, reply or CellAnswer(FAILED, _DEAD)
    finally:
        for pool in (*free, *(p for p, _, _ in running.values())):
            pool.shutdown(wait=False, cancel_futures=True)


def _pool(blob: bytes) -> ProcessPoolExecutor:
    return ProcessPoolExecutor(1, get_context("spawn"), _start, (blob,))


def _submitted(pool: ProcessPoolExecutor, blob: bytes, task: Task) -> tuple[ProcessPoolExecutor, Future[CellAnswer]]:
    """A cell given to a pool, or to a new one when its worker died while it had nothing to do."""
    try:
        return pool, pool.submit(_answered_here, task.scenario)
    except BrokenProcessPool:
        pool.shutdown(wait=False)
        pool = _pool(blob)
        return pool, pool.submit(_answered_here, task.scenario)


def _result(future: Future[CellAnswer]) -> CellAnswer | None:
    """What a worker answered; None when it died."""
    try:
        return future.result()
    except BrokenProcessPool:
        return None


# ---- a Dask cluster -------------------------------------------------------------------------------------------------


def dask_cluster(address: str) -> Runner:
    """A runner on the cluster of a scheduler such as ``tcp://host:8786``; its workers need this version of planner.

    Raises UsageError for a wrong address and when Dask is not installed; when it runs, if nobody answers there or the
    workers do not know planner.
    """
    cluster = Cluster(address)

    def run(context: SweepContext, tasks: Sequence[Task]) -> Iterator[tuple[str, CellAnswer]]:
        try:
            yield from _on_cluster(cluster, context, tasks)
        except ClusterLostError as lost:
            raise UsageError(f"{lost}; finished cells are kept, start it and run again") from None
    return run


def _on_cluster(cluster: Cluster, context: SweepContext, tasks: Sequence[Task]) -> Iterator[tuple[str, CellAnswer]]:
    """Dask blames a death on every task that the worker had in hand: those it gives up are tried again, each alone; and
    once more, for a worker that is going down may have got the next one."""
    suspects = []
    for reply in cluster.as_they_come(_answered_there, context, tasks, _NO_WORKER_S):
        if reply.died:
            suspects.append(reply.task)
        else:
            yield _told(reply)
    for suspect in suspects:
        replies = (reply for _ in range(TRIES - 1)
                   for reply in cluster.as_they_come(_answered_there, context, [suspect], _NO_WORKER_S))
        yield _told(next((r for r in replies if not r.died), TaskReply(suspect, died=True)))


def _answered_there(context: SweepContext, task: Task) -> CellAnswer:
    return answer(context, task.scenario)


def _told(reply: TaskReply) -> tuple[str, CellAnswer]:
    """A cell's id and answer."""
    if reply.died:
        return reply.task.id, CellAnswer(FAILED, "its worker died again and again (killed, or out of memory)")
    return reply.task.id, reply.value or CellAnswer(FAILED, f"on the cluster: {reply.broken}")
