"""Each family of rows alone on a tiny estate, as a person reads it: golden .lp files. ``GOLDEN=write pytest`` writes them."""

from __future__ import annotations

import ast
import os
import pkgutil
import sys
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from estates import backed, changed, estate, judged, lpar, policy, pool, server, stating

import planner.optimise
import planner.schedule
from planner.estate.capacity import Demand
from planner.estate.model import Fibre, Port, SriovPort
from planner.estate.prices import PRICES
from planner.optimise.consolidation import ConsolidationProblem
from planner.optimise.consolidation_program import ConsolidationProgram
from planner.optimise.frontier import Frontier
from planner.optimise.headroom import CORES, HeadroomProgram
from planner.optimise.large.master import Master
from planner.optimise.measure import scale_of
from planner.optimise.opening import Opening
from planner.optimise.placement import Candidates, PlacementProgram, candidates_of
from planner.optimise.program import Outcome, Program, Solution
from planner.optimise.remedy import Buying, shop_of
from planner.optimise.restarts import RestartProgram
from planner.optimise.scenario import ScenarioProblem, ScenarioProgram, Sizes
from planner.optimise.solver import as_text
from planner.optimise.split_pack import SplitPack
from planner.plan.choices import By, Measure
from planner.plan.plan import Move
from planner.plan.questions import Consolidate, Evacuate, Headroom
from planner.rules import Judge, Site, base, ledger
from planner.rules.base import Breach
from planner.schedule.bound import MakespanProgram, alone_on
from planner.schedule.leg import leg_of

PACKAGE = Path(planner.optimise.__file__).parents[1]
GOLDEN = Path(__file__).parent / "golden"
OF = estate([server("A"), server("B", 6), server("C", 6)],
            [lpar("a1", "A"), lpar("a2", "A", 2), lpar("b1", "B"), lpar("c1", "C")],
            [policy("keep-apart", "databases", "a1; b1"), policy("keep-together", "one application", "a1; a2")],
            pools=(pool("A", 0, 6), pool("B", 0, 4, 1), pool("C", 0)))
#: The same with two products: of DB2 two that draw their virtual processors in the pool of B and one that is capped.
LICENSED = stating(OF, policy("licensed-servers", "DB2", "1 server; 6 cores"), policy("licensed-servers", "Oracle", "7 cores"))
LICENSED = LICENSED.replace(lpars=tuple(replace(p, software=software, **more) for p, (software, more) in zip(LICENSED.lpars, (
    (("DB2",), {"virtual_processors": 3}), (("DB2", "Oracle"), {}), (("DB2",), {"sharing": "capped"}), (("Oracle",), {})),
    strict=True)))
USED = {"a1": [3000, 0], "a2": [2500, 0], "b1": [500, 0], "c1": [0, 0]}
ROW_WRITERS = ("at_most", "equals")
#: a1 and a2 each want a paging device, a vNIC and a port of fabric f1, of which B has one of each; two virtual slots
#: of the first VIOS and one of the second, which have two each; and 256 MiB of the pool for devices, which has 384,
#: and 5 % of its SR-IOV port each, which has 9 left.
SHORT = estate([server("A"), server("B", shared_memory_pool_mib=8192, free_sriov_ports=1)],
               [lpar(n, "A", memory_mode="shared", io_entitled_mib=256, vnic_adapters=1) for n in ("a1", "a2")],
               [policy("cluster", "one database", "a1; a2")],
               fibres=tuple(Fibre(n, 40, "A-v1", f"c0{n}0", f"c0{n}1", "f1", True) for n in ("a1", "a2")),
               ports=(Port("B-v1", "fcs0", "f1", 1),))
SHORT = changed(changed(SHORT, "B-v1", paging_devices_mib=(4096,), max_virtual_slots=4), "B-v2", max_virtual_slots=4)
SHORT = backed(changed(SHORT, "B", free_pool_mib=384), {"a1": [(5,)], "a2": [(5,)]}).replace(sriov=(SriovPort("B", "P1-C4-T1", 1, 9),))
#: Rules with a golden file of their own: what they declare to be used up, and the groups of which OF has none.
RULES = [*(rule.id for rule, _ in base.declared_uses()), "policy.cluster"]


def _programs() -> Iterator[type[Any]]:
    """Every class of the optimiser that has families of rows."""
    for module in (*pkgutil.walk_packages(planner.optimise.__path__, "planner.optimise."),
                   *pkgutil.walk_packages(planner.schedule.__path__, "planner.schedule.")):
        for cls in vars(import_module(module.name)).values():
            if isinstance(cls, type) and cls.__module__ == module.name and any(n.startswith("add_") for n in vars(cls)):
                yield cls


