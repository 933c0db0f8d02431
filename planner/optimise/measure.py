"""The measure of a consolidation in exact integers: what each server weighs that stays on, and what runs on it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial

from planner.errors import UsageError
from planner.estate.energy import core_tenths, power_of
from planner.estate.licence_counts import licence_cores
from planner.estate.licences import EnterprisePool, Licensed, common_unit
from planner.grouping import inverted
from planner.optimise.metering import meter_scale, metered_weight
from planner.plan.choices import Measure
from planner.rules import Site


def _nothing(where: Mapping[str, str]) -> int:
    return 0


@dataclass(frozen=True, slots=True)
class Scale:
    """``fixed``: weight of a server that is on; ``factor``: weights in one of the person's ``unit``.

    ``busy``: of each LPAR, in so many ``parts`` of a core, what it keeps busy; ``rate``: weight of a busy part on each
    server (empty: what runs weighs nothing); ``least``: the least that each LPAR may weigh anywhere. ``licensed``:
    products whose cores weigh so much each; ``metered``: enterprise pools whose use above their base weighs;
    ``counted`` (placement): what these weigh together in it.
    """

    unit: str
    factor: int
    fixed: Mapping[str, int]
    rate: Mapping[str, int] = field(default_factory=dict)
    busy: Mapping[str, int] = field(default_factory=dict)
    parts: int = 100
    least: Mapping[str, int] = field(default_factory=dict)
    licensed: Mapping[Licensed, int] = field(default_factory=dict)
    metered: tuple[EnterprisePool, ...] = ()
    counted: Callable[[Mapping[str, str]], int] = _nothing

    @property
    def of_places(self) -> bool:
        """Whether what runs where is all that weighs, whatever is on."""
        return bool(self.licensed or self.metered)

    def load(self, lpar: str, server: str) -> int:
        return self.rate[server] * self.busy.get(lpar, 0) if self.rate else 0

    def excess(self, lpar: str, server: str) -> int:
        """What an LPAR weighs on a server beyond the least that it may weigh."""
        return self.load(lpar, server) - self.least.get(lpar, 0)

    @property
    def base(self) -> int:
        """What the LPARs weigh together at least."""
        return sum(self.least.values())

    def among(self, places: Mapping[str, Iterable[str]]) -> Scale:
        """The same with the least of each LPAR among the servers on which it may end."""
        if not self.rate:
            return self
        return replace(self, least={n: min(self.load(n, s) for s in servers) for n, servers in places.items()})

    def of(self, off: Iterable[str]) -> int:
        """The least that the measure can be when these servers are off."""
        gone = set(off)
        return self.base + sum(w for s, w in self.fixed.items() if s not in gone)

    def beyond(self, on: Iterable[str], where: Mapping[str, str]) -> int:
        """What these servers weigh, and these LPARs there beyond the least that each may weigh."""
        return sum(self.fixed[s] for s in on) + sum(self.excess(n, s) for n, s in where.items()) + self.counted(where)

    def at(self, off: Iterable[str], where: Mapping[str, str]) -> int:
        """The measure when these servers are off and the LPARs are there."""
        return self.of(off) + sum(self.excess(n, s) for n, s in where.items()) + self.counted(where)


def scale_of(site: Site, measure: Measure, busy: Mapping[str, int] | None = None) -> Scale:
    """The weights of a measure; ``busy``: mean thousandths of a core of LPARs, where measured; else what the estate
    states, else the entitlement.

    Watts: idle, and for each busy core, those of the VIOSes included, the server's own. Tenths of a watt times
    hundredths of a core are whole milliwatts, times measured thousandths whole tenths of one, so nothing is rounded:
    plans that draw the same weigh the same.
    """
    if measure is Measure.SERVERS:
        return Scale("servers", 1, dict.fromkeys(site.servers, 1))
    if measure is Measure.CORES:
        return Scale("cores", 100, {n: s.configurable_units for n, s in site.servers.items()})
    if measure is Measure.LICENCES:
        return _licences(site)
    if measure is Measure.METERED:
        return _metered(site)
    powers = {n: power_of(s) for n, s in site.servers.items()}
    rate = {n: core_tenths(powers[n], s.configurable_units) for n, s in site.servers.items()}
    finer = 10 if busy else 1
    fixed = {n: finer * (1000 * p.idle_w + rate[n] * sum(v.entitlement_units for v in site.vioses_on(n)))
             for n, p in powers.items()}
    used = {n: (busy or {}).get(n, finer * site.lpars[n].kept_busy_units) for n in site.start}
    scale = Scale("W", 1000 * finer, fixed, rate, used, 100 * finer)
    return scale.among({n: [s] for n, s in site.start.items()})


def _licences(site: Site) -> Scale:
    """Licence cores; what they are worth where one unit is stated for all. Raises UsageError where there are none."""
    products = [one for one in site.policies.licensed.values() if one.by_core]
    if not products:
        raise UsageError("nothing in this estate is known to be licensed by the core: say what is with the policy "
                         "licence (docs/licences.md)")
    unit = common_unit(products)
    licensed = {one: one.per_core if unit else 1 for one in products}
    return Scale(unit or "licence cores", 1, dict.fromkeys(site.servers, 0), licensed=licensed,
                 counted=partial(_counted, site, licensed))


def _metered(site: Site) -> Scale:
    """Core-minutes above the base of each enterprise pool. Raises UsageError without a pool, or a history."""
    pools = site.policies.enterprise_pools
    if not pools:
        raise UsageError("no enterprise pool is stated: say which servers share how many base cores with the policy "
                         "enterprise-pool (docs/licences.md)")
    if site.usage is None:
        raise UsageError("what enterprise pools meter is known from usage alone: give --history")
    return Scale("core-minutes", meter_scale(site)[1], dict.fromkeys(site.servers, 0), metered=tuple(pools),
                 counted=partial(metered_weight, site))


def _counted(site: Site, licensed: Mapping[Licensed, int], where: Mapping[str, str]) -> int:
    return sum(worth * licence_cores(site, one, s, names) for one, worth in licensed.items()
               for s, names in inverted((n, where[n]) for n in sorted(one.lpars & where.keys())).items())
