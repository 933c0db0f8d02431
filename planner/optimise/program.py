"""Integer programs as data: bounded integer variables, rows with their tags, one linear objective to minimise."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np

Terms = Mapping[int, int]
ARRAYS_FROM = 200
"""Non-zero coefficients above which a program is handled as arrays: below that PuLP is about as quick."""


@dataclass(frozen=True, slots=True)
class Tag:
    """What a row is there for: the id of the rule (or a word of the program's own) and whom it is about; ``part``:
    of a server a pool, a port and the like."""

    rule: str
    subject: str = ""
    part: str = ""

    @property
    def family(self) -> str:
        """The family of the rule: processor, memory, policy, ..."""
        return self.rule.partition(".")[0]

    def __str__(self) -> str:
        return ":".join(x for x in (self.rule, "/".join(x for x in (self.subject, self.part) if x)) if x)


ONE_PLACE = "lpar"
"""Rule of the rows that place an LPAR once."""
CUT, COST, BALANCE, MEASURE = Tag("cut"), Tag("cost"), Tag("balance"), Tag("measure")


class Outcome(StrEnum):
    """What the solver proved. FEASIBLE: a solution without proof; UNKNOWN: neither solution nor proof."""

    OPTIMAL = "optimal"
    FEASIBLE = "feasible"
    INFEASIBLE = "infeasible"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Row:
    """Σ terms ≤ rhs (or = rhs), in integers; as stated it was ``divisor`` times that, with ``rest`` on the right."""

    terms: dict[int, int]
    rhs: int
    equal: bool
    tag: Tag
    divisor: int = 1
    rest: int = 0

    @property
    def stated(self) -> tuple[dict[int, int], int]:
        """Terms and right side as they were given."""
        return {i: c * self.divisor for i, c in self.terms.items()}, self.rhs * self.divisor + self.rest

    def holds(self, values: Sequence[int]) -> bool:
        """Whether these values satisfy it exactly."""
        total = sum(c * values[i] for i, c in self.terms.items())
        return total == self.rhs if self.equal else total <= self.rhs


@dataclass(frozen=True, slots=True)
class Solution:
    """``values`` is empty unless the outcome is OPTIMAL or FEASIBLE; ``bound`` is a proved lower bound or None."""

    outcome: Outcome
    values: tuple[int, ...] = ()
    objective: int | None = None
    bound: float | None = None
    solver: str = ""

    @property
    def found(self) -> bool:
        """There is a solution to look at."""
        return self.outcome in (Outcome.OPTIMAL, Outcome.FEASIBLE)


def near(value: float, bound: float, gap: float) -> bool:
    """Whether a value, an integer, is as near its lower bound as the relative gap asks."""
    return value - bound <= max(gap * abs(value), 0.999)


class Program:
    """An integer program: bounded integer variables, rows, one linear objective to minimise. ``title``: what it
    decides, for a person who reads it; none for the trials of a proof."""

    def __init__(self, title: str = "") -> None:
        self.title = title
        self.upper: list[int] = []
        self.meaning: list[tuple[str, ...]] = []
        self.rows: list[Row] = []
        self.objective: dict[int, int] = {}

    def variable(self, upper: int = 1, *meaning: str) -> int:
        """A new integer variable from 0 to ``upper``; its index. ``meaning``: words for a person who reads it."""
        self.upper.append(upper)
        self.meaning.append(meaning)
        return len(self.upper) - 1

    def at_most(self, terms: Terms, rhs: int, tag: Tag) -> None:
        """Σ terms ≤ rhs, divided by the common divisor of its coefficients."""
        live = {i: c for i, c in terms.items() if c}
        divisor = math.gcd(*live.values()) or 1
        self.rows.append(Row({i: c // divisor for i, c in live.items()}, rhs // divisor, False, tag, divisor,
                             rhs % divisor))

    def equals(self, terms: Terms, rhs: int, tag: Tag) -> None:
        """Σ terms = rhs."""
        self.rows.append(Row({i: c for i, c in terms.items() if c}, rhs, True, tag))

    def minimise(self, terms: Terms) -> None:
        self.objective = {i: c for i, c in terms.items() if c}

    def without(self, *tags: Tag) -> Program:
        """The same program with the rows of these tags left out."""
        copy = Program()
        copy.upper, copy.meaning, copy.objective = list(self.upper), list(self.meaning), dict(self.objective)
        gone = set(tags)
        copy.rows = [r for r in self.rows if r.tag not in gone]
        return copy

    def holds(self, values: Sequence[int]) -> bool:
        """Whether these values satisfy every bound and row exactly."""
        if self.large and (exact := _rows_hold(self, values)) is not None:
            return exact
        return all(0 <= v <= u for v, u in zip(values, self.upper, strict=True)) and all(
            r.holds(values) for r in self.rows)

    @property
    def large(self) -> bool:
        """Whether it is handled as arrays."""
        return self.size > ARRAYS_FROM

    @property
    def size(self) -> int:
        """Non-zero coefficients in all rows."""
        return sum(len(r.terms) for r in self.rows)

    def value(self, values: Sequence[int]) -> int:
        """The objective at these values."""
        return sum(c * values[i] for i, c in self.objective.items())


@dataclass(frozen=True, slots=True)
class Arrays:
    """The rows of a program one after the other: row i holds ``index`` and ``value`` from ``start[i]`` on."""

    start: Any
    index: Any
    value: Any
    right: Any
    equal: Any


def arrays(program: Program) -> Arrays:
    """The rows in integers; raises OverflowError for a number that 64 bits do not hold."""
    rows, size = program.rows, program.size
    return Arrays(
        np.concatenate(([0], np.cumsum(np.fromiter((len(r.terms) for r in rows), np.int64, len(rows))))),
        np.fromiter((i for r in rows for i in r.terms), np.int64, size),
        np.fromiter((c for r in rows for c in r.terms.values()), np.int64, size),
        np.fromiter((r.rhs for r in rows), np.int64, len(rows)),
        np.fromiter((r.equal for r in rows), np.bool_, len(rows)))


def _rows_hold(program: Program, values: Sequence[int]) -> bool | None:
    """Whether bounds and rows hold, in 64-bit integers; None when a sum might not fit into them."""
    if len(values) != len(program.upper):
        raise ValueError(f"{len(values)} values for {len(program.upper)} variables")
    try:
        at, a = np.array(values, np.int64), arrays(program)
        if ((at < 0) | (at > np.array(program.upper, np.int64))).any():
            return False
    except OverflowError:
        return None
    if float(np.abs(a.value).max(initial=1)) * max(at.max(), 1) * len(a.value) >= 2.0 ** 62:
        return None
    running = np.concatenate(([0], np.cumsum(a.value * at[a.index])))
    held = running[a.start[1:]] - running[a.start[:-1]]
    return bool(np.where(a.equal, held == a.right, held <= a.right).all())
