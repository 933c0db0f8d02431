"""Each family of rows alone on a tiny estate, as a person reads it: golden .lp files. ``GOLDEN=write pytest`` writes them."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from estates import estate, judged, lpar, policy, pool, server

from planner.estate.capacity import Demand
from planner.optimise.consolidation import ConsolidationProblem
from planner.optimise.consolidation_program import ConsolidationProgram
from planner.optimise.headroom import CORES, HeadroomProgram
from planner.optimise.large.master import Master
from planner.optimise.measure import scale_of
from planner.optimise.placement import PlacementProgram, candidates_of
from planner.optimise.program import Program
from planner.optimise.scenario import ScenarioProgram, Sizes
from planner.optimise.solver import as_text
from planner.plan.choices import By, Measure
from planner.plan.questions import Consolidate, Headroom
from planner.rules import Judge, Site, base
from planner.rules.base import Breach

GOLDEN = Path(__file__).parent / "golden"
OF = estate([server("A"), server("B", 6), server("C", 6)],
            [lpar("a1", "A"), lpar("a2", "A", 2), lpar("b1", "B"), lpar("c1", "C")],
            [policy("keep-apart", "databases", "a1; b1"), policy("keep-together", "one application", "a1; a2")],
            pools=(pool("A", 0, 6), pool("B", 0, 4, 1), pool("C", 0)))
USED = {"a1": [3000, 0], "a2": [2500, 0], "b1": [500, 0], "c1": [0, 0]}
PROGRAMS: tuple[type[Any], ...] = (PlacementProgram, HeadroomProgram, ConsolidationProgram, ScenarioProgram, Master)


def site_of() -> tuple[Site, Judge]:
    return judged(OF, USED)


def _licences(site: Site, target: str, holders: Collection[str]) -> Iterator[Breach]:
    if {"a1", "c1"} <= set(holders):
        yield Breach("a1 and c1 have one licence for each server")


def placement() -> None:
    """A rule of its own refuses that a1 ends beside c1: what it refuses of an answer becomes a row."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(base, "REGISTRY", dict(base.REGISTRY))
        base.rule("invented.licences", "One licence a server.", base.Scope.SERVER, encoding=base.ASKED, source="a test")(_licences)
        _placement()


def _placement() -> None:
    site, judge = site_of()
    model = PlacementProgram(site, candidates_of(site, judge, ["a1", "a2"], ["B", "C"], ["b1", "c1"]), ["B", "C"], ["a1", "a2"])
    model.solve(float("inf"), 0.0)


def headroom() -> None:
    site, judge = site_of()
    goal = Headroom(server="A", units=300, memory_mib=4096, critical=("a1",), by=By.BOTH, when="always")
    model = HeadroomProgram(site, candidates_of(site, judge, (), ["A", "B", "C"], ["a2", "b1", "c1"]), goal, widen=CORES)
    model.solve(float("inf"), 0.0)


def consolidation() -> None:
    site, judge = judged(OF)
    goal = Consolidate(measure=Measure.SERVERS, n_plus_1=True, keep=("A",), off=("C",))
    problem = ConsolidationProblem(site, judge, goal, scale_of(site, goal.measure))
    part, = problem.components
    model = problem.program(part)
    model.minimise_measure()
    master = Master(site, part, problem.candidates_in(part), goal, problem.scale)
    assert master.on and model.on


def scenario() -> None:
    """Everything grows by half a core once it is there."""
    site, judge = judged(OF)

    def grown(name: str, target: str) -> Demand:
        return site.demand(name, target) + Demand(50, 0)

    sizes = Sizes(site.demand, grown)
    ScenarioProgram(site, candidates_of(site, judge, ["a1", "a2"], ["B", "C"]), ["B", "C"], ["a1", "a2"], sizes)


@cache
def families() -> dict[str, str]:
    """``Class.family`` → its rows alone, or its objective, as LP."""
    out: dict[str, Program] = {}
    running: set[str] = set()

    def recorded(name: str, made: Callable[..., Any]) -> Callable[..., Any]:
        def run(self: Any, *arguments: Any) -> Any:
            program, family = self.program, f"{type(self).__name__}.{name}"
            if family in running:  # of the base, called by the subclass: its rows are part of it
                return made(self, *arguments)
            running.add(family)
            rows, program.objective = len(program.rows), {}
            answer = made(self, *arguments)
            running.discard(family)
            alone = out.setdefault(family, Program(family))
            alone.upper, alone.meaning = list(program.upper), list(program.meaning)
            alone.rows += program.rows[rows:]
            alone.minimise(program.objective)
            return answer
        return run

    with pytest.MonkeyPatch.context() as patch:
        for cls in PROGRAMS:
            for name, made in list(vars(cls).items()):
                if name.startswith("add_"):
                    patch.setattr(cls, name, recorded(name, made))
        for build in (placement, headroom, consolidation, scenario):
            build()
    return {name: as_text(program) for name, program in out.items()}


def own_families() -> list[str]:
    """Every family that a program states or states anew; a scenario states its sizes at two moments."""
    return sorted([f"{cls.__name__}.{name}" for cls in PROGRAMS for name in vars(cls) if name.startswith("add_")]
                  + ["ScenarioProgram.add_capacity"])


@pytest.mark.parametrize("family", own_families())
def test_every_family_of_rows_reads_as_it_did(family: str) -> None:
    file, text = GOLDEN / f"{family}.lp", families()[family]
    if os.environ.get("GOLDEN") == "write":
        file.parent.mkdir(exist_ok=True)
        file.write_text(text, encoding="utf-8")
    assert file.exists(), f"{family} has no golden file: GOLDEN=write pytest {__file__}, then read it"
    assert text == file.read_text(encoding="utf-8")


def test_no_golden_file_is_left_over() -> None:
    assert {f.stem for f in GOLDEN.glob("*.lp")} == set(own_families())


def test_no_family_is_empty() -> None:
    for family in own_families():
        assert " <= " in families()[family] or " = " in families()[family] or family.endswith("add_cost"), family