PROGRAMS = tuple(_programs())


def site_of() -> tuple[Site, Judge]:
    return judged(OF, USED)


@contextmanager
def _one_licence(*names: str) -> Iterator[None]:
    """These never share a server: what the rule refuses of an answer becomes a row."""
    def refuses(site: Site, target: str, holders: Collection[str]) -> Iterator[Breach]:
        if {*names} <= set(holders):
            yield Breach(f"{' and '.join(names)} have one licence for each server")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(base, "REGISTRY", dict(base.REGISTRY))
        base.rule("invented.licences", "One licence a server.", base.Scope.SERVER, encoding=base.ASKED, source="a test")(refuses)
        yield


def placement() -> None:
    with _one_licence("a1", "c1"):
        _placement()


def _placement() -> None:
    site, judge = site_of()
    model = PlacementProgram(site, candidates_of(site, judge, ["a1", "a2"], ["B", "C"], ["b1", "c1"]), ["B", "C"], ["a1", "a2"])
    model.solve(float("inf"), 0.0)
    model.add_cut({"a1": "B", "a2": "B"})
    model.add_cost_limit(300_000)
    model.add_excess(lambda lpar, server: {"a1": 5, "a2": 7}.get(lpar, 0) if server == "C" else 0, 6)
    model.add_balance({})
    model.site, _ = judged(LICENSED)
    model.add_licences()


def headroom() -> None:
    site, judge = site_of()
    goal = Headroom(server="A", units=300, memory_mib=4096, critical=("a1",), by=By.BOTH, when="always")
    model = HeadroomProgram(site, candidates_of(site, judge, (), ["A", "B", "C"], ["a2", "b1", "c1"]), goal, widen=CORES)
    model.solve(float("inf"), 0.0)


def consolidation() -> None:
    """c1 cannot move live, so C stays on."""
    site, judge = judged(changed(OF, "c1", rmc_active=False), USED)
    goal = Consolidate(measure=Measure.SERVERS, n_plus_1=True, keep=("A",), off=("B",))
    problem = ConsolidationProblem(site, judge, goal, scale_of(site, goal.measure))
    part, = problem.components
    model = problem.program(part)
    model.minimise_measure()
    model.add_measure(2)
    model.add_usage(_failing(model))
    with _one_licence("a1", "a2"):
        model.site = judged(site.estate, USED)[0]
        model.add_restart_refused(_failing(model))
    _split(model)
    model.add_homes({})
    model.site, _ = judged(changed(LICENSED, "c1", rmc_active=False))
    model.scale = scale_of(model.site, Measure.LICENCES)
    model.add_licensed()
    model.site = judged(stating(site.estate, policy("enterprise-pool", "north", "A; B; 5 cores")), USED)[0]
    model.scale = scale_of(model.site, Measure.METERED)
    model.add_metered()
    met = _failing(model)
    model.add_meter_rows(replace(met, values=(*met.values[:-1], 0)))  # says that nothing is metered
    model.site = site
    _restarting(problem)
    _master(Master(site, part, problem.candidates_in(part), goal, problem.scale))


def _failing(model: ConsolidationProgram) -> Solution:
    """All on A and C; of A everything starts on B when it fails."""
    values = model.standing({"a1": "A", "a2": "A", "b1": "C"})
    for (_, s, t), i in model.z.items():
        values[i] = int((s, t) == ("A", "B"))
    return Solution(Outcome.FEASIBLE, tuple(values))


def _split(model: ConsolidationProgram) -> None:
    """A and C are on; B was off in a set that is cut."""
    pack, program = SplitPack(model, 0.0, float("inf"), 0.0, 1.0), model.program.without()
    values = [float(i in (model.on["A"], model.on["C"])) for i in range(len(program.upper))]
    pack.cut(values, sure=True)
    model.add_links(program)
    pack.add_cuts(program)
    pack.add_set(program, values)
    pack.add_window(program, ["A", "B"], {"a1": "A", "a2": "A", "b1": "C"})


def _restarting(problem: ConsolidationProblem) -> None:
    """a2 could restart nowhere if it were on B; C is the spare of all; the failure of A is written out."""
    site, (part,) = problem.site, problem.components
    targets = problem.targets(part)
    model = RestartProgram(site, problem.candidates_in(part), part.servers, problem.goal, problem.scale,
                           lambda n, s: () if (n, s) == ("a2", "B") else targets(n, s))
    model.add_spare("C")
    model.write_out(["A"])
    model.linked()


