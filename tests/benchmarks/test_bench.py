"""Benchmarks of the registry run at their smallest size and take their arguments; the page lists them all."""

from __future__ import annotations

import argparse
import json
import re
from pathlib import Path

import bench
import bench_slice
import phases
import pytest
from measuring import Run
from registry import PHASES, TEXTS, Entry

EVERY = (*PHASES, *TEXTS)


@pytest.mark.parametrize("entry", [e for e in EVERY if e.tiny is not None], ids=lambda e: e.name)
def test_entry_runs_at_its_smallest_size(entry: Entry) -> None:
    """Figures come out; whether an aim in wall-clock seconds is met says nothing here."""
    assert re.search(r"\d\.\d+ s\b", entry.here(entry.tiny))


class Understood(Exception):
    """The arguments were taken."""


@pytest.mark.parametrize("entry", EVERY, ids=lambda e: e.name)
def test_every_benchmark_takes_the_arguments_of_the_registry(entry: Entry, monkeypatch: pytest.MonkeyPatch) -> None:
    """One that moved its functions or options away ended at its first line, and nobody saw it for weeks."""
    module = entry.loaded()
    parse = argparse.ArgumentParser.parse_args

    def stop_after(parser: argparse.ArgumentParser) -> None:
        parse(parser)
        raise Understood

    monkeypatch.setattr(argparse.ArgumentParser, "parse_args", stop_after)
    if not hasattr(module, "argparse"):
        assert callable(module.main)
        return
    for arguments in {entry.page, entry.long} - {None}:
        with pytest.raises(Understood):
            entry.here(arguments)


def test_the_page_lists_every_entry_with_the_command_that_repeats_it() -> None:
    page = bench.PAGE.read_text("utf-8")
    rows = [line for line in page.splitlines() if line.startswith("| `") and "`python benchmarks/" in line]
    assert [row.split("`")[1] for row in rows] == [e.name for e in EVERY]
    assert all(Path(bench.ROOT, row.split("`python ")[1].split()[0].strip("`")).exists() for row in rows)


def a_result(entry: Entry, output: str, code: int = 0) -> bench.Result:
    return bench.Result(entry, entry.long, Run(2.0, 1.0, 50.0, code, output))


def test_the_page_tells_what_is_wrong_first_then_the_widest_gap() -> None:
    def answer(gap: float) -> str:
        took = {name: {"cpu_s": 0.1, "wall_s": 0.2, "peak_mb": 3.0} for name in phases.PHASES}
        return json.dumps({"servers": 3, "lpars": 9, "phases": took, "status": "feasible", "verified": True,
                           "moves": 2, "gaps": {"moves": gap}, "to_bound": 1 + gap})

    found = [a_result(PHASES[0], answer(0.01)), a_result(PHASES[1], answer(0.2)), a_result(TEXTS[0], "so: MISSED"),
             a_result(TEXTS[1], "FAILED: a plan is not proved", code=1)]
    told = bench.misses(found)
    assert [line.split("`")[1] for line in told] == [TEXTS[1].name] * 2 + [
        PHASES[1].name, PHASES[0].name, PHASES[1].name, PHASES[0].name, TEXTS[0].name]
    text = bench.page(found, "", 8.0, (0.0, 1.0))
    assert str(Path.home()) not in text and "FAILED: a plan" in text
    assert all(f"| `{e.name}` |" in text for e in EVERY)


def test_an_entry_that_ran_apart_takes_its_place_on_the_page() -> None:
    one, two = TEXTS[0], TEXTS[1]
    text = bench.page([a_result(one, "so: MISSED"), a_result(two, "well")], "", 8.0, (0.0, 1.0))
    again = bench.into(text, [a_result(one, "as hoped")], "alone", (0.5, 0.6))
    assert "so: MISSED" not in again and "as hoped" in again and again.count(f"### {one.name}\n") == 1
    assert f"- Apart from that run: `{one.name}`, 1 s of processor; load average 0.5 before, 0.6 after; alone" in again
    twice = bench.into(again, [a_result(one, "now: MISSED")], "", (0.1, 0.2))
    assert f"- `{one.name}`: now: MISSED" in twice and twice.count("- Apart from that run: ") == 1
    assert [row for row in text.splitlines() if "| `" in row and one.name not in row] == [
        row for row in twice.splitlines() if "| `" in row and one.name not in row] and f"### {two.name}\n" in twice


def test_the_slice_names_what_takes_twice_as_much_the_worst_first_and_what_is_no_longer_measured() -> None:
    before = {"a open": 1.0, "a verify": 1.0, "a report": 2.0, "a reach": 0.001, "a gone": 1.0}
    now = {"a open": 1.9, "a verify": 2.1, "a report": 9.0, "a reach": 0.04}
    told = bench_slice.worse(now, before)
    assert [line.split(":")[0] for line in told] == ["a gone", "a report", "a verify"]


def test_the_slice_has_a_ratio_for_every_phase() -> None:
    before = json.loads(bench_slice.BASELINE.read_text("utf-8"))
    assert set(before) == {f"{q} {phase}" for q in bench_slice.QUESTIONS for phase in phases.PHASES}
