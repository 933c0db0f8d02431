"""Sizes after growth and on other hardware: entitlement and virtual processors by rPerf, in exact arithmetic.

EC' = EC × (1 + growth) × (rPerf per core of the source / of the target, each at its active cores) × (1 + headroom),
rounded up to 0.01, at least the target's minimum for each virtual processor. VP' = ⌈peak × the same ratio⌉. Source:
nigelargriffiths/rperf (-e), Power 570 redpaper p. 79 (minimum per virtual processor); LPM carries sizes over as they
are, so they are set after the move.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from fractions import Fraction
from math import ceil

from planner.estate.capacity import min_units_per_vp
from planner.estate.catalogue import Catalogue, Rating
from planner.estate.model import Estate, Lpar, Server
from planner.estate.policies import selects, words
from planner.rules.modes import held_mode
from planner.scenarios.model import Scenario
from planner.units import UNITS_PER_CORE, round_up


@dataclass(frozen=True, slots=True)
class Size:
    """An LPAR's size on a server in the end. ``ratio``: cores of the target for a core of the source, 1 when it is not
    converted; ``basis``: what its virtual processors follow; ``why``: why it is not converted, ``""`` when it is;
    ``by_preference``: because of the mode that it prefers."""

    row: Lpar
    ratio: Fraction
    basis: str
    why: str = ""
    by_preference: bool = False


def growth_of(scenario: Scenario, lpar: Lpar) -> tuple[Fraction, Fraction]:
    """Shares by which an LPAR grows: (cores, memory). Of several rows that select it the last counts."""
    growth = (Fraction(0), Fraction(0))
    for g in scenario.growth:
        if any(selects(w, lpar) for w in words(g.lpars)):
            growth = (g.cores, g.memory)
    return growth


def ratings(estate: Estate, scenario: Scenario, catalogue: Catalogue) -> dict[str, Rating]:
    """Server → rPerf per core at its active (configurable) cores, for the servers whose model is known."""
    clocks = {s.name: c.ghz for s in estate.servers for c in scenario.clocks if fnmatchcase(s.name, c.servers)}
    clocks |= {a.name: a.ghz for a in scenario.add}
    out = {}
    for s in estate.servers:
        model = catalogue.find(s.model)
        if model is not None:
            out[s.name] = model.rating(max(1, ceil(Fraction(s.configurable_units, UNITS_PER_CORE))),
                                       clocks.get(s.name, ""))
    return out


class Sizer:
    """Sizes of the LPARs of one scenario. ``peaks``: highest physc in thousandths, where a history measured it."""

    def __init__(self, estate: Estate, scenario: Scenario, rated: Mapping[str, Rating],
                 peaks: Mapping[str, int] | None = None) -> None:
        self.scenario, self.rated, self.peaks = scenario, rated, peaks or {}
        self.servers: dict[str, Server] = {s.name: s for s in estate.servers}
        self.new = {a.name for a in scenario.add}
        self._known: dict[tuple[str, str], Size] = {}

    def final(self, lpar: Lpar, target: str) -> Size:
        """The size in the end of an LPAR that now runs where its row says, on a server."""
        key = (lpar.name, target)
        if key not in self._known:
            self._known[key] = self._final(lpar, target)
        return self._known[key]

    def _no_rating(self, lpar: Lpar, target: str) -> str:
        """Why the cores of two servers are not compared for an LPAR; ``""`` when they are."""
        if not self.scenario.resize:
            return "the scenario does not resize"
        if target not in self.new:
            return "stays on hardware of today" if target == lpar.server else "moves between servers of today"
        missing = [s for s in (lpar.server, target) if s not in self.rated]
        return f"rPerf of {self.servers[missing[0]].model or missing[0]} is not in the catalogue" if missing else ""

    def keeps_mode(self, lpar: Lpar, target: str) -> str:
        """The older mode that its preference or its system holds it in even after a re-activation, or ``""``."""
        return held_mode(self.servers[target], lpar)

    def _final(self, lpar: Lpar, target: str) -> Size:
        cores, memory = growth_of(self.scenario, lpar)
        why, fixed = self._no_rating(lpar, target), self.keeps_mode(lpar, target)
        preferred = bool(fixed) and not why and fixed == lpar.preferred_mode
        if fixed and not why:
            why = (f"prefers {fixed} mode" if preferred else f"{lpar.os} {lpar.os_level} supports no newer mode than "
                   f"{fixed}") + ", in which the target's own rPerf is not reached"
        ratio = Fraction(1)
        if not why:
            ratio = self.rated[lpar.server].per_core / self.rated[target].per_core
        row = self._memory(lpar, target, memory)
        if why and not cores:
            return Size(self._at_least(replace(row, server=target)), ratio, "as it is", why, preferred)
        factor = ratio * (1 + cores) * (1 + (self.scenario.headroom if not why else 0))
        peak, basis = self._peak(lpar, 1 + cores)
        return Size(self._processors(row, target, factor, peak * ratio), ratio, basis, why, preferred)

    def _at_least(self, row: Lpar) -> Lpar:
        """The row with what its server demands for each virtual processor (a restart onto an older server)."""
        if row.processors == "dedicated":
            return row
        least = min_units_per_vp(self.servers[row.server]) * row.virtual_processors
        return row if row.entitlement_units >= least else replace(row, entitlement_units=least)

    def _peak(self, lpar: Lpar, growth: Fraction) -> tuple[Fraction, str]:
        """Cores that it may need at once, before conversion, and where that comes from."""
        measured = self.peaks.get(lpar.name)
        if measured is not None:
            return Fraction(measured, 1000) * growth, "peak of the history"
        if lpar.sharing == "capped":
            return Fraction(lpar.entitlement_units, UNITS_PER_CORE) * growth, "no history: capped, so its entitlement"
        return Fraction(lpar.virtual_processors), "no history: the cores that its virtual processors let it use today"

    def _processors(self, row: Lpar, target: str, factor: Fraction, peak: Fraction) -> Lpar:
        units = ceil(row.entitlement_units * factor)
        if row.processors == "dedicated":
            whole = max(1, -(-units // UNITS_PER_CORE))
            return self._sized(row, target, whole * UNITS_PER_CORE, whole)
        count = max(1, ceil(peak), -(-units // UNITS_PER_CORE))
        least = min_units_per_vp(self.servers[target])
        return self._sized(row, target, max(units, least * count), count)

    def _sized(self, row: Lpar, target: str, units: int, count: int) -> Lpar:
        most = row.max_virtual_processors
        return replace(row, server=target, entitlement_units=units, virtual_processors=count,
                       max_virtual_processors=None if most is None else max(most, count))

    def _memory(self, lpar: Lpar, target: str, growth: Fraction) -> Lpar:
        if not growth:
            return lpar
        wanted = round_up(ceil(lpar.memory_mib * (1 + growth)), self.servers[target].lmb_mib or 1)
        return replace(lpar, memory_mib=wanted, max_memory_mib=max(lpar.max_memory_mib, wanted))


def told_rating(server: str, rating: Rating) -> str:
    """One line of a report: where a server's rPerf per core comes from."""
    per_core = float(rating.per_core)
    assumed = f" ({rating.assumed})" if rating.assumed else ""
    listed = f"{float(rating.listed_rperf):g} / {rating.listed_cores} cores"
    return f"{server}: {per_core:.4f} rPerf per core = {listed} at {rating.ghz} GHz{assumed}"


def unselected(scenario: Scenario, lpars: Iterable[Lpar]) -> list[tuple[int, str]]:
    """(row of growth, word) that select no LPAR."""
    known = list(lpars)
    return [(n, w) for n, g in enumerate(scenario.growth) for w in words(g.lpars) or ("",)
            if not any(selects(w, p) for p in known)]
