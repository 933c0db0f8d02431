"""Usage of the landscape sample over months, generated: for tests, benchmarks and demonstrations.

    python data/build_usage.py OUT_DIR [--months 4] [--last 2026-11] [--step 300] [--format nmon|csv] [--seed 0]

All of it is INVENTED; nothing was measured. Every figure is known in closed form. What an LPAR uses in a slot is

    level × growth × curve × (1 − noise)

``level``    thousandths of a core, never above what the LPAR can use: its virtual processors where it is uncapped, its
             entitlement where it is capped. Levels are scaled so that the month-end sum at 10:00 is ``TARGETS`` of each
             server's configurable cores: 93 % of the 595-2, about half of the others.
``growth``   1 in the last month; each month before it ``GROWTH`` per mille of that less, and a little more or less by
             the month of the year (``SEASON``), so that no trend is perfect. The first working days of a month belong
             to the month-end before them, and have that month's growth.
``curve``    percent by kind of day and hour (``CURVES``). Production: at month-end ``FACTOR`` times a working day, with
             online work (peak 10:00) or batch work (peak 03:00). Others are busy by day, at the same hour as
             production, or in the evening. Weekends and holidays are low.
``noise``    up to ``NOISE`` per mille, downwards only, and none at 03:00 and at 10:00 of month-end days. So an LPAR's
             peak, and the sum of a server at those hours, are exact: :meth:`Usage.peak`, :meth:`Usage.sum_at`.

Memory used is 60 % of the LPAR's memory and up to 15 % more, as the curve goes. LPARs that are not activated have no
usage. The site is in Melbourne: its calendar is ``SITE``, with the last three and the first two working days.
"""

from __future__ import annotations

import argparse
import hashlib
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np

from planner.estate.model import Estate, Lpar
from planner.formats.samples import Kind
from planner.history.calendar import BUCKETS, Bucket, Calendar, DayKind
from planner.history.clock import Clock
from planner.history.profiles import month_range
from planner.history.store import Columns, History

ZONE = "Australia/Melbourne"
SITE = Calendar(country="AU", subdivision="VIC")
LAST_MONTH = (2026, 11)
FACTOR = 2
GROWTH = 8
#: Per mille by month of the year, January first; no two differ by more than ``GROWTH``.
SEASON = (-3, -6, 0, -4, -2, 0, -5, -3, 0, -4, 0, 0)
NOISE = 80
MOST_MONTHS = 100
TARGETS = {"SN8379A80_p595-2": 930}
USUAL_TARGET = 500
EXACT_HOURS = (3, 10)
WEEKEND = 20

#: Percent of the level by hour, on the LPAR's busiest kind of day.
CURVES: dict[str, tuple[int, ...]] = {
    "online": (15, 15, 45, 45, 45, 15, 15, 30, 60, 92, 100, 96, 85, 90, 95, 90, 88, 60, 30, 20, 15, 15, 15, 15),
    "batch": (20, 60, 95, 100, 95, 60, 25, 25, 30, 45, 45, 45, 40, 45, 45, 45, 40, 30, 20, 20, 20, 20, 20, 20),
    "day": (10, 10, 10, 10, 10, 10, 10, 20, 60, 95, 100, 95, 70, 90, 95, 95, 80, 40, 20, 10, 10, 10, 10, 10),
    "evening": (15, 10, 10, 10, 10, 10, 10, 10, 20, 25, 25, 25, 20, 25, 25, 25, 25, 30, 70, 95, 100, 95, 70, 30),
}
PEAK_HOUR = {role: curve.index(100) for role, curve in CURVES.items()}
#: Share of the level by kind of day: numerator and denominator.
_DAYS = {
    "production": {DayKind.MONTH_END: (1, 1), DayKind.WORKING: (1, FACTOR), DayKind.WEEKEND: (WEEKEND, 100)},
    "other": {DayKind.MONTH_END: (1, 1), DayKind.WORKING: (1, 1), DayKind.WEEKEND: (WEEKEND, 100)},
}
_WEIGHT = {"production": 1000, "other": 700}
_NMON_MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")

#: What the columns of the CSV files mean, for ``planner history add --mapping``.
MAPPING = """\
[[table]]
kind = "usage"
file = "*.csv"
columns = { "time" = "time", "server" = "server", "lpar" = "name", "cores used" = "physc", "entitled" = "entitlement", \
"memory used" = "memory_used", "memory" = "memory_total", "seconds" = "span" }
units = { "memory used" = "MB", "memory" = "MB", "seconds" = "count" }
"""


