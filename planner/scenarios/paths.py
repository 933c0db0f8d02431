"""How each LPAR gets to a server: live, by a restart, by a restart after work; its modes on the way; one-way doors."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Annotated

from pydantic import Field

from planner.estate.capacity import lpar_demand
from planner.estate.model import Lpar
from planner.findings import Finding, Severity, errors
from planner.plan.carried_out import vacated
from planner.plan.details import Cores
from planner.remember import remembered
from planner.rules import Judge, Site
from planner.rules.base import REGISTRY, On
from planner.rules.modes import held_mode, native_mode
from planner.scenarios.sizing import Sizer


class Way(StrEnum):
    """How an LPAR gets to another server."""

    LIVE = "live"
    INACTIVE = "inactive"
    """migrated while it is not activated"""
    RESTART = "restart"
    WORK = "restart after work"

    @property
    def migrates(self) -> bool:
        """Whether it is migrated as it is, and nothing is restarted."""
        return self in (Way.LIVE, Way.INACTIVE)


@dataclass(frozen=True, slots=True)
class Passage:
    """One LPAR's way to one server: ``reasons`` why it is not live; ``refusals`` when there is no way at all."""

    way: Way | None
    reasons: tuple[Finding, ...] = ()
    refusals: tuple[Finding, ...] = ()


@dataclass(frozen=True, slots=True)
class Stage:
    """A moment of an LPAR's path: where it is, in which mode, with which entitlement (hundredths) and processors."""

    when: str
    server: str
    mode: str
    units: Annotated[Cores, Field(alias="cores")]
    virtual_processors: int


@dataclass(frozen=True, slots=True)
class Door:
    """What cannot be undone by a live move: after ``after``, these LPARs cannot go back, for ``reason``."""

    after: str
    reason: str
    lpars: tuple[str, ...]


class Passages:
    """The ways of a site's LPARs, asked of the rules; answers are kept."""

    def __init__(self, site: Site, judge: Judge, sizer: Sizer, displaced: Iterable[str]) -> None:
        self.site, self.judge, self.sizer = site, judge, sizer
        self.displaced = frozenset(displaced)

    @remembered
    def of(self, lpar: str, target: str) -> Passage:
        """The way of an LPAR to a server; only LPARs of retired servers may restart."""
        source = self.site.start[lpar]
        refusals = errors((*self.judge.readiness(lpar), *self.judge.move(lpar, source, target)))
        running = self.site.lpars[lpar].active
        if not refusals:
            return Passage(Way.LIVE if running else Way.INACTIVE)
        if lpar not in self.displaced or not running:
            return Passage(None, (), refusals)
        row = self.sizer.final(self.site.lpars[lpar], target).row  # a restarted LPAR arrives in its final size
        barred = self.judge.barred(lpar, source, target, lpar_demand(row, self.site.servers[target]))
        if barred:
            return Passage(None, refusals, barred)
        return Passage(Way.WORK if any(On.WORK in REGISTRY[f.rule].binds for f in refusals) else Way.RESTART, refusals)


def mode_now(site: Site, lpar: Lpar) -> str:
    """The mode that an LPAR runs in; where nobody states it, its server's own."""
    return lpar.current_mode or native_mode(site.servers[lpar.server])


def mode_after(site: Site, sizer: Sizer, lpar: Lpar, target: str) -> str:
    """The mode after it is activated on a server."""
    mode = sizer.keeps_mode(lpar, target)
    return mode or native_mode(site.servers[target]) or mode_now(site, lpar)


def stages(site: Site, sizer: Sizer, lpar: Lpar, target: str, way: Way) -> tuple[Stage, ...]:
    """An LPAR's path from today to the end: mode and size at each step.

    A live move carries mode and size over; the mode changes when the LPAR is activated again, and only then is the
    smaller entitlement enough (POWER6 mode has SMT2: no SMT4 credit before). Source: IBM POWER7 9117-MMD modes
    examples; REDP-4798 p. 142.
    """
    now, after = mode_now(site, lpar), mode_after(site, sizer, lpar, target)
    final = sizer.final(lpar, target).row
    path = [Stage("today", lpar.server, now, lpar.entitlement_units, lpar.virtual_processors)]
    end = (final.entitlement_units, final.virtual_processors)
    if way is not Way.LIVE:
        return (*path, Stage(f"after the {way.value}", target, after, *end))
    path.append(Stage("after the live move", target, now, lpar.entitlement_units, lpar.virtual_processors))
    if now != after:
        path.append(Stage("after re-activation", target, after, *end))
    elif end != (lpar.entitlement_units, lpar.virtual_processors):
        path.append(Stage("after resizing by DLPAR", target, after, *end))
    return tuple(path)


def activated(site: Site, lpar: Lpar, target: str) -> Lpar:
    """An LPAR once it was activated again on a server, in its size of today."""
    server = site.servers[target]
    return replace(lpar, server=target, current_mode=held_mode(server, lpar) or native_mode(server)
                   or mode_now(site, lpar))


def needs_activation(path: tuple[Stage, ...]) -> bool:
    """Whether an LPAR that was moved live must be activated again to come to its end."""
    return path[-1].when == "after re-activation"


def doors(site: Site, placement: Mapping[str, str], final: Mapping[str, Lpar], ways: Mapping[str, Way]) -> list[Door]:
    """What can no longer be undone live: after the move itself, and after re-activation; LPARs with the same reason
    stand together."""
    moved = {n: s for n, s in placement.items() if s != site.start[n]}
    live = {n: s for n, s in moved.items() if ways[n] is Way.LIVE}
    opened: dict[tuple[str, str], list[str]] = {}
    closed = set()
    after_move = Judge(Site(vacated(site.estate, live), assume_nothing=site.assume_nothing))
    for n, target in sorted(live.items()):
        for reason in _reasons(after_move, n, target, site.start[n]):
            closed.add(n)
            opened.setdefault(("the live move", reason), []).append(n)
    rows = tuple(final.get(p.name, p) for p in site.estate.lpars)
    after_all = Judge(Site(replace(vacated(site.estate, moved), lpars=rows), assume_nothing=site.assume_nothing))
    for n, target in sorted(moved.items()):
        if n not in closed:
            event = "re-activation" if ways[n] is Way.LIVE else f"the {ways[n].value}"
            for reason in _reasons(after_all, n, target, site.start[n]):
                opened.setdefault((event, reason), []).append(n)
    return [Door(after, reason, tuple(names)) for (after, reason), names in sorted(opened.items())]


def _reasons(judge: Judge, lpar: str, source: str, target: str) -> list[str]:
    return [f"{f.message} ({f.rule})" for f in judge.move(lpar, source, target)
            if f.severity is Severity.ERROR and REGISTRY[f.rule].lasting]
