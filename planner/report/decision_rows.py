"""The decisions of the evening, a row each, for runbook and workbook: until when, by what, and what else is done."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from planner.plan.choices import BACK, OUT
from planner.plan.plan import Plan
from planner.plan.questions import Consolidate, Headroom
from planner.report.decisions import turning_line
from planner.report.turns import about, by, must_begin_ms, until
from planner.units import show_minutes, some

_NAMED = 6
"""LPARs, and safe stops, that are named at most."""


NO_RETURN = "Point of no return"


class Decision(NamedTuple):
    """``when``: until when; ``name`` and ``what``: what is decided; ``yes_if``: by what; ``otherwise``: what else is
    done."""

    when: str
    name: str
    what: str
    yes_if: str
    otherwise: str


def between_the_ways(plan: Plan) -> tuple[str, str]:
    """What is decided upon when the way out is through, and what is so before the way back begins."""
    match plan.goal:
        case Headroom():
            return "the headroom", "the headroom is not needed any more"
        case Consolidate():
            return "switching off", "all servers are on again, their VIOSes too,"
        case _:
            return "the work", "the work is over"


def decision_rows(plan: Plan) -> list[Decision]:
    """In their order; none where nothing moves."""
    return [*_go(plan), *_work(plan), *_no_return(plan), *_late(plan)] if plan.moves else []


def _go(plan: Plan) -> Iterator[Decision]:
    if not plan.leg(OUT):
        return
    evening, first = plan.evening, min(m.start_ms for m in plan.leg(OUT))
    latest = ""
    if evening is not None and evening.go_by_ms is not None:
        latest = ("; no start is early enough to be in time as often as asked" if evening.go_by_ms < 0 else
                  f"; at the latest {until(plan, evening.go_by_ms)}")
    yield Decision(f"{about(plan, first)}{latest}", "Go or no-go", "for the first move",
                   "all of Preparation is ticked: today's export verified, gates settled, validations clean, backups "
                   "there, monitors silent", "not this night; nothing has changed")


def _work(plan: Plan) -> Iterator[Decision]:
    """Whether what is between the ways begins."""
    out, back, evening = plan.leg(OUT), plan.leg(BACK), plan.evening
    if not out or not (back or plan.goal.freed or plan.off):
        return
    when = (about(plan, max(m.end_ms for m in out)) if evening is None else
            f"{by(plan, evening.out.half_ms)} in half of the nights")
    last, work_ms = must_begin_ms(plan), 1000 * (plan.work_s or 0)
    if last is not None and work_ms and plan.back_from_s is None and last >= work_ms:
        when += f"; at the latest {until(plan, last - work_ms)}"
    slack_ms = 0 if evening is None else evening.slack_ms or 0
    longer = "" if slack_ms < 60_000 else f"; it may take {show_minutes(slack_ms / 1000)} longer than planned"
    yield Decision(when, "Go or no-go", f"for {between_the_ways(plan)[0]}{longer}",
                   "all moves of the way out have arrived",
                   "those that have arrived stay and run, or take the way back")


def _no_return(plan: Plan) -> Iterator[Decision]:
    evening, back = plan.evening, plan.leg(BACK)
    if evening is not None and evening.turning is not None:
        when = (until(plan, evening.turning.by_ms) if evening.turning.by_ms is not None else
                f"before move {evening.turning.after + 1}" if evening.turning.after else "before the first move")
        yield Decision(when, "", turning_line(plan, evening.turning), "",
                       "all stay where they are and run; home another night")
    if not back:
        return
    last = must_begin_ms(plan)
    if last is not None:
        yield Decision(until(plan, last), NO_RETURN, "the way back begins, or not this night",
                       f"{between_the_ways(plan)[1].removesuffix(',')}, VIOSes and movers are active, planner verify "
                       "passes", "all stay where they are and run; home another night: planner resume PLAN ESTATE "
                       "--back")
    elif evening is not None and evening.work_by_ms is not None:
        yield Decision("before the first move", NO_RETURN, "the way back does not fit, however short the work", "",
                       "a longer window, or another night")


def _late(plan: Plan) -> Iterator[Decision]:
    evening = plan.evening
    if evening is None or not evening.safe_after:
        return
    stops = ("any move" if len(evening.safe_after) == len(plan.leg(OUT)) else
             f"move {', '.join(map(str, evening.safe_after[:_NAMED]))}"
             + " and later ones" * (len(evening.safe_after) > _NAMED))
    yield Decision("when it gets late", "", f"begin no further move, let those under way end: after {stops} everything "
                   f"is whole; left where they are first: {some(evening.left_first, _NAMED)}",
                   "a move has passed its latest start", "go on")
