"""Answers of scenarios against brute force on small random sites: the same least cost, and no answer only where none is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator
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
from planner.optimise.program import ONE_PLACE, Tag
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
    costs, sizes = _costs(case), _sizes(case)
    choices = _choices(case)
    best: int | None = None
    for places in product(*(sorted(c) for c in choices.values())):
        where = dict(zip(choices, places, strict=True))
        cost = sum(0 if s == case.site.start[n] else costs(n)[s] for n, s in where.items())
        if (best is None or cost < best) and not set(_broken(case, sizes, where)):
            best = cost
    return best


def can_be_had(site: Loaded, asked: Scenario, used: UsageGiven | None, tags: Collection[Tag], moments: Collection[int]) -> bool:
    """Whether a placement breaks none of these rows at these moments (0: on arrival, 1: in the end); of LPARs that
    might move those without a row are left out."""
    case = _case(site, asked, OPTIONS, CATALOGUE, used)
    sizes, named = _sizes(case), {t.subject for t in tags if t.rule == ONE_PLACE}
    rows = {(t.rule, t.subject) for t in tags}
    choices = {n: c for n, c in _choices(case).items() if n in named or c == {case.site.start[n]}}
    return any(not rows.intersection(_broken(case, sizes, dict(zip(choices, places, strict=True)), moments))
               for places in product(*(sorted(c) for c in choices.values())))


def _choices(case: Any) -> dict[str, set[str]]:
    costs, here = _costs(case), case.site.start
    return {n: (set() if n in case.displaced else {here[n]}) | set(costs(n)) for n in sorted(here)}


def _broken(case: Any, sizes: Any, where: dict[str, str], moments: Collection[int] = (0, 1)) -> Iterator[tuple[str, str]]:
    """(rule, server or group) of what a placement breaks, on arrival (0) or in the end (1)."""
    for s, moment in product(case.built.kept, moments):
        here, limit = sorted(n for n, t in where.items() if t == s), case.site.limit(s)
        most = limit if moment else case.site.at_start[s]
        size = sizes.final if moment else sizes.arrival
        held = sum((size(n, s) for n in here), case.site.base(s))
        if sizes.used:
            before = sum((case.site.usage.of(n) for n in case.site.residents(s)), 10 * case.site.base(s).units)
            if any(sizes.used[moment].on(s, here) > (10 * limit.units if moment else np.maximum(10 * limit.units, before))):
                yield "processor.usage", s
        if held.units > max(limit.units, most.units):
            yield "processor.capacity", s
        if held.memory_mib > max(limit.memory_mib, most.memory_mib):
            yield "memory.capacity", s
    if told := case.judge.groups({n: (s,) for n, s in where.items()}, end=True):
        yield from ((f.rule, g.name) for f in told for g in case.site.policies.apart)


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
