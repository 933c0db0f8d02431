"""What servers hold before the plan, at the fullest moment and after, and what was used of them at a peak before and
after, as bars of one scale a quantity."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from planner.plan.choices import BACK
from planner.plan.plan import Plan, ServerState
from planner.report.page.answer import TIGHT, Short
from planner.report.text import between, peak_words, touched
from planner.units import show_cores

WIDE = 1000
"""Units of a picture's width."""
_LABEL = 16
"""Characters of a label at most."""
_FULLEST = "fullest"
SHOWN = 12
"""Servers that are drawn at once; those with least left come first."""


class Bar(NamedTuple):
    """One bar: ``width`` of :data:`WIDE`; ``left`` in words where that is little."""

    label: str
    value: str
    width: int
    left: str


class Quantity(NamedTuple):
    """One quantity of a server: ``limit`` in words and as ``edge`` of :data:`WIDE`."""

    name: str
    limit: str
    edge: int
    bars: tuple[Bar, ...]


class Held(NamedTuple):
    """A server: its name, what pictures call it, how its LPARs go, its quantities."""

    server: str
    short: str
    lpars: str
    quantities: tuple[Quantity, ...]


def held(plan: Plan, short: Short) -> list[Held]:
    """The servers that a move touches, those with least left first; all where nothing moves."""
    concerned = touched(plan)
    moments = (plan.before, plan.peak, plan.after) if plan.moves else (plan.before,)
    states: list[tuple[ServerState, ...]] = [
        row for row in zip(*moments, strict=True) if row[0].server in concerned]
    most = (max((max(s.memory_limit_mib, s.memory_mib) for row in states for s in row), default=1),
            max((max(s.units_limit, s.units) for row in states for s in row), default=1))
    during = f"during {between(plan)}" if plan.leg(BACK) else "after"
    words = ("before", _FULLEST, during if len(during) < _LABEL else "between")[:len(moments)]
    ordered = sorted(states, key=lambda row: (min(map(_share_left, row)), row[0].server))
    return [Held(row[0].server, short(row[0].server), " → ".join(str(s.lpars) for s in row),
                 (*_quantities(row, words, most), *_peaks(plan, row, words, most[1]))) for row in ordered]


def _share_left(s: ServerState) -> float:
    return min((left / limit for left, limit in ((s.units_limit - s.units, s.units_limit),
                                                 (s.memory_limit_mib - s.memory_mib, s.memory_limit_mib)) if limit),
               default=1.0)


def _gib(mib: int) -> str:
    return f"{mib / 1024:.1f}"


def _peaks(plan: Plan, row: tuple[ServerState, ...], words: tuple[str, ...], most: int) -> Iterator[Quantity]:
    """The measured peak, where there is a history: of where LPARs stay, so not of the fullest moment."""
    states = [(word, s) for word, s in zip(words, row, strict=True) if word != _FULLEST]
    if any(s.used is None for _, s in states):
        return
    rounded_up = [(word, -(-(s.used or 0) // 10)) for word, s in states]
    yield _quantity(f"{peak_words(plan)}, cores", show_cores, rounded_up, row[-1].units_limit, most)


def _quantities(row: tuple[ServerState, ...], words: tuple[str, ...], most: tuple[int, int]) -> Iterator[Quantity]:
    for name, show, of, limit, top in (
            ("Memory, GiB", _gib, [s.memory_mib for s in row], row[-1].memory_limit_mib, most[0]),
            ("Cores entitled", show_cores, [s.units for s in row], row[-1].units_limit, most[1])):
        yield _quantity(name, show, [*zip(words, of, strict=True)], limit, top)


def _quantity(name: str, show: Callable[[int], str], of: Sequence[tuple[str, int]], limit: int, top: int) -> Quantity:
    bars = tuple(Bar(word, show(value), round(WIDE * min(value / max(top, 1), 1)), _left(show, limit - value, limit))
                 for word, value in of)
    return Quantity(name, f"limit {show(limit)}", round(WIDE * limit / max(top, 1)), bars)


def _left(show: Callable[[int], str], left: int, limit: int) -> str:
    if not limit or left >= TIGHT * limit:
        return ""
    return f"{show(left)} left" if left >= 0 else f"{show(-left)} too much"
