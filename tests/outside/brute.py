"""Every placement, order and parking of a tiny site, by the checker's own rules: what is possible, and the least that it costs."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import Any

import goals_told
import pairs_told
from facts import Site
from moments import Ledger, Place
from pairs_told import Question

MOST = 5000
"""Placements that are looked through at most."""


@dataclass
class Best:
    """The least (measure, seconds) of all placements that hold in the end, whether single moves lead to one, and to all."""

    least: tuple[Fraction, Fraction] | None
    reached: tuple[Fraction, Fraction] | None
    exact: bool
    """Whether ports and slots let every moment be told exactly."""


class Brute:
    """A site and a question about it; placements are tuples in the order of ``names``."""

    def __init__(self, document: Mapping[str, Any], asked: Mapping[str, Any]) -> None:
        self.site, self.asked = Site(document), asked
        self.ledger = Ledger(self.site)
        self.kind = asked["kind"]
        self.freed = set(asked.get("servers", [])) if self.kind == "evacuate" else set()
        self.left = set(asked.get("leave", []))
        critical: set[str] = set()
        if self.kind == "headroom":
            critical = {n for n, p in self.site.lpars.items() if p.environment == "production" or n in asked["critical"]}
        self.question = Question(frozenset(self.freed), frozenset(asked.get("not_targets", [])), frozenset(),
                                 frozenset(critical), goes_home=bool(asked.get("return") or asked.get("weekend")))
        self.names = sorted(n for n in self.site.lpars if self.site.active(n) or (
            asked.get("inactive") and self.site.home[n] in self.freed))
        self._fits: dict[tuple[str, frozenset[str], frozenset[str]], bool] = {}
        self._costs: dict[tuple[str, str, str], Fraction] = {}

    def suits(self) -> bool:
        """Whether this is small enough, and nothing is asked that is not looked at here."""
        site, asked = self.site, self.asked
        split = any(len({site.home[n] for n in g}) > 1 for g in site.groups("keep-together"))
        away = any(p.home and p.home != p.server for p in site.lpars.values())
        soft = self.kind == "consolidate" and site.of("soft-pin")
        return (self.kind in ("evacuate", "headroom", "consolidate") and not split and not away and not soft
                and not asked.get("n_plus_1") and len(site.servers) ** len(self.names) <= MOST)

    # ---- moves --------------------------------------------------------------------------------------------------

    @cached_property
    def may(self) -> dict[str, dict[str, set[str]]]:
        """LPAR → source → the servers to which it may go from there."""
        return {n: {s: {t for t in self.site.servers if t != s and not pairs_told.refusals(self.site, n, s, t, self.question)}
                    for s in self.site.servers} for n in self.names}

    def candidates(self, name: str) -> list[str]:
        home = self.site.home[name]
        there = {t for t in self.may[name][home] if name not in self.left}
        if self.question.goes_home:
            there = {t for t in there if not list(pairs_told.between(self.site, name, t, home))}
        return sorted({home, *there})

    def start(self) -> tuple[str, ...]:
        return tuple(self.site.home[n] for n in self.names)

    # ---- does it hold -------------------------------------------------------------------------------------------

    def fits(self, server: str, resident: frozenset[str], new: frozenset[str]) -> bool:
        """Whether a server holds those that never left and those that came, by whichever adapters."""
        key = (server, resident, new)
        if key not in self._fits:
            self._fits[key] = self._fitting(server, resident, new)
        return self._fits[key]

    def _fitting(self, server: str, resident: frozenset[str], new: frozenset[str]) -> bool:
        others = [n for n in self.site.lpars if n not in self.names and self.site.home[n] == server]
        rows = [(n, self.ledger.start[n]) for n in [*sorted(resident), *others]]
        if not self._within(server, rows):
            return False
        if not self._apart(server, resident | new):
            return False
        return self._placed(server, rows, sorted(new))

    def _placed(self, server: str, rows: list[tuple[str, Place]], new: list[str]) -> bool:
        if not new:
            return True
        return any(self._within(server, [*rows, (new[0], place)]) and self._placed(server, [*rows, (new[0], place)], new[1:])
                   for place in self._places(new[0], server))

    def _within(self, server: str, rows: list[tuple[str, Place]]) -> bool:
        return all(v <= self.ledger.limit(server, k) for k, v in self.ledger.takes(server, rows).items())

    def _apart(self, server: str, names: set[str] | frozenset[str]) -> bool:
        for group in [*self.site.groups("keep-apart"), *self.site.groups("cluster")]:
            together = group & names
            if len(together) > 1 and not all(self.site.home[n] == server for n in together):
                return False
        return True

    def _places(self, name: str, server: str) -> Iterator[Place]:
        """Every way to hang an LPAR on a server's VIOSes and ports."""
        site = self.site
        fabric = {f.slot: f.fabric for f in site.fibres[name]}
        for disks in pairs_told._some(pairs_told.disk_choices(site, name, server)):
            if not pairs_told.keeps_paths(site, name, disks):
                continue
            for fibres in pairs_told._some(pairs_told.fibre_choices(site, name, server)):
                if not pairs_told.keeps_fibres(site, name, fibres):
                    continue
                ports = [[(slot, vios, p.port) for p in site.rows["ports"] if (p.vios, p.fabric) == (vios, fabric[slot])]
                         for slot, vios in fibres.items()]
                vnics = [[(v.slot, v.device, b.name, p.port, v.percent or 1) for p in site.rows["sriov"]
                          if p.server == server for b in site.by_server[server][:1]] for v in site.vnics[name]]
                for one in itertools.product(*ports):
                    for two in itertools.product(*vnics):
                        yield Place(server, None, site.pool_of(name, server), tuple(disks.items()), one, two)

    def holds(self, placement: tuple[str, ...]) -> bool:
        """Whether a placement keeps every rule in the end."""
        at = dict(zip(self.names, placement, strict=True))
        for group in self.site.groups("keep-together"):
            if len({at.get(n, self.site.home[n]) for n in group if n in at}) > 1:
                return False
        return all(self.fits(s, *self.on(at, s)) for s in self.site.servers)

    def on(self, at: Mapping[str, str], server: str) -> tuple[frozenset[str], frozenset[str]]:
        here = {n for n, s in at.items() if s == server}
        return frozenset(n for n in here if self.site.home[n] == server), frozenset(
            n for n in here if self.site.home[n] != server)

    # ---- what is asked ------------------------------------------------------------------------------------------

    def reaches(self, placement: tuple[str, ...]) -> bool:
        at = dict(zip(self.names, placement, strict=True))
        if self.kind == "evacuate":
            return not any(s in self.freed and n not in self.left for n, s in at.items())
        if self.kind == "headroom":
            server = self.asked["server"]
            return goals_told.has_headroom(self.site, server, [n for n, s in at.items() if s == server],
                                           self.question.critical, self.asked["cores"], self.asked["memory"])
        busy = {s for n, s in at.items() if self.site.active(n)}
        return not busy & set(self.asked.get("off", []))

    def cost(self, name: str, source: str, target: str) -> Fraction:
        """Of one move, in exact numbers."""
        key = (name, source, target)
        if key not in self._costs:
            self._costs[key] = goals_told.cost(self.site, *key)
        return self._costs[key]

    def price(self, placement: tuple[str, ...]) -> tuple[Fraction, Fraction]:
        at = dict(zip(self.names, placement, strict=True))
        total = Fraction(0)
        for n, s in at.items():
            home = self.site.home[n]
            if s != home:
                total += self.cost(n, home, s)
                if self.kind == "headroom" and self.question.goes_home:
                    total += self.cost(n, s, home)
        first = Fraction(0)
        if self.kind == "consolidate":
            off = {s for s in self.site.servers if s not in self.asked.get("keep", []) and not any(
                at[n] == s and self.site.active(n) for n in self.names)}
            watts = {"energy": {"servers": [{"server": s.name, "idle_w": s.idle_watts, "max_w": s.max_watts}
                                            for s in self.site.servers.values()]}}
            first = goals_told.measure(self.site, self.asked["measure"], at, off, watts) or Fraction(0)
        return first, total

    def best(self) -> Best:
        good = [p for p in itertools.product(*(self.candidates(n) for n in self.names)) if self.reaches(p) and self.holds(p)]
        prices = {p: self.price(p) for p in good}
        reached = self.reachable() if good else set()
        return Best(min(prices.values(), default=None), min((v for p, v in prices.items() if p in reached), default=None),
                    not (self.site.rows["fibres"] or self.site.rows["sriov"] or any(
                        v.max_virtual_slots for v in self.site.vioses.values())))

    def reachable(self) -> set[tuple[str, ...]]:
        """All placements to which single moves lead, parking on third servers included."""
        seen, todo = {self.start()}, [self.start()]
        while todo:
            here = todo.pop()
            at = dict(zip(self.names, here, strict=True))
            for k, n in enumerate(self.names):
                for t in self.may[n][here[k]]:
                    there = (*here[:k], t, *here[k + 1:])
                    if there not in seen and n not in self.left and self._arrives(at, n, t):
                        seen.add(there)
                        todo.append(there)
        return seen

    def _arrives(self, at: Mapping[str, str], name: str, target: str) -> bool:
        own = dict(at) | {name: target}
        return self.fits(target, *self.on(own, target))


