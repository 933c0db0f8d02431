"""A history of 80 LPARs, 2 years, every 5 minutes (17 million samples): its size, and the time of what is asked of it.

    python benchmarks/history.py [LPARS] [MONTHS] [DIRECTORY]

Fails when the file is 2 GB or larger, a month's question takes 2 s or longer, or the month-end peak is not found.
Figures are noise on a daily curve with that peak, so that nothing compresses better than it would at a site.
"""

from __future__ import annotations

import resource
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np

from planner.estate.model import Lpar
from planner.formats.samples import Kind
from planner.history.calendar import Bucket, Calendar, DayKind
from planner.history.clock import Clock
from planner.history.forecast import forecast_monthly
from planner.history.monthly import monthly, monthly_sets
from planner.history.profiles import month_range, profiles, recorded
from planner.history.store import Columns, History

ZONE, STEP, FIRST_YEAR = "Australia/Melbourne", 300, 2025
MOST_BYTES, MOST_SECONDS = 2_000_000_000, 2.0


def month_columns(clock: Clock, lpars: int, number: int) -> Columns:
    """All LPARs' samples of one month."""
    draw = np.random.default_rng(number)
    start, end = month_range(clock, FIRST_YEAR + number // 12, number % 12 + 1)
    times = np.arange(start + STEP, end + 1, STEP, dtype=np.int64)
    hour = (times // 3600 + 10) % 24
    peak = np.where((times < start + 2 * 86400) | (times > end - 3 * 86400), 2.0, 1.0)
    daily = (300 + 600 * ((hour > 7) & (hour < 19))) * peak
    physc = [(daily * draw.gamma(4.0, 0.25, len(times)) * (1 + n % 5)).astype(np.int64) for n in range(lpars)]
    used = [(4096 + 64 * n + draw.normal(0, 200, len(times))).astype(np.int64) for n in range(lpars)]
    flat = {"t": np.tile(times, lpars), "physc": np.concatenate(physc), "mem_used": np.concatenate(used)}
    constant = {"span": STEP, "ent": 100, "mem_total": 16384}
    values = flat | {name: np.full(len(flat["t"]), value) for name, value in constant.items()}
    entities = [(Kind.LPAR.value, f"lpar{n:03d}", f"server{n % 4}") for n in range(lpars) for _ in range(len(times))]
    return Columns("sample", entities, {name: values[name] for name in
                                        ("t", "span", "physc", "ent", "mem_used", "mem_total")})


def timed(what: str, ask: Callable[[], Any], most: float | None = None) -> bool:
    """Print how long an answer takes; False if it is too long."""
    started = time.perf_counter()
    ask()
    took = time.perf_counter() - started
    print(f"{what:58} {took:7.2f} s{'' if most is None else f'   (limit {most:g} s)'}", flush=True)
    return most is None or took < most


def fill(path: Path, lpars: int, months: int) -> int:
    """Make the history; returns its samples."""
    added = 0
    with History.open(path) as history:
        clock = Clock(ZONE)
        for number in range(months):
            columns = month_columns(clock, lpars, number)
            added += history.add_columns(columns, f"month{number:02d}", f"{number:064x}", ZONE).added
    return added


def questions(path: Path, lpars: int, months: int) -> bool:
    """Ask what planning and reporting ask."""
    site = Calendar(country="AU", subdivision="VIC")
    clock = Clock(ZONE)
    listed = [Lpar(f"lpar{n:03d}", f"server{n % 4}", 100, 2, 16384, 32768) for n in range(lpars)]
    year, month = FIRST_YEAR + (months - 1) // 12, (months - 1) % 12 + 1
    start, end = month_range(clock, year, month)
    with History.open(path, read_only=True) as history:
        sound = [
            timed("a month's samples of one LPAR", lambda: history.samples("lpar007", start, end), MOST_SECONDS),
            timed("a month of one server by bucket",
                  lambda: recorded(history, site, server="server1", month=(year, month)), MOST_SECONDS),
            timed("a month of all LPARs by bucket",
                  lambda: recorded(history, site, lpars=[x.name for x in listed], month=(year, month)),
                  MOST_SECONDS),
            timed("a month's profiles of all LPARs",
                  lambda: profiles(history, listed, site, start_s=start, end_s=end), MOST_SECONDS),
            timed("a month's figures of one server",
                  lambda: monthly(history, site, server="server1", months=[(year, month)]), MOST_SECONDS),
            timed("a month's figures of every LPAR",
                  lambda: monthly_sets(history, site, {x.name: [x.name] for x in listed}, months=[(year, month)]),
                  MOST_SECONDS),
        ]
        sums = recorded(history, site, server="server1", month=(year, month)).physc.sums
        month_end, normal = (sums[Bucket(kind, 10)].value for kind in (DayKind.MONTH_END, DayKind.WORKING))
        sound.append(month_end > 1.5 * normal)
        timed("all months of one server, and a forecast",
              lambda: forecast_monthly(monthly(history, site, server="server1"), 6, 20000))
        timed("all months of every LPAR", lambda: monthly_sets(history, site, {x.name: [x.name] for x in listed}))
        timed("profiles over all months", lambda: profiles(history, listed, site))
        timed("show", history.show)
    return all(sound)


def main() -> None:
    lpars, months = (int(sys.argv[n]) if len(sys.argv) > n else default for n, default in ((1, 80), (2, 24)))
    with tempfile.TemporaryDirectory(dir=sys.argv[3] if len(sys.argv) > 3 else None) as scratch:
        path = Path(scratch) / "history.duckdb"
        print(f"{lpars} LPARs, {months} months, every {STEP} s, {datetime.now():%Y-%m-%d}")
        started = time.perf_counter()
        added = fill(path, lpars, months)
        took = time.perf_counter() - started
        size = path.stat().st_size
        print(f"{added:,} samples added in {took:.0f} s ({added / took:,.0f} a second)")
        print(f"{size / 1e6:.0f} MB, {size / added:.1f} bytes a sample", flush=True)
        sound = questions(path, lpars, months)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        print(f"peak memory {peak / 1024:.0f} MiB")
        if size >= MOST_BYTES or not sound:
            sys.exit("over the limit")


if __name__ == "__main__":
    main()
