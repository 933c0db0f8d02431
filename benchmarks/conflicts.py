"""Random impossible goals, and what their conflicts name, judged by brute force over all placements.

    python benchmarks/conflicts.py [--goals 300] [--from SEED] [--sentences N]

Goals of four kinds on small sites with usage, pools, policies, and few virtual ports, slots, paging memory or SR-IOV
ports: free servers, make headroom, switch servers off, retire servers in a scenario. Of each impossible one is asked:

- impossible: no placement at all keeps every rule;
- enough: what the conflict names cannot be had even when nothing else counts;
- irreducible: without any one row that it names (an LPAR, a rule on a server, a group) the rest can;
- reasons: where LPARs may go nowhere, the reasons are what the rules say of each server;
- possible: a goal that was not called impossible has a placement.

Exit code 1 when one of them fails. ``--sentences`` prints so many of the sentences that a person reads.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from random import Random
from time import process_time

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
sys.path.append(str(Path(__file__).parents[1] / "tests" / "optimise"))
sys.path.append(str(Path(__file__).parents[1] / "tests" / "jobs"))

from conflict_judge import Case, Drawn, case_of, drawn_site, freed, headroom_on_a, judged_site, tags_of_conflicts
from test_consolidation import restarts, survives
from test_oracle import carrying, lawful
from test_scenario_oracle import a_history, a_scenario, a_site, by_hand, can_be_had

from planner.errors import PlannerError
from planner.findings import errors
from planner.jobs import Options
from planner.jobs.whatif import whatif
from planner.optimise.asked import checked_headroom
from planner.optimise.consolidation import ConsolidationProblem
from planner.optimise.evacuate import EvacuationProblem
from planner.optimise.headroom import CORES, MEMORY, HeadroomProblem
from planner.optimise.measure import scale_of
from planner.optimise.program import Tag
from planner.plan.choices import Measure, Status
from planner.plan.details import Conflict
from planner.plan.questions import Consolidate, Evacuate, Headroom
from planner.rules import Judge, Site

OPTIONS = Options(time_limit=20)
KINDS = ("free", "headroom", "off", "N+1", "retire")


@dataclass(slots=True)
class Judged:
    """One goal: what it was, whether it was called impossible, what failed of what was asked, and the sentence."""

    kind: str
    status: Status
    failed: list[str]
    conflict: Conflict | None = None
    irreducible: bool = False
    used: bool = False
    scarce: bool = False
    nowhere: bool = False


def judged(seed: int) -> Judged | None:
    """A goal judged; None for one that cannot be asked."""
    kind = KINDS[seed % len(KINDS)]
    if kind == "retire":
        try:
            return retired(seed)
        except PlannerError:
            return None
    of = drawn_site(seed)
    site, judge = judged_site(of)
    try:
        asked = consolidated if kind in ("off", "N+1") else placed
        return asked(seed, of, site, judge, kind)
    except PlannerError:
        return None


def placed(seed: int, of: Drawn, site: Site, judge: Judge, kind: str) -> Judged:
    """Servers freed or headroom made."""
    goal: Evacuate | Headroom
    with tags_of_conflicts() as kept:
        if kind == "free":
            goal = freed(seed, of.estate)
            answer = EvacuationProblem(site, judge, goal).solve(20, 0.0)
            conflict = answer.conflict
        else:
            goal = checked_headroom(headroom_on_a(seed, of.estate, measured=of.rows is not None), site)
            problem = HeadroomProblem(site, judge, goal)
            answer = problem.solve(20, 0.0)
            conflict = problem.conflict(problem.most(CORES, 20), problem.most(MEMORY, 20), 20) if (
                answer.status is Status.INFEASIBLE) else None
    return verdict(kind, of, case_of(site, judge, goal), answer.status, conflict, kept)


def consolidated(seed: int, of: Drawn, site: Site, judge: Judge, kind: str) -> Judged:
    """Servers switched off that must be; or any one of all may fail."""
    rng = Random(f"off {seed}")
    off = tuple(sorted(rng.sample(sorted(site.servers), rng.choice((1, 1, 2))))) if kind == "off" else ()
    goal = Consolidate(measure=rng.choice((Measure.SERVERS, Measure.CORES)), off=off, n_plus_1=kind == "N+1",
                       come_back=rng.random() < 0.3)
    with tags_of_conflicts() as kept:
        answer = ConsolidationProblem(site, judge, goal, scale_of(site, goal.measure)).solve(20, 0.0)
    if kind == "off":
        case = case_of(site, judge, Evacuate(servers=off, come_back=goal.come_back))
        return verdict(kind, of, case, answer.status, answer.conflict, kept)
    return absorbed(of, case_of(site, judge, goal), answer.status, answer.conflict)


def verdict(kind: str, of: Drawn, case: Case, status: Status, conflict: Conflict | None,
            kept: list[tuple[list[Tag], bool]]) -> Judged:
    """What of a conflict is not so."""
    failed = []
    if status is not Status.INFEASIBLE:
        failed += [] if case.lawful else ["possible"]
        return Judged(kind, status, failed)
    assert conflict is not None
    failed += ["impossible"] if case.lawful else []
    for tags, _ in kept:
        failed += ["enough"] if case.without(tags) else []
        failed += [f"irreducible: {t}" for t in tags if not case.without(tags, t)]
    failed += [] if kept or conflict.refusals else ["no set"]
    failed += list(refusals_wrong(case, conflict))
    failed += [] if conflict.irreducible or len(kept) != 1 or kind == "headroom" else ["not called irreducible"]
    named = {t.rule for tags, _ in kept for t in tags} - {"memory.capacity"}
    rare = any(rule.startswith(("storage.", "memory.", "network.")) for rule in named)
    return Judged(kind, status, failed, conflict, all(complete for _, complete in kept), of.rows is not None, rare,
                  bool(conflict.refusals) and not kept)


def refusals_wrong(case: Case, conflict: Conflict) -> Iterator[str]:
    """Reasons that are not those of the rules; LPARs of which it is said that they may go nowhere, and may."""
    site, judge = case.site, case.judge
    for n, by_server in conflict.refusals.items():
        here = site.start[n]
        for s, why in by_server.items():
            told = {f.message for f in errors(judge.move(n, here, s) if s else judge.readiness(n))}
            home = {f"the way back: {f.message}" for f in errors(judge.move(n, s, here))} if s else set()
            said = {w.message for w in why}
            if not said or not said <= told | home or (not case.come_back and said != told):
                yield f"reasons of {n} to {s or 'anywhere'}"
        if n in case.must and n in conflict.lpars and conflict.irreducible and case.places[n]:
            yield f"{n} may go to {case.places[n]}"


def absorbed(of: Drawn, case: Case, status: Status, conflict: Conflict | None) -> Judged:
    """The same of failures of servers: whether placements survive those that the conflict names, and all but one."""
    site, judge, may = case.site, case.judge, restarts(case.site)
    holds, carried = lawful(site, judge), carrying(judge)

    together = conflict is not None and "policy.keep-together" in conflict.rules
    tied = {n for g in site.policies.together for n in g.members if together}

    def survived(failing: Collection[str], named: Collection[str]) -> bool:
        choices = {n: case.places.get(n, [case.fixed.get(n, "")]) for n in sorted({*named, *case.fixed})}
        wheres = (dict(zip(choices, chosen, strict=True)) for chosen in product(*choices.values()))
        return any(all(survives(judge, may, carried, where, list(site.servers), s) for s in failing)
                   for where in wheres if holds(where))

    if status is not Status.INFEASIBLE:
        return Judged("N+1", status, [] if survived(site.servers, site.start) else ["possible"])
    assert conflict is not None
    failed = ["impossible"] if survived(site.servers, site.start) else []
    servers, lpars = {*conflict.servers}, {*conflict.lpars, *tied}
    if not conflict.refusals:
        failed += ["enough"] if survived(servers, lpars) else []
        failed += [f"irreducible: {s}" for s in servers if not survived(servers - {s}, lpars)]
        failed += [f"irreducible: {n}" for n in {*conflict.lpars} - case.fixed.keys()
                   if not survived(servers, lpars - {n})]
    return Judged("N+1", status, failed, conflict, conflict.irreducible, of.rows is not None, False,
                  bool(conflict.refusals))


def retired(seed: int) -> Judged | None:
    """A scenario without servers; who is named is what cannot be had, and without any one of them the others can."""
    rng = Random(f"retire {seed}")
    site = a_site(rng)
    if site is None:
        return None
    asked, used = a_scenario(rng, site), a_history(rng, site)
    with tags_of_conflicts() as kept:
        found = whatif(site, asked, OPTIONS, used=used)
    feasible = by_hand(site, asked, used) is not None
    if found.status is not Status.INFEASIBLE:
        return Judged("retire", found.status, [] if feasible else ["possible"])
    conflict = found.conflict
    assert conflict is not None
    failed = ["impossible"] if feasible else []
    moments = {"on": (0,), "after": (1,)}.get(conflict.summary.split()[0], (0, 1))
    for tags, _ in kept:
        failed += ["enough"] if can_be_had(site, asked, used, tags, moments) else []
        failed += [f"irreducible: {t}" for t in tags
                   if not can_be_had(site, asked, used, [x for x in tags if x != t], moments)]
    complete = all(complete for _, complete in kept)
    return Judged("retire", found.status, failed, conflict, complete, used is not None, False, bool(conflict.refusals))


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--goals", type=int, default=300)
    parser.add_argument("--from", type=int, default=0, dest="first")
    parser.add_argument("--sentences", type=int, default=0)
    asked = parser.parse_args()
    seen: Counter[tuple[str, str]] = Counter()
    total: Counter[str] = Counter()
    sentences: list[str] = []
    seed, bad, began = asked.first, 0, process_time()
    while total["impossible"] < asked.goals:
        told = judged(seed)
        if told:
            seen[told.kind, str(told.status)] += 1
            bad += bool(told.failed)
            if told.failed:
                print(f"seed {seed} {told.kind} {told.status}: {'; '.join(told.failed)}", told.conflict)
            if told.conflict:
                rules = told.conflict.rules
                total.update({
                    "impossible": 1, "irreducible": told.irreducible and not told.nowhere,
                    "may go nowhere": told.nowhere,
                    "with a history": told.used, "usage named": any("usage" in r for r in rules),
                    "ports, slots and the like named": told.scarce,
                    "policies named": any(r.startswith("policy.") for r in rules)})
                sentences.append(f"{seed:5} {told.kind:8} {told.conflict.summary}")
        seed += 1
    for kind in KINDS:
        print(f"{kind:10}", ", ".join(f"{n} {status}" for (k, status), n in sorted(seen.items()) if k == kind))
    print(", ".join(f"{n} {what}" for what, n in total.items()))
    print(f"{bad} judged wrong of {sum(seen.values())}; {process_time() - began:.0f} s of processor time")
    print("\n".join(sentences[:asked.sentences]))
    return int(bad > 0)


if __name__ == "__main__":
    sys.exit(main())
