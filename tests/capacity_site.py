"""A small site with eight months of hourly usage, and its figures by plain Python: the capacity workbook's oracle.

Everything here is invented. ``raw[name][end]`` is (thousandths of a core, MiB used or None) of the hour that ends then.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo

from estates import estate, lpar, policy, pool, server

from planner.estate.model import Estate
from planner.history.calendar import Calendar, DayKind
from planner.history.store import Columns, History

ZONE = "Australia/Melbourne"
SITE = Calendar(country="AU", subdivision="VIC")
MONTH = (2026, 11)
MONTHS = tuple((2026, n) for n in range(4, 12))
LAST = datetime(2026, 12, 2, 15)
_LOCAL = ZoneInfo(ZONE)

#: name → thousandths of a core on a normal working day's busiest hour, at month-end, hour of the peak
LEVELS = {"led1": (2500, 5000, 10), "led2": (1500, 2600, 11), "web1": (900, 950, 14), "batch1": (700, 1900, 3),
          "dev1": (400, 380, 15), "dev2": (60, 50, 15), "cap1": (990, 998, 12), "ded1": (1100, 1500, 9),
          "new1": (800, 1200, 10), "B-v1": (120, 200, 10)}
NO_MEMORY = ("web1",)


@cache
def site() -> Estate:
    """Two servers; a pool with a maximum; stated ceilings and a reserve; every kind of LPAR that is sized otherwise."""
    rows = [lpar("led1", "A", 2, 32, environment="production", virtual_processors=8, max_virtual_processors=8),
            lpar("led2", "A", 2, 24, environment="production", virtual_processors=4, pool_id=1),
            lpar("web1", "A", 1, 8, environment="production", virtual_processors=2, pool_id=1),
            lpar("dev1", "A", 1, 16), lpar("dev2", "A", 1, 8, virtual_processors=2),
            lpar("off1", "A", 2, 8, state="not activated"),
            lpar("batch1", "B", 1, 16, environment="production", virtual_processors=2),
            lpar("cap1", "B", 1, 4, sharing="capped", virtual_processors=2),
            lpar("ded1", "B", 3, 16, processors="dedicated", sharing="keep_idle_procs", virtual_processors=3),
            lpar("new1", "B", 0.5, 8, virtual_processors=2), lpar("mute1", "B", 0.75, 8)]
    return estate([server("A", 9, 128), server("B", 10, 96)], rows,
                  [policy("cpu-ceiling", "B", "80"), policy("reserve-cores", "B", "0.5"),
                   policy("memory-ceiling", "A", "92")],
                  pools=(pool("A", 1, 6, 0.5, name="Ledger"),))


def stamp(local: datetime) -> int:
    return round(local.replace(tzinfo=_LOCAL).timestamp())


@cache
def local(instant: int) -> datetime:
    return datetime.fromtimestamp(instant, _LOCAL).replace(tzinfo=None)


def _hours() -> Iterator[int]:
    yield from range(stamp(datetime(*MONTHS[0], 1)), stamp(LAST), 3600)


def _draw(name: str, hour: int) -> int:
    """0 to 99, the same every time."""
    state = sum(ord(c) * 31 ** n for n, c in enumerate(name)) + hour // 3600 * 2654435761
    return ((state * 6364136223846793005 + 1442695040888963407) >> 33) % 100


def _used(name: str, start: int) -> int:
    normal, end, busiest = LEVELS[name]
    at = local(start)
    kind = SITE.kind(at.date())
    level = {DayKind.MONTH_END: end, DayKind.WORKING: normal, DayKind.WEEKEND: normal // 5}[kind]
    shape = max(15, 100 - 12 * abs(at.hour - busiest))
    grown = 1000 + 12 * (at.month - 4) if name in ("led1", "batch1") else 1000
    value = level * shape * grown * (100 - _draw(name, start) // 8) // 10_000_000
    return min(value, 1000) if name == "cap1" else value


@cache
def raw() -> dict[str, dict[int, tuple[int, int | None]]]:
    found: dict[str, dict[int, tuple[int, int | None]]] = {}
    sizes = {p.name: p.memory_mib for p in site().lpars} | {"B-v1": 2048}
    for name in LEVELS:
        rows = {}
        for start in _hours():
            at = local(start)
            if name == "new1" and at < datetime(2026, 9, 14):
                continue
            if name == "dev1" and datetime(2026, 11, 9, 8) <= at < datetime(2026, 11, 11, 20):
                continue
            if name == "batch1" and datetime(2026, 6, 1) <= at < datetime(2026, 7, 3):
                continue
            memory = None if name in NO_MEMORY else sizes[name] * (40 + _draw(name + "m", start) // 5) // 100
            rows[start + 3600] = (_used(name, start), memory)
        found[name] = rows
    return found


def columns(months: Iterable[tuple[int, int]] = MONTHS) -> Columns:
    """The hours that end in these months (December's with November's) as the store takes them."""
    wanted = set(months)
    where = {p.name: p.server for p in site().lpars} | {"B-v1": "B"}
    rows = [(name, end, *figures) for name, series in sorted(raw().items()) for end, figures in sorted(series.items())
            if (2026, min(local(end - 1).month, 11)) in wanted]
    return Columns("sample", [("lpar", name, where[name]) for name, *_ in rows], {
        "t": [r[1] for r in rows], "span": [3600] * len(rows), "physc": [r[2] for r in rows],
        "ent": [-1] * len(rows), "mem_used": [-1 if r[3] is None else r[3] for r in rows],
        "mem_total": [-1] * len(rows)})


def fill(history: History) -> History:
    history.add_columns(columns(), "hours", "hours", ZONE)
    return history


# --- the oracle -----------------------------------------------------------------------------------------------------


def rank(values: list[int], percent: int = 95) -> int:
    """The nearest-rank percentile of values that stand for twelve slots of five minutes each."""
    return sorted(values)[(-(-percent * 12 * len(values) // 100) - 1) // 12]


def end_days(month: tuple[int, int]) -> list[date]:
    """The last three working days of a month and the first two of the next, by counting."""
    day = date(*month, 28)
    while (day + timedelta(days=1)).month == month[1]:
        day += timedelta(days=1)
    last: list[date] = []
    back = day
    while len(last) < 3:
        if SITE.is_working(back):
            last.insert(0, back)
        back -= timedelta(days=1)
    first: list[date] = []
    while len(first) < 2:
        day += timedelta(days=1)
        if SITE.is_working(day):
            first.append(day)
    return last + first


@dataclass(frozen=True)
class Figures:
    mean: int
    high: int
    peak: int
    month_end: int
    month_end_at: datetime
    memory: int


class Oracle:
    """One month of the site, hour by hour."""

    def __init__(self, month: tuple[int, int]) -> None:
        self.month, self.end = month, end_days(month)
        first, last = stamp(datetime(*month, 1)), stamp(datetime.combine(self.end[-1] + timedelta(days=1), datetime.min.time()))
        self.starts = [s for s in _hours() if first <= s < last]
        self._known = {n: {s: rows[s + 3600] for s in self.starts if s + 3600 in rows} for n, rows in raw().items()}
        self.estate = site()
        self.stated = {p.name: (p.entitlement_units * 10, p.memory_mib) for p in self.estate.lpars} | {
            v.name: (v.entitlement_units * 10, v.memory_mib) for v in self.estate.vioses}
        self.names: dict[str, dict[int, tuple[int, int]]] = {n: self._filled(n) for n in self.stated}

    def known(self, name: str) -> dict[int, tuple[int, int | None]]:
        return self._known.get(name, {})

    def _filled(self, name: str) -> dict[int, tuple[int, int]]:
        entitled, memory = self.stated[name]
        rows, known = raw().get(name, {}), self.known(name)
        if rows and min(rows) - 3600 > self.starts[-1]:
            return dict.fromkeys(self.starts, (0, 0))
        buckets: dict[Any, list[tuple[int, int | None]]] = {}
        for s, figures in known.items():
            buckets.setdefault((SITE.kind(local(s).date()), local(s).hour), []).append(figures)
        found = {}
        for s in self.starts:
            if s in known:
                found[s] = (known[s][0], memory if known[s][1] is None else known[s][1])
                continue
            at = local(s)
            same = buckets.get((SITE.kind(at.date()), at.hour))
            others = [rank([v[0] for v in rows]) for (_, hour), rows in buckets.items() if hour == at.hour]
            used = [v[1] for v in same or () if v[1] is not None]
            found[s] = (rank([v[0] for v in same]) if same else max([entitled, *others]),
                        rank(used) if used else memory)
        return found

    def in_month(self, start: int) -> bool:
        return local(start).month == self.month[1]

    def in_end(self, start: int) -> bool:
        return local(start).date() in self.end

    def known_percent(self, names: Iterable[str]) -> int:
        """How much of the month-end is recorded of those that are at all, by entitlement."""
        rows = {n: {s for s in self.known(n) if self.in_end(s)} for n in names if n in raw()}
        slots = set().union(*rows.values())
        whole = sum(self.stated[n][0] for n in rows) * len(slots)
        return 100 * sum(self.stated[n][0] * len(there) for n, there in rows.items()) // whole

    def total(self, names: Iterable[str]) -> dict[int, tuple[int, int]]:
        members = list(names)
        return {s: (sum(self.names[n][s][0] for n in members), sum(self.names[n][s][1] for n in members))
                for s in self.starts}

    def figures(self, series: dict[int, tuple[int, Any]]) -> Figures:
        here = [v for s, (v, _) in series.items() if self.in_month(s)]
        there = {s: v for s, (v, _) in series.items() if self.in_end(s)}
        top = max(there.values())
        memory = [m for s, (_, m) in series.items() if self.in_month(s) and m is not None]
        return Figures(math.floor(sum(here) / len(here) + 0.5), rank(here), max(here), top,
                       local(min(s for s, v in there.items() if v == top)), max(memory, default=0))

    def by_hour(self, series: dict[int, tuple[int, int]], kind: DayKind) -> list[int]:
        found = []
        for hour in range(24):
            found.append(rank([v for s, (v, _) in series.items() if local(s).hour == hour and (
                self.in_end(s) if kind is DayKind.MONTH_END else
                self.in_month(s) and SITE.kind(local(s).date()) is kind)]))
        return found


@cache
def oracle(month: tuple[int, int] = MONTH) -> Oracle:
    return Oracle(month)


def members(name: str) -> list[str]:
    """What counts on a server, or in the pool."""
    if name == "A / Ledger":
        return ["led2", "web1"]
    if name in ("A / pool 0", "B / pool 0"):
        return [p.name for p in site().lpars if p.server == name[0] and p.active and p.processors == "shared"
                and not p.pool_id]
    return ([p.name for p in site().lpars if p.server == name and p.active]
            + [v.name for v in site().vioses if v.server == name])


def moved(of: Estate, name: str, to: str) -> Estate:
    return of.replace(lpars=tuple(replace(p, server=to) if p.name == name else p for p in of.lpars))
