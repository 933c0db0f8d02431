"""The cheapest changes of a large site, looked for in the part of it in which most is bought."""

from __future__ import annotations

from dataclasses import replace

import pytest
from estates import changed
from scale_estates import blocks, open_estate, ring

import planner.jobs.remedy as job
import planner.optimise.remedy as optimised
from planner.estate.assemble import Loaded
from planner.estate.changes import applied
from planner.estate.model import Bridge, Estate, Network
from planner.jobs import Options
from planner.jobs.evacuation import evacuate
from planner.jobs.remedy import Remedy, remedy
from planner.plan.questions import Evacuate
from planner.schedule.lanes import Pacing

QUICK = Options(pacing=Pacing(waves=True))


def closed(of: Estate) -> tuple[Estate, str]:
    """A site of which the first server's last LPAR is without RMC and on a VLAN that is bridged nowhere else."""
    homes = {p.server: p.name for p in of.lpars}
    first = min(homes)
    far = of.replace(networks=(*of.networks, Network(homes[first], 9, 77)), bridges=(
        *of.bridges, *(Bridge(v.name, "ent6", 77) for v in of.vioses if v.server == first)))
    return changed(far, homes[first], rmc_active=False), first


@pytest.mark.parametrize("of", [pytest.param(shape(8, 30, 3), id=shape.__name__) for shape in (ring, open_estate)] + [
    pytest.param(blocks(8, 30, 3, block=4), id="blocks")])
def test_a_part_offers_what_the_whole_does(of: Estate, monkeypatch: pytest.MonkeyPatch) -> None:
    of, first = closed(of)
    asked = Remedy(Loaded(of), Evacuate(servers=(first,), come_back=True), QUICK)
    whole = remedy(asked, 2)
    monkeypatch.setattr(job, "_PAIRS", 1)
    monkeypatch.setattr(optimised, "_PLACES", 2)
    part = next(Remedy(asked.loaded, asked.goal, QUICK).models())
    assert not part[2] and len(part[0].survivors) < len(of.servers) - 1
    found = remedy(Remedy(asked.loaded, asked.goal, QUICK), 2)
    assert [s.cost for s in found.sets][:1] == [s.cost for s in whole.sets][:1]
    assert whole.cheapest and not found.cheapest
    for s in found.sets:
        assert evacuate(Loaded(applied(of, s.changes)), asked.goal, QUICK).verified


def test_where_the_part_has_no_set_the_whole_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    of, first = closed(blocks(8, 30, 3, block=4))
    asked = Remedy(Loaded(of), Evacuate(servers=(first,), come_back=True), QUICK)
    monkeypatch.setattr(job, "_PAIRS", 1)
    monkeypatch.setattr(optimised, "_PLACES", 2)
    looked: list[bool] = []

    class Seen(job._SetSearch):
        def run(self, *of: object) -> bool:
            looked.append(len(self.model.survivors) == 7)
            return super().run(*of) if looked[-1] else True  # type: ignore[arg-type]

    monkeypatch.setattr(job, "_SetSearch", Seen)
    found = remedy(asked, 1)
    assert looked == [False, True] and found.sets and not found.none


def test_without_a_window_lanes_are_put_together_for_what_is_told_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is left out of a set is tried for whether a plan exists: that has no lanes, what is told has."""
    of, first = closed(blocks(4, 12, 3, block=4))
    options = replace(QUICK, pacing=Pacing(effort=0.0))
    asked = Remedy(Loaded(of), Evacuate(servers=(first,), come_back=True), options)
    model, shop, _ = next(asked.models())
    solution = model.solve(options.deadline(), 0.0)
    enough = model.changes(solution)
    more = next(c for rows in shop.needs.values() for row in rows for alt in row for c in alt if c not in enough)
    planned = asked.planned((*enough, more))
    assert planned
    paced: list[bool] = []
    plan = Remedy.plan

    def seen(self: Remedy, estate: Estate, pacing: Pacing | None = None) -> object:
        paced.append(pacing is None)
        return plan(self, estate, pacing)

    monkeypatch.setattr(Remedy, "plan", seen)
    least = asked.least(planned)
    assert len(least.changes) < len(planned.changes) and paced.count(True) == 1 and paced[-1]
