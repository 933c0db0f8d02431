"""The evening's decisions, a row each with its words, as terminal, runbook, workbook and page show them: when, until
when, what, by what, and what else is done; when it is over in most nights."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from planner.plan.choices import BACK, OUT
from planner.plan.evening import NightSpread, Turning
from planner.plan.plan import Move, Plan
from planner.plan.questions import Consolidate, Headroom, Resume, Whatif
from planner.report.turns import about, by, must_begin_ms, until
from planner.units import show_minutes, some

_NO_WAY_BACK = "no way back was asked for (--return plans one)"
_STOPS = 6
"""Safe stops that are named at most."""
NO_RETURN, _LATE = "Point of no return", "when it gets late"


class Decision(NamedTuple):
    """``when`` it is due, by prediction; ``latest`` until when (empty: it has no latest moment), ``ms`` from the start
    of the plan (None: neither); ``name`` and ``what``: what is decided; ``names``: of whom; ``yes_if``: by what;
    ``otherwise``: what else is done."""

    when: str
    name: str
    what: str
    yes_if: str = ""
    otherwise: str = ""
    latest: str = ""
    ms: int | None = None
    names: tuple[str, ...] = ()

    @property
    def moment(self) -> str:
        """``22:00, at the latest 23:05``."""
        return ", ".join((*(self.when,) * bool(self.when), *(f"at the latest {self.latest}",) * bool(self.latest)))

    def told(self, most: int | None = None) -> str:
        """What is decided, with ``most`` of the names, or all of them."""
        named = some(self.names, len(self.names) if most is None else most)
        return f"{self.what}: {named}" if named else self.what


def between_the_ways(plan: Plan) -> tuple[str, str]:
    """What is decided upon when the way out is through, and what is so before the way back begins."""
    match plan.goal:
        case Headroom():
            return "the headroom", "the headroom is not needed any more"
        case Consolidate():
            return "switching off", "all servers are on again, their VIOSes too,"
        case _:
            return "the work", "the work is over"


def nights(share: float) -> str:
    """``9 nights of 10``, ``95 nights of 100``."""
    tenths = round(10 * share, 6)
    return f"{tenths:.0f} nights of 10" if tenths.is_integer() else f"{round(100 * share, 1):g} nights of 100"


def decisions(plan: Plan, whose: Mapping[str, str] | None = None) -> list[Decision]:
    """By their moments, those of none last; none where nothing moves. ``whose``: LPAR → its owner."""
    if not plan.moves:
        return []
    begun = [*_go(plan), *_longest(plan)]
    first = max((d.ms for d in begun if d.ms is not None), default=0)
    work = [d if d.latest or d.ms is None else d._replace(ms=max(d.ms, first)) for d in _work(plan)]
    rows = [*begun, *work, *_no_return(plan), *_late(plan, whose or {})]
    return sorted(rows, key=lambda d: math.inf if d.ms is None else d.ms)


def spreads(plan: Plan) -> Iterator[str]:
    """When each way is over in how many nights, and how many are over in time."""
    evening = plan.evening
    if evening is None:
        return
    yield (f"Of {evening.nights} nights drawn, with {evening.people} people at the checklists, the moves {OUT} are "
           f"over {_spread(plan, evening.out)}")
    if evening.back:
        yield f"The way back is over {_spread(plan, evening.back)}"
    if evening.in_time is not None:
        yield (f"In time in {100 * evening.in_time:.0f} of 100 nights; {100 * evening.confidence:.0f} are asked for.")


def _spread(plan: Plan, spread: NightSpread) -> str:
    return (f"by {by(plan, spread.half_ms)} in half of them, by {by(plan, spread.most_ms)} in 9 of 10, by "
            f"{by(plan, spread.nearly_all_ms)} in 97 of 100.")


def _go(plan: Plan) -> Iterator[Decision]:
    out, evening = plan.leg(OUT), plan.evening
    if not out:
        return
    first = min(m.start_ms for m in out)
    go_by = None if evening is None else evening.go_by_ms
    late = evening is not None and go_by is not None and go_by < 0
    what = "the first move begins" if not late or evening is None else (
        f"no start is early enough to be in time in {nights(evening.confidence)}: more people, a longer window, a "
        "faster link or fewer LPARs")
    yield Decision(about(plan, first), "Go or no-go", what,
                   "all of Preparation is done: today's export verified, gates settled, validations without an error, "
                   "backups there, monitors silent", "not this night; nothing has changed",
                   "" if go_by is None or late else until(plan, go_by), first if go_by is None else go_by)


def _longest(plan: Plan) -> Iterator[Decision]:
    """Of several moves out: until when the longest of them may begin."""
    out, evening = plan.leg(OUT), plan.evening
    if len(out) < 2 or evening is None or (evening.go_by_ms or 0) < 0:
        return
    longest = max(out, key=lambda m: m.duration_ms)
    drawn = next((r for r in evening.moves if r.number == longest.number), None)
    if drawn is not None and drawn.latest_ms is not None:
        yield Decision(f"{until(plan, drawn.early_ms)} to {by(plan, drawn.late_ms)} in 8 nights of 10", "Longest move",
                       f"that of {longest.lpar} begins", "what it waits for has arrived",
                       "leave it where it is, bring home who has left", until(plan, drawn.latest_ms), drawn.latest_ms)


def _work(plan: Plan) -> Iterator[Decision]:
    """Whether what is between the ways begins."""
    out, back, evening = plan.leg(OUT), plan.leg(BACK), plan.evening
    if not out or not (back or plan.goal.freed or plan.off):
        return
    over = max(m.end_ms for m in out) if evening is None else evening.out.half_ms
    when = about(plan, over) if evening is None else f"{by(plan, over)} in half of the nights"
    last, work_ms = must_begin_ms(plan), 1000 * (plan.work_s or 0)
    latest = None
    if last is not None and work_ms and plan.back_from_s is None and last >= work_ms:
        latest = last - work_ms
    slack_ms = 0 if evening is None else evening.slack_ms or 0
    longer = "" if slack_ms < 60_000 else f"; it may take {show_minutes(slack_ms / 1000)} longer than planned"
    shorter = f"shorten {between_the_ways(plan)[0]}, or turn round: " * (latest is not None)
    yield Decision(when, "Go or no-go", f"{between_the_ways(plan)[0]} begins{longer}",
                   "all moves of the way out have arrived",
                   f"{shorter}those that have arrived stay and run, or take the way back",
                   "" if latest is None else until(plan, latest), over if latest is None else latest)


def _no_return(plan: Plan) -> Iterator[Decision]:
    evening, back = plan.evening, plan.leg(BACK)
    if evening is not None and evening.turning is not None:
        yield _turning(plan, evening.turning)
    elif evening is not None and not back and not isinstance(plan.goal, Resume | Whatif) and evening.in_time is None:
        yield Decision("not worked out", NO_RETURN, f"{_NO_WAY_BACK}; with --window as well it is")
    if not back:
        return
    last = must_begin_ms(plan)
    if last is not None:
        yield Decision("", NO_RETURN, "the way back begins, or not this night",
                       f"{between_the_ways(plan)[1].removesuffix(',')}, VIOSes and movers are active, planner verify "
                       "passes", "all stay where they are and run; home another night: planner resume PLAN ESTATE "
                       "--back", until(plan, last), last)
    elif evening is not None and evening.work_by_ms is not None:
        yield Decision("before the first move", NO_RETURN, "the way back does not fit, however short the work", "",
                       "a longer window, or another night", ms=0)


def _turning(plan: Plan, turning: Turning) -> Decision:
    following = _following(plan, turning)
    when = "" if turning.by_ms is not None else (
        f"before move {following.number}, about {about(plan, following.start_ms)}" if following else
        "before the first move")
    last = turning.by_ms
    if last is None:
        last = following.start_ms if following else 0
    return Decision(when, NO_RETURN, turning_line(plan, turning), "",
                    "all stay where they are and run; home another night",
                    "" if turning.by_ms is None else until(plan, turning.by_ms), last)


def _following(plan: Plan, turning: Turning) -> Move | None:
    """The first move of which one does not come home in time."""
    return next((m for m in plan.leg(OUT) if m.number == turning.after + 1), None) if turning.after else None


def turning_line(plan: Plan, turning: Turning) -> str:
    """Until when somebody could still turn round who has planned no way back."""
    if turning.barred:
        return (f"{_NO_WAY_BACK}, and as the estate is today there is none for {some(turning.barred)}: rules refuse "
                "it")
    took = show_minutes(turning.back_s or 0)
    if turning.by_ms is not None:
        return (f"{_NO_WAY_BACK}; all that has moved would be home in time if that began by "
                f"{until(plan, turning.by_ms)} ({took} are counted for it)")
    following = _following(plan, turning)
    if following is None:
        return f"{_NO_WAY_BACK}; once the first move has begun no way back fits the window"
    return (f"{_NO_WAY_BACK}; up to move {turning.after} all that has moved would be home in time, from move "
            f"{following.number} on not ({took} are counted for it)")


def _late(plan: Plan, whose: Mapping[str, str]) -> Iterator[Decision]:
    """Where one may stop, and who is left where he is."""
    out, evening = plan.leg(OUT), plan.evening
    if evening is None or not out or not evening.safe_after:
        return
    stops = "any move" if len(evening.safe_after) == len(out) else f"move {some(evening.safe_after, _STOPS)}"
    yield Decision(_LATE, "Next safe stop", f"begin no further move, let those under way end; after {stops} everything "
                   "is whole", "a move has passed its latest start", "go on")
    if evening.left_first:
        yield Decision(_LATE, "Left first", "in this order; each runs as well where it is", names=tuple(
            f"{n} ({whose[n]})" if n in whose else n for n in evening.left_first))
