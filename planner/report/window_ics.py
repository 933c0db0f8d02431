"""window.ics: the evening in people's calendars: its windows, what is between the ways, and its decisions."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Iterator

from planner.plan.choices import BACK, OUT
from planner.plan.plan import Plan
from planner.report.decisions import turning_line
from planner.report.ics import Appointment, calendar
from planner.report.runbook_decisions import between_the_ways
from planner.report.text import headline, ways, windows
from planner.report.turns import must_begin_ms, until

_REMIND_MIN = 15


def window_ics(plan: Plan) -> str:
    """The calendar of a plan that has a window."""
    return calendar(_events(plan), "plan")


def _events(plan: Plan) -> Iterator[Appointment]:
    if plan.window is None:
        return
    what, zone = headline(plan), plan.window.zone
    same = hashlib.sha256(f"{plan.estate_digest} {what}".encode()).hexdigest()[:16]

    def event(kind: str, start: dt.datetime, end: dt.datetime | None, summary: str, text: str) -> Appointment:
        return Appointment(f"{same}-{kind}-{start:%Y%m%dT%H%M}", start, end, f"{summary}: {what}", text, zone,
                     None if end else _REMIND_MIN)

    told = "\n".join((f"{'; '.join(ways(plan))}.", f"Estate {plan.estate_digest[:12]}; the runbook has the rest."))
    for name, w in windows(plan):
        yield event("window" if w is plan.window else "back-window", w.start, w.end, name.capitalize(), told)
    evening, out = plan.evening, plan.leg(OUT)
    if out and evening is not None and evening.go_by_ms is not None and evening.go_by_ms >= 0:
        yield event("go", plan.window.at(evening.go_by_ms // 60_000 * 60_000), None, "Latest go",
                    "The first move begins by then, or not this night.")
    if out and plan.work_s and plan.leg(BACK) and plan.back_from_s is None:
        over = max(m.end_ms for m in out) if evening is None else evening.out.half_ms
        begin, end = (plan.window.at(round(ms / 60_000) * 60_000) for ms in (over, over + 1000 * plan.work_s))
        asked = between_the_ways(plan)[0]
        yield event("work", begin, end, asked[:1].upper() + asked[1:],
                    "As predicted." if evening is None else "Half of the nights are so early.")
    last = must_begin_ms(plan)
    if last is not None and plan.leg(BACK):
        yield event("no-return", plan.window.at(last), None, "Point of no return",
                    f"The way back begins by {until(plan, last)}, or not this night: all stay where they are and run.")
    elif evening is not None and evening.turning is not None and evening.turning.by_ms is not None:
        yield event("no-return", plan.window.at(evening.turning.by_ms // 60_000 * 60_000), None, "Point of no return",
                    turning_line(plan, evening.turning))
