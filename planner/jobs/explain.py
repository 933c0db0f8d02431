"""Why an LPAR may not go to a server, with the facts and where they stand; what its arrival there would mean for who is
there now; what stands in the way of a server that is to be free."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from planner.estate.assemble import Loaded
from planner.findings import Finding, assumed, errors
from planner.optimise.evacuate import EvacuationProblem
from planner.plan.details import Conflict
from planner.plan.questions import Evacuate
from planner.rules import Judge, Site
from planner.rules.base import REGISTRY
from planner.rules.facts import StatedFact, facts_of
from planner.units import show_cores

_PER_UNIT = 10
"""Thousandths of a core that are used for each hundredth."""


@dataclass(frozen=True, slots=True)
class Because:
    """One refusal, and the facts that it rests on."""

    finding: Finding
    facts: tuple[StatedFact, ...]


@dataclass(frozen=True, slots=True)
class Tightest:
    """The hour in which least is left of a server, or of a pool of it: ``when`` with the kind of day, thousandths of a
    core that would be used, and the limit."""

    where: str
    when: str
    used: int
    limit: int

    @property
    def text(self) -> str:
        """``Mon 2026-11-30 10:00, a month-end day: p595-1 would use 12.80 of 12.00 cores``."""
        return (f"{self.when}: {self.where} would use {show_cores(-(-self.used // _PER_UNIT))} of "
                f"{show_cores(self.limit // _PER_UNIT)} cores")


@dataclass(frozen=True, slots=True)
class Explained:
    """An LPAR and a server: ``because``, every rule that refuses it, none when it may go; ``taken``: what is assumed;
    ``beside``: what the server would break with it and all who are there now; ``hours``: with a history its tightest
    hour then."""

    lpar: str
    source: str
    target: str
    because: tuple[Because, ...]
    taken: tuple[Finding, ...]
    beside: tuple[Finding, ...]
    hours: tuple[Tightest, ...] = ()


def explained(loaded: Loaded, site: Site, judge: Judge, lpar: str, target: str) -> Explained:
    """Why an LPAR may or may not go from where it is to ``target``, another server of the site."""
    source = site.lpars[lpar].server
    said = (*judge.readiness(lpar), *judge.move(lpar, source, target))
    because = tuple(Because(f, tuple(facts_of(loaded, site, REGISTRY[f.rule], lpar, target, f.message)))
                    for f in errors(said))
    there = sorted({*site.residents(target), lpar})
    beside = errors((*judge.server(target, there), *judge.settled(target, there)))
    return Explained(lpar, source, target, because, assumed(said), beside, tuple(_tightest(site, target, there)))


def _tightest(site: Site, server: str, holders: list[str]) -> Iterator[Tightest]:
    """Of the server and of each of its pools that has a maximum, where usage is known."""
    for pool in (None, *sorted(site.pools.get(server, {}))) if site.usage is not None else ():
        limit = site.used.limit(server, pool)
        if limit is None or site.usage is None or not len(site.usage.starts):
            continue
        used = site.used.on(server, holders, pool)
        at = int(used.argmax())
        yield Tightest(f"pool {pool} of {server}" if pool is not None else server,
                       f"{site.usage.when(at):%a %Y-%m-%d %H:%M}, a {site.usage.bucket(at).kind} day",
                       int(used[at]), limit)


def in_the_way(site: Site, judge: Judge, server: str, time_limit: float) -> Conflict | None:
    """Why a server cannot be freed; None when nothing is proved to stand in the way."""
    return EvacuationProblem(site, judge, Evacuate(servers=(server,))).solve(time_limit, 1.0).conflict
