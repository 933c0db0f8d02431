"""The times that a plan in lanes predicts, worked out again event by event from the rates that change as moves begin
and end; and what it says of its order.

Each move is followed from its own start through the starts and ends that the plan states of the others: where all
agree, these are the times of the whole.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import inf

from planner.cost import MIB, dirty_rate, state_bytes
from planner.findings import Finding
from planner.grouping import grouped
from planner.plan.choices import BACK, OUT
from planner.plan.plan import Move, Plan
from planner.rules import Site
from planner.rules.timing import in_blackout
from planner.verify.base import Claim, broken, near
from planner.verify.order import arcs_of, depths, needless_waits, ordered_by

_SLACK_S, _PART = 0.2, 2e-4
"""What a time may differ by: others' times are rounded to milliseconds."""
_HAIR = 1e-3
"""So near to where the rounds stop it is open which one is the last."""


@dataclass(frozen=True, slots=True)
class Flown:
    """What a move costs at the rates of its time: seconds from its start to its end and of standstill; bytes."""

    duration_s: float
    suspend_s: float
    sent: float


class Traffic:
    """How many moves each mover has in flight at any time, as a plan states their times."""

    def __init__(self, moves: Sequence[Move], site: Site) -> None:
        self.site = site
        events = grouped((v, event) for m in moves for v in sorted({m.source_msp, m.target_msp} - {""}) for event in (
            (self._copies_from(m) if not site.parameters.share_in_overhead else m.start_ms / 1000, 1),
            (m.end_ms / 1000, -1)))
        self._times: dict[str, list[float]] = {}
        self._counts: dict[str, list[int]] = {}
        for mover, changes in events.items():
            flying, counts = 0, []
            for _, change in sorted(changes):
                flying += change
                counts.append(flying)
            self._times[mover], self._counts[mover] = [t for t, _ in sorted(changes)], counts

    def _copies_from(self, move: Move) -> float:
        return move.start_ms / 1000 + self.site.parameters_for(move.lpar).overhead_s

    def count(self, mover: str, at: float) -> tuple[int, float]:
        """How many fly over a mover at a time, and until when it stays so."""
        times = self._times[mover]
        place = bisect_right(times, at)
        return (self._counts[mover][place - 1] if place else 0), (times[place] if place < len(times) else inf)

    def course(self, move: Move, hair: float = 0.0) -> Flown:
        """Overhead, rounds of copying, the last one in suspension; ``hair``: how much later the rounds stop."""
        p, lpar = self.site.parameters_for(move.lpar), self.site.lpars[move.lpar]
        size = float(state_bytes(lpar.memory_mib, lpar.max_memory_mib))
        working_set = size if lpar.working_set_mib is None else min(size, float(lpar.working_set_mib * MIB))
        dirty, begin = dirty_rate(lpar, p), move.start_ms / 1000
        now, sent = self._copies_from(move), 0.0
        while True:
            after = self._copied(move, now, size)
            sent, lasted, now = sent + size, after - now, after
            following = min(working_set, dirty * lasted)
            if following <= p.stop_mb * 1e6 * (1 - hair) or following >= min(1.0, p.stop_ratio * (1 + hair)) * size:
                break
            size = following
        end = self._copied(move, now, following) + p.resume_s
        return Flown(end - begin, end - now, sent + following)

    def _copied(self, move: Move, now: float, size: float) -> float:
        """When so many bytes are over that begin to be sent now."""
        last = move.end_ms / 1000
        while size > 0:
            counts = [self.count(v, now) for v in (move.source_msp, move.target_msp)]
            own = int(now >= last)  # it is among those in flight for as long as the plan says
            rate = self.site.pair_rate(move.source_msp, move.target_msp, *(max(1, n + own) for n, _ in counts))
            until = min(t for _, t in counts)
            if size <= rate * (until - now):
                return now + size / rate
            size, now = size - rate * (until - now), until
        return now


def clock_claims(plan: Plan, site: Site) -> Iterator[Claim]:
    """What each move takes at the rates of its time, when it starts, how many must be over before it; what is said
    already by other waits."""
    traffic = Traffic(plan.moves, site)
    for m in plan.moves:
        if m.lpar in site.lpars and {m.source_msp, m.target_msp} <= site.vioses.keys():
            yield from _costs(m, traffic)
    begin = 0.0
    for leg in (OUT, BACK):
        moves = plan.leg(leg)
        yield from _starts(moves, begin, site)
        begin = max(max((m.end_ms / 1000 for m in moves), default=0.0) + (plan.work_s or 0), plan.back_from_s or 0.0)


def _costs(move: Move, traffic: Traffic) -> Iterator[Claim]:
    made = [_differing(move, traffic.course(move))]
    if made[0]:
        made += [_differing(move, traffic.course(move, hair)) for hair in (_HAIR, -_HAIR)]
    yield from min(made, key=len)


def _differing(move: Move, course: Flown) -> list[Claim]:
    rows = (("seconds", move.duration_ms / 1000, course.duration_s, _SLACK_S),
            ("seconds of standstill", move.suspend_ms / 1000, course.suspend_s, _SLACK_S),
            ("10⁶ bytes", move.bytes_sent / 1e6, course.sent / 1e6, 1.0))
    return [Claim(what, said, worked, move.lpar) for what, said, worked, slack in rows
            if abs(said - worked) > max(slack, _PART * worked)]


def _starts(moves: Sequence[Move], begin: float, site: Site) -> Iterator[Claim]:
    """Each starts as soon as it may; its wave tells how many must be over one after the other before it."""
    arcs, gap = arcs_of(moves), site.parameters.wave_gap_s
    order, into = ordered_by(moves, arcs), grouped((b, a) for a, b, _ in arcs)
    if order is None:
        return
    deep = depths(order, arcs)
    for i, m in enumerate(moves):
        first = max(begin, (m.not_before_ms or 0) / 1000, *(moves[a].end_ms / 1000 + gap for a in into.get(i, ())))
        yield near("seconds at which it starts", m.start_ms / 1000, first, _SLACK_S, m.lpar)
        yield Claim("wave: one more than must be over before it one after the other", m.wave, 1 + deep[i], m.lpar)
    for i, wait in needless_waits(order, arcs):
        yield Claim(f"that move {moves[i].number} has to be told to wait for move {wait.move}", True, False,
                    moves[i].lpar)


def out_of_bounds(plan: Plan, site: Site) -> Iterator[Finding]:
    """Moves that start outside their not-before time and latest start, or whose blackout these let them touch."""
    if not plan.in_lanes:
        return
    for m in plan.moves:
        if not (m.not_before_ms or 0) <= m.start_ms <= (m.start_ms if m.latest_ms is None else m.latest_ms):
            yield broken("plan.times", m.lpar, f"starts at {m.start_ms / 1000} s, before it may or after its latest "
                         "start")
        limit = plan.limit(m.leg)
        if plan.window is None or limit is None or m.lpar not in site.policies.blackouts:
            continue
        first = max(plan.work_s or 0, plan.back_from_s or 0) * 1000 if m.leg == BACK else 0
        last = plan.window.ms_to(limit.end) if m.latest_ms is None else m.latest_ms + m.duration_ms
        first, last = max(first, m.not_before_ms or 0), max(last, m.end_ms)
        if hit := in_blackout(site, m.lpar, plan.window, first, last):
            yield broken("timing.blackout", m.lpar, f"may move from {plan.window.at(first):%H:%M} to "
                         f"{plan.window.at(last):%H:%M}, which touches its blackout {hit[1]}",
                         "plan again with a not-before time or a latest start")
