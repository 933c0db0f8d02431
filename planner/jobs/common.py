"""What every job shares: options, clock windows, the check of a plan, assumptions, exit codes."""

from __future__ import annotations

import datetime as dt
import math
import os
import re
import time
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from planner.cost import rperf_of_core, side_rate, state_bytes
from planner.errors import InputError, ReplayError, UsageError
from planner.estate.assemble import Loaded
from planner.estate.catalogue import rperf_per_core
from planner.estate.model import Estate, Parameter
from planner.estate.parameters import FIGURES, RATE, Parameters, parameters_of
from planner.estate.policies import compile_policies
from planner.estate.standing import broken_if_kept, broken_policies, broken_today, contradictions, near_full
from planner.findings import Finding, Severity, errors, ordered
from planner.grouping import inverted
from planner.history.calendar import BUCKETS, Bucket, Calendar
from planner.history.zones import zone_of
from planner.jobs.enterprise import enterprise_assumptions, pool_meters
from planner.jobs.evening import evening_of
from planner.jobs.inactive import no_room_to_start, profiles_left
from planner.jobs.licences import licence_assumptions, licence_counts, plan_licences_rise
from planner.jobs.links import link_assumptions
from planner.plan.choices import BACK, OUT, Status
from planner.plan.plan import Plan, Window
from planner.plan.questions import UNMEASURED, UNSEEN, Evacuate, Resume
from planner.rules import Judge, Site
from planner.rules.npiv import LEAST_SLOTS
from planner.rules.partition import ID_FREE
from planner.schedule.lanes import IN_LANES, Pacing
from planner.stopwatch import now
from planner.units import many, show_duration, some
from planner.verify import NOT_AS_IT_WAS, replay, unsure

PROVED = 1e-6
"""Relative gap below which a cost counts as proved optimal: the solver's own arithmetic is no finer."""
_WINDOW = re.compile(
    r"^\s*(\d{4}-\d{2}-\d{2})[ T](\d{1,2}:\d{2})\s*/\s*(?:(\d{4}-\d{2}-\d{2})[ T])?(\d{1,2}:\d{2})\s*$")
_SPAN = re.compile(r"^\s*(?:(\d{1,4000})\s*h)?\s*(?:(\d{1,4000})\s*m(?:in)?)?\s*(?:(\d{1,4000})\s*s)?\s*$")
_LATE, _LATE_S = 0.1, 2.0
"""By what share of itself, or by how many seconds, a time limit may be passed: what is begun is brought to its end."""
_UNSTATED_ZONE = "that of this machine, since nobody stated one"
_LONGEST_S = 366 * 86_400


@dataclass(frozen=True, slots=True)
class Options:
    """What planning commands share beside the question. Seconds; ``gap`` relative (0.01 is 1 %)."""

    time_limit: float = 60.0
    gap: float = 0.0
    window: Window | None = None
    back_window: Window | None = None
    """The way back's own window, when it is not in ``window``."""
    work_s: int = 0
    zone: str = ""
    """IANA name of the zone of all clock times; empty: the estate's, else the history's, else this machine's."""
    zone_from: str = ""
    history_zone: str = ""
    """IANA name of the zone of the history's hours; empty without a history."""
    pacing: Pacing = IN_LANES
    since: float | None = None
    """When the time began (:func:`planner.stopwatch.now`); None: when the question is asked."""

    def deadline(self) -> float:
        """When the time is over."""
        return (now() if self.since is None else self.since) + self.time_limit

    def share(self, deadline: float, most: float) -> float:
        """When a part of the work is to be over that may take this share of what is left; where that is little, of what
        the limit may be passed by as well."""
        left = deadline - now()
        return now() + most * max(left, (left + max(_LATE_S, _LATE * self.time_limit)) / 2)


def machine_zone() -> str:
    """The zone of this machine; empty when it does not say."""
    named = os.environ.get("TZ", "").lstrip(":") or os.path.realpath("/etc/localtime").partition("zoneinfo/")[2]
    try:
        return zone_of(named or "UTC").key
    except InputError:
        return ""


