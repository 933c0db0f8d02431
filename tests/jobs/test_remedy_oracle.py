"""Remedies of small random goals that are impossible: none cheaper by brute force over sets of changes, none droppable.

``PLANNER_REMEDIES`` says how many goals (default few).
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from heapq import heappop, heappush
from itertools import combinations
from random import Random

import pytest
from estates import estate, exactly, lpar, policy, server
from portion import portion
from scarce import with_ports

from planner.estate.assemble import Loaded
from planner.estate.changes import Repair
from planner.estate.model import Bridge, Disk, Estate
from planner.estate.prices import PRICES
from planner.jobs.common import Options
from planner.jobs.opening import open_all
from planner.jobs.remedy import Remedy, possible, remedy
from planner.plan.questions import Evacuate, Headroom
from planner.schedule.lanes import Pacing
from planner.stopwatch import now

EXAMPLES = int(os.environ.get("PLANNER_REMEDIES", portion(6, 2)))
MOST_SETS, MOST_TOGETHER = 1500, 150


def flawed(random: Random) -> Estate:
    """Two or three servers on which something forbids that A is freed; at times virtual ports are few."""
    homes = random.choice(("AB", "ABC", "ABC"))
    lpars = [lpar(f"p{n}", "A" if n < 2 else random.choice(homes), random.choice((0.5, 1, 1.5)), random.choice((2, 3, 4)),
                  environment=random.choice(("non-production", "non-production", "production")),
                  rmc_active=random.random() > 0.15, busy_units=random.choice((None, 30)),
                  huge_pages=random.choice((None, None, None, None, 1)))
             for n in range(random.choice((2, 3, 4)))]
    servers = [exactly(server(s), [p for p in lpars if p.server == s], random.choice((0, 1, 1, 2, 3)),
                       random.choice((1, 3, 5, 5, 8))) for s in homes]
    rows = []
    for kind in random.sample(("pin", "keep-apart", "keep-together", "production-stays", "fence", "reserve-cores",
                               "memory-ceiling", "not-a-target", "cluster"), random.choice((0, 1, 2))):
        names = random.sample([p.name for p in lpars], 2)
        rows.append({"pin": policy("pin", names[0]), "fence": policy("fence", names[0], "A"),
                     "production-stays": policy(kind, "*"), "reserve-cores": policy(kind, "B", "1"),
                     "memory-ceiling": policy(kind, "B", "90"), "not-a-target": policy(kind, "B")}.get(
                         kind, policy(kind, "both", "; ".join(names))))
    of = estate(servers, lpars, rows)
    seen = [z for z in of.zonings if z.vios.startswith(next(p.server for p in lpars if f"lun-{p.name}" == z.lun))
            or random.random() > 0.2]
    bridged = [b for b in of.bridges if b.vios.startswith("A") or random.random() > 0.2]
    bridged += [Bridge(v.name, "ent6", 99) for v in of.vioses]
    optical = [Disk("p0", 9, "iso", "A-v1", "optical", "vtopt0")] * (random.random() < 0.2)
    of = of.replace(zonings=tuple(seen), bridges=tuple(bridged), disks=(*of.disks, *optical))
    return with_ports(of, random) if random.random() < 0.25 else of


def asked(of: Estate, *, come_back: bool) -> Remedy:
    return asked_of(of, "A", come_back=come_back)


def asked_of(of: Estate, server: str, *, come_back: bool = False) -> Remedy:
    return Remedy(Loaded(of), Evacuate(servers=(server,), come_back=come_back),
                  Options(time_limit=20, pacing=Pacing(waves=True)))


def headroom_asked(of: Estate, random: Random) -> Remedy:
    """More of A than is free, or as much as it has; at times one of its LPARs is critical."""
    here = [p for p in of.lpars if p.server == "A"]
    size = next(s for s in of.servers if s.name == "A")
    most = size.configurable_units - sum(v.entitlement_units for v in of.vioses if v.server == "A")
    goal = Headroom(server="A", units=max(50, most - random.choice((0, 50, 100, 150))), memory_mib=random.choice((0, 2048, 4096)),
                    critical=(here[0].name,) if random.random() < 0.4 else (), come_back=random.random() < 0.4)
    return Remedy(Loaded(of), goal, Options(time_limit=20, pacing=Pacing(waves=True)))


def ends_a_cluster(of: Estate, changes: Iterable[Repair]) -> bool:
    """Whether all running nodes of a cluster are shut down, which is no remedy (docs/remedy.md)."""
    stopped = {c.subject for c in changes if c.passing}
    clusters = [{n.strip() for n in p.value.split(";")} for p in of.policies if p.kind == "cluster"]
    return any(names and names <= stopped for names in (c & {p.name for p in of.lpars if p.active} for c in clusters))


def cheaper(of: Remedy, most: int) -> Iterator[tuple[int, tuple[Repair, ...]]]:
    """Sets of changes that cost less than so much, the cheapest first."""
    model, _ = of.model()
    single = [*model.bought, *(relief.change(1) for relief, _ in model.amounts.values())]
    more = {relief.change(1): relief for relief, _ in model.amounts.values()}
    queue: list[tuple[int, int, tuple[tuple[int, int], ...]]] = [(0, 0, ())]
    number = 0
    while queue:
        cost, _, picked = heappop(queue)
        changes = tuple(more[single[i]].change(n) if n > 1 else single[i] for i, n in picked)
        if not ends_a_cluster(of.loaded.estate, changes):
            yield cost, changes
        for i in range(picked[-1][0] if picked else 0, len(single)):
            again = bool(picked) and i == picked[-1][0]
            then = (*picked[:-1], (i, picked[-1][1] + 1)) if again else (*picked, (i, 1))
            if (again and single[i] not in more) or not of.prices.allows(single[i]):
                continue
            total = cost + of.prices.of[single[i].kind].price
            if total < most:
                number += 1
                heappush(queue, (total, number, then))


@pytest.mark.parametrize("seed", range(EXAMPLES))
def test_no_cheaper_set_and_no_smaller_one_makes_it_possible(seed: int) -> None:
    random = Random(seed)
    cheapest_and_needed(asked(flawed(random), come_back=random.random() < 0.4))


@pytest.mark.parametrize("seed", range(1000, 1000 + EXAMPLES // 3))
def test_the_same_of_headroom(seed: int) -> None:
    random = Random(seed)
    cheapest_and_needed(headroom_asked(flawed(random), random))


@pytest.mark.parametrize("seed", range(2000, 2000 + EXAMPLES // 2))
def test_what_opens_every_server_is_needed_and_no_cheaper_set_does(seed: int) -> None:
    """A lasting change is left out for all, one for a window for its server; every cheaper set closes a server."""
    of = flawed(Random(seed))
    goals = {s.name: asked_of(of, s.name) for s in of.servers}
    told = open_all(goals.__getitem__, goals)
    assert told.cost == PRICES.total(told.lasting) + sum(s.cost for s in told.sets.values())
    for change in told.lasting:
        rest = [c for c in told.lasting if c != change]
        assert not all(goals[s].tried([*rest, *found.changes]) for s, found in told.sets.items()), change.words
    for s, found in told.sets.items():
        assert found.plan.verified
        for change in found.changes:
            assert not goals[s].tried([*told.lasting, *(c for c in found.changes if c != change)]), (s, change.words)
    if told.cheapest:
        for cost, lasting, passing in fewer_of_all({s: goals[s] for s in told.sets}, told.cost):
            assert not all(goals[s].tried([*lasting, *passing.get(s, ())]) for s in told.sets), (cost, told.cost, [
                c.words for c in lasting], passing)


def fewer_of_all(goals: dict[str, Remedy], most: int) -> Iterator[tuple[int, list[Repair], dict[str, list[Repair]]]]:
    """Sets of single changes that cost less than so much, the cheapest first: what lasts, and of each window."""
    single: dict[tuple[str, Repair], int] = {}
    for s, of in goals.items():
        model, _ = of.model()
        for c in (*model.bought, *(relief.change(1) for relief, _ in model.amounts.values())):
            if of.prices.allows(c):
                single[s if c.passing else "", c] = of.prices.cost(c)
    names = sorted(single, key=lambda sc: (single[sc], sc[0], sc[1].words))
    sets = sorted((sum(single[x] for x in some), size, n, some) for size in range(4) for n, some in enumerate(
        combinations(names, size)) if sum(single[x] for x in some) < most)
    for cost, _, _, some in sets[:MOST_TOGETHER]:
        passing = {s: [c for t, c in some if t == s] for s in goals}
        if not any(ends_a_cluster(goals[s].loaded.estate, of) for s, of in passing.items()):
            yield cost, [c for s, c in some if not s], passing


def test_what_else_is_bought_shuts_no_cluster_down() -> None:
    """Where a set has no plan something else is bought: that was the stop of the other node, which a placement has on a
    server all the same."""
    of = estate([server("A"), server("B")], [lpar("a1", "A"), lpar("a2", "A")], [
        policy("cluster", "db", "a1; a2"), policy("pin", "a1", "A"), policy("fence", "a1", "A")])
    model, _ = asked(of, come_back=True).model()
    for _ in range(6):
        solution = model.solve(now() + 20, 0.0)
        assert solution.found and not ends_a_cluster(of, model.changes(solution))
        model.add_refusal(solution)


def cheapest_and_needed(of: Remedy) -> None:
    told = remedy(of)
    if possible(of.today):
        assert not told.sets
        return
    for found in told.sets:
        assert found.plan.verified and found.cost == of.prices.total(found.changes)
        assert not ends_a_cluster(of.loaded.estate, found.changes)
        for change in found.changes:
            assert not of.tried([c for c in found.changes if c != change]), change.words
    shapes = [{c.shape for c in s.changes} for s in told.sets]
    assert not any(a <= b for n, a in enumerate(shapes) for m, b in enumerate(shapes) if n != m)
    best = told.sets[0].cost if told.sets else 400
    for number, (cost, changes) in enumerate(cheaper(of, best)):
        if number > MOST_SETS:
            break
        assert of.tried(changes) is None, (cost, best, [c.words for c in changes])
