"""The measure of a consolidation in exact integers: what each server costs that stays on, and each LPAR on it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from planner.estate.energy import power_of
from planner.goals.consolidate import Measure
from planner.rules import Site


@dataclass(frozen=True, slots=True)
class Scale:
    """``fixed``: weight of a server that is on; ``rate``: of each thousandth of a core in use there.

    ``use``: thousandths of a core of each LPAR; ``factor``: weights in one of the person's ``unit``.
    """

    unit: str
    factor: int
    fixed: Mapping[str, int]
    rate: Mapping[str, int]
    use: Mapping[str, int]

    def load(self, lpar: str, server: str) -> int:
        """The weight of an LPAR on a server."""
        return self.rate[server] * self.use[lpar]

    def even(self, servers: Iterable[str]) -> bool:
        """Whether an LPAR weighs the same on each of these servers: the set alone decides."""
        return len({self.rate[s] for s in servers}) < 2

    def of(self, off: Iterable[str], where: Mapping[str, str]) -> int:
        """The measure when these servers are off and the LPARs stand like this."""
        gone = set(off)
        return sum(w for s, w in self.fixed.items() if s not in gone) + sum(
            self.load(n, s) for n, s in where.items())


def watts_per_core(site: Site, server: str) -> int:
    """Whole watts that one busy core adds: (maximum − idle) / configurable cores, rounded."""
    power = power_of(site.servers[server])
    cores = max(site.servers[server].configurable_units / 100, 0.01)
    return round((power.max_w - power.idle_w) / cores)


def scale_of(site: Site, measure: Measure, busy: Mapping[str, int] | None = None) -> Scale:
    """The weights of a measure; ``busy``: mean thousandths of a core of LPARs, where measured (else entitlement).

    Watts are counted in milliwatts: idle, and :func:`watts_per_core` for each core in use, VIOSes included.
    """
    none = dict.fromkeys(site.servers, 0)
    if measure is Measure.SERVERS:
        return Scale("servers", 1, dict.fromkeys(site.servers, 1), none, dict.fromkeys(site.start, 0))
    if measure is Measure.CORES:
        return Scale("cores", 100, {n: s.configurable_units for n, s in site.servers.items()}, none,
                     dict.fromkeys(site.start, 0))
    rate = {s: watts_per_core(site, s) for s in site.servers}
    fixed = {n: 1000 * power_of(s).idle_w + rate[n] * 10 * sum(v.entitlement_units for v in site.vioses_on(n))
             for n, s in site.servers.items()}
    return Scale("W", 1000, fixed, rate, {
        n: (busy or {}).get(n, 10 * site.lpars[n].entitlement_units) for n in site.start})
