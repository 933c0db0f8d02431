"""From an estate and a history to the figures of the capacity workbook."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace

from planner.errors import InputError, UsageError
from planner.estate.assemble import Loaded
from planner.estate.catalogue import rperf_per_core
from planner.estate.model import Lpar, Vios
from planner.findings import Finding, Severity, ordered
from planner.formats.samples import Kind
from planner.history.contents import SeriesSummary
from planner.history.forecast import forecast, of_some_words, with_left_out
from planner.history.monthly import number_of
from planner.history.store import History
from planner.history.usage import Usage
from planner.jobs.capacity.assumptions import assumptions
from planner.jobs.capacity.enterprise import enterprise_figures
from planner.jobs.capacity.figures import (
    UNCOUNTED,
    Capacity,
    CapacityOptions,
    Effect,
    Gap,
    Month,
    MonthUsage,
    Outlook,
    PartitionFigures,
    PlaceFigures,
    PlanFigures,
    months_to,
    show_month,
)
from planner.jobs.capacity.month_series import MonthSeries, month_series
from planner.jobs.capacity.sizing import proposal
from planner.plan.choices import OUT
from planner.plan.plan import Plan, ServerState
from planner.rules import Site
from planner.units import many, some
from planner.verify import verify_plan

VIOS = "VIOS"
_NAMED = 5


def capacity(loaded: Loaded, history: History, options: CapacityOptions, plan: Plan | None = None,
             progress: Callable[[int, int], None] | None = None, *, asked: Usage | None = None) -> Capacity:
    """The figures of a month. ``asked``: the usage that the plan was made with, if it was, for its replay.

    Raises InputError when the history has nothing of that month, UsageError for a plan of another estate.
    """
    work = _Work(loaded, history, options, progress)
    return work.figures(work.planned(plan, asked) if plan else None)


class _Work:
    """What is looked up once."""

    def __init__(self, loaded: Loaded, history: History, options: CapacityOptions,
                 progress: Callable[[int, int], None] | None) -> None:
        self.loaded, self.history, self.options = loaded, history, options
        if not loaded.estate.servers:
            raise UsageError("the estate has no servers")
        self.site = Site(loaded.estate)
        summary = history.show()
        self.known: dict[str, SeriesSummary] = {s.name: s for s in summary.series if s.kind is Kind.LPAR}
        self.rows: tuple[Lpar | Vios, ...] = (*loaded.estate.lpars, *loaded.estate.vioses)
        self.together: dict[tuple[str, ...], dict[Month, MonthUsage]] = {}
        self.alone: dict[str, dict[Month, MonthUsage]] = {row.name: {} for row in self.rows}
        self.recorded: set[Month] = set()
        now = self._read(options.month)
        if now is None:
            raise self._nothing()
        self.now = now
        sets = {self._members(s) for s in self.site.servers} | {
            self._pool_members(s, n) for s in self.site.servers for n in self._pool_ids(s)}
        self.together = {members: {} for members in sorted(sets)}
        self._look_back(progress)

    def _read(self, month: Month) -> MonthSeries | None:
        first_seen = {name: known.first_s for name, known in self.known.items()}
        return month_series(self.history, self.rows, self.options.calendar, month,
                            percentile=self.options.levers.percentile, first_seen=first_seen)

    def _look_back(self, progress: Callable[[int, int], None] | None) -> None:
        """The figures of every month; of the slots themselves only the month of the report stays."""
        months = months_to(self.options.month, self.options.months)
        for number, month in enumerate(months, 1):
            series = self.now if month == self.options.month else self._read(month)
            if series is not None:
                self._take(month, series)
            if progress:
                progress(number, len(months))

    def _take(self, month: Month, series: MonthSeries) -> None:
        self.recorded.add(month)
        for members, past in self.together.items():
            if month == self.options.month or series.any_known(members):
                past[month] = series.usage(members)
        for name, own in self.alone.items():
            if name not in series.absent and (usage := series.single(name)):
                own[month] = usage

    def _nothing(self) -> InputError:
        """What the history holds instead of this month: other months of this estate, or other names."""
        month, clock = show_month(self.options.month), self.history.clock()
        here = [self.known[row.name] for row in self.rows if row.name in self.known]
        if here:
            first, last = min(one.first_s for one in here), max(one.last_s for one in here)
            what = (f"the history has nothing of this estate in {month}; of its LPARs it holds "
                    f"{clock.local(first):%Y-%m-%d} to {clock.local(last):%Y-%m-%d}")
            fix = "ask for a month that it holds, or add recordings of this one"
        elif self.known:
            what = (f"the history has nothing of this estate: it holds {some(sorted(self.known), _NAMED)}; the estate "
                    f"has {some(sorted(row.name for row in self.rows), _NAMED) or 'no LPAR'}")
            fix = "give the history of this estate; an LPAR is known by its name, which must be the same in both"
        else:
            what, fix = "the history holds no usage of any LPAR", "add recordings with: planner history add"
        return InputError([Finding("history.missing", Severity.ERROR, month, what, fix)])

    # --- places ---------------------------------------------------------------------------------------------------

    def figures(self, asked: PlanFigures | None) -> Capacity:
        options = self.options
        months = months_to(options.month, options.months)
        first = min(self.recorded)
        looked = tuple(m for m in months if m >= first)
        partitions = tuple(self._partition(row) for row in self.rows)
        gaps = tuple(self._gap(row) for row in self.rows)
        servers = tuple(self._server(name) for name in self.site.servers)
        pools = tuple(self._pool(server, number) for server in self.site.servers for number in self._pool_ids(server))
        return Capacity(
            month=options.month, months=looked, absent=tuple(m for m in looked if m not in self.recorded),
            horizon=options.horizon, zone=self.history.zone or "UTC", levers=options.levers,
            month_end_days=options.calendar.month_end(*options.month), servers=servers, pools=pools,
            partitions=partitions, gaps=gaps, findings=self._findings(gaps, (*servers, *pools)),
            assumptions=assumptions(options), kinds=self.now.kinds, plan=asked,
            enterprise=tuple(enterprise_figures(self.site, pool, self.now, [
                n for s in pool.servers for n in self._members(s)]) for pool in self.site.policies.enterprise_pools))

    def _members(self, server: str) -> tuple[str, ...]:
        """What runs on a server now: active LPARs and VIOSes."""
        return tuple(sorted([n for n, s in self.site.start.items() if s == server]
                            + [v.name for v in self.site.vioses_on(server)]))

    def _server(self, name: str) -> PlaceFigures:
        server, policies = self.site.servers[name], self.site.policies
        at_start, memory_ceiling = self.site.at_start[name], policies.memory_ceiling.get(name)
        place = self._place(name, name, self._members(name), server.configurable_units, at_start.units,
                            policies.reserve_units.get(name, 0))
        return replace(
            place, model=server.model, memory_mib=server.configurable_memory_mib,
            memory_ceiling=self.options.levers.memory_ceiling if memory_ceiling is None else memory_ceiling,
            memory_ceiling_stated=memory_ceiling is not None, memory_reserve_mib=policies.reserve_mib.get(name, 0),
            memory_allocated_mib=at_start.memory_mib)

    def _pool_ids(self, server: str) -> list[int]:
        used = {self.site.pool_on(n, server) for n, s in self.site.start.items() if s == server}
        return sorted({n for n in used if n is not None} | self.site.pools.get(server, {}).keys())

    def _pool_members(self, server: str, number: int) -> tuple[str, ...]:
        return tuple(n for n in self._members(server)
                     if n in self.site.lpars and self.site.pool_on(n, server) == number)

    def _pool(self, server: str, number: int) -> PlaceFigures:
        members, limit = self._pool_members(server, number), self.site.pool_limit(server, number)
        pool = self._pool_name(server, number)
        units = self.site.servers[server].configurable_units if limit is None else limit
        entitled = sum(self.site.lpars[n].entitlement_units for n in members)
        return replace(self._place(f"{server} / {pool}", server, members, units, entitled), pool=pool)

    def _place(self, name: str, server: str, members: tuple[str, ...], units: int, entitled: int,
               reserve: int = 0) -> PlaceFigures:
        """Of ``units`` hundredths of a core the ceiling, a policy's or the lever's, may be used, less the reserve."""
        past, stated = self.together[members], self.site.policies.cpu_ceiling.get(server)
        ceiling = self.options.levers.cpu_ceiling if stated is None else stated
        return PlaceFigures(
            name=name, server=server, pool="", model="", members=members,
            lpars=sum(n in self.site.lpars for n in members), capacity_units=units, ceiling=ceiling,
            ceiling_stated=stated is not None, reserve_units=reserve, entitled_units=entitled,
            usage=past[self.options.month], sum_of_peaks=sum(self._own_peak(n) for n in members), past=past,
            outlook=self._outlook(past, (units * ceiling - reserve * 100) // 10),
            hours=self.now.by_hour(members), heat=self.now.heat(members))

    def _own_peak(self, name: str) -> int:
        """The most that one partition uses at month-end, holes filled."""
        slots = self.now.in_end if self.now.end_known else self.now.in_month
        return int(self.now.series(name)[slots].max())

    def _outlook(self, past: Mapping[Month, MonthUsage], limit: int | None) -> Outlook | None:
        ends = [(month, usage.month_end) for month, usage in sorted(past.items())
                if usage.month_end is not None and not usage.of_some]
        if not ends:
            return None
        months, values = [m for m, _ in ends], [v for _, v in ends]
        late = number_of(self.options.month) - number_of(months[-1])
        made = with_left_out(forecast(months, values, self.options.horizon + late, limit), _of_some(past))
        return Outlook(months[-1], 100 * made.slope / values[-1] if values[-1] else 0.0, made)

    # --- partitions -----------------------------------------------------------------------------------------------

    def _partition(self, row: Lpar | Vios) -> PartitionFigures:
        series, past = self.now, self.alone[row.name]
        known = series.known(row.name) & series.in_month
        lpar = row if isinstance(row, Lpar) else _as_lpar(row)
        pool = self.site.pool_on(row.name, row.server) if isinstance(row, Lpar) else None
        return PartitionFigures(
            name=row.name, server=row.server, pool="" if pool is None else self._pool_name(row.server, pool),
            environment=(row.environment or "not stated") if isinstance(row, Lpar) else VIOS,
            processors=lpar.processors, sharing=lpar.sharing, entitlement_units=lpar.entitlement_units,
            virtual_processors=lpar.virtual_processors, memory_mib=lpar.memory_mib,
            usage=past.get(self.options.month), outlook=self._outlook(past, None),
            sizing=proposal(lpar, self.site.servers.get(row.server), series.measured(row.name), self.options.levers),
            memory_stated=series.memory_stated(row.name), known_slots=int(known.sum()),
            slots=int(series.in_month.sum()), span_s=series.span_s(row.name), active=lpar.active)

    def _pool_name(self, server: str, number: int) -> str:
        row = self.site.pools.get(server, {}).get(number)
        return (row.name if row else "") or f"pool {number}"

    def _gap(self, row: Lpar | Vios) -> Gap:
        known, series = self.known.get(row.name), self.now
        missing = int((~series.known(row.name) & series.in_month).sum())
        active = not isinstance(row, Lpar) or row.active
        effect = (UNCOUNTED if not active else
                  "its entitlement counts at all times" if missing == series.in_month.sum() else
                  "holes take its own percentile of that hour and kind of day" if missing else "")
        gap = Gap(name=row.name, server=row.server, missing=missing, slots=int(series.in_month.sum()),
                  span_s=series.span_s(row.name), effect=effect)
        return gap if known is None else replace(
            gap, first_s=known.first_s, last_s=known.last_s, gaps=known.gaps, gap_s=known.gap_s, resets=known.resets,
            changes=len(known.changes))

    # --- plan and findings ----------------------------------------------------------------------------------------

    def planned(self, plan: Plan, usage: Usage | None) -> PlanFigures:
        """The plan replayed against this estate, and the month-end peaks with its moves done."""
        unknown = sorted({n for m in plan.moves for n in (m.lpar, m.source, m.target)}
                         - self.site.lpars.keys() - self.site.servers.keys())
        if unknown:
            raise UsageError(f"--plan: this estate has no {', '.join(unknown)}; give the plan that was made for it")
        replay = verify_plan(plan, self.loaded.estate, usage, another_estate=True)
        where = dict(self.site.start) | {m.lpar: m.target for m in plan.leg(OUT)}
        effects = tuple(self._effect(b, a, where) for b, a in zip(replay.before, replay.after, strict=True))
        return PlanFigures(plan, replay.holds, replay.findings, effects)

    def _effect(self, before: ServerState, after: ServerState, where: Mapping[str, str]) -> Effect:
        server = before.server
        vioses = [v.name for v in self.site.vioses_on(server)]
        then = sorted([n for n, s in where.items() if s == server] + vioses)
        return Effect(before, after, self.now.usage(self._members(server)).decisive,
                      self.now.usage(then, self._slower(then, server)).decisive)

    def _slower(self, names: Iterable[str], server: str) -> dict[str, float]:
        """LPARs whose work takes more cores on this server than where they are: so many times as many."""
        there = rperf_per_core(self.site.servers[server].model)
        factors = {}
        for name in names:
            row = self.site.lpars.get(name)
            here = rperf_per_core(self.site.servers[row.server].model) if row else None
            if row and row.processors != "dedicated" and here and there and here > there:
                factors[name] = here / there
        return factors

    def _findings(self, gaps: Iterable[Gap], places: Iterable[PlaceFigures]) -> tuple[Finding, ...]:
        inactive = {p.name for p in self.loaded.estate.lpars if not p.active}
        findings = [f for f in self.now.profiles.findings if f.subject not in inactive]
        if self.now.in_end.sum() < self.now.end_slots:
            share = int(100 * self.now.in_end.sum()) // self.now.end_slots
            findings.append(Finding(
                "history.month-end", Severity.WARNING, show_month(self.options.month),
                f"{share} % of its month-end days are recorded" + (
                    ": too few, so the peak of the month stands for the month-end peak"
                    if not self.now.end_known else ""),
                "add the recordings of the last working days and of the first ones of the next month"))
        findings += [_outlook_finding(p) for p in places if p.members and (p.outlook is None or p.outlook.made.notes)]
        findings += [_series_finding(gap) for gap in gaps if gap.gaps or gap.resets or gap.changes]
        return ordered(findings)


def _of_some(past: Mapping[Month, MonthUsage]) -> list[tuple[Month, tuple[str, ...]]]:
    """The months that are not comparable, each with the members that too little is known of."""
    return [(month, usage.lacking) for month, usage in sorted(past.items())
            if usage.month_end is not None and usage.of_some]


def _outlook_finding(place: PlaceFigures) -> Finding:
    if place.outlook is None:
        why = "; ".join(of_some_words(_of_some(place.past)))
        return Finding("forecast.none", Severity.WARNING, place.name,
                       "no forecast: " + (why or "no month-end of it is recorded"), "add recordings of month-ends")
    return Finding("forecast.note", Severity.INFO, place.name, f"forecast: {'; '.join(place.outlook.made.notes)}",
                   "more months with records make a better forecast")


def _series_finding(gap: Gap) -> Finding:
    counts = [many(number, word) + of for number, word, of in (
        (gap.gaps, "gap", ""), (gap.resets, "reset", ""), (gap.changes, "change", " of server")) if number]
    return Finding("history.series", Severity.INFO, gap.name, ", ".join(counts) + " in all of its history",
                   "see it in full with: planner history show --store FILE")


def _as_lpar(vios: Vios) -> Lpar:
    """A VIOS as its usage is looked at; it is never right-sized."""
    return Lpar(vios.name, vios.server, vios.entitlement_units, vios.virtual_processors or 1, vios.memory_mib,
                vios.max_memory_mib or vios.memory_mib, sharing=vios.sharing)
