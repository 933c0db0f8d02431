"""Rules on moves in time: concurrency limits, fair shares of the links, clusters, blackouts, the window."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import groupby

from planner.cost import converges
from planner.estate.consoles import is_ivm
from planner.findings import Severity
from planner.plan.plan import Move, Window
from planner.rules.base import Breach, Scope, rule
from planner.rules.capability import console_needed, vios_needed
from planner.rules.concurrency import (
    BASE_LIMIT,
    MANY_OVER_ONE,
    inactive_limit,
    mover_limit,
    server_limit,
    wanted_levels,
)
from planner.rules.site import Site
from planner.units import some

_SCHEDULE = "kept by the scheduler when it builds a wave"


def moments(moves: Sequence[Move]) -> Iterator[tuple[int, list[Move]]]:
    """Each moment at which a move starts, with the moves in flight then (starting ones included)."""
    flying: list[tuple[int, Move]] = []
    for start, begun in groupby(sorted(enumerate(moves), key=lambda one: one[1].start_ms), lambda one: one[1].start_ms):
        flying = sorted((number, m) for number, m in (*flying, *begun) if m.end_ms > start)
        yield start, [m for _, m in flying]


def _crowded(flying: Iterable[Move], keys: Sequence[str], *, inactive: bool = False) -> Mapping[str, int]:
    return Counter(getattr(m, key) for m in flying if m.inactive is inactive for key in keys)


@rule("timing.server-limit", "A server takes part in no more live moves at a time than it, its firmware, console and "
      "movers support (4, 8 or 16).", Scope.FLIGHT,
      encoding=_SCHEDULE, source="IBM Power11 and POWER7 firmware pages, table 2 (4 at any level)")
def server_concurrency(site: Site, moves: Sequence[Move], window: Window | None) -> Iterator[Breach]:
    for start, flying in moments(moves):
        for server, count in sorted(_crowded(flying, ("source", "target")).items()):
            if server in site.servers and count > (limit := server_limit(site, server))[0]:
                yield Breach(f"{count} moves at {start // 1000} s on {server}, which supports {limit[0]} ({limit[1]})",
                             "spread them over more waves", subject=server)


@rule("timing.inactive-limit", "A server takes part in no more inactive migrations at a time than it supports, "
      "whatever moves live.", Scope.FLIGHT, encoding=_SCHEDULE,
      source="IBM POWER7 iphc3hmcvalidation table 1 (current against supported inactive migrations)")
def inactive_concurrency(site: Site, moves: Sequence[Move], window: Window | None) -> Iterator[Breach]:
    for start, flying in moments(moves):
        for server, count in sorted(_crowded(flying, ("source", "target"), inactive=True).items()):
            if server in site.servers and count > (limit := inactive_limit(site, server))[0]:
                yield Breach(f"{count} inactive migrations at {start // 1000} s on {server}, which supports {limit[0]} "
                             f"({limit[1]})", "spread them over more waves", subject=server)


@rule("timing.mover-limit", "A mover carries no more moves at a time than it and its level support; never more "
      "than 4 on 1 Gbit/s.",
      Scope.FLIGHT, encoding=_SCHEDULE, source="IBM restriction list (robmcnelly.com); p8hc3_vioslpmpseudo")
def mover_concurrency(site: Site, moves: Sequence[Move], window: Window | None) -> Iterator[Breach]:
    for start, flying in moments(moves):
        for name, count in sorted(_crowded(flying, ("source_msp", "target_msp")).items()):
            vios = site.vioses.get(name)
            if vios and count > (limit := mover_limit(site, vios))[0]:
                yield Breach(f"{count} moves at {start // 1000} s over {name}, which supports {limit[0]} ({limit[1]})",
                             "spread them over more waves or movers", subject=name)


@rule("timing.levels", "Where more than four moves fly at a time on a server, the levels of console and movers that so "
      "many want are known.", Scope.FLIGHT, encoding="where nothing may be assumed the scheduler flies no more",
      source="IBM firmware support matrices, table 2; IBM restriction list (robmcnelly.com)")
def many_at_a_time(site: Site, moves: Sequence[Move], window: Window | None) -> Iterator[Breach]:
    told = dict[tuple[str, str], Breach]()
    for _, flying in moments(moves):
        over = _crowded(flying, ("source_msp", "target_msp"))
        for server, count in sorted(_crowded(flying, ("source", "target")).items()):
            taking_part = [m.lpar for m in flying if server in (m.source, m.target) and not m.inactive]
            wanted = _levels_wanted(site, server, count, over) if count > BASE_LIMIT and server in site.servers else ()
            told |= {(n, breach.message): replace(breach, subject=n) for breach in wanted for n in taking_part}
    yield from told.values()


def _levels_wanted(site: Site, server: str, count: int, over: Mapping[str, int]) -> Iterator[Breach]:
    """What so many moves at a time on a server, ``over`` each mover, want of levels and nobody states, or too low."""
    console, level = wanted_levels(count)
    what = f"carrying {count} moves at a time on {server}"
    if not is_ivm(site.servers[server], [v.name for v in site.vioses_on(server)]):
        yield from console_needed(site, server, console, what)
    for v in site.movers(server):
        wanted = MANY_OVER_ONE if over.get(v.name, 0) > BASE_LIMIT else level
        yield from vios_needed(site, v.name, wanted, what, f"update {v.name}")


@rule("timing.mover-place", "A live move goes from a mover of its source to a mover of its target; an inactive "
      "migration uses none.", Scope.FLIGHT, encoding=_SCHEDULE,
      source="HMC V7R3.4 help LPARMobilityMSP, MigVerification.DestMSPLabel")
def mover_place(site: Site, moves: Sequence[Move], window: Window | None) -> Iterator[Breach]:
    for m in moves:
        if m.inactive:
            if m.source_msp or m.target_msp:
                yield Breach("is migrated inactive, which no mover carries, and the plan names one", "plan again",
                             subject=m.lpar)
            continue
        for msp, server in ((m.source_msp, m.source), (m.target_msp, m.target)):
            if msp not in {v.name for v in site.movers(server)}:
                yield Breach(f"{msp or 'no VIOS'} is no mover of {server}", "name a mover service partition of it",
                             subject=m.lpar)


def shares(site: Site, moves: Sequence[Move]) -> dict[Move, float]:
    """Each move's bytes per second when it shares its movers with the most moves it ever flies with."""
    worst: dict[Move, tuple[int, int]] = dict.fromkeys(moves, (1, 1))
    for _, flying in moments(moves):
        busy = _crowded(flying, ("source_msp", "target_msp"))
        for m in flying:
            worst[m] = max(worst[m][0], busy[m.source_msp]), max(worst[m][1], busy[m.target_msp])
    return {m: site.pair_rate(m.source_msp, m.target_msp, *worst[m]) for m in moves
            if m.source_msp in site.vioses and m.target_msp in site.vioses}


