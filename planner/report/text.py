"""Words that several reports share."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from planner.findings import Finding, Severity, assumed
from planner.history.calendar import DayKind
from planner.names import shown
from planner.plan.choices import BACK, OUT, Measure, Status
from planner.plan.details import Account
from planner.plan.plan import Level, Move, Plan, Window
from planner.plan.questions import Consolidate, Evacuate, Headroom, Resume, Whatif, unseen
from planner.report.turns import ROUGH_FROM_S, lanes_tally
from planner.units import cores, many, show_cores, show_duration, show_gib, show_minutes, some

_MARKUP = str.maketrans({c: "\\" + c for c in "\\`*[]>|~$#"} | {"<": "&lt;"})
_EMPHASIS = re.compile(r"(?<!\w)_|_(?!\w)|(?<=_)_")
_ENTITY = re.compile(r"&(?=#?\w+;)")


_DAY = 24
"""Hours."""


def md(text: str) -> str:
    """Text for a Markdown line or table cell: nothing in a name becomes markup, a tag or a line break."""
    return _EMPHASIS.sub(r"\\_", _ENTITY.sub("&amp;", shown(text)).translate(_MARKUP))


def capital(text: str) -> str:
    """The same as the begin of a sentence."""
    return text[:1].upper() + text[1:]


def between(plan: Plan) -> str:
    """What is done between the way out and the way back."""
    return plan.goal.when if isinstance(plan.goal, Headroom) else "work"


def window_text(w: Window) -> str:
    """``2026-12-05 22:00 – 2026-12-06 04:00 (Europe/Berlin)``."""
    return f"{w.start:%Y-%m-%d %H:%M} – {w.end:%Y-%m-%d %H:%M}" + (f" ({w.zone})" if w.zone else "")


def windows(plan: Plan) -> Iterator[tuple[str, Window]]:
    """The windows of a plan with what they are called."""
    if plan.window:
        yield "window" if plan.back_from_s is None else "window of the way out", plan.window
    if plan.back_window:
        yield "window of the way back", plan.back_window


def fit(plan: Plan, w: Window) -> str:
    """``fits, 46 min to spare in 9 nights of 10 (2 h 10 min for the moves alone)``, ``DOES NOT FIT: …``; where it does
    in too few nights, in how many; as predicted where no night was drawn."""
    spare = show_minutes(abs(w.spare_s or 0))
    if w.too_short:
        return f"DOES NOT FIT: {spare} too long"
    leg = BACK if w is plan.back_window else OUT
    share, evening = plan.in_time(leg), plan.evening
    if share is None or evening is None or plan.window is None:
        return f"fits, {spare} to spare as predicted"
    last = evening.out if leg == OUT and plan.back_from_s is not None else evening.back or evening.out
    left_ms = plan.window.ms_to(w.end) - last.most_ms
    if w.fits and left_ms >= 0:
        return f"fits, {show_minutes(left_ms // 60_000 * 60)} to spare in 9 nights of 10 ({spare} for the moves alone)"
    return (f"in time in {100 * share:.0f} of 100 nights, {100 * evening.confidence:.0f} are asked for "
            f"({spare} to spare for the moves alone)")


def pause(plan: Plan) -> str:
    """How long that is: ``work 1 h 00 min``, or when the way back begins."""
    begin = min((m.start_ms for m in plan.leg(BACK)), default=0)
    if plan.back_from_s is not None and (clock := plan.clock(begin)):
        return f"{between(plan)}; way back from {clock:%a %Y-%m-%d %H:%M}"
    if isinstance(plan.goal, Headroom) and not plan.work_s:
        return f"{between(plan)} (its days were not given; the way back is timed as if it began at once)"
    work = plan.work_s or 0
    return f"{between(plan)} {show_duration(work) if work % 60 else show_minutes(work)}"


def stands_still(move: Move) -> str:
    """``1.4 s``; of an inactive migration that it is one."""
    return "inactive" if move.inactive else f"{move.suspend_ms / 1000:.1f} s"


def movers(move: Move) -> str:
    """``hvio1 → hvio7``; an inactive migration has none."""
    return "none" if move.inactive else f"{move.source_msp} → {move.target_msp}"


def listed(names: Sequence[str], most: int = 6) -> str:
    """Names in a row, and how many more there are."""
    return ", ".join(names[:most]) + (f", … ({len(names) - most} more)" if len(names) > most else "")


def alike(findings: Iterable[Finding], most: int | None = None) -> list[Finding]:
    """Findings with the same words as one, all its subjects in a row, or ``most`` of them and how many more."""
    same: dict[tuple[str, Severity, str, str], list[Finding]] = {}
    for f in findings:
        same.setdefault((f.rule, f.severity, f.message, f.fix), []).append(f)
    return [group[0] if len(group) == 1 else replace(group[0], subject=_in_a_row(group, most), source=None)
            for group in same.values()]


def _in_a_row(group: Iterable[Finding], most: int | None) -> str:
    names = list(dict.fromkeys(f.subject for f in group))
    return listed(names, len(names) if most is None else most)


def assumed_lines(findings: Iterable[Finding]) -> list[str]:
    """What a plan takes for granted of its LPARs, a line each, with the command that settles it."""
    return [f"{f.subject}: {f.message} (settled by: {f.fix})" for f in alike(assumed(findings))]


def headline(plan: Plan) -> str:
    """What the plan is about in a few words."""
    away = [f.subject for f in plan.findings if f.rule == "plan.home" and f.severity is Severity.WARNING]
    back, goal = " and bring everything back" if plan.goal.come_back else "", plan.goal
    back += f" but {listed(away)}" if back and away else ""
    servers = ", ".join(goal.freed)
    match goal:
        case Consolidate():
            return _switched_off(plan, goal) + back
        case Headroom():
            asked = f"{cores(goal.units):g} cores and {show_gib(goal.memory_mib)} GiB"
            return f"make headroom of {asked} on {goal.server}{back}"
        case Whatif():
            return f"scenario {goal.scenario}" + (f": free {servers}" if servers else "")
        case Evacuate() if goal.stays_up:
            names = list(dict.fromkeys(m.lpar for m in plan.moves))
            return f"VIOSes of {servers} one after the other: {listed(names)} away meanwhile{back}"
        case Evacuate():
            return f"free {servers}{back}"
        case Resume():
            return _resumed(plan, goal)


def _resumed(plan: Plan, goal: Resume) -> str:
    """``go on: free A and bring everything back``, ``bring 12 LPARs home``, ``nothing is left to be done``;
    ``recover a1`` where nothing else can be done before that."""
    waiting = [*goal.stuck, *goal.later]
    but = f" but {listed(waiting)}" if waiting else ""
    if plan.verified and not plan.moves:
        return f"recover {listed([*goal.stuck])}" if goal.stuck else f"nothing is left to be done{but}"
    if not goal.places:
        return f"bring {many(len(goal.homes), 'LPAR')} home{but}"
    onward = f"free {', '.join(goal.servers)}" if goal.servers else f"{many(len(goal.places), 'LPAR')} to their places"
    return f"go on: {onward}" + (" and bring everything back" if goal.come_back else "") + but


def impossible_word(unstated: bool) -> str:
    """``IMPOSSIBLE (proved)``, unless that stands on what nobody states."""
    return "CANNOT BE PLANNED from what was exported" if unstated else "IMPOSSIBLE (proved)"


_FIRST_OF = {Measure.LICENCES: "fewest licence cores: ", Measure.METERED: "fewest core-minutes metered: "}
"""What a consolidation says of measures for which servers do not count."""


def _switched_off(plan: Plan, goal: Consolidate) -> str:
    """``switch off 2 of 3 servers: A, B``; without an answer what was asked."""
    if not plan.levels:
        return f"switch off what can be ({goal.measure})"
    names, first = some(plan.off, 6), _FIRST_OF.get(goal.measure, "")
    return f"{first}switch off {len(plan.off)} of {len(plan.before) or '?'} servers" + (f": {names}" if names else "")


def unit_of(level: Level) -> str:
    """What a level counts in, for people: what moves cost is points, no time."""
    return "points" if level.unit == "s" else level.unit


def level_line(level: Level) -> str:
    """``what stays on: 10,946 W, bound 10,946 W, gap 0.00 %: proved (all plans)``; what moves cost in points."""
    word = "not proved" if level.status is not Status.OPTIMAL else (
        "proved" if level.objective == level.bound else "proved within the gap asked for")
    unit = unit_of(level)
    digits = 0 if unit not in ("W", "cores") and level.bound == int(level.bound) else 1
    return (f"{level.name}: {level.objective:,.{digits}f} {unit}, bound {level.bound:,.{digits}f} {unit}, "
            f"gap {100 * level.gap:.2f} %: {word} ({level.scope})")


def seen_first(plan: Plan) -> list[str]:
    """What a plan without a usage history says before all else."""
    return unseen(plan.goal.usage)


def peak_words(plan: Plan) -> str:
    """What the peak of a server's use is called: of month-end days, where they are among the hours that count."""
    hours = plan.goal.usage.hours if plan.goal.usage else ()
    ends = sum(b.kind is DayKind.MONTH_END for b in hours)
    return "Month-end peak" + (" of the hours that count" if ends < _DAY else "") if ends else (
        "Peak of the hours that count")