def zoned(options: Options, estate: Estate, history: str | None = None) -> Options:
    """With the zone of its windows, and who says it; ``history``: the zone that the usage history states, empty where
    it states none, None without a history."""
    of_estate = compile_policies(estate)[0].zone
    zone, said = next(((zone, said) for zone, said in (
        (options.zone, "as asked (--zone)"), (of_estate, "as the estate states (policy time-zone)"),
        (history, "as the usage history states")) if zone), (machine_zone(), _UNSTATED_ZONE))
    first, last = (w and replace(w, zone=zone) for w in (options.window, options.back_window))
    return replace(options, zone=zone, zone_from=said, window=first, back_window=last,
                   history_zone="" if history is None else history or "UTC")


def hours_between(options: Options, calendar: Calendar, start: dt.datetime, end: dt.datetime,
                  hours: Collection[Bucket] = BUCKETS) -> tuple[Bucket, ...]:
    """The hours of the history's clocks from one clock time of the plan to another, in these ``hours`` of the plan's
    clocks. Where no zone of the plan is known, its clocks count as the history's."""
    there = zone_of(options.history_zone or "UTC")
    here = zone_of(options.zone) if options.zone else there
    return calendar.buckets_between(start.replace(tzinfo=here), end.replace(tzinfo=here), there, hours)


def _elsewhere(window: Window, zone: str) -> str:
    """``09:00 to 15:00 Australia/Melbourne``; empty where the clocks of that zone show what the window's show."""
    if not window.zone or not zone:
        return ""
    here, there = zone_of(window.zone), zone_of(zone)
    ends = [t.replace(tzinfo=here).astimezone(there).replace(tzinfo=None) for t in (window.start, window.end)]
    if ends == [window.start, window.end]:
        return ""
    return f"{ends[0]:%Y-%m-%d %H:%M} to {ends[1]:%Y-%m-%d %H:%M} {zone}"


def clock_findings(options: Options) -> tuple[Finding, ...]:
    """That nobody stated the zone of a window, where a history's clocks show other hours, and that a window is over."""
    out = []
    for window in (options.window, options.back_window):
        if window and (there := _elsewhere(window, options.history_zone)):
            out.append(Finding("timing.zone", Severity.INFO, "plan", f"{window.start:%Y-%m-%d %H:%M} to "
                               f"{window.end:%Y-%m-%d %H:%M} {window.zone} is {there}, the zone of the usage history: "
                               "the usage of those hours counts", "where the site's clocks were meant: --zone "
                               f"{options.history_zone}"))
    if options.window and options.zone_from == _UNSTATED_ZONE:
        out.append(Finding("timing.zone", Severity.INFO, "plan", f"clock times are those of {options.zone or 'no zone'}"
                           f", {options.zone_from}", "state it: --zone, or the policy time-zone"))
    if options.window and options.window.ms_to(local_now(options.zone)) > options.window.ms_to(options.window.end):
        out.append(Finding("timing.past", Severity.WARNING, "plan", "the window is in the past: it ended "
                           f"{options.window.end:%Y-%m-%d %H:%M}", "give a window to come"))
    return tuple(out)


def told_first(loaded: Loaded, site: Site, options: Options) -> tuple[Finding, ...]:
    """What a plan tells whatever its answer is: policies that contradict each other, what usage lacks, the clocks."""
    return (*contradictions(loaded.findings), *(site.usage.findings if site.usage else ()), *clock_findings(options))


def local_now(zone: str) -> dt.datetime:
    """The local time now, or of SOURCE_DATE_EPOCH."""
    epoch = os.environ.get("SOURCE_DATE_EPOCH", "")
    moment = dt.datetime.fromtimestamp(int(epoch) if epoch.isdecimal() and len(epoch) < 11 else time.time(), dt.UTC)
    return moment.astimezone(zone_of(zone or "UTC")).replace(tzinfo=None)


