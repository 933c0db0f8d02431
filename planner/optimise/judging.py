"""Where LPARs may go, asked of the rules while there is time: first about a few servers that are likely to stay on, for
the LPARs of those first that are likely to go off; then about all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from planner.optimise.placement import Candidates, candidates_of
from planner.parallel import beside
from planner.rules import Judge
from planner.stopwatch import now

_FEW = 24
"""Servers that an LPAR is asked about first."""
_STAYING = 0.6
"""Share of the servers that are likely to stay on."""
_IN_TWO = 300
"""LPARs from which on they are judged by two processes."""


@dataclass(frozen=True, slots=True)
class Judged:
    """The candidates, and how many LPARs were not asked about every server in reach for want of time: those may end
    where they stand and where they were asked about."""

    candidates: Candidates
    unasked: int = 0


class Judging:
    """The asking. ``weight``: what a server weighs that stays on."""

    def __init__(self, judge: Judge, weight: Mapping[str, int], *, come_back: bool) -> None:
        self.site, self.judge, self.come_back = judge.site, judge, come_back
        self.rank = sorted(judge.site.servers, key=lambda s: (weight[s] / max(self.site.limit(s).units, 1), s))
        self.order = {s: k for k, s in enumerate(reversed(self.rank))}
        self.staying = self.rank[:max(int(_STAYING * len(self.rank)), 1)]

    def run(self, deadline: float) -> Judged:
        """What there is by the deadline. With enough time it does not depend on any."""
        names = [n for n in self.site.start if self.judge.ready(n)]
        names.sort(key=lambda n: (self.order[self.site.start[n]], n))
        halves: tuple[list[str], list[str]] = ([], [])  # by server, since LPARs of one share most answers
        for n in names:
            halves[self.order[self.site.start[n]] % 2 if len(names) >= _IN_TWO else 0].append(n)
        if halves[1]:
            second, first = beside(lambda: self.asked(halves[1], deadline), lambda: self.asked(halves[0], deadline))
        else:
            second, first = ({}, 0), self.asked(names, deadline)
        cost = first[0] | second[0]
        return Judged(Candidates({n: cost[n] for n in sorted(cost) if len(cost[n]) > 1}), first[1] + second[1])

    def asked(self, names: Sequence[str], deadline: float) -> tuple[dict[str, dict[str, int]], int]:
        """Where these may end with the cost, and how many were not asked about all."""
        out, more = {}, []
        for n in names:
            near = self.judge.near(n)
            reach = list(self.site.servers) if near is None else [s for s in self.site.servers if s in near]
            few = reach if len(reach) <= _FEW else self.few(n, set(reach))
            out[n] = self.places(n, few if now() <= deadline else ())
            if len(few) < len(reach) or now() > deadline:
                more.append((n, reach))
        for k, (n, reach) in enumerate(more):
            if now() > deadline:
                return out, len(more) - k
            out[n] = self.places(n, reach)
        return out, 0

    def few(self, lpar: str, reach: set[str]) -> list[str]:
        """Some servers that are likely to stay on: others for each server, so that all have somebody."""
        staying = [s for s in self.staying if s in reach] or sorted(reach)
        first = self.order[self.site.start[lpar]] * _FEW % len(staying)
        return (staying[first:] + staying[:first])[:_FEW]

    def places(self, lpar: str, servers: Sequence[str]) -> dict[str, int]:
        """Where it may end of these, and where it stands."""
        return candidates_of(self.site, self.judge, (), servers, [lpar], come_back=self.come_back).cost[lpar]
