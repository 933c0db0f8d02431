"""Forecasts on the terminal and as JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Group, RenderableType
from rich.padding import Padding

from planner.formats.samples import Kind
from planner.history.calendar import Calendar
from planner.history.forecast import COVERAGE_PERCENT, Backtest, Errors, Forecast, of_some_words, pooled, show_month
from planner.history.monthly import MonthOf, month_at, number_of
from planner.jobs.forecasts import FIGURES, Entity
from planner.report.history_views import calendar_words, show_thousandths
from planner.report.seen import Text
from planner.report.tables import Fitting, without_empty
from planner.report.text import listed
from planner.units import many

_SHOWN = 3
_LEFT = ("of", "on", "method", "reaches it")
_WHOLE = ("of", "on", "last")
_FIGURE = {"month-end": "month-end peak", "peak": "month's peak", "p95": "month's 95th percentile",
           "mean": "month's mean"}


def forecasts_line(entities: Sequence[Entity], figure: str) -> str:
    """Who reaches its ceiling first; without ceilings what the fullest will use next."""
    known = [(one, one.forecast) for one in entities if one.forecast]
    due = [(f.ceiling_month, one.name) for one, f in known if f.ceiling_month]
    if due:
        month, name = min(due)
        more = f" ({len(due)} reach theirs)" if len(due) > 1 else ""
        return f"{name} reaches its ceiling first: {show_month(month)}{more}"
    one, f = max(known, key=lambda x: x[1].points[0])
    beside = "no ceiling is reached; " if any(x.ceiling is not None for x, _ in known) else ""
    return (f"{beside}{_FIGURE[figure]} of {show_month(f.months[0])}: {one.name} the most, "
            f"{_point(f, f.months[0])} cores")


def forecasts_view(entities: Sequence[Entity], figure: str, site: Calendar, percent: int | None, *,
                   whole: bool = False) -> RenderableType:
    """One line an entity: the last month, those ahead with their interval (the first of them, unless ``whole``), the
    method, the ceiling."""
    every = sorted({month for one in entities if one.forecast for month in one.forecast.months})
    first = max((one.forecast.months[0] for one in entities if one.forecast), default=None)
    ahead = every if whole else [] if first is None else [month_at(number_of(first) + n) for n in range(_SHOWN)]
    rows = [_row(one, figure, ahead) for one in entities]
    title = f"Forecast of the {_FIGURE[figure]} (cores)"
    table = Fitting(without_empty(title, rows, _LEFT, (*_WHOLE, *map(show_month, ahead))),
                    Group(Text(title, "italic"), *(_lines(row, ahead) for row in rows)))
    low = f" Ceilings: {percent} % of a server or pool, all that an LPAR can use." if percent is not None else ""
    gone = "" if percent is not None or not any(_of_some(one, figure) for one in entities) else (
        " An LPAR that is not recorded any more counts as missing: with --estate those count that are in it.")
    tested = pooled(one.forecast for one in entities if one.forecast)
    return Group(table, *_notes(entities, figure, whole=whole), Text(f"\n{_words(tested)}"),
                 Text(f"In brackets: where {COVERAGE_PERCENT} % of such forecasts fall. {calendar_words(site)}."
                      f"{low}{gone}", "dim"))


def _row(one: Entity, figure: str, ahead: Sequence[MonthOf]) -> dict[str, str]:
    forecast = one.forecast
    row = {"of": one.name, "on": "" if one.kind is Kind.SERVER else one.server, "months": "0", "last": "-"}
    if forecast is not None:
        last = next(m for m in reversed(one.months) if m.counts(FIGURES[figure]))
        row |= {"months": str(forecast.months_used), "last": show_thousandths(getattr(last, FIGURES[figure]))}
    row |= {show_month(month): _point(forecast, month) for month in ahead}
    row["method"] = "no month is known" if forecast is None else forecast.method.value
    row["ceiling"] = "" if one.ceiling is None else show_thousandths(one.ceiling)
    row["reaches it"] = "" if forecast is None or one.ceiling is None else forecast.ceiling_words()
    return row


def _lines(row: Mapping[str, str], ahead: Sequence[MonthOf]) -> RenderableType:
    """A row for narrow terminals: who, and below it what."""
    who = " on ".join(filter(None, (row["of"], row["on"])))
    reached = f"; ceiling {row['ceiling']}: {row['reaches it']}" if row["ceiling"] else ""
    known = f"last {row['last']} ({many(int(row['months']), 'month')}, {row['method']}){reached}"
    months = (f"{show_month(month)}  {said}" for month in ahead if (said := row[show_month(month)]))
    return Group(Text(f" {who}", "bold"), *(Padding(Text(line), (0, 0, 0, 4)) for line in (known, *months)))


def _point(forecast: Forecast | None, month: MonthOf) -> str:
    if forecast is None or month not in forecast.months:
        return ""
    number = forecast.months.index(month)
    if forecast.low is None or forecast.high is None:
        return show_thousandths(forecast.points[number])
    return (f"{show_thousandths(forecast.points[number])} ({show_thousandths(forecast.low[number])}–"
            f"{show_thousandths(forecast.high[number])})")


def _of_some(one: Entity, figure: str) -> list[str]:
    return of_some_words((m.month, m.lacking) for m in one.months if m.of_some(FIGURES[figure]))


def _notes(entities: Sequence[Entity], figure: str, *, whole: bool) -> list[RenderableType]:
    """What must be known to read them, each sentence once with those that it is true of, with ``whole`` all of
    them."""
    said: dict[str, list[str]] = {}
    for one in entities:
        name = f"{one.server} {one.name}" if one.kind is Kind.POOL else one.name
        for note in one.forecast.notes if one.forecast else _of_some(one, figure):
            said.setdefault(note, []).append(name)
        if one.unknown and one.kind is not Kind.LPAR:
            said.setdefault(f"no recordings of {listed(one.unknown)}: what they are entitled to, "
                            f"{show_thousandths(one.assumed)} cores, is taken off the ceiling", []).append(name)
    return [Text(f"{', '.join(names) if whole else listed(names)}: {note}", "yellow") for note, names in said.items()]


def _words(tested: Backtest) -> str:
    if not tested.naive.tests:
        return "Back-test: too few months."
    return (f"Back-test, {tested.naive.tests:,} forecasts one to three months ahead: as last month missed by "
            f"{_missed(tested.naive)}, a trend by {_missed(tested.trend)}"
            + (f", the month of a year ago by {_missed(tested.yearly)}" if tested.yearly.tests else "")
            + f", the methods used by {_missed(tested.used)}.")


def _missed(errors: Errors) -> str:
    share = "" if errors.mape is None else f" ({errors.mape:.1f} %)"
    return f"{(errors.mae or 0) / 1000:.3f} cores{share}"


def forecasts_json(entities: Sequence[Entity], figure: str) -> dict[str, Any]:
    """For programs: thousandths of a core; null where nothing is known."""
    tested = pooled(one.forecast for one in entities if one.forecast)
    return {"figure": figure, "backtest": _backtest_json(tested), "entities": [{
        "kind": one.kind.value, "name": one.name, "server": one.server, "lpars": list(one.lpars),
        "without_history": list(one.unknown), "assumed": one.assumed, "ceiling": one.ceiling,
        "months": [{"month": show_month(m.month), "mean": m.mean, "p95": m.p95, "peak": m.peak,
                    "month_end_peak": m.month_end_peak, "slots": m.slots, "missing": m.missing, "partial": m.partial,
                    "month_end_slots": m.month_end_slots, "month_end_missing": m.month_end_missing,
                    "known_percent": m.known_percent, "month_end_known_percent": m.month_end_known_percent,
                    "lacking": list(m.lacking)}
                   for m in one.months],
        "forecast": None if one.forecast is None else _forecast_json(one.forecast)} for one in entities]}


def _forecast_json(forecast: Forecast) -> dict[str, Any]:
    return {"method": forecast.method.value, "slope": forecast.slope, "months_used": forecast.months_used,
            "months": [{"month": show_month(month), "point": forecast.points[n],
                        "low": None if forecast.low is None else forecast.low[n],
                        "high": None if forecast.high is None else forecast.high[n]}
                       for n, month in enumerate(forecast.months)],
            "coverage_percent": forecast.coverage_percent, "backtest": _backtest_json(forecast.backtest),
            "missing_months": [show_month(month) for month in forecast.missing],
            "ceiling_month": forecast.ceiling_month and show_month(forecast.ceiling_month),
            "ceiling_month_early": forecast.ceiling_month_early and show_month(forecast.ceiling_month_early),
            "notes": list(forecast.notes)}


def _backtest_json(tested: Backtest) -> dict[str, Any]:
    return {"forecasts": tested.naive.tests, "mae_naive": tested.naive.mae, "mae_trend": tested.trend.mae,
            "mae_yearly": tested.yearly.mae, "mae_used": tested.used.mae, "mape_naive": tested.naive.mape,
            "mape_trend": tested.trend.mape, "mape_yearly": tested.yearly.mape, "mape_used": tested.used.mape}