def _master(master: Master) -> None:
    master.lightest(float("inf"), above=1)
    master.tighten(float("inf"), 2, 0.0)
    master.add_cut(["B", "C"])
    master.add_done(master.chosen(["A", "B"]))


def _grown(site: Site) -> Sizes:
    """Everything grows by half a core once it is there."""
    return Sizes(site.demand, lambda name, target: site.demand(name, target) + Demand(50, 0))


def scenario() -> None:
    site, judge = judged(OF)
    ScenarioProgram(site, candidates_of(site, judge, ["a1", "a2"], ["B", "C"]), ["B", "C"], ["a1", "a2"], _grown(site))


def frontier() -> None:
    """The same in the least room: two servers in use, the fullest of them as empty as can be."""
    site, judge = judged(OF)
    places = candidates_of(site, judge, ["a1", "a2"], ["B", "C"]).cost
    Frontier(ScenarioProblem(site, judge, ["B", "C"], ["a1", "a2"], lambda n: places.get(n, {}), _grown(site))).point(2, 0.0)


def remedy() -> None:
    """B holds more than it may and does not bridge the network of A; a1 and b1 can be smaller, all can be shut down, of
    two that are a cluster one."""
    of = changed(changed(changed(OF, "B", configurable_units=150), "a1", busy_units=10, working_set_mib=1024),
                 "b1", busy_units=10)
    of = stating(of, policy("cluster", "one database", "a2; c1")).replace(bridges=tuple(
        replace(b, vlan=99) if b.vios.startswith("B") else b for b in of.bridges))
    site, judge = judged(of)
    site.goal = Evacuate(servers=("A",))
    model = Buying(site, shop_of(site, judge, PRICES, ["a1", "a2"], ["b1", "c1"], ["B", "C"]), ["B", "C"], ["a1", "a2"])
    solution = model.solve(float("inf"), 0.0)
    model.add_difference(model.changes(solution))
    model.add_refusal(solution)


@cache
def freed_each() -> dict[str, Buying]:
    """A and B are each freed; C lacks a core for what comes of A. Their own rows are those of another example."""
    of = changed(changed(OF, "C", configurable_units=250), "a1", rmc_active=False)
    site, judge = judged(of.replace(policies=()))
    site.goal = Evacuate(servers=("A",))
    return {s: Buying(site, shop_of(site, judge, PRICES, names, (), ["C"]), ["C"], names)
            for s, names in (("A", ["a1", "a2"]), ("B", ["b1"]))}


def opening() -> None:
    """Without a budget, then within one; two cores on C do not do for A."""
    models = freed_each()
    core = models["A"].reliefs["processor.capacity", "C"][0][0].change(2)
    whole = Opening(models, PRICES, None, [("A", frozenset([core]))])
    whole.budget = 300
    whole.add_budget()


def makespan() -> None:
    """a1 and a2 leave A, b1 comes to it; two moves at a time on B."""
    of = changed(changed(OF, "a1", busy_units=0), "a2", busy_units=0)
    site, _ = judged(of.replace(policies=(*of.policies, policy("concurrency", "B", "2"))))
    moves = [Move("a1", "A", "B"), Move("a2", "A", "B"), Move("b1", "B", "A")]
    leg = leg_of(site, moves)
    program = MakespanProgram(leg, [alone_on(leg, i, job.pairs[0]) for i, job in enumerate(leg.jobs)])
    program.add_span()
    program.add_moves()
    program.add_movers()
    program.add_heads([0.0, 60.0, 0.0])
    program.add_tails([a.seconds + 30 for a in program.alone])


def _short() -> Program:
    site, _ = judged(SHORT)
    return PlacementProgram(site, Candidates({n: {"B": 0} for n in site.start}), ["B"], site.start).program


