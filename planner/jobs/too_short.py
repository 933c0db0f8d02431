"""What would make a plan fit a window that is too short, each worked out, in as many nights as are asked for: a faster
link, one more mover, fewer LPARs, a second evening."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from planner.estate.model import Vios
from planner.findings import Finding, Severity
from planner.jobs.evening import over_in_most_ms
from planner.plan.carried_out import carried_out
from planner.plan.choices import BACK, OUT
from planner.plan.plan import Move, Plan, Window
from planner.rules import Site
from planner.schedule.lanes import Pacing, laned
from planner.schedule.timetable import Timetable
from planner.units import show_duration, some

_FAST_MBIT = 10_000
_EFFORT = 0.2
_MOST_LEFT = 5
"""LPARs that are left behind at most."""
_MOST_MOVES = 400


def would_fit(plan: Plan, site: Site, table: Timetable, pacing: Pacing) -> Iterator[Finding]:
    """Of a plan in lanes that does not fit its one window, which of these would make it fit, each by itself."""
    window = plan.window
    if window is None or not (window.too_short or plan.too_few(OUT)) or not plan.in_lanes or (
            plan.back_from_s is not None or len(plan.moves) > _MOST_MOVES):
        return
    short = _Remedies(plan, site, table, window, replace(pacing, effort=min(pacing.effort, _EFFORT)))
    told = [*short.faster(), *short.one_more_mover(), *short.fewer(), *short.two_evenings()]
    none = (f"neither links of 10 Gbit/s nor one more mover, nor leaving {_MOST_LEFT} LPARs behind or a second evening "
            "would make it fit")
    yield Finding("timing.would-fit", Severity.INFO, "plan", "; ".join(told) or none, "see what of it the site can do")


@dataclass(frozen=True, slots=True)
class _Remedies:
    plan: Plan
    site: Site
    table: Timetable
    window: Window
    pacing: Pacing

    def needed_s(self, site: Site, moves: Sequence[Move]) -> float:
        """Seconds to the end of the last move, or of the work where nothing comes back, in as many nights as are asked
        for; infinite without lanes."""
        lanes = laned(site, replace(self.table, moves=tuple(moves)), self.window, self.pacing)
        if not all(m.lane for m in lanes.moves):
            return math.inf
        back = any(m.leg == BACK for m in moves)
        over = over_in_most_ms(self.plan.replace(moves=lanes.moves), site, self.pacing) if lanes.moves else 0
        return over / 1000 + (0 if back else self.table.work_ms / 1000)

    def _fits(self, seconds: float) -> bool:
        return seconds <= self.window.length_s

    def _with(self, vioses: Sequence[Vios]) -> Site:
        return Site(self.site.estate.replace(vioses=tuple(vioses)), self.site.home, goal=self.site.goal)

    def faster(self) -> Iterator[str]:
        """All movers that take part on links of 10 Gbit/s."""
        used = {v for m in self.plan.moves for v in (m.source_msp, m.target_msp)}
        rows = self.site.estate.vioses
        slow = [v.name for v in rows if v.name in used and (v.link_mbit or 1000) < _FAST_MBIT]
        fast = self._with([replace(v, link_mbit=_FAST_MBIT) if v.name in slow else v for v in rows])
        if slow and self._fits(needed := self.needed_s(fast, self.table.moves)):
            yield f"links of 10 Gbit/s for {some(sorted(slow))} would make it {show_duration(needed)}, which fits"

    def one_more_mover(self) -> Iterator[str]:
        """On one server a VIOS that is no mover yet, or a further one like the best there that holds as much."""
        busy: dict[str, int] = {}
        for m in self.plan.moves:
            for server in (m.source, m.target):
                busy[server] = busy.get(server, 0) + m.bytes_sent
        for server in sorted(busy, key=lambda s: (-busy[s], s)):
            movers, rows = self.site.movers(server), self.site.estate.vioses
            idle = next((v for v in self.site.vioses_on(server) if v.msp is False and v.rmc_active is not False), None)
            if not movers:
                continue
            if idle is not None:
                more = self._with([replace(v, msp=True) if v is idle else v for v in rows])
                what = f"{idle.name} as one more mover of {server}"
            else:
                like = max(movers, key=lambda v: v.link_mbit or 0)
                spare = replace(like, name=f"{like.name} (one more)", lpar_id=None)
                more, what = self._with([*rows, spare]), f"one more mover like {like.name} on {server}"
            if self._fits(needed := self.needed_s(more, self.table.moves)):
                yield f"{what} would make it {show_duration(needed)}, which fits"
                return

    def fewer(self) -> Iterator[str]:
        """Those left behind that carry most, as few as it takes."""
        alone = {m.lpar: m.bytes_sent for m in self.plan.moves if not m.parking and m.source in self.plan.goal.freed}
        largest = sorted(alone, key=lambda n: (-alone[n], n))
        for count in range(1, min(_MOST_LEFT, len(largest) - 1) + 1):
            behind = set(largest[:count])
            rest = [m for m in self.table.moves if m.lpar not in behind]
            if rest and self._fits(needed := self.needed_s(self.site, rest)):
                yield (f"without {some(sorted(behind))} (left, or stopped with the server) it would take "
                       f"{show_duration(needed)}, which fits")
                return

    def two_evenings(self) -> Iterator[str]:
        """The fewest of the way out, in an order that works, that go on an evening before, as long as this one."""
        out = sorted((m for m in self.table.moves if m.leg == OUT), key=lambda m: (m.start_ms, m.wave))
        back = [m for m in self.table.moves if m.leg == BACK]

        def second_s(first: int) -> float:
            homes = self.site.start | dict(self.site.home)
            there = Site(carried_out(self.site.estate, out[:first]), homes, goal=self.site.goal)
            return self.needed_s(there, [*out[first:], *back])

        low, high = 1, len(out)
        if not out or not self._fits(second_s(high)):
            return
        while low < high:
            middle = (low + high) // 2
            low, high = (low, middle) if self._fits(second_s(middle)) else (middle + 1, high)
        first = self.needed_s(self.site, out[:low]) - self.table.work_ms / 1000 * (not back)
        if self._fits(first):
            early, late = (list(dict.fromkeys(m.lpar for m in moves)) for moves in (out[:low], out[low:]))
            named = late and len(late) < len(early)
            whom = f"all but {', '.join(late)}" if named else ", ".join(early)
            yield (f"on two evenings it fits: {whom} on one before ({show_duration(first)}), what is left of the way "
                   f"out and all that follows on this one ({show_duration(second_s(low))})")
