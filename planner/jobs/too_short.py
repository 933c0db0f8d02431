"""What would make a plan fit a window that is too short, each worked out: a faster link, more people, fewer LPARs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from planner.findings import Finding, Severity
from planner.plan.choices import BACK
from planner.plan.plan import Plan, Window
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
    if window is None or not window.too_short or not plan.in_lanes or plan.back_from_s is not None or (
            len(plan.moves) > _MOST_MOVES):
        return
    quick = replace(pacing, effort=min(pacing.effort, _EFFORT))
    told = [*_faster(plan, site, table, window, quick), *_fewer(plan, site, table, window, quick)]
    none = f"neither links of 10 Gbit/s nor leaving {_MOST_LEFT} LPARs behind would make it fit"
    yield Finding("timing.would-fit", Severity.INFO, "plan", "; ".join(told) or none, "see what of it the site can do")


def _needed_s(table: Timetable) -> float:
    """Seconds to the end of the last move, or of the work where nothing comes back."""
    back = any(m.leg == BACK for m in table.moves)
    return max((m.end_ms for m in table.moves), default=0) / 1000 + (0 if back else table.work_ms / 1000)


def _faster(plan: Plan, site: Site, table: Timetable, window: Window, pacing: Pacing) -> Iterator[str]:
    """All movers that take part on links of 10 Gbit/s."""
    used = {v for m in plan.moves for v in (m.source_msp, m.target_msp)}
    slow = [v.name for v in site.estate.vioses if v.name in used and (v.link_mbit or 1000) < _FAST_MBIT]
    if not slow:
        return
    rows = tuple(replace(v, link_mbit=_FAST_MBIT) if v.name in slow else v for v in site.estate.vioses)
    fast = Site(site.estate.replace(vioses=rows), site.home, goal=site.goal)
    needed = _needed_s(laned(fast, table, window, pacing))
    if needed <= window.length_s:
        yield f"links of 10 Gbit/s for {some(sorted(slow))} would make it {show_duration(needed)}, which fits"


def _fewer(plan: Plan, site: Site, table: Timetable, window: Window, pacing: Pacing) -> Iterator[str]:
    """Those left behind that carry most, as few as it takes."""
    alone = {m.lpar: m.bytes_sent for m in plan.moves if not m.parking and m.source in plan.goal.freed}
    largest = sorted(alone, key=lambda n: (-alone[n], n))
    for count in range(1, min(_MOST_LEFT, len(largest) - 1) + 1):
        behind = set(largest[:count])
        rest = laned(site, replace(table, moves=tuple(m for m in table.moves if m.lpar not in behind)), window, pacing)
        if rest.moves and any(m.lane for m in rest.moves) and _needed_s(rest) <= window.length_s:
            yield (f"without {some(sorted(behind))} (left, stopped with the server, or moved on a second evening) it "
                   f"would take {show_duration(_needed_s(rest))}, which fits")
            return