@cache
def recorded() -> tuple[dict[str, Program], set[tuple[str, int]]]:
    """Family → its rows alone, or its objective; and the places (file, line) of the calls that wrote them."""
    out: dict[str, Program] = {}
    written: set[tuple[str, int]] = set()
    own, running = set(own_families()), list[str]()
    freed_each()

    def recorder(name: str, made: Callable[..., Any]) -> Callable[..., Any]:
        def run(self: Any, *arguments: Any) -> Any:
            program = next((a for a in arguments if isinstance(a, Program)), self.program)
            family = f"{type(self).__name__}.{name}"
            if family in running:  # of the base, called by the subclass: its rows are part of it
                return made(self, *arguments)
            running.append(family)
            rows, objective = len(program.rows), program.objective
            answer = made(self, *arguments)
            running.remove(family)
            alone = out.setdefault(family, Program(family))
            assert program.meaning[:len(alone.meaning)] == alone.meaning, f"{family}: rows of two programs"
            alone.upper, alone.meaning = list(program.upper), list(program.meaning)
            alone.rows += program.rows[rows:]
            if program.objective is not objective:
                alone.minimise(program.objective)
            return answer
        return run

    def noted(write: Callable[..., None]) -> Callable[..., None]:
        def run(self: Program, *arguments: Any) -> None:
            if own.intersection(running):
                caller = sys._getframe(1)
                written.add((caller.f_code.co_filename, caller.f_lineno))
            write(self, *arguments)
        return run

    with pytest.MonkeyPatch.context() as patch:
        for name in ROW_WRITERS:
            patch.setattr(Program, name, noted(getattr(Program, name)))
        for cls in PROGRAMS:
            for name, made in list(vars(cls).items()):
                if name.startswith("add_"):
                    patch.setattr(cls, name, recorder(name, made))
        for build in (placement, headroom, consolidation, scenario, frontier, remedy, opening, makespan):
            build()
    short = _short()
    for rule in RULES:
        out[rule] = short.without(*(row.tag for row in short.rows if row.tag.rule != rule))
        out[rule].title, out[rule].objective = rule, {}
    return out, written


def own_families() -> list[str]:
    """Every family that a program states or states anew: a scenario states its sizes at two moments, headroom what is to
    be free."""
    return sorted([f"{cls.__name__}.{name}" for cls in PROGRAMS for name in vars(cls) if name.startswith("add_")]
                  + ["HeadroomProgram.add_capacity", "ScenarioProgram.add_capacity", "Buying.add_capacity",
                     "Buying.add_apart", "Buying.add_together", *RULES])


@pytest.mark.parametrize("family", own_families())
def test_every_family_of_rows_reads_as_it_did(family: str) -> None:
    assert family in recorded()[0], f"{family} has no example here that states it"
    file, text = GOLDEN / f"{family}.lp", as_text(recorded()[0][family])
    if os.environ.get("GOLDEN") == "write":
        file.parent.mkdir(exist_ok=True)
        file.write_text(text, encoding="utf-8")
    assert file.exists(), f"{family} has no golden file: GOLDEN=write pytest {__file__}, then read it"
    assert text == file.read_text(encoding="utf-8")


def test_no_golden_file_is_left_over() -> None:
    assert {f.stem for f in GOLDEN.glob("*.lp")} == set(own_families())


def test_no_family_is_empty() -> None:
    for family in own_families():
        assert recorded()[0][family].rows or family.endswith("add_cost"), family


@cache
def _called() -> dict[str, list[tuple[Path, ast.Call]]]:
    """Every call of the program, by the name of what it calls."""
    found: dict[str, list[tuple[Path, ast.Call]]] = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call):
                found.setdefault(getattr(node.func, "attr", getattr(node.func, "id", "")), []).append((path, node))
    return found


def _calls(*names: str) -> list[tuple[Path, ast.Call]]:
    return [call for name in names for call in _called().get(name, ())]


def test_every_call_that_writes_rows_wrote_some_that_a_golden_file_shows() -> None:
    """A family that is no method ``add_*``, or a branch of one that no example takes, has no golden file."""
    shown = recorded()[1]
    silent = [f"{path.relative_to(PACKAGE)}:{call.lineno}" for path, call in _calls(*ROW_WRITERS)
              if not any((str(path), line) in shown for line in range(call.lineno, (call.end_lineno or 0) + 1))]
    assert not silent, f"rows without a golden file: {', '.join(silent)}"


def test_rows_are_written_in_no_other_way() -> None:
    assert {path.name for path, _ in _calls("Row")} == {"program.py"}


def test_every_rule_that_rows_keep_is_in_a_golden_file() -> None:
    shown = {row.tag.rule for family in own_families() for row in recorded()[0][family].rows}
    kept = {r.id for r in base.REGISTRY.values() if r.own_rows} | {resource.rule for resource in ledger.RESOURCES}
    assert kept <= shown, f"rules without a golden file: {kept - shown}"