def window_from(text: str, option: str = "--window") -> Window:
    """``2026-12-05 22:00/04:00`` (the end on the next day when it is not after the start); raises UsageError."""
    match = _WINDOW.match(text)
    said, like = f"{option} {text!r}", "'2026-12-05 22:00/04:00' or '2026-12-05 22:00/2026-12-06 04:00'"
    if not match:
        raise UsageError(f"{said} is not like {like}")
    start, end = _clocks(said, like, f"{match[1]} {match[2]}", f"{match[3] or match[1]} {match[4]}")
    if end < start and not match[3]:
        end += dt.timedelta(days=1)
    if end <= start:
        raise UsageError(f"{said} does not end after it starts")
    return Window(start, end)


def weekend_from(start: str, end: str) -> Window:
    """Two clock times like ``2026-11-27 20:00``; raises UsageError for anything else or an end before the start."""
    first, last = _clocks(f"--from {start!r} or --to {end!r}", "'2026-11-27 20:00'", start, end)
    if last <= first:
        raise UsageError(f"--to {end!r} is not after --from {start!r}")
    return Window(first, last)


def moment_from(text: str, option: str) -> dt.datetime:
    """``2026-12-05 23:40``; raises UsageError."""
    return _clocks(f"{option} {text[:40]!r}", "'2026-12-05 23:40'", text)[0]


def _clocks(said: str, like: str, *texts: str) -> list[dt.datetime]:
    """Clock times to the minute; raises UsageError."""
    try:
        times = [dt.datetime.strptime(text.strip(), "%Y-%m-%d %H:%M") for text in texts]
    except ValueError:
        raise UsageError(f"{said} is not like {like}") from None
    if not all(1971 <= t.year <= 2200 for t in times):
        raise UsageError(f"{said}: the year is not from 1971 to 2200")
    return times


def span_from(text: str) -> int:
    """``60m``, ``1h30m``, ``90s`` to seconds; raises UsageError."""
    match = _SPAN.match(text)
    if not match or not text.strip():
        raise UsageError(f"{text[:40]!r} is not a time like 60m, 1h30m or 90s, of a year at most")
    hours, minutes, seconds = (int(g or 0) for g in match.groups())
    span = hours * 3600 + minutes * 60 + seconds
    if span > _LONGEST_S:
        raise UsageError(f"{text.strip()[:40]!r} is longer than a year")
    return span


def checked_plan(plan: Plan, loaded: Loaded, site: Site, judge: Judge, pacing: Pacing = IN_LANES) -> Plan:
    """The plan with its replay, windows and warnings; raises ReplayError when it does not hold."""
    named = {v for m in plan.moves for v in m.vioses}
    plan = plan.replace(window=_fitted(plan, OUT), back_window=_fitted(plan, BACK) if plan.back_window else None,
                        vios_ids={v: site.vioses[v].lpar_id for v in sorted(named) if v in site.vioses})
    played = replay(plan, site, judge)
    if not played.holds:
        raise ReplayError(errors(played.findings))
    late = [_misses(plan, site, leg, window) for leg, window in ((OUT, plan.window), (BACK, plan.back_window))
            if window is not None and window.too_short]
    plan = plan.replace(verified=True, before=played.before, peak=played.peak, after=played.after,
                        licences=tuple(licence_counts(site, plan)), enterprise_pools=tuple(pool_meters(site, plan)))
    plan = plan.replace(evening=evening_of(plan, site, judge, pacing))
    plan = plan.replace(window=_in_nights(plan, OUT, plan.window), back_window=_in_nights(plan, BACK, plan.back_window))
    billed = (*licence_assumptions(site, plan), *enterprise_assumptions(plan))
    plan = plan.replace(assumptions=(*plan.assumptions, _PACE[plan.in_lanes], *billed))
    told = [f for f in played.findings if f.rule in (ID_FREE, NOT_AS_IT_WAS, "timing.levels")]
    return plan.replace(findings=ordered((*_warnings(loaded, site, judge, plan), *told, *late, *plan.findings,
                                          *plan_licences_rise(plan), *no_room_to_start(site, plan),
                                          *_uncalibrated(site, plan), *unsure(plan))))


def _in_nights(plan: Plan, leg: str, window: Window | None) -> Window | None:
    """The window of a leg, which is not kept where it is in too few nights."""
    return window and replace(window, fits=bool(window.fits) and not plan.too_few(leg))


_PACE = ("Moves of one wave start together; the next wave starts when all of them are over.",
         "A move starts when the one before it in its lane is over and what it waits for has come; its times are "
         "predicted.")
