"""How long a move takes, from docs/cost-model.md: alone, and beside others whose movers it shares."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from facts import MIB, Site, catalogue, level

MB = 10**6


def rperf_per_core(site: Site, server: str) -> Fraction:
    """In the largest listed size of the model's first processor, to two decimals."""
    sizes = {int(n): Fraction(v) for n, v in catalogue()[site.servers[server].model]["processor"][0]["rperf"].items()}
    return Fraction(math.floor(sizes[max(sizes)] / max(sizes) * 100 + Fraction(1, 2)), 100)


def carries(site: Site, mover: str, side: str) -> Fraction:
    """Bytes a second over a mover, all its moves together: its link, or what its processors carry."""
    v, of = site.vioses[mover], site.parameters
    link = of["link_efficiency"] * (v.link_mbit or 1000) * MB / 8
    units = v.virtual_processors * 100 if v.sharing == "uncapped" else v.entitlement_units
    price = of[f"{side}_rperf_per_mb_s"] * (of["jumbo_share"] if (v.link_mtu or 1500) >= 9000 else 1)
    return min(link, Fraction(units, 100) * rperf_per_core(site, v.server) / price * MB)


def stream(site: Site, source: str, target: str) -> Fraction | None:
    """The limit of one move, whatever the link."""
    stated = site.parameters["stream_mb_s"]
    if stated:
        return stated * MB
    old = any(level(site.vioses[v].level)[:3] < (2, 2, 4) for v in (source, target))
    return site.parameters["old_stream_mb_s"] * MB if old else None


def overhead(site: Site, lpar: str, source: str) -> Fraction:
    s = site.servers[source]
    ivm = s.console in {v.name for v in site.by_server[source]}
    return site.parameters["overhead_s" if ivm else "hmc_overhead_s"] + site.parameters["validation_s"]


def dirty(site: Site, lpar: str) -> Fraction:
    """Bytes a second that an LPAR changes."""
    p = site.lpars[lpar]
    busy = p.entitlement_units if p.busy_units is None else p.busy_units
    return site.parameters["dirty_mb_s_per_core"] * MB * busy / 100


def state(site: Site, lpar: str) -> Fraction:
    """V: memory, maximum memory / 64 and 2.5 MiB."""
    p = site.lpars[lpar]
    return (p.memory_mib + Fraction(p.max_memory_mib, 64) + Fraction(5, 2)) * MIB


def working_set(site: Site, lpar: str) -> Fraction:
    """All of the state where nobody states it."""
    p = site.lpars[lpar]
    return state(site, lpar) if p.working_set_mib is None else Fraction(p.working_set_mib * MIB)


@dataclass
class Alone:
    duration: Fraction
    suspend: Fraction
    sent: Fraction


def alone(site: Site, lpar: str, source: str, target: str) -> Alone:
    """A move over these movers that has them to itself."""
    rate = min(r for r in (carries(site, source, "source"), carries(site, target, "target"),
                           stream(site, source, target)) if r is not None)
    of, size, copied = site.parameters, state(site, lpar), Fraction(0)
    while True:
        copied += size
        following = min(working_set(site, lpar), size * dirty(site, lpar) / rate)
        if following <= of["stop_mb"] * MB or following >= of["stop_ratio"] * size:
            break
        size = following
    suspend = following / rate + of["resume_s"]
    fixed = overhead(site, lpar, site.vioses[source].server)
    return Alone(fixed + copied / rate + suspend, suspend, copied + following)


def cheapest(site: Site, lpar: str, source: str, target: str, may: Callable[[str], bool]) -> Alone:
    """Over the pair of movers that takes least."""
    pairs = [(a.name, b.name) for a in site.by_server[source] for b in site.by_server[target] if may(a.name) and may(b.name)]
    return min((alone(site, lpar, a, b) for a, b in pairs), key=lambda c: c.duration)


# ---- many at once ---------------------------------------------------------------------------------------------------