@rule("timing.duration", "A move is given at least the time that the cost model says it takes when it has its movers "
      "to itself.", Scope.FLIGHT, encoding="the scheduler takes durations from the cost model",
      source="the cost model (docs/cost-model.md)")
def duration(site: Site, moves: Sequence[Move], window: Window | None) -> Iterator[Breach]:
    for m in moves:
        if m.lpar in site.lpars and (m.inactive or {m.source_msp, m.target_msp} <= site.vioses.keys()):
            rate = 1.0 if m.inactive else site.pair_rate(m.source_msp, m.target_msp)
            needed = site.copy(m.lpar, rate).duration_ms
            if m.duration_ms < needed - 1000:
                yield Breach(f"is given {m.duration_ms / 1000:.0f} s; the cost model says {needed / 1000:.0f} s",
                             "plan again", subject=m.lpar)


@rule("timing.share", "Moves fly together only while each has at least twice its dirty rate of the links.",
      Scope.FLIGHT, encoding=_SCHEDULE, source="seed calibration: λ ≤ 0.5, else pre-copy does not converge")
def share(site: Site, moves: Sequence[Move], window: Window | None) -> Iterator[Breach]:
    for m, rate in shares(site, moves).items():
        alone = site.pair_rate(m.source_msp, m.target_msp)
        if rate < alone and m.lpar in site.lpars and not converges(site.lpars[m.lpar], rate, site.parameters):
            yield Breach(f"gets {rate / 1e6:.1f} MB/s beside other moves, too little for what it dirties",
                         "move it in a wave of its own", subject=m.lpar)