"""Of plans in waves, and in lanes."""
_CALIBRATED_MBIT = 10_000
_RATES = {"link_efficiency", "stream_mb_s", "source_rperf_per_mb_s", "target_rperf_per_mb_s", RATE}


def _uncalibrated(site: Site, plan: Plan) -> Iterator[Finding]:
    """That nobody has measured how fast movers on faster links send, unless the estate states how fast."""
    fast = {v for m in plan.moves for v in (m.source_msp, m.target_msp)
            if v in site.vioses and (site.vioses[v].link_mbit or 0) > _CALIBRATED_MBIT}
    if fast and not _RATES & {row.name for row in site.estate.parameters}:
        yield Finding("timing.calibration", Severity.INFO, "plan", "the minutes of moves over links above 10 Gbit/s "
                      f"are not calibrated ({some(sorted(fast))}): the cost model was fitted to a move over 1 Gbit/s, "
                      "and no measurement of faster movers is known here",
                      "time two moves of known size there and set link_efficiency, source_rperf_per_mb_s and "
                      "target_rperf_per_mb_s in sheet Parameters")


def _fitted(plan: Plan, leg: str) -> Window | None:
    """The window of a leg with what it has to spare; it binds both legs unless the way back has its own time."""
    window = plan.limit(leg)
    if window is None:
        return None
    if plan.back_from_s is None:
        spare = math.floor(window.length_s - plan.total_s)
    else:
        ends = [m.end_ms for m in plan.leg(leg)]
        of = plan.window or window
        spare = (of.ms_to(window.end) - max(ends, default=of.ms_to(window.start))) // 1000
    return replace(window, fits=spare >= 0, spare_s=spare)


def _warnings(loaded: Loaded, site: Site, judge: Judge, plan: Plan) -> list[Finding]:
    """What the rules warn of for the moves of the plan, and the gaps of what takes part."""
    warned: list[Finding] = []
    for m in plan.moves:
        then = judge.homeward if m.leg == BACK else judge
        of_move = (f for f in then.move(m.lpar, m.source, m.target) if f.rule != ID_FREE)
        warned += _milder((*judge.readiness(m.lpar), *of_move))
    warned += _milder(judge.flights(plan.moves, plan.window))
    touched = {x for m in plan.moves for x in (m.lpar, m.source, m.target, m.source_msp, m.target_msp) if x}
    gaps = [f for f in loaded.findings if f.subject in touched]
    today = set(broken_today(site.estate, site.policies)) if gaps else ()
    warned += [f for f in gaps if f not in today]
    end = site.start | {m.lpar: m.target for m in plan.moves}
    warned += broken_policies(site.estate, site.policies, end, "after this plan")
    warned += broken_if_kept(loaded, end, "after this plan")
    taken = {m.lpar: m.target for m in plan.leg(OUT)}
    there = site.start | taken
    warned += near_full(site.estate, site.policies, there, _month_ends(site, there, dict.fromkeys(taken.values())),
                        "after the way out" if plan.leg(BACK) else "after this plan")
    return [*warned, *_of_times(site, plan)]


def _month_ends(site: Site, where: Mapping[str, str], servers: Collection[str]) -> dict[str, int | None]:
    """Server → its month-end peak in a placement, thousandths of a core; None where nothing was measured."""
    if site.usage is None:
        return dict.fromkeys(servers)
    on = inverted(where.items(), servers)
    return {s: site.usage.month_end_peak(site.used.on(s, on[s])) for s in servers}


def _milder(findings: Iterable[Finding]) -> list[Finding]:
    """What is told of a plan that holds."""
    return [f for f in findings if f.severity is not Severity.ERROR]


def _of_times(site: Site, plan: Plan) -> list[Finding]:
    """Blackouts without a clock, and LPARs that stand still for long."""
    warned: list[Finding] = []
    names = sorted({m.lpar for m in plan.moves if m.lpar in site.policies.blackouts})
    if names and plan.window is None:
        warned.append(Finding("timing.blackout", Severity.WARNING, ", ".join(names),
                              "has blackout times, but the plan has no clock", "give --window"))
    for m in plan.moves:
        if m.suspend_ms > 5000:
            still = f"is expected to stand still for {m.suspend_ms / 1000:.1f} s on its way to {m.target}"
            warned.append(Finding("timing.suspend", Severity.WARNING, m.lpar, still,
                                  "move it in a quiet time or over a faster link"))
    return warned