@dataclass(frozen=True, slots=True)
class Load:
    """One LPAR: ``level`` is its peak in the last month (thousandths), ``limit`` what it can use at most."""

    lpar: Lpar
    serial: str
    role: str
    level: int
    limit: int

    @property
    def kind(self) -> str:
        """``production`` or ``other``."""
        return _kind(self.lpar)

    def percent(self, bucket: Bucket) -> tuple[int, int]:
        """The curve in a bucket, as numerator and denominator."""
        up, down = _DAYS[self.kind][bucket.kind]
        return CURVES[self.role][bucket.hour] * up, 100 * down


@dataclass(frozen=True, slots=True)
class Month:
    """One month's slots: ends (UTC), the number of each one's bucket, the growth (per mille) that holds in it."""

    month: tuple[int, int]
    ends: Any
    buckets: Any
    growth: Any


@dataclass(frozen=True)
class Usage:
    """The landscape's usage; made by :func:`landscape_usage`."""

    loads: tuple[Load, ...]
    months: tuple[tuple[int, int], ...]
    step_s: int
    seed: int

    def load(self, lpar: str) -> Load:
        """The load of an LPAR by name; raises KeyError for one without."""
        return {load.lpar.name: load for load in self.loads}[lpar]

    def growth(self, month: tuple[int, int]) -> int:
        """Per mille of the last month's level."""
        last = self.months[-1]
        return 1000 - GROWTH * (_number(last) - _number(month)) + SEASON[month[1] - 1] - SEASON[last[1] - 1]

    def peak(self, lpar: str, month: tuple[int, int] | None = None) -> int:
        """The most that an LPAR uses at a month-end (the last one), in thousandths: exact."""
        return self.load(lpar).level * self.growth(month or self.months[-1]) // 1000

    def sum_at(self, server: str, hour: int, month: tuple[int, int] | None = None) -> int:
        """What a server's LPARs use together on the last days of a month at 03:00 or 10:00: exact in every slot."""
        if hour not in EXACT_HOURS:
            raise ValueError(f"exact at {EXACT_HOURS} alone")
        growth = self.growth(month or self.months[-1])
        return sum(_exact(load, growth, Bucket(DayKind.MONTH_END, hour)) for load in self.loads
                   if load.lpar.server == server)

    def slots(self, month: tuple[int, int]) -> Month:
        """The slots of one month."""
        clock = Clock(ZONE)
        first, last = month_range(clock, *month)
        hours = [clock.local(at) for at in range(first, last, 3600)]
        numbers = [BUCKETS.index(Bucket(SITE.kind(local.date()), local.hour)) for local in hours]
        growth = [self.growth(_month_end_of(local.date())) for local in hours]
        each = 3600 // self.step_s
        return Month(month, np.arange(first + self.step_s, last + 1, self.step_s, dtype=np.int64),
                     np.repeat(np.array(numbers, dtype=np.int64), each), np.repeat(np.array(growth, dtype=np.int64),
                                                                                   each))

    def physc(self, load: Load, slots: Month) -> Any:
        """Thousandths of a core in each slot."""
        curve = np.array([load.percent(bucket) for bucket in BUCKETS], dtype=np.int64)[slots.buckets]
        level = load.level * slots.growth // 1000
        return level * curve[:, 0] * (1000 - _noise(self.seed, load.lpar.name, slots)) // (curve[:, 1] * 1000)

    def memory(self, load: Load, slots: Month) -> tuple[Any, Any]:
        """Per mille of the memory, and MiB, in each slot."""
        curve = np.array([load.percent(bucket) for bucket in BUCKETS], dtype=np.int64)[slots.buckets]
        share = 600 + 150 * curve[:, 0] // curve[:, 1]
        return share, (share * load.lpar.memory_mib + 500) // 1000

    def into(self, history: History) -> int:
        """Put everything into a store, a month at a time; the samples that were new."""
        added = 0
        for month in self.months:
            name = f"generated {_shown(month)}"
            said = repr((name, self.step_s, self.seed, self.months, [(x.lpar, x.role, x.level) for x in self.loads]))
            added += history.add_columns(self.columns(month), name, hashlib.sha256(said.encode()).hexdigest(),
                                         ZONE).added
        return added

    def columns(self, month: tuple[int, int]) -> Columns:
        """One month of all LPARs as the store takes it."""
        slots = self.slots(month)
        count = len(slots.ends)
        entities = [(Kind.LPAR.value, load.lpar.name, load.lpar.server) for load in self.loads for _ in range(count)]
        return Columns("sample", entities, {
            "t": np.tile(slots.ends, len(self.loads)), "span": np.full(len(entities), self.step_s),
            "physc": np.concatenate([self.physc(load, slots) for load in self.loads]),
            "ent": np.repeat([load.lpar.entitlement_units for load in self.loads], count),
            "mem_used": np.concatenate([self.memory(load, slots)[1] for load in self.loads]),
            "mem_total": np.repeat([load.lpar.memory_mib for load in self.loads], count)})

    def csv(self, load: Load, month: tuple[int, int]) -> str:
        """A table of one LPAR and month, in local time without a zone (see ``MAPPING``)."""
        slots = self.slots(month)
        p, used = load.lpar, self.memory(load, slots)[1]
        rows = ["time,server,lpar,cores used,entitled,memory used,memory,seconds"]
        rows += [f"{at:%Y-%m-%d %H:%M:%S},{p.server},{p.name},{_cores(physc, 3)},{_cores(p.entitlement_units, 2)},"
                 f"{mib},{p.memory_mib},{self.step_s}"
                 for at, physc, mib in zip(_local(slots.ends), self.physc(load, slots).tolist(), used.tolist(),
                                           strict=True)]
        return "\n".join(rows) + "\n"

    def nmon(self, load: Load, month: tuple[int, int]) -> str:
        """A recording of one LPAR and month as nmon of AIX writes it, with the sections that the history reads."""
        slots = self.slots(month)
        share = self.memory(load, slots)[0]
        lines = _nmon_head(load, self.step_s, len(slots.ends))
        for number, (at, physc, mille) in enumerate(zip(
                _local(slots.ends), self.physc(load, slots).tolist(), share.tolist(), strict=True), 1):
            lines += _nmon_snapshot(load, number, at, physc, mille)
        return "\n".join(lines) + "\n"

    def files(self, form: str) -> Iterator[tuple[str, str]]:
        """Every file of a format, ``nmon`` or ``csv``, with its name."""
        for month in self.months:
            for load in self.loads:
                text = self.nmon(load, month) if form == "nmon" else self.csv(load, month)
                yield f"{load.lpar.name}_{_shown(month)}.{form}", text