@rule("timing.cluster-nodes", "Two nodes of a cluster are never in flight at once.", Scope.FLIGHT, encoding=_SCHEDULE,
      source="IBM restriction list (robmcnelly.com); policy")
def cluster_nodes(site: Site, moves: Sequence[Move], window: Window | None) -> Iterator[Breach]:
    for start, flying in moments(moves):
        names = {m.lpar for m in flying}
        for group in site.groups_with("clusters", names):
            nodes = sorted(names & set(group.members))
            if len(nodes) > 1:
                yield Breach(f"{', '.join(nodes)} of cluster {group.name} are in flight together at {start // 1000} s",
                             "move them in different waves", subject=nodes[0])


@rule("timing.heartbeat", "An LPAR with cluster software flies alone on its movers.", Scope.FLIGHT, encoding=_SCHEDULE,
      source="IBM restriction list: applications with heartbeats must not be moved concurrently")
def heartbeat(site: Site, moves: Sequence[Move], window: Window | None) -> Iterator[Breach]:
    for _, flying in moments(moves):
        for m in flying:
            if m.lpar not in site.lpars or not site.is_heartbeat(m.lpar):
                continue
            beside = [o.lpar for o in flying if o is not m and {o.source_msp, o.target_msp}
                      & {m.source_msp, m.target_msp}]
            if beside:
                yield Breach(f"has a heartbeat and shares its movers with {', '.join(sorted(beside))}",
                             "move it in a wave of its own", subject=m.lpar)


@rule("timing.production-order", "Production moves before all others, or after them, as the policy says, unless one "
      "of the others needs its room.", Scope.FLIGHT, encoding=_SCHEDULE, source="policy")
def production_order(site: Site, moves: Sequence[Move], window: Window | None) -> Iterator[Breach]:
    if not site.policies.production_order:
        return
    early = dict[str, list[str]]()
    known = [m for m in moves if m.lpar in site.lpars]
    for m, other in ((m, o) for m in known for o in known if m.leg == o.leg and site.goes_before(m.lpar, o.lpar)):
        if other.end_ms <= m.start_ms:
            early.setdefault(m.lpar, []).append(other.lpar)
        elif other.start_ms < m.end_ms:
            yield Breach(f"is to move before {other.lpar} (production {site.policies.production_order}), and does not",
                         "plan again", subject=m.lpar)
    for name, others in early.items():
        yield Breach(f"moves after {some(dict.fromkeys(others), 6)}, though production is to go "
                     f"{site.policies.production_order}: in the order that was found it needs their room",
                     "free room first if the order matters", Severity.INFO, name)


def in_blackout(site: Site, lpar: str, window: Window, start_ms: int, end_ms: int) -> tuple[int, str] | None:
    """The end (ms from the window's start) and the text of a blackout that a move in [start, end] would touch. A time
    that occurs twice lies in it both times."""
    day = dt.timedelta(days=1)
    for blackout in site.policies.blackouts.get(lpar, ()):
        for start, end in blackout.spans(window.at(start_ms) - day, window.at(end_ms) + day):
            until = window.ms_to(end.replace(fold=1))
            if window.ms_to(start) < end_ms and start_ms < until:
                return until, blackout.text
    return None


@rule("timing.blackout", "No LPAR moves in its blackout time.", Scope.FLIGHT, encoding=_SCHEDULE, source="policy")
def blackout(site: Site, moves: Sequence[Move], window: Window | None) -> Iterator[Breach]:
    if window is None:
        return
    for m in moves:
        hit = in_blackout(site, m.lpar, window, m.start_ms, m.end_ms)
        if hit:
            start, end = window.at(m.start_ms), window.at(m.end_ms)
            yield Breach(f"moves from {start:%H:%M} to {end:%H:%M}, inside its blackout {hit[1]}",
                         "move it at another time", subject=m.lpar)
