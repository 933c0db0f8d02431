"""Where the cells of a sweep are answered: in this process, in a pool of processes, on a Dask cluster.

A worker that dies costs the cell that it was at, no other; the cell is tried again, and after ``TRIES`` deaths it is
told as failed.
"""

from __future__ import annotations

import asyncio
import logging
import os
import pickle  # nosec B403: what this program packed, on its way to its own workers
import re
import signal
import time
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, CancelledError, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from importlib import import_module
from importlib.util import find_spec
from multiprocessing import get_context
from typing import Any

from planner import __version__
from planner.errors import UsageError
from planner.jobs.sweep import FAILED, CellAnswer, Runner, SweepContext, Task, answer
from planner.parallel import ended, work_for_another
from planner.scenarios.model import Scenario

TRIES = 3
_DEAD = f"its worker died {TRIES} times (killed, or out of memory)"
_NO_WORKER_S = 60.0
_CONNECT_S = 15.0
_ADDRESS = re.compile(r"(tcp|tls|ws|wss|ucx)://(\[[0-9a-fA-F:.]+\]|[\w.-]+):\d{1,5}")


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
    if not _ADDRESS.fullmatch(address):
        raise UsageError(f"--scheduler {address!r} is not like tcp://host:8786")
    if find_spec("distributed") is None:
        raise UsageError("--scheduler needs Dask, which is not installed: pip install 'planner[dask]'")

    def run(context: SweepContext, tasks: Sequence[Task]) -> Iterator[tuple[str, CellAnswer]]:
        client = _client(address)
        try:
            _suits(client, address)
            yield from _on_cluster(client, address, context, tasks)
        finally:
            client.close(timeout=5)
    return run


def _client(address: str) -> Any:
    cluster: Any = import_module("distributed")
    for name in ("client", "core", "comm", "utils"):  # what it logs with tracebacks is told as an error below
        logging.getLogger(f"distributed.{name}").setLevel(logging.CRITICAL)
    try:
        return cluster.Client(address, timeout=_CONNECT_S, set_as_default=False)
    except (OSError, ValueError, TimeoutError) as error:
        raise UsageError(f"--scheduler {address}: no Dask scheduler answers there ({error}); start one with 'dask "
                         "scheduler' and workers with 'dask worker'") from None


def _version() -> str:
    return __version__


def _suits(client: Any, address: str) -> None:
    try:
        client.wait_for_workers(1, timeout=_CONNECT_S)
    except TimeoutError:
        raise UsageError(f"--scheduler {address}: has no worker; start some with 'dask worker {address}'") from None
    try:
        versions = client.run(_version)
    except Exception as error:  # whatever a worker lacks arises here
        raise UsageError(f"--scheduler {address}: a worker cannot run planner ({type(error).__name__}: {error}); "
                         f"install planner[dask] {__version__} there") from None
    wrong = sorted(f"{worker} has {version}" for worker, version in versions.items() if version != __version__)
    if wrong:
        raise UsageError(f"--scheduler {address}: {', '.join(wrong)}; planner here is {__version__}")


def _on_cluster(client: Any, address: str, context: SweepContext,
                tasks: Sequence[Task]) -> Iterator[tuple[str, CellAnswer]]:
    """Dask blames a death on every task that the worker had in hand: those it gives up are tried again, each alone; and
    once more, for a worker that is going down may have got the next one."""
    blob = pickle.dumps(context)
    suspects = []
    for task, reply in _gathered(client, address, blob, tasks):
        if reply is None:
            suspects.append(task)
        else:
            yield task.id, reply
    for suspect in suspects:
        replies = (reply for _ in range(TRIES - 1) for _, reply in _gathered(client, address, blob, [suspect]))
        yield suspect.id, next((r for r in replies if r is not None), None) or CellAnswer(
            FAILED, "its worker died again and again (killed, or out of memory)")


def _gathered(client: Any, address: str, blob: bytes, tasks: Sequence[Task]
              ) -> Iterator[tuple[Task, CellAnswer | None]]:
    """Answers of the cluster as they come; None where Dask gave a cell up because workers died."""
    cluster: Any = import_module("distributed")
    # The context is the result of a task, so that the cluster makes it anew when the worker that holds it dies.
    context = client.submit(pickle.loads, blob, pure=False)
    waiting = {client.submit(answer, context, task.scenario, pure=False): task for task in tasks}
    seen = time.monotonic()
    while waiting:
        try:
            with client.as_current():
                done = cluster.wait(list(waiting), timeout=2, return_when="FIRST_COMPLETED").done
        except TimeoutError:
            done = set()
        except (OSError, CancelledError, asyncio.CancelledError) as error:
            raise UsageError(f"--scheduler {address}: lost ({type(error).__name__}); finished cells are kept") from None
        for future in sorted(done, key=lambda f: waiting[f].id):
            yield waiting.pop(future), _from_cluster(future, address)
        if done or client.scheduler_info(n_workers=-1)["workers"]:
            seen = time.monotonic()
        elif time.monotonic() - seen > _NO_WORKER_S:
            raise UsageError(f"--scheduler {address}: no worker is left; finished cells are kept, start workers and "
                             "run again")


def _from_cluster(future: Any, address: str) -> CellAnswer | None:
    from distributed import KilledWorker  # start-up: Dask need not be installed

    try:
        answered: CellAnswer = future.result()
        return answered
    except KilledWorker:
        return None
    except (OSError, CancelledError, asyncio.CancelledError) as error:
        raise UsageError(f"--scheduler {address}: lost ({type(error).__name__}); finished cells are kept") from None
    except Exception as error:  # a worker that cannot even start the cell
        return CellAnswer(FAILED, f"on the cluster: {type(error).__name__}: {error}")