def lift_lines(lifts: Iterable[str]) -> list[str]:
    """What would lift a conflict, a line each; what is another way begins with *or*."""
    return [x if x.startswith(("or ", "and ")) else f"would lift it: {x}" for x in lifts]


def used_cores(thousandths: int | None) -> str:
    """Thousandths of a core in cores, rounded up; ``-`` where nothing is known."""
    return "-" if thousandths is None else show_cores(-(-thousandths // 10))


def touched(plan: Plan) -> set[str]:
    """The servers that a move touches; all where nothing moves."""
    return {s for m in plan.moves for s in (m.source, m.target)} or {b.server for b in plan.before}


def energy_lines(plan: Plan) -> list[str]:
    """The energy account in sentences; none without one."""
    if not plan.energy:
        return []
    e, net = plan.energy, plan.energy.net
    money = "" if net.money is None else f", {net.money:,.2f} {e.currency}"
    co2 = "" if net.co2_kg is None else f", {round(net.co2_kg) + 0:,} kg CO₂"
    guessed = " (watts partly assumed)" if any(r.assumed for r in e.servers) else ""
    return [f"power {e.before_w:,.0f} W before, {e.after_w:,.0f} W after{guessed}",
            f"saved over {e.hours:,.1f} h{_of_them(e)}: {e.saved.kwh:,.1f} kWh; the moves cost {e.moves.kwh:,.1f} "
            f"kWh and {e.move_hours:,.1f} hours of moving; net {net.kwh:,.1f} kWh{money}{co2}"]


def _of_them(account: Account) -> str:
    """For how long of these hours servers are off, where it is not all of them."""
    off = sorted(r.off_h for r in account.servers if r.off)
    if not off or off[0] > account.hours - 0.05:
        return ""
    span = f"{off[0]:,.1f}" + f" to {off[-1]:,.1f}" * (off[-1] - off[0] >= 0.05)
    return f", {span} of them switched off (not before the way out is over, on again for the way back)"


def leg_tally(plan: Plan, leg: str) -> str:
    """``20 moves out in 6 waves, 1 h 03 min 10 s``, ``20 moves out in 5 lanes, about 46 min, at least 42 min``."""
    if plan.in_lanes:
        return lanes_tally(plan, leg)
    return (f"{many(len(plan.leg(leg)), 'move')} {leg} in {many(len(plan.waves(leg)), 'wave')}, "
            f"{show_duration(plan.leg_span_s(leg))}")


def ways(plan: Plan) -> list[str]:
    """The way out, what is between, the way back: of these those that there are."""
    out, back = plan.leg(OUT), plan.leg(BACK)
    if not plan.moves:
        return ["nothing has to move"]
    first = [leg_tally(plan, OUT)] if out or not back else []
    between_them = [pause(plan)] if back and (out or plan.work_s or plan.back_from_s is not None) else []
    return [*first, *between_them, *([leg_tally(plan, BACK)] if back else ())]


def show_total(plan: Plan) -> str:
    """From the start of the window to the last end; of a plan in lanes to the minute, as it is predicted."""
    long = plan.in_lanes and plan.total_s >= ROUGH_FROM_S
    return f"about {show_minutes(plan.total_s)}" if long else show_duration(plan.total_s)


def clock_span(plan: Plan, start_ms: int, end_ms: int | None) -> str:
    """``22:00–22:31 (31 min 04 s)`` with a window, ``+0 s to +31 min`` without."""
    start_ms = round(start_ms / 1000) * 1000
    start = plan.clock(start_ms)
    if end_ms is None:
        return f"{start:%a %Y-%m-%d %H:%M:%S}" if start else f"+{show_duration(start_ms / 1000)}"
    end_ms = round(end_ms / 1000) * 1000
    took = show_duration((end_ms - start_ms) / 1000)
    end = plan.clock(end_ms)
    if start and end:
        day = f"{start:%a %Y-%m-%d}" if plan.back_from_s is not None else f"{start:%a}"
        return f"{day} {start:%H:%M:%S}–{end:%H:%M:%S} ({took})"
    return f"+{show_duration(start_ms / 1000)} to +{show_duration(end_ms / 1000)} ({took})"