def landscape_usage(estate: Estate, *, months: int = 4, step_s: int = 300, seed: int = 0,
                    last: tuple[int, int] = LAST_MONTH) -> Usage:
    """The usage of an estate's activated LPARs over ``months`` months up to ``last``, every ``step_s`` seconds.

    ``step_s`` divides an hour. Raises ValueError.
    """
    if not 1 <= months <= MOST_MONTHS or step_s < 1 or 3600 % step_s:
        raise ValueError(f"1 to {MOST_MONTHS} months, and a step that divides 3600")
    names = range(_number(last) - months + 1, _number(last) + 1)
    servers = {server.name: server for server in estate.servers}
    loads: list[Load] = []
    for server in estate.servers:
        there = [p for p in estate.lpars if p.server == server.name and p.active]
        target = TARGETS.get(server.name, USUAL_TARGET)
        loads += _loads(there, servers[server.name].serial, target * server.configurable_units // 100)
    return Usage(tuple(sorted(loads, key=lambda load: load.lpar.name)), tuple((n // 12, n % 12 + 1) for n in names),
                 step_s, seed)


def _loads(lpars: Sequence[Lpar], serial: str, target: int) -> Iterator[Load]:
    """Levels in proportion to what each LPAR can use, such that they sum up to the target (thousandths) at 10:00."""
    roles = _roles(lpars)
    weights = {p.name: _limit(p) * _WEIGHT[_kind(p)] // 1000 for p in lpars}
    together = sum(weights[p.name] * CURVES[roles[p.name]][10] for p in lpars)
    for p in lpars:
        yield Load(p, serial, roles[p.name], min(_limit(p), weights[p.name] * target * 100 // together), _limit(p))


def _roles(lpars: Sequence[Lpar]) -> dict[str, str]:
    """Business warehouses load by night; of those that are not production every other one is busy in the evening."""
    others = [p.name for p in lpars if _kind(p) == "other"]
    return {p.name: ("day", "evening")[others.index(p.name) % 2] if p.name in others
            else "batch" if any(" BI " in product for product in p.software) else "online" for p in lpars}


def _kind(p: Lpar) -> str:
    return "production" if p.environment == "production" else "other"


def _limit(p: Lpar) -> int:
    """Thousandths of a core: a capped LPAR never gets more than its entitlement."""
    return 10 * p.entitlement_units if p.sharing == "capped" else 1000 * p.virtual_processors


def _exact(load: Load, growth: int, bucket: Bucket) -> int:
    up, down = load.percent(bucket)
    return load.level * growth // 1000 * up // down


def _number(month: tuple[int, int]) -> int:
    return month[0] * 12 + month[1] - 1


def _shown(month: tuple[int, int]) -> str:
    return f"{month[0]}-{month[1]:02d}"


def _month_end_of(day: date) -> tuple[int, int]:
    """The month whose growth holds on a day: its own, but the one before up to the end of that one's month-end."""
    first = SITE.working_days(day.year, day.month)[:SITE.first]
    back = day.replace(day=1) - timedelta(days=1) if day <= first[-1] else day
    return back.year, back.month


def _noise(seed: int, name: str, slots: Month) -> Any:
    """Per mille, from a hash (splitmix64) of seed, name and instant; none in the exact hours of month-end days."""
    exact = [BUCKETS.index(Bucket(DayKind.MONTH_END, hour)) for hour in EXACT_HOURS]
    with np.errstate(over="ignore"):
        z = slots.ends.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15) + np.uint64(
            zlib.crc32(f"{seed}/{name}".encode()))
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    drawn = ((z ^ (z >> np.uint64(31))) % np.uint64(NOISE + 1)).astype(np.int64)
    return np.where(np.isin(slots.buckets, exact), 0, drawn)


def _local(ends: Any) -> list[datetime]:
    clock = Clock(ZONE)
    return [clock.local(end) for end in ends.tolist()]


def _cores(value: int, digits: int) -> str:
    return f"{value // 10 ** digits}.{value % 10 ** digits:0{digits}d}"


def _nmon_head(load: Load, step_s: int, count: int) -> list[str]:
    p = load.lpar
    return ["AAA,progname,topas_nmon", f"AAA,host,{p.name}", f"AAA,interval,{step_s}", f"AAA,snapshots,{count}",
            f"AAA,SerialNumber,02{load.serial}", f"AAA,LPARNumberName,{p.lpar_id},{p.name}",
            f"BBBL,14,Entitled Capacity,{_cores(p.entitlement_units, 2)}",
            "MEM,Memory,Real Free %,Virtual free %,Real free(MB),Virtual free(MB),Real total(MB),Virtual total(MB)",
            "MEMNEW,Memory New,Process%,FScache%,System%,Free%,Pinned%,User%",
            "LPAR,Logical Partition,PhysicalCPU,virtualCPUs,entitled"]


def _nmon_snapshot(load: Load, number: int, at: datetime, physc: int, mille: int) -> list[str]:
    p, tag = load.lpar, f"T{number:04d}"
    free = p.memory_mib * (1000 - mille) // 2000
    return [f"ZZZZ,{tag},{at:%H:%M:%S},{at.day:02d}-{_NMON_MONTHS[at.month - 1]}-{at.year}",
            f"MEM,{tag},{free * 100 / p.memory_mib:.1f},99.0,{free}.0,4000.0,{p.memory_mib}.0,4096.0",
            f"MEMNEW,{tag},{(mille - 100) / 10:.1f},20.0,10.0,{free * 100 / p.memory_mib:.1f},10.0,60.0",
            f"LPAR,{tag},{_cores(physc, 3)},{p.virtual_processors},{_cores(p.entitlement_units, 2)}"]


def _arguments() -> Mapping[str, Any]:
    parser = argparse.ArgumentParser(description="Write recordings of the landscape sample's generated usage.")
    parser.add_argument("out", type=Path)
    parser.add_argument("--months", type=int, default=4)
    parser.add_argument("--last", default=_shown(LAST_MONTH), help="the last month, YYYY-MM")
    parser.add_argument("--step", type=int, default=300, help="seconds; divides 3600")
    parser.add_argument("--format", choices=("nmon", "csv"), default="nmon")
    parser.add_argument("--seed", type=int, default=0)
    return vars(parser.parse_args())


def main() -> None:
    """Write the files; csv comes with its mapping beside the directory, as ``OUT_DIR.toml``."""
    import build_samples

    given = _arguments()
    year, month = (int(part) for part in given["last"].split("-"))
    usage = landscape_usage(build_samples.landscape(), months=given["months"], step_s=given["step"],
                            seed=given["seed"], last=(year, month))
    out: Path = given["out"]
    out.mkdir(parents=True, exist_ok=True)
    for name, text in usage.files(given["format"]):
        (out / name).write_text(text, encoding="utf-8")
    if given["format"] == "csv":
        out.with_name(out.name + ".toml").write_text(MAPPING, encoding="utf-8")


if __name__ == "__main__":
    main()
