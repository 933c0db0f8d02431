"""Which month-ends will be too much: servers, pools and LPARs forecast from a history, against their ceilings."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from planner.estate.model import Estate, Lpar, ProcessorPool, Server, Vios
from planner.formats.samples import Kind
from planner.history.calendar import Calendar
from planner.history.contents import STEP_S
from planner.history.forecast import Forecast, forecast_monthly
from planner.history.monthly import P95, Monthly, MonthOf, Progress, monthly_servers, monthly_sets, months_of, unknown
from planner.history.store import History
from planner.jobs.capacity.month_series import month_series
from planner.rules import Site

FIGURES = {"month-end": "month_end_peak", "peak": "peak", "p95": "p95", "mean": "mean"}


@dataclass(frozen=True, slots=True)
class Entity:
    """A server, a pool or an LPAR: its months, its forecast, its ceiling in thousandths of a core.

    ``lpars`` are the partitions in it that the history knows. Those that it does not, ``unknown``, are not in the sum:
    what they are entitled to is taken off the ceiling, and is ``assumed``. Without a usable month the forecast is None.
    """

    kind: Kind
    name: str
    server: str
    lpars: tuple[str, ...]
    unknown: tuple[str, ...] = ()
    assumed: int = 0
    ceiling: int | None = None
    months: tuple[Monthly, ...] = ()
    forecast: Forecast | None = None


@dataclass(frozen=True, slots=True)
class ForecastQuestion:
    """What is to be forecast: a figure (``FIGURES``) so many months ahead, of the LPARs of an estate as they stand now.

    ``ceiling_percent`` of a server's or pool's cores may be used, unless a policy of the estate states it; its reserve
    is taken off. Without an estate: of the servers that the history
    names, each one what ran on it, and no ceilings. ``by_lpar``: of each LPAR as well.
    """

    horizon: int
    figure: str = "month-end"
    estate: Estate | None = None
    ceiling_percent: int = 90
    by_lpar: bool = False
    step_s: int = STEP_S


def forecasts(history: History, site: Calendar, asked: ForecastQuestion,
              progress: Progress | None = None) -> list[Entity]:
    """Forecasts of servers, pools (of their maximum) and LPARs (ceiling: what each one can use at most).

    A pool that holds all of a server's LPARs and may use all of its cores is left out. A month of which too little is
    known of some LPARs is not used (:meth:`Monthly.of_some`); holes are filled as in the capacity report, where an
    estate says the entitlements.
    """
    months = months_of(history)
    if asked.estate is None:
        listed = _recorded(history, site, months, asked, progress)
    else:
        listed = _stated(history, site, months, asked.estate, asked, progress)
    return [replace(one, forecast=forecast_monthly(one.months, asked.horizon, one.ceiling,
                                                   figure=FIGURES[asked.figure])) for one in listed]


def _recorded(history: History, site: Calendar, months: Sequence[MonthOf], asked: ForecastQuestion,
              progress: Progress | None) -> Iterator[Entity]:
    extent = history.extent() or (0, 0)
    servers = monthly_servers(history, site, months=months, step_s=asked.step_s, progress=progress)
    for server, figures in servers.items():
        yield Entity(Kind.SERVER, server, server, history.lpars_on(server, *extent), months=tuple(figures))
    if asked.by_lpar and (sets := {name: [name] for name in history.names()}):
        alone = monthly_sets(history, site, sets, months=months, step_s=asked.step_s, progress=progress)
        for name, figures in alone.items():
            yield Entity(Kind.LPAR, name, "", (name,), months=tuple(figures))


def _stated(history: History, site: Calendar, months: Sequence[MonthOf], estate: Estate, asked: ForecastQuestion,
            progress: Progress | None) -> Iterator[Entity]:
    """Months as the capacity report counts them: holes filled, and how much is known by entitlement."""
    listed = list(_entities(estate, set(history.names()), asked))
    counted = {name for one in listed for name in one.lpars}
    partitions: tuple[Lpar | Vios, ...] = (*estate.lpars, *estate.vioses)
    rows = [row for row in partitions if row.name in counted]
    first_seen = history.first_seen()
    past: list[list[Monthly]] = [[] for _ in listed]
    for number, month in enumerate(months, 1):
        series = month_series(history, rows, site, month, percentile=P95, first_seen=first_seen, step_s=asked.step_s)
        for one, figures in zip(listed, past, strict=True):
            figures.append(series.monthly(one.lpars, alone=one.kind is Kind.LPAR) if series else
                           unknown(history.clock(), site, month, asked.step_s))
        if progress:
            progress(number, len(months))
    for one, figures in zip(listed, past, strict=True):
        yield replace(one, months=tuple(figures))


def _entities(estate: Estate, known: set[str], asked: ForecastQuestion) -> Iterator[Entity]:
    policies = Site(estate).policies
    for server in estate.servers:
        percent = policies.cpu_ceiling.get(server.name, asked.ceiling_percent)
        reserve = 10 * policies.reserve_units.get(server.name, 0)
        clients = [p for p in estate.lpars if p.active and p.server == server.name]
        vioses = [v for v in estate.vioses if v.server == server.name]
        yield _entity(Kind.SERVER, server.name, server.name, [*clients, *vioses], known,
                      server.configurable_units * percent // 10 - reserve)
        for pool in estate.pools:
            if pool.server == server.name:
                yield from _pool(server, pool, clients, known, percent)
    for lpar in estate.lpars if asked.by_lpar else ():
        if lpar.active:
            most = 10 * lpar.entitlement_units if lpar.sharing == "capped" else 1000 * lpar.virtual_processors
            yield _entity(Kind.LPAR, lpar.name, lpar.server, [lpar], known, most)


def _pool(server: Server, pool: ProcessorPool, clients: Sequence[Lpar], known: set[str],
          percent: int) -> Iterator[Entity]:
    """Nothing where it would say what its server does."""
    members = [p for p in clients if p.processors == "shared" and (p.pool_id or 0) == pool.pool_id]
    limit = server.configurable_units if pool.max_units is None else pool.max_units
    if members != clients or limit < server.configurable_units:
        yield _entity(Kind.POOL, pool.name or f"pool {pool.pool_id}", server.name, members, known,
                      limit * percent // 10)


def _entity(kind: Kind, name: str, server: str, partitions: Sequence[Lpar | Vios], known: set[str],
            ceiling: int) -> Entity:
    entitled = {p.name: 10 * p.entitlement_units for p in sorted(partitions, key=lambda p: p.name)}
    unknown = tuple(n for n in entitled if n not in known)
    assumed = sum(entitled[n] for n in unknown)
    return Entity(kind, name, server, tuple(n for n in entitled if n in known), unknown, assumed,
                  max(0, ceiling - assumed))
