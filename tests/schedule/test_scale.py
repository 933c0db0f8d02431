"""Schedules of many moves: the quick ways give what the plain ways give."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from random import Random
from typing import Any

import pytest
from estates import VLAN, estate, evacuate_goal, judged, lpar, server, vios
from scale_estates import blocks
from tight import FREED, tight

from planner.estate.model import Bridge, Fibre, Port
from planner.optimise.evacuate import EvacuationProblem
from planner.plan.choices import OUT
from planner.plan.plan import Move
from planner.rules import Judge, Site
from planner.rules.ledger import Ledger
from planner.schedule import exact
from planner.schedule.exact import exact_order
from planner.schedule.order import Step, _run, serial_order
from planner.schedule.timetable import timetable
from planner.schedule.waves import Packer, _Wave


class PlainPacker(Packer):
    """Looks at the whole rest on all servers before a step is drawn forward."""

    def _fill(self, occupancy: Ledger, left: list[Step], now: int, free_order: bool) -> _Wave:
        wave, held = _Wave(self, now), occupancy.copy()
        waiting: set[str] = set()
        for step in left:
            blocked = step.lpar in waiting or not held.fits(step.lpar, step.target)
            offer = None if blocked else wave.offer(step)
            if offer is not None and (free_order or self.plain(occupancy, left, wave, step)):
                wave.take(offer)
                held.arrive(step.lpar, step.target)
            waiting.add(step.lpar)
        return wave

    def plain(self, occupancy: Ledger, left: Sequence[Step], wave: _Wave, step: Step) -> bool:
        gone = [f.step for f in wave.flights] + [step]
        trial = occupancy.copy()
        for s in gone:
            trial.move(s.lpar, s.source, s.target)
        for s in left:
            if s not in gone:
                if not trial.fits(s.lpar, s.target):
                    return False
                trial.move(s.lpar, s.source, s.target)
        return True


def shuffled(site: Site, judge: Judge, seed: int, moves: int = 40) -> dict[str, str]:
    """A placement reached by random moves that fit one after the other, so that an order exists."""
    rng, now = Random(seed), Ledger(site, site.start)
    final = dict(site.start)
    for _ in range(moves):
        name = rng.choice(sorted(final))
        target = rng.choice(judge.targets(name) or [final[name]])
        if target != final[name] and now.fits(name, target) and judge.allowed(name, site.start[name], target):
            now.move(name, final[name], target)
            final[name] = target
    return final


def packed(packer: Packer, steps: Sequence[Step], start: Mapping[str, str]) -> list[Move] | None:
    return packer.pack(steps, start, OUT, 0, 1, False)


@pytest.mark.parametrize("seed", range(8))
def test_waves_of_moves_that_wait_for_each_other(seed: int) -> None:
    site, judge = judged(blocks(6, 90, seed, block=6))
    final = shuffled(site, judge, seed)
    steps = serial_order(site, judge, site.start, final)
    assert steps
    found = packed(Packer(site, None), steps, site.start)
    assert found is not None and found == packed(PlainPacker(site, None), steps, site.start)
    assert max(m.wave for m in found) < len(found)


@pytest.mark.parametrize("seed", range(4))
def test_waves_of_tight_chains(seed: int) -> None:
    case = tight(seed, shifting=True)
    site, _ = judged(case.estate)
    steps = [Step(*s) for s in case.way]
    assert packed(Packer(site, None), steps, site.start) == packed(PlainPacker(site, None), steps, site.start)


def plain_run(occupancy: Ledger, start: Mapping[str, str], final: Mapping[str, str],
              names: Sequence[str]) -> list[Step] | None:
    """The first that fits, again and again."""
    steps, waiting = [], list(names)
    while waiting:
        ready = next((n for n in waiting if occupancy.fits(n, final[n])), None)
        if ready is None:
            return None
        occupancy.move(ready, start[ready], final[ready])
        steps.append(Step(ready, start[ready], final[ready]))
        waiting.remove(ready)
    return steps


@pytest.mark.parametrize("seed", range(10))
def test_the_first_that_fits_again_and_again(seed: int) -> None:
    site, judge = judged(tight(seed % 4, shifting=True).estate if seed < 4 else blocks(6, 90, seed, block=6))
    final = shuffled(site, judge, seed)
    names = [n for n in final if final[n] != site.start[n]]
    Random(seed).shuffle(names)
    assert _run(Ledger(site, site.start), site.start, final, names) == plain_run(
        Ledger(site, site.start), site.start, final, names)


def test_an_order_of_more_moves_than_python_recurses() -> None:
    """Every server gives and takes: a depth-first search would recurse once for each of more than 1,000 moves."""
    site, judge = judged(blocks(48, 1300, 1))
    now, final = Ledger(site, site.start), dict(site.start)
    moved = 0
    for name in sorted(final):
        for target in judge.targets(name):
            if now.fits(name, target):
                now.move(name, final[name], target)
                final[name], moved = target, moved + 1
                break
    steps = serial_order(site, judge, site.start, final)
    assert moved > 1000 and steps is not None and len(steps) == moved


def test_a_whole_way_out_and_back_is_the_same_with_either_packer(monkeypatch: pytest.MonkeyPatch) -> None:
    site, judge = judged(tight(2, shifting=True).estate)
    answer = EvacuationProblem(site, judge, evacuate_goal(site, [FREED])).solve(20, 0.0)
    quick = timetable(site, judge, answer.placement, None, come_back=True)
    monkeypatch.setattr("planner.schedule.timetable.Packer", PlainPacker)
    assert quick.found and quick == timetable(site, judge, answer.placement, None, come_back=True)


def test_an_exact_search_stays_within_a_bound_of_states_whatever_may_be_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    """Thirty LPARs that may go anywhere, each with a choice of fifteen pairs of VIOSes there, and one that finds no port:
    such a search made millions of states and took a minute."""
    homes, made = "ABCDEFGHIJ", Counter[int]()
    lpars = [lpar(f"p{n:02}", homes[n % 10], 0.5, 1) for n in range(30)]
    movers = tuple(vios(f"{s}-v{n}", s) for s in homes for n in range(1, 7))
    of = estate([server(s) for s in homes], lpars, vioses=movers, disks=(), bridges=tuple(
        Bridge(v.name, "ent6", VLAN) for v in movers), fibres=tuple(
        Fibre(p.name, 10 + n, f"{p.server}-v{n}", f"c0{p.name}{n}0", f"c0{p.name}{n}1", "f1", True) for p in lpars for n in (1, 2)),
        ports=tuple(Port(v.name, "fcs0", "f1", 0 if v.server == "B" else 50) for v in movers))
    search = exact.best_first

    def counted(origin: Any, left: Any, following: Callable[[Any], Iterable[Any]], most: int) -> Any:
        def noted(state: Any) -> Iterator[Any]:
            for made_state in following(state):
                made[0] += 1
                yield made_state
        return search(origin, left, noted, most)

    monkeypatch.setattr(exact, "best_first", counted)
    site, judge = judged(of)
    assert exact_order(site, judge, site.start | {"p00": "B"}) is None
    assert 30_000 < made[0] < 150_000
