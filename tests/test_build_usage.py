"""The generated usage of the landscape is what it says it is: exact peaks, limits kept, the readers read it back."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from landscape import DATA, build_usage, landscape

from planner.errors import InputError
from planner.history.calendar import Bucket, DayKind
from planner.history.clock import Clock
from planner.history.profiles import month_range, profiles, recorded
from planner.history.sources import read_sources, serial_numbers
from planner.history.store import History

P595_2 = "SN8379A80_p595-2"
NOVEMBER = (2026, 11)


@pytest.fixture(scope="module")
def usage() -> Any:
    return build_usage.landscape_usage(landscape(), months=3, step_s=3600)


@pytest.fixture(scope="module")
def history(usage: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[History]:
    with History.open(tmp_path_factory.mktemp("usage") / "h") as opened:
        usage.into(opened)
        yield opened


def test_every_profile_finds_the_known_peak(usage: Any, history: History) -> None:
    start, end = month_range(Clock(build_usage.ZONE), *NOVEMBER)
    found = profiles(history, landscape().lpars, build_usage.SITE, percentile=100, start_s=start, end_s=end,
                     step_s=3600)
    for load in usage.loads:
        physc = found.profile(load.lpar.name).physc
        peak = Bucket(DayKind.MONTH_END, build_usage.PEAK_HOUR[load.role])
        if peak.hour in build_usage.EXACT_HOURS:
            assert physc[peak] == usage.peak(load.lpar.name) == load.level
        assert max(physc.values()) <= load.level <= load.limit
        if load.kind == "production":
            assert max(physc, key=lambda bucket: physc[bucket]) == peak


@pytest.mark.parametrize("hour", build_usage.EXACT_HOURS)
def test_the_sum_of_a_server_is_known(usage: Any, history: History, hour: int) -> None:
    for server in landscape().servers:
        for month in usage.months:
            found = recorded(history, build_usage.SITE, server=server.name, month=month, step_s=3600).physc.sums
            assert found[Bucket(DayKind.MONTH_END, hour)].value == usage.sum_at(server.name, hour, month)


def test_one_server_needs_headroom_and_the_others_have_it(usage: Any) -> None:
    for server in landscape().servers:
        share = [usage.sum_at(server.name, 10, month) / (10 * server.configurable_units) for month in usage.months]
        assert all(0.90 < x < 0.95 for x in share) if server.name == P595_2 else all(x < 0.51 for x in share)


def test_nothing_is_stated_of_an_lpar_that_is_not_activated(usage: Any) -> None:
    assert {load.lpar.name for load in usage.loads} == {p.name for p in landscape().lpars if p.active}


def test_the_files_say_what_the_fast_path_does(tmp_path: Path) -> None:
    """The last hours of November's recordings in both formats against the columns, across the start of summer time."""
    usage = build_usage.landscape_usage(landscape(), months=1, step_s=3600, last=(2026, 10))
    loads = [usage.load(name) for name in ("hxaix09adm", "hxaix43adm", "hxaix11adm")]
    mapping = tmp_path / "m.toml"
    mapping.write_text(build_usage.MAPPING)
    for form, text in (("nmon", usage.nmon), ("csv", usage.csv)):
        where = tmp_path / form
        where.mkdir()
        for load in loads:
            (where / f"{load.lpar.name}.{form}").write_text(text(load, (2026, 10)))
        with History.open(tmp_path / f"h-{form}") as read, History.open(tmp_path / f"g-{form}") as made:
            read.add(read_sources([where], mapping), build_usage.ZONE,
                     servers=serial_numbers(landscape().servers))
            usage.into(made)
            for load in loads:
                known = [made.samples(load.lpar.name, 0, 1 << 40), read.samples(load.lpar.name, 0, 1 << 40)]
                first, second = ([(s.server, s.end_s, s.span_s, s.physc, s.entitlement, s.memory_used_mib,
                                   s.memory_total_mib) for s in samples] for samples in known)
                assert len(first) == 31 * 24 - 1  # summer time begins
                assert second == first


def test_the_same_arguments_write_the_same_files(tmp_path: Path) -> None:
    digests = []
    for seed in ("1", "2"):
        out = tmp_path / seed
        subprocess.run([sys.executable, str(DATA / "build_usage.py"), str(out), "--months", "1", "--step", "3600"],
                       check=True, env={**os.environ, "PYTHONHASHSEED": seed})
        said = hashlib.sha256()
        for path in sorted(out.iterdir()):
            said.update(path.name.encode() + path.read_bytes())
        digests.append(said.hexdigest())
        assert len(list(out.iterdir())) == 72
    assert digests[0] == digests[1]


def test_adding_it_twice_changes_nothing(usage: Any, history: History) -> None:
    assert usage.into(history) == 0


@pytest.mark.parametrize("wrong", [{"months": 0}, {"step_s": 7}, {"months": 101}])
def test_wrong_arguments(wrong: dict[str, int]) -> None:
    with pytest.raises((ValueError, InputError)):
        build_usage.landscape_usage(landscape(), **wrong)