@dataclass
class Flight:
    """One move under way: seconds of overhead left, then rounds, then the end."""

    number: int
    lpar: str
    source: str
    target: str
    begun: float
    fixed: float
    left: float = 0.0
    size: float = 0.0
    ran: float = 0.0
    copying: bool = False
    last: bool = False
    after: float = 0.0
    stood: float = 0.0
    sent: float = 0.0


@dataclass
class Clock:
    """Follows all moves of a leg through the rates of their time; ``before`` names who must be over before each."""

    site: Site
    moves: Mapping[int, Any]
    before: Mapping[int, set[int]]
    begin: float
    ends: dict[int, float] = field(default_factory=dict)
    starts: dict[int, float] = field(default_factory=dict)
    suspended: dict[int, float] = field(default_factory=dict)
    sent: dict[int, float] = field(default_factory=dict)

    def run(self) -> None:
        flying: list[Flight] = []
        now = self.begin
        while len(self.ends) < len(self.moves):
            for n, m in sorted(self.moves.items()):
                ready = n not in self.starts and self.before[n] <= set(self.ends)
                if ready and now >= (m.get("not_before_s") or 0) - 1e-6:
                    self.starts[n] = now
                    flying.append(self._flight(n, m, now))
            waiting = [m["not_before_s"] for n, m in self.moves.items()
                       if n not in self.starts and m.get("not_before_s") and m["not_before_s"] > now]
            if not flying:
                now = min(waiting)
                continue
            step = min([self._until(f, flying) for f in flying] + [w - now for w in waiting])
            now += step
            for f in list(flying):
                if self._advance(f, flying, step):
                    self.ends[f.number] = now
            flying = [f for f in flying if f.number not in self.ends]

    def _flight(self, n: int, m: Any, now: float) -> Flight:
        if m.get("inactive"):
            return Flight(n, m["lpar"], "", "", now, float(self.site.parameters["inactive_s"]))
        return Flight(n, m["lpar"], m["source_msp"], m["target_msp"], now,
                      float(overhead(self.site, m["lpar"], m["source"])))

    def _rate(self, f: Flight, flying: list[Flight]) -> float:
        rates = [carries(self.site, f.source, "source") / sum(f.source in (g.source, g.target) for g in flying),
                 carries(self.site, f.target, "target") / sum(f.target in (g.source, g.target) for g in flying)]
        limit = stream(self.site, f.source, f.target)
        return float(min(rates if limit is None else [*rates, limit]))

    def _until(self, f: Flight, flying: list[Flight]) -> float:
        if f.fixed > 0 and not f.copying:
            return f.fixed
        return f.left / self._rate(f, flying) if f.left > 0 else f.after

    def _advance(self, f: Flight, flying: list[Flight], step: float) -> bool:
        """Whether it is over."""
        tiny = 1e-7
        if not f.copying:
            f.fixed -= step
            if f.fixed > tiny:
                return False
            if not f.source:
                return True
            f.copying, f.size = True, float(state(self.site, f.lpar))
            f.left = f.size
            return False
        if f.last and f.left <= 0:
            f.after -= step
            return f.after <= tiny and self._stood(f, step)
        f.left -= step * self._rate(f, flying)
        f.ran += step
        f.stood += step if f.last else 0
        if f.left > 1:
            return False
        f.sent += f.size
        if f.last:
            f.left, f.after = 0.0, float(self.site.parameters["resume_s"])
            return False
        return self._next_round(f)

    def _stood(self, f: Flight, step: float) -> bool:
        self.suspended[f.number] = f.stood + float(self.site.parameters["resume_s"])
        self.sent[f.number] = f.sent
        return True

    def _next_round(self, f: Flight) -> bool:
        of = self.site.parameters
        following = min(float(working_set(self.site, f.lpar)), float(dirty(self.site, f.lpar)) * f.ran)
        f.last = following <= of["stop_mb"] * MB or following >= of["stop_ratio"] * f.size
        f.size = f.left = following
        f.ran = 0.0
        if f.last and following <= 0:
            f.left, f.after = 0.0, float(of["resume_s"])
        return False