def compared(document: Mapping[str, Any], asked: Mapping[str, Any], status: str, plan: Mapping[str, Any] | None) -> list[str]:
    """What an answer says that all placements, looked through, contradict."""
    brute = Brute(document, asked)
    if not brute.suits() or (asked["kind"] == "consolidate" and asked["measure"] == "watts" and any(
            s.idle_watts is None for s in brute.site.servers.values())):
        return []
    best = brute.best()
    if status == "infeasible":
        said = bool(((plan or {}).get("conflict") or {}).get("states"))  # that no order leads there, all states looked at
        return [f"infeasible: {best.least} holds in the end, {best.reached} is reached"] if (
            best.reached and best.exact if said else best.least) else []
    if status == "unknown":
        return [f"unknown: {best.reached} is reached by single moves"] if best.reached and best.exact else []
    if plan is None or best.least is None:
        return ["feasible: no placement holds in the end"] if plan is not None else []
    return list(_levels(plan, best, asked))


def _levels(plan: Mapping[str, Any], best: Best, asked: Mapping[str, Any]) -> Iterator[str]:
    assert best.least is not None
    said, bound = plan["objective"], plan["bound"]
    first, moves = best.least
    mine = first if asked["kind"] == "consolidate" else moves
    slack = 0.0006 if asked["kind"] == "consolidate" else goals_told.slack(plan)
    if asked.get("window") or any(x["scope"] not in ("all plans", "plans of the same measure") for x in plan.get("levels", [])):
        return
    if any(x["name"].endswith("idle") for x in plan.get("levels", [])):
        return
    if bound > mine + Fraction(slack):
        yield f"bound: {bound} above {float(mine):.3f}, which holds in the end"
    if said < mine - Fraction(slack):
        yield f"objective: {said} below {float(mine):.3f}, the least of all placements"
    if asked["kind"] == "consolidate" and plan["levels"][0]["status"] == "optimal":
        second = plan["levels"][1]
        if second["bound"] > moves + Fraction(goals_told.slack(plan)):
            yield f"levels: bound of the moves {second['bound']}, the least of all placements {float(moves):.3f}"
        if plan["status"] == "optimal" and abs(second["objective"] - moves) > goals_told.slack(plan):
            yield f"levels: moves {second['objective']}, the least of all placements {float(moves):.3f}"
