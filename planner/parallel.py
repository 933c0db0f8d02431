"""Two processors for work that is large: a forked process does the one half, this one the other."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
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


def _sent(work: Callable[[], Any], other_end: Connection, out: Connection) -> None:
    other_end.close()
    try:
        out.send((work(),))
    except Exception:  # nothing arrives: the work is done again where its exception is seen
        os._exit(1)
    out.close()
