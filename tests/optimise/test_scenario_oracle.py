"""Answers of scenarios against brute force on small random sites: the same least cost, and no answer only where none is."""

from __future__ import annotations

from collections import Counter
from fractions import Fraction
from itertools import product
from random import Random
from typing import Any

import numpy as np
import pytest
from estates import estate, loaded, lpar, measured, policy, server

from planner.errors import InputError
from planner.estate.assemble import Loaded
from planner.estate.catalogue import CATALOGUE
from planner.jobs import Options
from planner.jobs.peak_hours import UsageGiven
from planner.jobs.whatif import _case, _costs, _sizes, whatif
from planner.plan.choices import Status
from planner.scenarios.model import Growth, NewServer, Scenario
from planner.verify import verify_plan

OPTIONS = Options(time_limit=20)
#: Type-model → generation, a firmware level, modes that an LPAR may run in.
KINDS = {"9117-MMA": ("POWER6", "EM350_085", ("POWER6", "POWER6 enhanced")),
         "9117-MMB": ("POWER7", "AM720_101", ("POWER6", "POWER7")),
         "9117-MMD": ("POWER7+", "AM770_010", ("POWER6", "POWER7"))}


def a_site(rng: Random) -> Loaded | None:
    """Two or three servers that their LPARs fill well; None when they would not even hold them."""
    servers, lpars = [], []
    for name in "ABC"[:rng.randint(2, 3)]:
        model = rng.choice(sorted(KINDS))
        generation, firmware, modes = KINDS[model]
        servers.append(server(name, rng.randint(3, 6), 32, model=model, generation=generation, firmware=firmware,
                              lmb_mib=rng.choice((256, 256, 128))))
        for number in range(rng.randint(0, 3)):
            cores = rng.choice((0.2, 0.5, 1, 1.5))
            lpars.append(lpar(
                f"{name.lower()}{number}", name, cores, rng.choice((2, 4, 8)),
                virtual_processors=rng.choice((max(1, -(-int(cores * 10) // 10)), 2)), current_mode=rng.choice(modes),
                rmc_active=rng.random() > 0.15, sharing=rng.choice(("uncapped", "capped")),
                environment=rng.choice(("production", "non-production"))))
    policies = [policy("cpu-ceiling", "*", "90")] if rng.random() < 0.3 else []
    if len(lpars) > 2 and rng.random() < 0.4:
        policies.append(policy("keep-apart", "pair", "; ".join(p.name for p in rng.sample(lpars, 2))))
    try:
        return loaded(estate(servers, lpars, policies)).usable() if lpars else None
    except InputError:
        return None


def a_scenario(rng: Random, site: Loaded) -> Scenario:
    names = [s.name for s in site.estate.servers]
    model = rng.choice(("9117-MMB", "9117-MMD"))
    new = NewServer("N", model, rng.randint(3, 8), rng.choice((24, 64)) * 1024, firmware=KINDS[model][1],
                    ghz="3.1" if model == "9117-MMB" else "3.8")
    grown = (Growth("*", Fraction(rng.choice((-20, 20, 60)), 100)),) if rng.random() < 0.5 else ()
    add = (new,) if rng.random() < 0.7 else ()
    return Scenario("s", add=add, retire=tuple(rng.sample(names, rng.randint(0 if grown else 1, len(names) - (not add)))),
                    growth=grown, headroom=Fraction(rng.choice((0, 20)), 100), frontier=False)


def a_history(rng: Random, site: Loaded) -> UsageGiven | None:
    """Three hours, in each of which an LPAR uses up to twice its entitlement; None for every other site."""
    if rng.random() < 0.5:
        return None
    return measured(site.estate, {p.name: [rng.randint(0, 20 * p.entitlement_units) for _ in range(3)]
                                  for p in site.estate.lpars if rng.random() < 0.9})


def by_hand(site: Loaded, asked: Scenario, used: UsageGiven | None) -> int | None:
    """The least cost (ms) over every placement, or None."""
    case = _case(site, asked, OPTIONS, CATALOGUE, used)
    costs, sizes, here = _costs(case), _sizes(case), case.site.start
    names = sorted(here)
    choices = [({} if n in case.displaced else {here[n]: 0}) | dict(costs(n)) for n in names]
    best: int | None = None
    for places in product(*(sorted(c) for c in choices)):
        where = dict(zip(names, places, strict=True))
        cost = sum(c[s] for c, s in zip(choices, places, strict=True))
        if (best is None or cost < best) and _holds(case, sizes, where):
            best = cost
    return best


def _holds(case: Any, sizes: Any, where: dict[str, str]) -> bool:
    for s in case.built.kept:
        arrival = final = case.site.base(s)
        for n, t in where.items():
            if t == s:
                arrival, final = arrival + sizes.arrival(n, s), final + sizes.final(n, s)
        limit, start = case.site.limit(s), case.site.at_start[s]
        for of, strict in zip(sizes.used or (), (False, True), strict=False):
            here = sorted(n for n, t in where.items() if t == s)
            before = sum((case.site.usage.of(n) for n in case.site.residents(s)), 10 * case.site.base(s).units)
            if any(of.on(s, here) > (10 * limit.units if strict else np.maximum(10 * limit.units, before))):
                return False
        if arrival.units > max(limit.units, start.units) or arrival.memory_mib > max(limit.memory_mib, start.memory_mib):
            return False
        if final.units > limit.units or final.memory_mib > limit.memory_mib:
            return False
    return not case.judge.groups({n: (s,) for n, s in where.items()}, end=True)


def test_the_same_as_brute_force() -> None:
    seen: Counter[Status] = Counter()
    told: Counter[tuple[bool, bool]] = Counter()
    for seed in range(60):
        rng = Random(seed)
        site = a_site(rng)
        if site is None:
            continue
        asked = a_scenario(rng, site)
        used = a_history(rng, site)
        found, expected = whatif(site, asked, OPTIONS, used=used), by_hand(site, asked, used)
        seen[found.status] += 1
        told["processor.usage" in (found.conflict.rules if found.conflict else ()), used is not None] += 1
        if expected is None:
            assert found.status is Status.INFEASIBLE, f"seed {seed}"
            continue
        assert found.status is Status.OPTIMAL and found.objective == pytest.approx(expected / 1000), f"seed {seed}"
        if found.plan is not None and found.estate is not None:
            again = used and used.on(found.estate).usage
            assert verify_plan(found.plan, found.estate, again).holds, f"seed {seed}"
    assert told[True, True] > 2, told
    assert seen[Status.OPTIMAL] > 15 and seen[Status.INFEASIBLE] > 5, seen