def least_time_s(plan: Plan, site: Site) -> float:
    """Seconds that no schedule of these LPARs can undercut: the longest single move, and every byte over the movers
    of each freed server; twice, and the work between, when they come back in the same window."""
    out = [m for m in plan.leg(OUT) if not m.parking]
    longest = max((site.solo(m.lpar, m.source, m.target).duration_ms / 1000 for m in out), default=0.0)
    for server in (*plan.goal.freed, *plan.off):
        size = sum(state_bytes(site.lpars[m.lpar].memory_mib, site.lpars[m.lpar].max_memory_mib)
                   for m in out if m.source == server and not m.inactive)
        rate = sum(side_rate(v, site.servers[server], site.parameters, source=True) for v in site.movers(server))
        longest = max(longest, size / rate if rate else 0.0)
    if plan.goal.come_back and plan.back_from_s is None:
        back = max((site.solo(m.lpar, m.source, m.target).duration_ms / 1000 for m in plan.leg(BACK)), default=0.0)
        return longest + (plan.work_s or 0) + back
    return longest


def _must_miss(plan: Plan, site: Site) -> bool:
    """Whether it is proved that no plan fits the window: where all must go that go, and not even they could."""
    return isinstance(plan.goal, Evacuate | Resume) and plan.window is not None and (
        least_time_s(plan, site) > plan.window.length_s)


def _misses(plan: Plan, site: Site, leg: str, window: Window) -> Finding:
    late = [m for m in plan.late() if plan.limit(m.leg) is window]
    kind, numbers = ("moves", [(m.number, m.leg) for m in late]) if plan.in_lanes else (
        "waves", sorted({(m.wave, m.leg) for m in late}))
    those = ", ".join(f"{n} ({leg})" for n, leg in numbers)
    needed = plan.total_s if plan.back_from_s is None else window.length_s - (window.spare_s or 0)
    proof = (f"; no schedule could fit: these moves need at least {show_duration(least_time_s(plan, site))}"
             if _must_miss(plan, site) else "; no fitting schedule was found, which is no proof that there is none")
    which = "the window" if leg == OUT else "the window of the way back"
    return Finding("timing.window", Severity.ERROR, "plan",
                   f"does not fit {which}: it needs {show_duration(needed)} of {show_duration(window.length_s)}, "
                   f"{show_duration(-(window.spare_s or 0))} too long; {kind} {those} "
                   f"({', '.join(dict.fromkeys(m.lpar for m in late))}) end after {window.end:%H:%M}{proof}",
                   "start earlier, shorten the work, use a faster mover link, or leave LPARs behind (--leave)")


def exit_code(plan: Plan, site: Site | None = None, estate: Estate | None = None) -> int:
    """0 a plan that does what was asked, even if in too few nights; 3 proved impossible (the window included);
    4 no answer."""
    if plan.status is Status.INFEASIBLE:
        return 3
    if plan.status is Status.UNKNOWN:
        return 4
    if any(w is not None and w.too_short for w in (plan.window, plan.back_window)):
        site = site or (Site(estate) if estate else None)
        return 3 if site is not None and _must_miss(plan, site) else 4
    return 0


def left_behind(site: Site, servers: Collection[str], *, stays_up: bool = False) -> list[tuple[str, str, str]]:
    """What stays on servers that are emptied, with the reason: LPARs that are not activated, and VIOSes."""
    vios = "VIOS: goes down " + ("by itself, one after the other" if stays_up else "with the server")
    return [*profiles_left(site, servers),
            *((v.name, s, vios) for s in servers for v in site.vioses_on(s))]


