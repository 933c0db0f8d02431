"""The clock that searches look at, and what the user of a command does to it."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable
from random import Random
from typing import TypeVar

import pytest

from planner import stopwatch
from planner.optimise import solver
from planner.optimise.program import Outcome, Program, Tag
from planner.optimise.solver import Effort, decided, relaxed, solve
from planner.parallel import beside, two_processors

T = TypeVar("T")


def split_markets(products: int = 5, shops: int = 45) -> Program:
    """A program that no solver decides soon: divide shops so that half of each product's sales is on either side."""
    program, random = Program("hard"), Random(1)
    x = [program.variable(1, f"shop {n}") for n in range(shops)]
    for product in range(products):
        sales = {i: random.randrange(100) for i in x}
        program.equals(sales, sum(sales.values()) // 2, Tag("half", str(product)))
    program.minimise({i: random.randrange(1, 9) for i in x})
    return program


def test_a_signal_puts_every_deadline_behind_and_new_ones_are_soon_over() -> None:
    before = stopwatch.now() + 3600
    with stopwatch.stoppable():
        assert not stopwatch.stopped() and stopwatch.listening()
        os.kill(os.getpid(), signal.SIGINT)
        assert stopwatch.stopped() and stopwatch.now() > before
        after = stopwatch.now() + 60
        assert stopwatch.now() < after
        time.sleep(0.7)
        assert stopwatch.now() > after
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)
    assert not stopwatch.stopped() and not stopwatch.listening() and stopwatch.now() < before
    with pytest.raises(KeyboardInterrupt):
        os.kill(os.getpid(), signal.SIGINT)


@pytest.mark.skipif(not two_processors(), reason="needs forked processes")
def test_a_forked_process_sees_the_same_clock_and_is_not_ended_by_the_signal() -> None:
    def there() -> bool:
        os.kill(os.getpid(), signal.SIGINT)  # a terminal sends it to all of them
        os.kill(os.getpid(), signal.SIGINT)
        until = time.monotonic() + 20
        while not stopwatch.stopped() and time.monotonic() < until:
            time.sleep(0.01)
        return stopwatch.stopped()

    with stopwatch.stoppable():
        assert beside(there, lambda: os.kill(os.getpid(), signal.SIGINT)) == (True, None)


@pytest.mark.parametrize("engine", ["cp-sat", "highs", "relaxed"])
def test_the_engines_end_when_the_user_asks(engine: str, monkeypatch: pytest.MonkeyPatch) -> None:
    ask = {"cp-sat": lambda p: decided(p, Effort(1e6, 100)), "highs": lambda p: solve(p, 100),
           "relaxed": lambda p: relaxed(p, {0, 1}, 100)}[engine]

    def interrupted(run: Callable[[], T], stop: Callable[[], object], seconds: float) -> T:
        threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT)).start()
        return stopwatch.heeding(run, stop, seconds)

    monkeypatch.setattr(solver, "heeding", interrupted)
    began = time.monotonic()
    with stopwatch.stoppable():
        assert ask(split_markets()).outcome in (Outcome.UNKNOWN, Outcome.FEASIBLE)
        assert stopwatch.stopped()
    assert time.monotonic() - began < 90  # its hundred seconds are not waited for


def test_what_a_long_call_raises_is_raised_here() -> None:
    def broken() -> int:
        raise ValueError("no solver")

    with stopwatch.stoppable(), pytest.raises(ValueError, match="no solver"):
        stopwatch.heeding(broken, lambda: None, 1.0)


def test_only_a_process_that_is_one_command_has_begun() -> None:
    assert stopwatch.began() is None
