"""The planner for programs and notebooks: what ``from planner import …`` gives. See docs/python.md.

Estates are :class:`Estate`, answers :class:`Plan`, both immutable and with ``frames()``.

What several functions take means the same in all. ``window``, ``back_window``: ``2026-12-05 22:00/04:00`` in local
clock time of ``zone`` (IANA name; else that of the policy ``time-zone``). ``work``: how long the work between the ways
takes (``60m``, ``2h``). ``cores``: cores; ``memory_gib``: GiB. ``time_limit``: seconds of wall clock for the search;
``gap``: the relative gap with which it may end (0.01: 1 %). ``firmware_after``: server → its level once the work is
done, with which the way back is judged. ``not_targets``: servers that take nobody in. ``usage``: measured usage counts
as well. ``assume_nothing``: what nobody states refuses, in place of being taken for granted.

Every function raises UsageError for an argument that is wrong, by its name, and for servers and LPARs that the estate
does not have; with ``usage`` InputError for a history that holds nothing of the hours asked about; and ReplayError
where its own plan does not pass its replay, which is a defect. What is impossible or has no answer in time raises
nothing: it is the plan's ``status``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from planner import jobs
from planner.errors import UsageError
from planner.estate.assemble import Loaded
from planner.estate.catalogue import CATALOGUE
from planner.estate.catalogue_file import read_catalogue
from planner.estate.energy import HOURS_PER_YEAR, Tariff
from planner.estate.model import Estate
from planner.estate.policy_file import loaded
from planner.formats.values import mib_from_gib, units_from_cores
from planner.history.calendar import BUCKETS, Calendar
from planner.jobs.arguments import checked, names, paths
from planner.jobs.peak_hours import ALWAYS, UsageSpec, period_from
from planner.plan.choices import By, Measure
from planner.plan.plan import Plan, Window, read_plan
from planner.plan.questions import Consolidate, Evacuate, Headroom, Resume
from planner.verify import verify_plan as _verify_plan

if TYPE_CHECKING:
    from planner.jobs.alternatives import Beside
    from planner.jobs.campaign import CampaignResult
    from planner.jobs.opening import Opened
    from planner.jobs.readiness.figures import ReadinessDocument
    from planner.jobs.remedy import Remedied
    from planner.jobs.scenario_result import ScenarioResult

__all__ = ["Calendar", "Estate", "Plan", "UsageSpec", "alternatives", "campaign", "consolidate", "evacuate", "headroom",
           "load_estate", "read_plan", "readiness", "remedy", "remedy_all", "resume", "verify_plan", "whatif"]


@checked
def load_estate(*sources: str | Path | Iterable[str | Path], policies: Iterable[str | Path] = (),
                mapping: str | Path | None = None, parameters: str | Path | None = None) -> Estate:
    """The estate in directories of exports, workbooks or saved estates, with further policies (TOML files); ``mapping``
    (TOML) says what the columns of your own tables mean, ``parameters`` (TOML) holds those of the cost model.

    Raises InputError with all that makes it unusable.
    """
    return loaded(paths("sources", sources), policies, mapping=None if mapping is None else Path(mapping),
                  parameters=parameters).estate


@checked
def evacuate(estate: Estate, *servers: str | Iterable[str], leave: Iterable[str] = (), come_back: bool = False,
             window: str | Window | None = None, work: str = "60m", usage: UsageSpec | None = None,
             firmware_after: Mapping[str, str] | None = None, home: Plan | None = None,
             not_targets: Iterable[str] = (), zone: str = "", time_limit: float = 60.0, gap: float = 0.0,
             assume_nothing: bool = False, inactive: bool = False) -> Plan:
    """Free these servers, names or lists of them; with ``inactive`` of LPARs that are not activated, too.

    ``leave``: LPARs that are not moved, but stopped with their server; ``home``: an earlier plan, of which those come
    home too that it has moved away.

    Raises UsageError for no server and for unknown names; a plan that is impossible has the status infeasible and says
    why.
    """
    options = jobs.Options(time_limit, gap, _window(window), work_s=jobs.span_from(work), zone=zone)
    chosen = names("servers", servers)
    if not chosen:
        raise UsageError("servers: none is named")
    goal = Evacuate(servers=chosen, leave=tuple(leave), come_back=come_back, inactive=inactive,
                    homes=jobs.homes_of(home, estate) if home else {}, not_targets=tuple(not_targets),
                    firmware_after=firmware_after or {}, assume_nothing=assume_nothing)
    return jobs.evacuate(Loaded(estate), goal, options, usage)


@checked
def headroom(estate: Estate, server: str, *, cores: float = 0, memory_gib: float = 0, when: str = ALWAYS,
             critical: Iterable[str] = (), by: By | str | None = None, window: str | Window | None = None,
             back_window: str | Window | None = None, curve: bool = False, usage: UsageSpec | None = None,
             firmware_after: Mapping[str, str] | None = None, not_targets: Iterable[str] = (), zone: str = "",
             time_limit: float = 60.0, gap: float = 0.0, assume_nothing: bool = False) -> Plan:
    """Make this much headroom; what leaves comes back when it is over, where ``when`` or ``back_window`` says it.

    ``when``: ``always``, ``month-end`` or a month such as ``2026-11``. ``by``: what counts as free (entitlement,
    usage, both). ``critical``: LPARs that stay beside those of production. ``curve``: also the most that can be had,
    and what further cores cost. Raises UsageError for unknown names, and for a month or a window that is none.
    """
    first, last = _window(window), _window(back_window)
    needed = period_from(when, usage.calendar if usage else Calendar(), first.end if first else None)
    goal = Headroom(
        server=server, units=units_from_cores(cores), memory_mib=mib_from_gib(memory_gib),
        critical=tuple(critical), by=By(by) if by else By.ENTITLEMENT if usage is None else By.BOTH,
        come_back=when != ALWAYS or last is not None, firmware_after=firmware_after or {},
        not_targets=tuple(not_targets), assume_nothing=assume_nothing, **needed._asdict())
    options = jobs.Options(time_limit, gap, first, last, zone=zone)
    return jobs.headroom(Loaded(estate), goal, options, usage, curve=curve)


@checked
def consolidate(estate: Estate, *, measure: Measure | str = Measure.WATTS, n_plus_1: bool = False,
                keep: Iterable[str] = (), off: Iterable[str] = (), come_back: bool = False,
                weekend: bool = False, window: str | Window | None = None, work: str = "60m",
                usage: UsageSpec | None = None, tariff: Tariff | None = None, hours: float = HOURS_PER_YEAR,
                firmware_after: Mapping[str, str] | None = None, not_targets: Iterable[str] = (), zone: str = "",
                time_limit: float = 60.0, gap: float = 0.0, assume_nothing: bool = False, scheduler: str = "") -> Plan:
    """Which servers can be switched off: the least of ``measure`` (watts, servers, …) that carries it all. ``weekend``:
    they are off in the ``window`` alone, and both legs lie in it.

    ``keep``, ``off``: servers that stay on, or go off, whatever the measure; ``n_plus_1``: any one that stays on may
    fail; ``hours``: for how many hours energy is counted, at ``tariff``; ``scheduler``: of the Dask cluster on which
    components are answered. Raises UsageError for unknown names, a weekend without its window, ``licences`` where
    nothing is known to be licensed by the core, and a cluster that cannot be used.
    """
    if weekend and (window is None or come_back):
        raise UsageError("weekend: give its window, and leave come_back out: it has both legs already")
    goal = Consolidate(measure=Measure(measure), n_plus_1=n_plus_1, keep=tuple(keep), off=tuple(off), weekend=weekend,
                       come_back=come_back, not_targets=tuple(not_targets), firmware_after=firmware_after or {},
                       assume_nothing=assume_nothing)
    terms = jobs.Terms(tariff or Tariff(), hours)
    options = jobs.Options(time_limit, gap, _window(window), work_s=jobs.span_from(work), zone=zone)
    cluster = None
    if scheduler:
        from planner.cluster import cluster_at  # start-up: the other questions do without

        cluster = cluster_at(scheduler)
    return jobs.consolidate(Loaded(estate), goal, options, usage, terms, cluster)


@checked
def remedy(estate: Estate, *servers: str | Iterable[str], cores: float = 0, memory_gib: float = 0,
           come_back: bool = False, window: str | Window | None = None, work: str = "60m",
           usage: UsageSpec | None = None, firmware_after: Mapping[str, str] | None = None,
           not_targets: Iterable[str] = (), prices: str | Path | None = None, sets: int = 3, when: str = ALWAYS,
           critical: Iterable[str] = (), zone: str = "", time_limit: float = 60.0) -> Remedied:
    """The cheapest sets of changes that make it possible to free these servers, or with ``cores`` or ``memory_gib`` to
    make that headroom on one, ``when`` it is needed while ``critical`` ones stay (docs/remedy.md): each with its cost,
    the estate after it and the verified plan on that.

    ``prices``: a price list of your own (TOML), in points; ``sets``: how many are told. Raises UsageError for unknown
    names and for headroom on several servers, InputError for a wrong list.
    """
    from planner.estate.prices import PRICES, read_prices  # start-up: the other questions do without
    from planner.jobs import remedy as remedies

    named = names("servers", servers)
    if not named or ((cores or memory_gib) and len(named) > 1):
        raise UsageError("servers: none is named" if not named else "servers: headroom is made on one")
    goal: Evacuate | Headroom = Evacuate(
        servers=named, come_back=come_back, firmware_after=firmware_after or {}, not_targets=tuple(not_targets))
    first = _window(window)
    if cores or memory_gib:
        needed = period_from(when, usage.calendar if usage else Calendar(), first.end if first else None)
        goal = Headroom(server=named[0], units=units_from_cores(cores), memory_mib=mib_from_gib(memory_gib),
                        by=By.ENTITLEMENT if usage is None else By.BOTH, come_back=come_back,
                        firmware_after=firmware_after or {}, not_targets=tuple(not_targets),
                        critical=tuple(critical), **needed._asdict())
    options = jobs.Options(time_limit, window=first, work_s=jobs.span_from(work), zone=zone)
    listed = PRICES if prices is None else read_prices(Path(prices))
    return remedies.remedy(remedies.Remedy(Loaded(estate), goal, options, usage, listed), sets)


@checked
def remedy_all(estate: Estate, *servers: str | Iterable[str], budget: int | None = None, come_back: bool = False,
               window: str | Window | None = None, work: str = "60m", usage: UsageSpec | None = None,
               not_targets: Iterable[str] = (), prices: str | Path | None = None, zone: str = "",
               time_limit: float = 60.0) -> Opened:
    """The cheapest changes with which each of these servers (none named: every one of the estate) can be freed, one at
    a time, what lasts bought once for all; with a ``budget`` in points as many as it opens (docs/remedy.md).

    ``time_limit``: of each plan. Raises UsageError for unknown names, InputError for a wrong list of ``prices``.
    """
    from planner.estate.prices import PRICES, read_prices  # start-up: the other questions do without
    from planner.jobs import opening
    from planner.jobs import remedy as remedies

    options = jobs.Options(time_limit, window=_window(window), work_s=jobs.span_from(work), zone=zone)
    listed = PRICES if prices is None else read_prices(Path(prices))

    def asked(server: str) -> remedies.Remedy:
        goal = Evacuate(servers=(server,), come_back=come_back, not_targets=tuple(not_targets))
        return remedies.Remedy(Loaded(estate), goal, options, usage, listed)

    return opening.open_all(asked, names("servers", servers) or [s.name for s in estate.servers], budget)


@checked
def alternatives(plan: Plan, estate: Estate, count: int = 3, *, usage: UsageSpec | None = None,
                 begun: Plan | None = None, time_limit: float = 60.0, gap: float = 0.0) -> Beside:
    """Up to ``count`` plans (four at most) for the question of a plan of ``evacuate``, ``headroom``, ``consolidate`` or
    ``resume`` that differ in what people choose by, with what each gives up, and the front of cost against the least
    headroom (docs/alternatives.md). ``usage``: as the plan was made with; ``begun``: the plan that one of ``resume``
    goes on with; ``time_limit``: of each plan. For scenarios: :func:`whatif`.

    Raises UsageError for a plan that is not verified, of another question or of another estate.
    """
    from planner.estate.saved import digest  # start-up: the other questions do without
    from planner.jobs import alternatives as others

    goal = plan.goal
    if not isinstance(goal, Evacuate | Headroom | Consolidate | Resume) or not plan.verified:
        raise UsageError("plan: is no verified plan of evacuate, headroom, consolidate or resume")
    if plan.estate_digest != digest(estate):
        raise UsageError("estate: is not the one the plan was made for")
    if not 1 <= count <= 4:
        raise UsageError(f"count: {count} is not between 1 and 4")
    out, back = (w and replace(w, fits=None, spare_s=None) for w in (plan.window, plan.back_window))
    options = jobs.Options(time_limit, gap, out, None if isinstance(goal, Consolidate) else back,
                           work_s=plan.work_s or 0, zone=out.zone if out else "")

    if begun is not None:
        return _beside_rest(plan, estate, count, begun, options)
    if isinstance(goal, Resume):
        raise UsageError("begun: give the plan that this one goes on with")
    asked = goal

    def again(more: dict[str, object]) -> Plan:
        other = asked.replace(**more)
        if isinstance(other, Headroom):
            return jobs.headroom(Loaded(estate), other, options, usage, curve=False)
        if isinstance(other, Consolidate):
            return jobs.consolidate(Loaded(estate), other, options, usage)
        return jobs.evacuate(Loaded(estate), other, options, usage)

    return others.alternatives(plan, estate, again, count)


def _beside_rest(plan: Plan, estate: Estate, count: int, begun: Plan, options: jobs.Options) -> Beside:
    from planner.jobs.going_on import rests_beside  # start-up: the other questions do without

    on = not isinstance(plan.goal, Resume) or bool(plan.goal.places)
    beside = rests_beside(Loaded(estate), begun, plan, options, count, on=on)
    if beside is None:
        raise UsageError("plan: it has no moves, or does not get everybody where he is to go")
    return beside


@checked
def resume(plan: Plan, estate: Estate, *, on: bool, window: str | Window | None = None, now: str | None = None,
           work: str | None = None, inactive: bool = False, zone: str = "", time_limit: float = 60.0) -> Plan:
    """The rest of ``plan`` (``on``), or the way home of everybody, from an estate of today (docs/resume.md).

    Without ``window`` the rest of the plan's own counts, from ``now`` (``2026-12-05 23:40``, else the clock) on;
    ``work``: what is left of it, else the plan's. Raises InputError for another estate, UsageError for a ``now`` that
    is no time.
    """
    left = plan.work_s or 0 if work is None else jobs.span_from(work)
    options = jobs.Options(time_limit, window=_window(window), work_s=left, zone=zone)
    clock = None if now is None else jobs.moment_from(now, "now")
    return jobs.resume(Loaded(estate), plan, options, on=on, inactive=inactive, now=clock)


@checked
def campaign(estate: Estate, file: str | Path, *, every: bool = False, usage: UsageSpec | None = None, zone: str = "",
             time_limit: float = 60.0, gap: float = 0.0, assume_nothing: bool = False, alternatives: int = 0
             ) -> CampaignResult:
    """The servers of a campaign file (docs/campaign.md), with ``every`` all of the estate, emptied and worked on over
    its windows: ``steps``, each with its plan and the estate in which that begins, and who is ``left`` and why. Up to
    so many ``alternatives`` (four at most) are ``beside`` the plan of each step (docs/alternatives.md).

    ``time_limit``: of each plan. Raises InputError with everything that is wrong with the file.
    """
    from planner.jobs import campaign as campaigns  # start-up: the other questions do without
    from planner.scenarios.campaign_file import read_campaign

    asked = read_campaign(Path(file), estate, every=every)
    return campaigns.campaign(Loaded(estate), asked, jobs.Options(time_limit, gap, zone=zone), usage,
                              assume_nothing=assume_nothing, others=alternatives)


@checked
def whatif(estate: Estate, *files: str | Path | Iterable[str | Path], catalogue: str | Path | None = None,
           window: str | Window | None = None, zone: str = "", time_limit: float = 60.0, gap: float = 0.0,
           usage: UsageSpec | None = None, assume_nothing: bool = False, inactive: bool = True, alternatives: int = 0
           ) -> list[ScenarioResult]:
    """Scenario files answered, one result each; its ``plan`` is what is migrated, live or (``inactive``) while not
    activated, its ``estate`` what is there then. What ``usage`` has of all hours fits at every one of them. Up to so
    many ``alternatives`` (four at most) are ``beside`` each plan (docs/alternatives.md).

    ``catalogue``: models of your own (TOML). Raises InputError with everything that is wrong with a file, UsageError
    where there is none.
    """
    from planner.jobs import whatif as scenarios  # start-up: the other questions do without scenarios
    from planner.scenarios.file import read_scenarios

    models = CATALOGUE if catalogue is None else read_catalogue(Path(catalogue))
    options = jobs.Options(time_limit, gap, _window(window), zone=zone)
    asked = read_scenarios([Path(f) for f in paths("files", files)])
    used = None if usage is None else usage.read(estate, BUCKETS)
    return [scenarios.with_alternatives(
        Loaded(estate), replace(one, inactive=inactive, assume_nothing=assume_nothing), options, models, used,
        alternatives) for one in asked]


@checked
def readiness(estate: Estate, *, since: Estate | None = None, name: str = "then", remedies: bool = False,
              time_limit: float = 60.0, gap: float = 0.0, assume_nothing: bool = False,
              usage: UsageSpec | None = None, inactive: bool = False) -> ReadinessDocument:
    """What could be done today: each server freed, or lost; each LPAR moved; each VIOS down; on what it hangs. With an
    earlier estate ``since``, called ``name``, what got worse and better and by which of its rows; with ``remedies``
    what would make possible what is not. ``time_limit``: seconds for each server; ``usage`` binds as for a plan at all
    times; ``inactive``: LPARs that are not activated leave it as well.

    Raises UsageError for a wrong argument, InputError for a history that cannot be used.
    """
    from planner.jobs.readiness import entry  # start-up: the other questions do without

    asked = entry.Morning(assume_nothing, remedies, usage, inactive)
    return entry.readiness(Loaded(estate), jobs.Options(time_limit, gap), asked, since=since, name=name)


verify_plan = checked(_verify_plan)


def _window(window: str | Window | None) -> Window | None:
    return jobs.window_from(window) if isinstance(window, str) else window
