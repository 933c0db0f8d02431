"""The answer of a plan in a few lines, each with its number first."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import NamedTuple

from planner.plan.choices import BACK, OUT
from planner.plan.details import Free, HeadroomDetails
from planner.plan.plan import Plan, ServerState, Window
from planner.plan.questions import Consolidate, Headroom, Resume
from planner.report.answer import in_time
from planner.report.decisions import nights, turning_line
from planner.report.text import between, capital, energy_lines, headline, level_line, touched, windows
from planner.report.turns import about, about_length, by, must_begin_ms, until
from planner.units import many, show_cores, show_gib, show_minutes, some

_MIN_MS = 60_000
TIGHT = 0.02
"""The share of a limit under which what is left of it is told."""
_NAMED = 6
Short = Callable[[str], str]
"""A text with each server as pictures call it."""


class Line(NamedTuple):
    """``bold`` has the number, ``text`` what it hangs on; ``good``: whether that is well, None: it judges nothing."""

    bold: str
    text: str
    good: bool | None = None


def answer(plan: Plan, short: Short, before_go: Line) -> list[Line]:
    """The lines; ``before_go``: the one on findings."""
    lines = [*_goal(plan, short), _in_time(plan)]
    if plan.moves:
        lines += [*_no_return(plan), _moves(plan, short)]
    return [*lines, *_fullest(plan, short), before_go]


def _goal(plan: Plan, short: Short) -> Iterator[Line]:
    """What was asked for, where that is more than servers to free."""
    match plan.goal:
        case Consolidate():
            told = [capital(x) for x in (*map(level_line, plan.levels[:1]), *energy_lines(plan))]
            yield Line(short(capital(headline(plan))), ". ".join(told) + ".", good=bool(plan.off))
            if plan.notes:
                on = many(len(plan.before) - len(plan.off), "server")
                yield Line(f"{on} stay on", ". ".join(plan.notes) + ".")
        case Resume() as goal if goal.stuck:
            waits = f" Not planned before that: {some(goal.later, _NAMED)}." if goal.later else ""
            yield Line(f"Recover first: {some(goal.stuck, _NAMED)}", "As they are, nothing that depends on them can be "
                       f"planned: what to do stands in the runbook; then export anew and resume again.{waits}",
                       good=False)
        case Headroom() as goal if isinstance(plan.details, HeadroomDetails):
            def words(free: Free) -> str:
                return f"{show_cores(free.units_counted(goal.by))} cores and {show_gib(free.memory_mib)} GiB"

            yield Line(f"{words(plan.details.free_after or plan.details.free_now)} free on {short(goal.server)}",
                       f"Asked: {show_cores(goal.units)} cores and {show_gib(goal.memory_mib)} GiB, {goal.when}. "
                       f"Now free: {words(plan.details.free_now)}.", good=True)


def _in_time(plan: Plan) -> Line:
    """Whether it fits: at the asked confidence where nights were drawn, else as predicted, to the minute."""
    if not plan.moves:
        waits = isinstance(plan.goal, Resume) and bool(plan.goal.stuck)
        return Line("Nothing can move yet", "What is left waits for them.") if waits else Line(
            "Nothing has to move", "All of it holds as it stands.", good=True)
    word, window, evening = in_time(plan).word, plan.window, plan.evening
    if word == "DOES NOT FIT":
        return _too_long(plan, min((w for _, w in windows(plan)), key=lambda w: w.spare_s or 0))
    if evening is None:
        over = f"Over about {show_minutes(plan.total_s)} after it begins"
        return Line(over, "As predicted; no window was given.") if window is None else Line(
            f"It fits: over about {about(plan, round(plan.total_s * 1000))}",
            f"{_ends(window)} As predicted, from wave to wave: how nights differ was not drawn.", good=True)
    apart = plan.back_from_s is not None and evening.back is not None
    way, last = "all " * apart, evening.back or evening.out
    window = (plan.back_window if apart else None) or window
    people = "1 person" if evening.people == 1 else f"{evening.people} people"
    spread = (f"Half of the nights by {by(plan, last.half_ms)}, 97 of 100 by {by(plan, last.nearly_all_ms)} "
              f"({evening.nights} nights drawn, {people} at the checklists).")
    if window is None or evening.in_time is None:
        over = by(plan, last.most_ms).lstrip("+")
        return Line(capital(f"{way}over {over} after it begins in 9 nights of 10"), spread)
    share = f"in time in {math.floor(100 * evening.in_time)} nights of 100"
    ends_ms = (plan.must_end_ms(OUT) or 0) - (evening.go_by_ms or 0)
    over = (f"{way}over by {by(plan, last.most_ms)} in {nights(0.9)}" if apart else
            f"over by {by(plan, ends_ms)} in {nights(evening.confidence)}")
    if word == "FITS":
        return Line(f"It fits: {over}", f"{_ends(window)} {capital(share)}. {spread}", good=True)
    return Line(f"Too tight: {share}", f"{100 * evening.confidence:g} are asked for: {over}. {_ends(window)} {spread}",
                good=False)


def _too_long(plan: Plan, window: Window) -> Line:
    """By how much it does not fit, or in how few nights, and what would make it fit where that was worked out."""
    evening, spare = plan.evening, show_minutes(abs(window.spare_s or 0))
    would = [capital(f.message) + "." for f in plan.findings if f.rule == "timing.would-fit"]
    if evening is not None and window is plan.window and (evening.go_by_ms or 0) < 0:
        most = f"{show_minutes(-(evening.go_by_ms or 0) / 1000)} too long in {nights(evening.confidence)}"
    elif evening is None or window.too_short:
        said = " ".join((_ends(window), "As predicted.", *would))
        return Line(f"It does not fit: {spare} too long", said, good=False)
    else:
        most = f"in time in {math.floor(100 * (evening.in_time or 0))} nights of 100"
    alone = f"The moves alone: {spare} {'too long' if window.too_short else 'to spare'}."
    return Line(f"It does not fit: {most}", " ".join((_ends(window), alone, *would)), good=False)


def _ends(window: Window) -> str:
    return f"The window ends {window.end:%a %H:%M}."


def _no_return(plan: Plan) -> Iterator[Line]:
    """Until when the way back must begin; that there is none, where servers are freed."""
    back, end = plan.leg(BACK), plan.limit(BACK)
    turning = plan.evening.turning if plan.evening else None
    if not back:
        if turning is not None:
            last = "nothing comes back" if turning.by_ms is None else f"turn round by {until(plan, turning.by_ms)}"
            yield Line(f"One way: {last}", f"{capital(turning_line(plan, turning))}.")
        elif plan.goal.freed and not plan.goal.come_back:
            yield Line("One way: nothing comes back", "--return plans the way back; the runbook has its commands.")
        return
    if end is None:
        return
    begin = must_begin_ms(plan)
    if begin is None:
        yield Line("No time is left for the way back",
                   f"Begun as planned it is not over by {end.end:%H:%M} as often as asked for.", good=False)
        return
    asked = f" in {nights(plan.evening.confidence)}" if plan.evening else ""
    yield Line(f"Way back must begin by {until(plan, begin)}", f"Point of no return: later, home no longer fits by "
               f"{end.end:%H:%M}{asked}.{_work(plan)}")


def _work(plan: Plan) -> str:
    """How long the work between the ways may take."""
    if not plan.work_s or plan.back_from_s is not None:
        return ""
    slack = plan.evening.slack_ms or 0 if plan.evening else 0
    most = f"may take {show_minutes(plan.work_s + slack / 1000)}" if slack > _MIN_MS else "must not take longer"
    return f" The {between(plan)}, planned {show_minutes(plan.work_s)}, {most}."


def _moves(plan: Plan, short: Short) -> Line:
    """How many, by when, how long; how long an LPAR stands still; who stays."""
    legs = [leg for leg in (OUT, BACK) if plan.leg(leg)]
    spreads = {} if plan.evening is None else {OUT: plan.evening.out, BACK: plan.evening.back}
    told, more = [], []
    for leg in legs:
        spread, count = spreads.get(leg), len(plan.leg(leg))
        word = f"{many(count, 'move')} {leg}" if leg == legs[0] else f"{count} {leg}"
        told.append(f"{word} by {by(plan, spread.most_ms)}" if spread else word)
        ways, kind = (plan.lanes(leg), "lane") if plan.in_lanes else (plan.waves(leg), "wave")
        more.append(f"{leg} {about_length(plan, leg)}, in {many(len(ways), kind)}")
    still = max((m.suspend_ms for m in plan.moves if not m.inactive), default=None)
    stands = "" if still is None else f" An LPAR stands still for {math.ceil(still / 1000)} s at most."
    stays = f" Stays: {some((name for name, _, _ in plan.stays), _NAMED)}." if plan.stays else ""
    often = "In 9 nights of 10, checks and all. " if plan.evening else ""
    return Line(", ".join(told), f"{often}The moves by themselves: {'; '.join(more)}.{stands}{short(stays)}")


def _fullest(plan: Plan, short: Short) -> Iterator[Line]:
    """What is left where least of it is, at the fullest moment."""
    concerned = touched(plan)
    tight = sorted((left / limit, b.server, words) for b in plan.peak if b.server in concerned
                   for left, limit, words in _left(b))
    if not tight or not plan.moves:
        return
    full = [f"{short(server)} has {words} left" for share, server, words in tight if share < TIGHT][:2]
    if full:
        yield Line(f"Full: {', '.join(full)}", "At the fullest moment. Nothing there may grow or be started meanwhile.")
    else:
        yield Line(f"Room: {short(tight[0][1])} has {tight[0][2]} left",
                   "At the fullest moment, where least is left of what a server may hold.")


def _left(state: ServerState) -> Iterator[tuple[int, int, str]]:
    """What is left, of what, in words; of a server's cores and memory."""
    if state.units_limit:
        left = state.units_limit - state.units
        yield left, state.units_limit, f"{show_cores(left)} cores"
    if state.memory_limit_mib:
        mib = state.memory_limit_mib - state.memory_mib
        yield mib, state.memory_limit_mib, f"{mib / 1024:,.1f} GiB"
