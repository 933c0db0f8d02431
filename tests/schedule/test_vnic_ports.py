"""The SR-IOV port behind each vNIC: what the plan names has room at every moment, and stands in command and papers."""

from __future__ import annotations

import io
from collections import defaultdict
from dataclasses import replace
from itertools import product
from random import Random

import pytest
from estates import BASE, backed, changed, loaded, move
from openpyxl import load_workbook

from planner.estate.model import Estate, SriovPort
from planner.jobs.common import Options
from planner.jobs.evacuation import evacuate
from planner.plan.choices import BACK, OUT
from planner.plan.plan import Move, Plan
from planner.plan.questions import Evacuate
from planner.report.commands import migrlpar
from planner.report.plan_files import plan_files
from planner.rules import Site
from planner.schedule.vnics import with_vnics

PORTS = tuple(SriovPort(s, f"U78-C4-T{n}", 4, 20, f"1/{n}") for s in "ABC" for n in (1, 2))
OF = backed(BASE.replace(servers=tuple(replace(s, console_level="V10R3M1060") for s in BASE.servers)), {"a1": [(5, 2), (10,)]}, "U78-C4-T2").replace(sriov=PORTS)
ROUND = Evacuate(servers=("A",), come_back=True)


def planned(of: Estate) -> Plan:
    plan = evacuate(loaded(of), ROUND, Options())
    assert plan.verified, [str(f) for f in plan.findings if f.rule.startswith("plan.")]
    return plan


def papers(of: Estate, plan: Plan) -> tuple[str, str]:
    files = plan_files(plan, of)
    book = load_workbook(io.BytesIO(files["plan.xlsx"]))
    return files["runbook.md"].decode(), "\n".join(str(c.value) for row in book["Moves"] for c in row)


def of_a1(plan: Plan, leg: str) -> Move:
    return next(m for m in plan.leg(leg) if m.lpar == "a1")


def test_each_backing_device_is_named_on_the_way_out_and_comes_home_to_its_own() -> None:
    plan = planned(OF)
    out, back = of_a1(plan, OUT), of_a1(plan, BACK)
    to = out.target
    assert migrlpar(out, Site(OF), "m").count("vnic_mappings") == 1
    assert (f"vnic_mappings=7/ded/{to}-v1/1/1/1/5/1/2,7/ded/{to}-v2/2/1/2/2/1/2,8/ded/{to}-v1/1/1/1/10/1/2"
            in migrlpar(out, Site(OF), "m"))
    assert "vnic_mappings=7/ded/A-v1/1/1/2/5/1/1,7/ded/A-v2/2/1/2/2/1/2,8/ded/A-v1/1/1/2/10/1/1" in migrlpar(back, Site(OF), "m")
    runbook, moves = papers(OF, plan)
    assert f"vNIC in slot 8, device 1: {to}-v1, port U78-C4-T1 (adapter/port 1/1), 10 %" in runbook
    assert f"8 → {to}-v1/U78-C4-T1" in moves


@pytest.mark.parametrize(("of", "told", "named"), {
    "no number of a port": (OF.replace(sriov=tuple(replace(p, number="") for p in PORTS)),
                            "the command does not name these ports", True),
    "no id of a VIOS": (OF.replace(vioses=tuple(replace(v, lpar_id=None) for v in OF.vioses)),
                        "the command does not name these ports", True),
    "no capacity": (OF.replace(vnics=tuple(replace(v, percent=None) for v in OF.vnics)),
                    "the command does not name these ports", True),
    "no port of today": (OF.replace(vnics=tuple(replace(v, port="") for v in OF.vnics)),
                         "the command does not name these ports", True),
    "a console from before vNICs": (OF.replace(servers=tuple(replace(s, console_level="V7R7.9.0") for s in OF.servers)),
                                    "the command does not name these ports", True),
    "one port for two devices": (OF.replace(sriov=tuple(p for p in PORTS if p.server == "A" or p.number == "1/1")),
                                 "1 backing device(s) of vNICs without a port that is known to have room", True),
    "no slot": (changed(OF.replace(vnics=()), "a1", vnic_adapters=2),
                "2 vNIC(s) of which no listing states the slot: the console chooses the port", False)}.values())
