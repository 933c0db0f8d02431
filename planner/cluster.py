"""A Dask cluster that does work for this process. Its library is imported when it is used: for start-up, and since it
need not be installed.

Workers get what all tasks share once, as bytes; each of their threads makes its own of it. One that dies costs what
it had in hand, which the cluster tries again on others as often as its ``allowed-failures`` says.
"""

from __future__ import annotations

import asyncio
import logging
import math
import pickle  # nosec B403: what this program packed, on its way to its own workers
import re
import threading
import time
import uuid
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import CancelledError
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from itertools import islice
from typing import Any, Self, TypeVar

from planner import __version__
from planner.errors import UsageError
from planner.parallel import one_of_several
from planner.stopwatch import now, stopped, told_to_stop, working_for

S = TypeVar("S")
T = TypeVar("T")
P = TypeVar("P")
Work = Callable[[P, S], T]
"""A function of a module, of what all tasks share and one task."""
_CONNECT_S, _CLOSE_S, _LOOK_S = 15.0, 5.0, 0.2
_SOON_S, _LAST_S, _ASKED_S = 0.5, 1.5, 5.0
"""Seconds after a deadline at which who still works is told to stop, and at which nobody is waited for: after one that
came by itself, and after the user's asking."""
_ADDRESS = re.compile(r"(tcp|tls|ws|wss|ucx)://(\[[0-9a-fA-F:.]+\]|[\w.-]+):\d{1,5}")


class ClusterLostError(UsageError):
    """The scheduler, or every worker, is gone."""


@dataclass(frozen=True, slots=True)
class TaskReply:
    """What became of a task: its ``value``; or its workers ``died``, or ``broken`` says why none could begin it."""

    task: Any
    value: Any = None
    died: bool = False
    broken: str = ""


class Cluster:
    """The cluster of a scheduler such as ``tcp://host:8786``, whose workers need this version of planner. It is
    connected to only for as long as it works, so that this process may be forked before and after.

    Raises UsageError for a wrong address and when Dask is not installed.
    """

    def __init__(self, address: str) -> None:
        if not _ADDRESS.fullmatch(address):
            raise UsageError(f"--scheduler {address!r} is not like tcp://host:8786")
        if find_spec("distributed") is None:
            raise UsageError("--scheduler needs Dask, which is not installed: pip install 'planner[dask]'")
        self.address = address
        self.processors = 1
        """Threads of its workers, as many as there were last."""
        self.lost = ""
        """Why the last work was given back."""

    def check(self) -> None:
        """Raises UsageError if nobody answers there or the workers do not know planner."""
        with self._connected():
            pass

    def as_they_come(self, work: Work[P, S, T], shared: P, tasks: Iterable[S], no_worker_s: float
                     ) -> Iterator[TaskReply]:
        """What becomes of each task. Raises ClusterLostError when the scheduler, or every worker for so many seconds,
        is gone."""
        with self._connected() as client, _Asked(client, self.address, work, shared) as asked:
            for number, task in enumerate(tasks):
                asked.ask(number, task)
            while asked.waiting:
                yield from (reply for _, reply in asked.done())
                asked.manned(no_worker_s)

    def in_order(self, work: Work[P, S, T], shared: P, tasks: Iterable[S], deadline: float, no_worker_s: float
                 ) -> Iterator[T | None]:
        """What is returned for each task, in their order; a task is taken when a processor is free for it. At the
        deadline, which the user's asking for the best so far brings on, workers are told to stop; None for what has no
        answer soon after, whose workers died, and for all that is left when the cluster is ``lost``."""
        early: dict[int, T | None] = {}
        following = 0
        for number, value in self._until(work, shared, enumerate(tasks), deadline, no_worker_s):
            early[number] = value
            while following in early:
                yield early.pop(following)
                following += 1

    def _until(self, work: Work[P, S, T], shared: P, todo: Iterator[tuple[int, S]], deadline: float, no_worker_s: float
               ) -> Iterator[tuple[int, T | None]]:
        """Each task by its number once, as they come."""
        without: list[int] = []
        try:
            if self.lost:
                raise ClusterLostError(self.lost)
            with (self._connected(max(deadline - now(), _LAST_S)) as client,
                  _Asked(client, self.address, work, shared, without) as asked):
                while not asked.late(deadline):
                    self.processors = asked.manned(no_worker_s)
                    free = 0 if now() > deadline else self.processors - len(asked.waiting)
                    for number, task in islice(todo, max(free, 0)):
                        asked.ask(number, task)
                    if not asked.waiting:
                        break
                    yield from ((number, reply.value) for number, reply in asked.done())
        except UsageError as error:
            self.lost = str(error)
        yield from ((number, None) for number in without)
        yield from ((number, None) for number, _ in todo)

    @contextmanager
    def _connected(self, seconds: float = math.inf) -> Iterator[Any]:
        seconds = min(seconds, _CONNECT_S)
        client = _client(self.address, seconds)
        try:
            _suits(client, self.address, seconds)
            self.processors = max(_threads(client), 1)
            yield client
        finally:
            client.close(timeout=_CLOSE_S)


