"""Rows that count licence cores: a sum that counts no more than its limit, in variables that may only be too large.

What is counted stands under a ceiling or is made least, so every row pushes a count up and none holds it down.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from planner.optimise.program import Program, Terms

Derive = Callable[[Sequence[int]], int]


@dataclass(frozen=True, slots=True)
class Sum:
    """Σ terms + constant."""

    terms: Terms = field(default_factory=dict)
    constant: int = 0

    def at(self, values: Sequence[int]) -> int:
        return self.constant + sum(c * values[i] for i, c in self.terms.items())

    def times(self, factor: int) -> Sum:
        return Sum({i: c * factor for i, c in self.terms.items()}, self.constant * factor)


def added(sums: Iterable[Sum]) -> Sum:
    """All of these together."""
    terms: dict[int, int] = {}
    constant = 0
    for one in sums:
        constant += one.constant
        for i, c in one.terms.items():
            terms[i] = terms.get(i, 0) + c
    return Sum(terms, constant)


class Counts:
    """Variables and rows of counts; ``rows``: (terms, most) of each; ``derived``: what each variable is in a placement,
    in the order in which they can be worked out."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.rows: list[tuple[Terms, int]] = []
        self.derived: list[tuple[int, Derive]] = []

    def most(self, total: Sum) -> int:
        """The most that a sum can be, were its variables bounded by nothing else."""
        return total.constant + sum(c * self.program.upper[i] for i, c in total.terms.items())

    def _variable(self, upper: int, derive: Derive, *meaning: str) -> int:
        index = self.program.variable(upper, *meaning)
        self.derived.append((index, derive))
        return index

    def present(self, places: Sum, *meaning: str) -> Sum:
        """1 where any of these is there."""
        if places.constant:
            return Sum({}, 1)
        if len(places.terms) < 2:
            return Sum(dict.fromkeys(places.terms, 1))
        there = self._variable(1, lambda values: min(1, places.at(values)), *meaning)
        self.rows += [({i: 1, there: -1}, 0) for i in places.terms]
        return Sum({there: 1})

    def limited(self, total: Sum, limit: int, *meaning: str) -> Sum:
        """The smaller of a sum and its limit."""
        if self.most(total) <= limit:
            return total
        if total.constant >= limit:
            return Sum({}, limit)
        count = self._variable(limit, lambda values: min(limit, total.at(values)), *meaning)
        whole = {i: c for i, c in total.terms.items()
                 if self.program.upper[i] == 1 and total.constant + c >= limit}
        self.rows += [({i: limit - total.constant, count: -1}, -total.constant) for i in whole]
        parts = Sum({i: c for i, c in total.terms.items() if i not in whole}, total.constant)
        over = self.most(parts) - limit
        if over <= 0:
            self.rows += [({**parts.terms, count: -1}, -parts.constant)] if parts.terms or parts.constant else []
            return Sum({count: 1})
        full = self._variable(1, lambda values: int(parts.at(values) > limit), *meaning, "at its limit of", str(limit))
        self.rows += [({**parts.terms, count: -1, full: -over}, -parts.constant), ({full: limit, count: -1}, 0)]
        return Sum({count: 1})

    def rounded_up(self, total: Sum, unit: int, *meaning: str) -> Sum:
        """In whole ``unit``, the rest of one counted as one."""
        if not total.terms:
            return Sum({}, -(-total.constant // unit))
        if all(c % unit == 0 for c in (total.constant, *total.terms.values())):
            return Sum({i: c // unit for i, c in total.terms.items()}, total.constant // unit)
        whole = self._variable(-(-self.most(total) // unit), lambda values: -(-total.at(values) // unit), *meaning)
        self.rows.append(({**total.terms, whole: -unit}, -total.constant))
        return Sum({whole: 1})