def assumptions(site: Site, options: Options) -> tuple[str, ...]:
    """What is taken for granted, first that nobody used more than entitlements where nothing was measured: the cost
    model's parameters and what nobody stated."""
    estate = site.estate
    parameters, unknown = parameters_of(estate.parameters)
    out = [] if site.usage and site.usage.measured else [UNMEASURED if site.usage else UNSEEN]
    if site.goal and site.goal.stay:
        out.append(f"An alternative, as it was asked for: these stay where they are: {some(site.goal.stay)}.")
    if site.goal and site.goal.spare_percent:
        out.append(f"An alternative, as it was asked for: every server that takes LPARs in keeps "
                   f"{site.goal.spare_percent} % of its cores and memory free.")
    out += ["Hash page table: maximum memory / 64, rounded up to a power of two, unless the LPAR states a ratio.",
           "An LPAR whose busy cores nobody stated is taken to be as busy as its entitlement."]
    if any(not p.active for p in estate.lpars):
        stated = any(p.name == "inactive_s" for p in estate.parameters)
        out.append("An inactive migration copies no memory. How long it takes is " + (
            f"stated in the estate: {parameters.inactive_s:g} s." if stated else
            f"not known: {parameters.inactive_s:g} s assumed (parameter inactive_s).")
            + " While it is not activated an LPAR holds neither processors nor memory.")
    out += _uncounted(estate)
    unrated = [] if parameters.unknown_rperf_per_core else [s for s in estate.servers if not rperf_per_core(s.model)]
    if unrated:
        out.append("rPerf of a core where the type-model is not in the catalogue, assumed by the generation: "
                   + some((f"{s.name} {rperf_of_core(s, parameters):g}" for s in unrated), 6)
                   + " (parameter unknown_rperf_per_core).")
    out += [*link_assumptions(site), *_figures(estate, parameters)]
    out += [f"Cost model: parameter {name!r} is unknown and was not used" for name in unknown]
    if options.window:
        out.append(f"Clock times are those of the zone {options.window.zone or '(none known)'}, {options.zone_from}; a "
                   "change of its clocks makes a window longer or shorter.")
    return tuple(out)


def _figures(estate: Estate, parameters: Parameters) -> Iterator[str]:
    """Whether minutes stand on past moves, and each figure of the cost model with what it comes from."""
    rows = {(p.name, p.subject): p for p in estate.parameters}
    learned = [f"{p.name} for {p.subject}" if p.subject else p.name for p in estate.parameters if p.moves]
    yield ("Minutes are calibrated from past moves in " + ", ".join(sorted(learned)) + "; the other figures are not."
           if learned else "Minutes are not calibrated: no figure of the cost model was fitted to past moves of this "
           "site (planner calibrate).")
    for f in FIGURES:
        row = rows.get((f.name, "")) or (rows.get(("overhead_s", "")) if f.name == "hmc_overhead_s" else None)
        yield f"Cost model: {f.name} = {getattr(parameters, f.name):g}{_origin(row)}"
    for subject, rate in sorted(parameters.rates.items()):
        yield f"Cost model: {RATE} for {subject} = {rate / 1e6:g}{_origin(rows.get((RATE, subject)))}"


def _origin(row: Parameter | None) -> str:
    """What a figure comes from, in brackets."""
    if row is None:
        return " (default)"
    if not row.moves:
        return " (set in the estate)"
    within = "" if row.low is None or row.high is None else f", between {row.low:g} and {row.high:g}"
    return f" (calibrated from {many(row.moves, 'move')}{within})"


def _uncounted(estate: Estate) -> list[str]:
    """What is taken for granted of ports and slots of which nobody states how many there are."""
    out = []
    unstated = sum(p.free_ports is None for p in estate.ports)
    if unstated and estate.fibres:
        out.append(f"Virtual ports of {unstated} Fibre Channel port(s) of which nobody states how many are free: 64 "
                   "with the clients of today each (16 Gbit/s and slower); lsnports shows them.")
    slotless = sum(v.max_virtual_slots is None for v in estate.vioses)
    if slotless and (estate.disks or estate.fibres):
        out.append(f"Virtual slots of {slotless} VIOS(es) of which nobody states the maximum: not counted, at least "
                   f"{LEAST_SLOTS} taken; lshwres -r virtualio --rsubtype slot --level lpar shows them.")
    return out