def cluster_at(address: str) -> Cluster:
    """A cluster that was found to be there and to know planner; raises UsageError."""
    cluster = Cluster(address)
    cluster.check()
    return cluster


class _Asked:
    """What the cluster was asked for and has not answered: all of it is called off in the end, its numbers are added to
    those that are ``without`` an answer."""

    def __init__(self, client: Any, address: str, work: Work[P, S, T], shared: P, without: list[int] | None = None
                 ) -> None:
        self.without = [] if without is None else without
        self.client, self.address, self.work, self.id = client, address, work, uuid.uuid4().hex
        self.waiting: dict[Any, tuple[int, Any]] = {}
        self.manned_at = time.monotonic()
        self.late_at: float | None = None
        # The result of a task, so that the cluster makes it anew when the worker that holds it dies.
        self.shared = client.submit(bytes, pickle.dumps(shared), pure=False)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.without += sorted(number for number, _ in self.waiting.values())
        if self.waiting:
            with suppress(*_LOST):
                self.client.cancel(list(self.waiting))
            self._stop()

    def _stop(self) -> None:
        """Who works for this ends soon."""
        with suppress(*_LOST):
            self.client.run(told_to_stop, self.id, on_error="ignore")

    def ask(self, number: int, task: Any) -> None:
        """Raises ClusterLostError."""
        with self._reachable():
            future = self.client.submit(_there, self.work, self.shared, self.id, task, pure=False)
        self.waiting[future] = (number, task)

    def manned(self, no_worker_s: float) -> int:
        """How many threads the workers have; raises ClusterLostError when there are none for so many seconds."""
        with self._reachable():
            threads = _threads(self.client)
        if threads:
            self.manned_at = time.monotonic()
        elif time.monotonic() - self.manned_at > no_worker_s:
            raise ClusterLostError(f"--scheduler {self.address}: no worker is left")
        return threads

    def late(self, deadline: float) -> bool:
        """Whether nobody is waited for any more; who still works is told to stop some time before."""
        if now() <= deadline:
            return False
        at = time.monotonic()
        if self.late_at is None:
            self.late_at = at
        elif at - self.late_at > _SOON_S:
            self._stop()
        return not self.waiting or at - self.late_at > (_ASKED_S if stopped() else _LAST_S)

    def done(self) -> Iterator[tuple[int, TaskReply]]:
        """What has come meanwhile, with the tasks' numbers; raises ClusterLostError."""
        cluster: Any = import_module("distributed")
        with self._reachable():
            try:
                with self.client.as_current():
                    done = cluster.wait(list(self.waiting), timeout=_LOOK_S, return_when="FIRST_COMPLETED").done
            except TimeoutError:
                return
            come = [(*self.waiting[future], future) for future in done]
            for number, task, future in sorted(come, key=lambda one: one[0]):
                reply = _reply(task, future)
                del self.waiting[future]
                yield number, reply

    @contextmanager
    def _reachable(self) -> Iterator[None]:
        try:
            yield
        except _LOST as error:
            raise ClusterLostError(f"--scheduler {self.address}: lost ({type(error).__name__})") from None


_LOST = (OSError, CancelledError, asyncio.CancelledError)


def _reply(task: Any, future: Any) -> TaskReply:
    from distributed import KilledWorker

    try:
        return TaskReply(task, future.result())
    except KilledWorker:
        return TaskReply(task, died=True)
    except _LOST:
        raise
    except Exception as error:  # a worker that cannot even begin
        return TaskReply(task, broken=f"{type(error).__name__}: {error}")


_held = threading.local()
"""Of a worker's thread: what the tasks share that it is at."""


def _there(work: Work[Any, Any, T], shared: bytes, asked: str, task: Any) -> T:
    """In a worker."""
    if getattr(_held, "asked", "") != asked:
        _held.shared, _held.asked = pickle.loads(shared), asked  # nosec B301: as above
    with one_of_several(), working_for(asked):
        return work(_held.shared, task)


def _client(address: str, seconds: float) -> Any:
    cluster: Any = import_module("distributed")
    for name in ("client", "core", "comm", "utils"):  # what it logs with tracebacks is told as an error below
        logging.getLogger(f"distributed.{name}").setLevel(logging.CRITICAL)
    try:
        return cluster.Client(address, timeout=seconds, set_as_default=False)
    except (OSError, ValueError, TimeoutError) as error:
        raise UsageError(f"--scheduler {address}: no Dask scheduler answers there ({error}); start one with 'dask "
                         "scheduler' and workers with 'dask worker'") from None


def _threads(client: Any) -> int:
    return sum(map(int, client.nthreads().values()))


def _version() -> str:
    return __version__


def _suits(client: Any, address: str, seconds: float) -> None:
    try:
        client.wait_for_workers(1, timeout=seconds)
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
