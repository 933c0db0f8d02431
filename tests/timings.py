"""Plans in lanes for tests: made of plans in waves, timed anew, and played with any minutes that their waits allow."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from math import ceil
from random import Random
from typing import Literal

from planner.cost import MIB, dirty_rate, state_bytes
from planner.findings import Finding, errors
from planner.plan.choices import BACK, OUT
from planner.plan.plan import Move, Plan, Wait
from planner.rules import Judge, Site
from planner.verify import replay
from planner.verify.lanes import lane_findings
from planner.verify.order import circular

Deeds = dict[int, set[int]]
"""Number of a move → numbers of those that must be over before it, as its lane and its waits name them."""
_TIMES = {"timing.duration", "timing.window", "timing.blackout"}


def waits_for(moves: Sequence[Move]) -> Deeds:
    """What lanes and waits say at once."""
    before: Deeds = {m.number: {w.move for w in m.waits} for m in moves}
    last: dict[tuple[str, int], int] = {}
    for m in sorted(moves, key=lambda m: (m.start_ms, m.number)):
        if (m.leg, m.lane) in last:
            before[m.number].add(last[m.leg, m.lane])
        last[m.leg, m.lane] = m.number
    return before


def in_lanes(plan: Plan, site: Site) -> Plan:
    """A plan in waves as lanes that keep it: each move waits for all of the wave before."""
    moves: list[Move] = []
    for leg in (OUT, BACK):
        before: list[Move] = []
        for _, wave in plan.waves(leg):
            own = [replace(m, number=len(moves) + n, lane=n) for n, m in enumerate(wave, 1)]
            moves += [replace(m, waits=tuple(Wait(b.number, "arrived", "", "keeps the pace") for b in before
                                             if b.lane != m.lane)) for m in own]
            before = own
    at_least = dict.fromkeys(dict.fromkeys(m.leg for m in moves), 0.0)
    return timed(plan.replace(moves=tuple(moves), at_least_s=at_least), site)


def loosened(plan: Plan, site: Site, judge: Judge) -> Plan:
    """A plan in lanes without the waits that no rule needs; the others say which one does."""
    moves = list(plan.moves)
    for i, m in enumerate(moves):
        for wait in m.waits:
            own = moves[i].waits
            moves[i] = replace(m, waits=tuple(w for w in own if w.move != wait.move))
            broken = sorted({f.rule for f in lane_findings(moves, site, judge)} or {f.rule for f in circular(moves)})
            if broken:
                until: Literal["arrived", "ended"] = "ended" if broken[0].startswith("timing") else "arrived"
                moves[i] = replace(m, waits=tuple(
                    replace(w, rule=broken[0], until=until, why="needed") if w.move == wait.move else w for w in own))
    return timed(plan.replace(moves=tuple(moves)), site)


def timed(plan: Plan, site: Site) -> Plan:
    """The plan with the times that its lanes and waits give: everybody in the air, step by step; starts in whole
    milliseconds, never before the end of what is waited for."""
    begin, begin_ms, gap_ms = 0.0, 0, ceil(1000 * site.parameters.wave_gap_s)
    moves: list[Move] = []
    for leg in (OUT, BACK):
        own = plan.leg(leg)
        before, over, found = waits_for(own), dict[int, float](), dict[int, Move]()
        air, now, deep = _Air(site), begin, dict[int, int]()
        while len(over) < len(own):
            for m in own:
                first = max((over[n] + site.parameters.wave_gap_s for n in before[m.number] if n in over), default=begin)
                free = m.number not in found and all(n in over for n in before[m.number])
                if free and max(first, (m.not_before_ms or 0) / 1000) <= now + 1e-9:
                    deep[m.number] = 1 + max((deep[n] for n in before[m.number]), default=0)
                    found[m.number] = replace(m, start_ms=ceil(now * 1000 - 1e-6), wave=deep[m.number])
                    air.begin(m, now)
            waiting = [t for m in own if m.number not in found and all(n in over for n in before[m.number]) for t in (
                max((over[n] + site.parameters.wave_gap_s for n in before[m.number]), default=begin),
                (m.not_before_ms or 0) / 1000) if t > now]
            now, landed = air.next(now, min(waiting, default=float("inf")))
            for number, (took, still, sent) in landed.items():
                over[number] = now
                found[number] = replace(found[number], duration_ms=ceil(took * 1000 - 1e-6), bytes_sent=int(sent),
                                        suspend_ms=ceil(still * 1000 - 1e-6))
        moves += _whole(found, before, begin_ms, gap_ms)
        begin_ms = max(max((m.end_ms for m in moves), default=0) + 1000 * (plan.work_s or 0), 1000 * (plan.back_from_s or 0))
        begin = max(max(over.values(), default=begin) + (plan.work_s or 0), plan.back_from_s or 0)
    return _renumbered(plan.replace(moves=tuple(moves)))


def _whole(found: dict[int, Move], before: Deeds, begin: int, gap: int) -> list[Move]:
    out = dict[int, Move]()
    for number, m in found.items():  # as they took off
        first = max((out[n].end_ms + gap for n in before[number]), default=begin)
        out[number] = replace(m, start_ms=max(begin, first, m.not_before_ms or 0))
    return [*out.values()]


def _renumbered(plan: Plan) -> Plan:
    """Numbers in the order of the starts."""
    order = sorted(plan.moves, key=lambda m: (m.leg == BACK, m.start_ms, m.number))
    new = {m.number: n for n, m in enumerate(order, 1)}
    return plan.replace(moves=tuple(replace(
        m, number=new[m.number], waits=tuple(replace(w, move=new[w.move]) for w in m.waits)) for m in order))


class _Air:
    """All that flies, moved on together from event to event."""

    def __init__(self, site: Site) -> None:
        self.site, self.flights = site, dict[int, dict[str, float]]()
        self.moves: dict[int, Move] = {}

    def begin(self, move: Move, now: float) -> None:
        p = self.site.parameters_for(move.lpar)
        self.moves[move.number] = move
        self.flights[move.number] = {"phase": 0, "left": p.inactive_s if move.inactive else p.overhead_s, "took": 0.0,
                                     "sent": 0.0, "still": 0.0, "round": 0.0, "size": 0.0}

    def _rate(self, number: int) -> float:
        m, flight = self.moves[number], self.flights[number]
        if flight["phase"] in (0, 3):
            return 1.0
        flying = [self.moves[n] for n, f in self.flights.items() if self.site.parameters.share_in_overhead or f["phase"]]
        return self.site.pair_rate(m.source_msp, m.target_msp, *(
            sum(v in (o.source_msp, o.target_msp) for o in flying) for v in (m.source_msp, m.target_msp)))

    def next(self, now: float, until: float) -> tuple[float, dict[int, tuple[float, float, float]]]:
        """On to the next end of anything; who has landed: seconds, seconds of standstill, bytes."""
        rates = {n: self._rate(n) for n in self.flights}
        step = min([until - now, *(f["left"] / rates[n] for n, f in self.flights.items())])
        landed = {}
        for n, f in list(self.flights.items()):
            done = f["left"] / rates[n] <= step + 1e-12
            f["left"] -= rates[n] * step
            for what in ("took", "round", *(["still"] if f["phase"] >= 2 and not self.moves[n].inactive else [])):
                f[what] += step
            if done and self._turned(n, f):
                landed[n] = f["took"], f["still"], f["sent"]
                del self.flights[n]
        return now + step, landed

    def _turned(self, number: int, f: dict[str, float]) -> bool:
        p, lpar = self.site.parameters, self.site.lpars[self.moves[number].lpar]
        state = float(state_bytes(lpar.memory_mib, lpar.max_memory_mib))
        if self.moves[number].inactive or f["phase"] == 3:
            return True
        if f["phase"] == 0:
            f["phase"], f["left"] = 1, state
        elif f["phase"] == 1:
            most = state if lpar.working_set_mib is None else min(state, lpar.working_set_mib * MIB)
            f["left"] = min(most, dirty_rate(lpar, p) * f["round"])
            if f["left"] <= p.stop_mb * 1e6 or f["left"] >= p.stop_ratio * f["size"]:
                f["phase"] = 2
        else:
            f["phase"], f["left"] = 3, p.resume_s
        if f["phase"] < 3:
            f["size"] = f["left"]
            f["sent"] += f["left"]
        f["round"] = 0.0
        return False


def random_timings(plan: Plan, count: int = 200, seed: int = 0) -> Iterator[Plan]:
    """The plan with other minutes that its lanes and waits allow: each move as short or long, and as late, as may be."""
    for number in range(count):
        yield _at_random(plan, Random(f"{seed} {number}"))


def _at_random(plan: Plan, rng: Random) -> Plan:
    over: dict[int, int] = {}
    moves, begin = [], 0
    for leg in (OUT, BACK):
        own = plan.leg(leg)
        before, left = waits_for(own), [m.number for m in own]
        known = {m.number: m for m in own}
        while left:
            number = next(n for n in left if not before[n] & {*left})
            left.remove(number)
            first = max((over[n] for n in before[number]), default=begin)
            late = rng.choice((0, 0, 1, round(10 ** rng.uniform(0, 6))))
            start = max(begin, first, known[number].not_before_ms or 0) + late
            over[number] = start + round(10 ** rng.uniform(0, 6))
            moves.append(replace(known[number], start_ms=start, duration_ms=over[number] - start))
        begin = max(over.values(), default=0) + 1000 * (plan.work_s or 0)
    return plan.replace(moves=tuple(moves))


def moment_by_moment(plan: Plan, site: Site, judge: Judge) -> list[Finding]:
    """What the replay of a plan in waves finds of these minutes, each move a wave of its own; how long they take is no
    matter, nor which physical ports might have been named besides."""
    order = sorted(plan.moves, key=lambda m: m.start_ms)
    alone = [replace(m, wave=n, number=0, lane=0, waits=(), not_before_ms=None, latest_ms=None)
             for n, m in enumerate(order, 1)]
    return [f for f in errors(replay(plan.replace(moves=tuple(alone)), site, judge).findings)
            if f.rule not in _TIMES and "names no physical port" not in f.message]


def broken_at_some_time(plan: Plan, site: Site, judge: Judge, count: int = 200, seed: int = 0) -> list[Finding]:
    """What the first of so many random timings that breaks a rule breaks; [] when none does."""
    return next((f for retimed in random_timings(plan, count, seed) if (f := moment_by_moment(retimed, site, judge))), [])