def test_what_is_not_known_is_told_and_no_command_makes_it_up(of: Estate, told: str, named: bool) -> None:
    plan = planned(of)
    out = of_a1(plan, OUT)
    assert bool(out.vnics) is named and "vnic_mappings" not in migrlpar(out, Site(of), "m")
    runbook, _ = papers(of, plan)
    assert told in runbook and "vnic_mappings" not in runbook.split("## The way back")[0]


def moving(seed: int) -> tuple[Estate, list[Move]]:
    """LPARs that come to B and leave it, at once or one after the other, and little that is free there."""
    rng = Random(seed)
    backing = {n: [tuple(rng.choice((2, 5, 10)) for _ in range(rng.choice((1, 1, 2)))) for _ in range(rng.choice((0, 1, 1, 2)))]
               for n in ("a1", "a2", "b1", "c1")}
    of = backed(BASE, backing, "T1").replace(sriov=tuple(
        SriovPort("B", f"T{n}", rng.choice((None, 1, 2, 3)), rng.choice((None, 5, 10, 15, 20))) for n in (1, 2)))
    start, moves = 0, []
    for name, source, target in rng.sample([("a1", "A", "B"), ("a2", "A", "B"), ("b1", "B", "C"), ("c1", "C", "B")], 4):
        moves.append(replace(move(of, name, source, target, vnics=()), start_ms=start, duration_ms=1000))
        start += rng.choice((0, 1000))
    if rng.random() < 0.5:
        moves.append(replace(move(of, "b1", "C", "B", vnics=()), start_ms=start + 1000, duration_ms=1000))
    return of, moves


def moments(of: Estate, moves: list[Move]) -> list[tuple[list[int], list[int]]]:
    """The numbers of the moves that have come to B and are there, and of those that have left it, at every moment."""
    times = sorted({t for m in moves for t in (m.start_ms, m.end_ms)})
    there = []
    for t in times:
        left = [i for i, m in enumerate(moves) if m.source == "B" and m.end_ms <= t]
        came = [i for i, m in enumerate(moves) if m.target == "B" and m.start_ms <= t]
        there.append((came, left))
    return there


def over(of: Estate, moves: list[Move], taken: dict[int, list[tuple[str, int]]]) -> bool:
    """Whether some port of B has too few logical ports or too little capacity at a moment."""
    own = defaultdict(list)
    for v in of.vnics:
        own[v.lpar].append((v.port, v.percent or 1))
    for came, left in moments(of, moves):
        on = [at for i in came for at in taken.get(i, [])]
        gone = [at for i in left for at in own[moves[i].lpar]]
        for p in of.sriov:
            here, away = ([share for port, share in side if port == p.port] for side in (on, gone))
            if p.free_ports is not None and len(here) > p.free_ports + len(away):
                return True
            if p.free_percent is not None and sum(here) > p.free_percent + sum(away):
                return True
    return False


def test_no_port_gives_more_than_it_has_and_none_is_left_out_that_finds_a_place() -> None:
    """Every distribution of what must be named is tried."""
    seen = {"all named": 0, "not all": 0}
    for seed in range(150):
        of, moves = moving(seed)
        named = with_vnics(Site(of), moves)
        taken = {i: [(b.port, b.percent or 1) for b in m.vnics] for i, m in enumerate(named) if m.target == "B"}
        assert not over(of, moves, taken), seed
        needs = [(i, v) for i, m in enumerate(moves) if m.target == "B" for slot in {v.slot for v in of.vnics if v.lpar == m.lpar}
                 for v in [min((v for v in of.vnics if (v.lpar, v.slot) == (m.lpar, slot)), key=lambda v: (v.percent, v.device))]]
        every = all(any(b.slot == v.slot for b in named[i].vnics) for i, v in needs)
        seen["all named" if every else "not all"] += 1
        for to in product(("T1", "T2"), repeat=len(needs)) if not every and len(needs) <= 8 else ():
            chosen = defaultdict(list)
            for (i, v), port in zip(needs, to, strict=True):
                chosen[i].append((port, v.percent or 1))
            assert over(of, moves, chosen), (seed, to)
    assert min(seen.values()) > 20, seen
