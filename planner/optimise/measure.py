"""The measure of a consolidation in exact integers: what each server weighs that stays on."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from planner.estate.energy import power_of
from planner.goals.consolidate import Measure
from planner.rules import Site


@dataclass(frozen=True, slots=True)
class Scale:
    """``fixed``: weight of a server that is on; ``load``: what the LPARs weigh together, wherever they run;
    ``factor``: weights in one of the person's ``unit``."""

    unit: str
    factor: int
    fixed: Mapping[str, int]
    load: int = 0

    def of(self, off: Iterable[str]) -> int:
        """The measure when these servers are off."""
        gone = set(off)
        return self.load + sum(w for s, w in self.fixed.items() if s not in gone)


def scale_of(site: Site, measure: Measure, busy: Mapping[str, int] | None = None) -> Scale:
    """The weights of a measure; ``busy``: mean thousandths of a core of LPARs, where measured (else entitlement).

    Watts are counted in milliwatts: idle, and for each core in use, VIOSes included, the site's mean of
    (maximum − idle) / configurable cores, in whole watts. So the set of servers decides, and no LPAR moves between
    servers that stay on for the sake of a few watts.
    """
    if measure is Measure.SERVERS:
        return Scale("servers", 1, dict.fromkeys(site.servers, 1))
    if measure is Measure.CORES:
        return Scale("cores", 100, {n: s.configurable_units for n, s in site.servers.items()})
    powers = {n: power_of(s) for n, s in site.servers.items()}
    cores = sum(s.configurable_units for s in site.servers.values()) / 100
    rate = round(sum(p.max_w - p.idle_w for p in powers.values()) / cores) if cores else 0
    fixed = {n: 1000 * p.idle_w + rate * 10 * sum(v.entitlement_units for v in site.vioses_on(n))
             for n, p in powers.items()}
    used = sum((busy or {}).get(n, 10 * site.lpars[n].entitlement_units) for n in site.start)
    return Scale("W", 1000, fixed, rate * used)
