"""window.ics: the evening in people's calendars: its windows, what is between the ways, and its decisions."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Iterator
from typing import NamedTuple

from planner.plan.choices import BACK, OUT
from planner.plan.plan import Plan, Window
from planner.report.decisions import NO_RETURN, between_the_ways, turning_line
from planner.report.ics import Appointment, calendar
from planner.report.text import capital, headline, ways, windows
from planner.report.turns import must_begin_ms, until

_REMIND_MIN = 15


class _Entry(NamedTuple):
    """What stands in the calendar, once a kind; without an ``end`` a moment, of which somebody is reminded."""

    kind: str
    start: dt.datetime
    end: dt.datetime | None
    summary: str
    text: str


def window_ics(plan: Plan) -> str:
    """The calendar of a plan; without a window it has no entry."""
    if plan.window is None:
        return calendar((), "plan")
    what, zone = headline(plan), plan.window.zone
    same = hashlib.sha256(f"{plan.estate_digest} {what}".encode()).hexdigest()[:16]
    entries = (*_windows(plan), *_work(plan, plan.window), *_decided(plan, plan.window))
    return calendar((Appointment(f"{same}-{e.kind}-{e.start:%Y%m%dT%H%M}", e.start, e.end, f"{e.summary}: {what}",
                                 e.text, zone, None if e.end else _REMIND_MIN) for e in entries), "plan")


def _windows(plan: Plan) -> Iterator[_Entry]:
    told = "\n".join((f"{'; '.join(ways(plan))}.", f"Estate {plan.estate_digest[:12]}; the runbook has the rest."))
    yield from (_Entry("window" if w is plan.window else "back-window", w.start, w.end, name.capitalize(), told)
                for name, w in windows(plan))


def _work(plan: Plan, window: Window) -> Iterator[_Entry]:
    """What is between the ways, where both are in one evening."""
    if not (plan.leg(OUT) and plan.leg(BACK) and plan.work_s) or plan.back_from_s is not None:
        return
    evening = plan.evening
    over = max(m.end_ms for m in plan.leg(OUT)) if evening is None else evening.out.half_ms
    begin, end = (window.at(round(ms / 60_000) * 60_000) for ms in (over, over + 1000 * plan.work_s))
    what = between_the_ways(plan)[0]
    yield _Entry("work", begin, end, capital(what),
                 "As predicted." if evening is None else "In half of the nights it begins by then.")


def _decided(plan: Plan, window: Window) -> Iterator[_Entry]:
    """The last moments of decisions."""
    evening, last = plan.evening, must_begin_ms(plan)
    if plan.leg(OUT) and evening is not None and evening.go_by_ms is not None and evening.go_by_ms >= 0:
        yield _Entry("go", window.at(evening.go_by_ms // 60_000 * 60_000), None, "Latest go",
                     "The first move begins by then, or not this night.")
    if last is not None:
        yield _Entry("no-return", window.at(last), None, NO_RETURN,
                     f"The way back begins by {until(plan, last)}, or not this night: all stay where they are and run.")
    elif evening is not None and evening.turning is not None and evening.turning.by_ms is not None:
        yield _Entry("no-return", window.at(evening.turning.by_ms // 60_000 * 60_000), None, NO_RETURN,
                     f"{capital(turning_line(plan, evening.turning))}.")
