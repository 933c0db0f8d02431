"""Never more servers than Ganeti's ``hsqueeze``, and the proved minimum, on 18 random cases.

    python benchmarks/hsqueeze.py [--cases N] [--seed S]

A case is an ``open_estate`` of 4 to 14 servers and 5 to 12 LPARs a server, all of it in the default pool without a
maximum, so that both are asked the same question: every LPAR may go to every server (checked), servers have
processors and memory below their ceilings, some LPARs are kept apart. ``ganeti.py`` translates it, in hundredths of a
core, so that nothing is rounded away from the peer; ``--target-resources=0 --minimal-resources=0`` lets it fill nodes
wholly, and no node is the master. Its answer is the number of nodes that it leaves online.

Our answer is ``planner consolidate --minimise servers``, a whole process. The minimum is compared with a bound that
shares nothing with the planner's programs: as many of the largest servers as processors, or memory, need in all. Where
that bound is lower than our answer, OR-tools' CP-SAT is asked for a proof on the whole model.

Exit code 1: a plan not verified or its servers not proved, more servers than hsqueeze, or a proof contradicted.
"""

from __future__ import annotations

import argparse
import json
import re
import shutil
import sys
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random

import ganeti
import monolith
from measuring import Run, run
from scale_estates import open_estate, save

from planner.estate.model import Estate
from planner.plan.choices import Measure
from planner.rules import Judge, Site

PLANNER = [sys.executable, "-m", "planner.cli"]
PROOF_S, PEER_S = 30.0, 300.0


@dataclass(frozen=True, slots=True)
class Case:
    """What is asked of both."""

    number: int
    estate: Estate

    def told(self) -> str:
        """One line of it."""
        groups = sum(p.kind in ("keep-apart", "cluster") for p in self.estate.policies)
        return (f"{self.number:4} {len(self.estate.servers):7} {len(self.estate.lpars):5} {groups:5}")


def case(number: int, seed: int) -> Case:
    """The case of this number: the same arguments give the same estate."""
    rng = Random(f"hsqueeze {seed} {number}")
    servers = rng.randint(4, 14)
    estate = open_estate(servers, servers * rng.randint(5, 12), seed=1000 * seed + number)
    return Case(number, estate.replace(pools=tuple(p for p in estate.pools if p.pool_id == 0),
                                       lpars=tuple(replace(p, pool_id=0) for p in estate.lpars)))


def open_to_all(estate: Estate) -> bool:
    """Whether our rules let every LPAR go to every server, as Ganeti takes for granted."""
    site = Site(estate)
    judge = Judge(site)
    return all(judge.ready(n) and len(judge.targets(n, [s for s in site.servers if s != home])) == len(site.servers) - 1
               for n, home in site.start.items())


def counted(estate: Estate) -> int:
    """A lower bound by counting: so many of the largest servers are needed for processors, or for memory."""
    site, most = Site(estate), 0
    rooms = ganeti.rooms(site, ganeti.HUNDREDTHS)
    for place, resource in enumerate(("units", "memory_mib")):
        need = sum(getattr(site.demand(n, s), resource) for n, s in site.start.items())
        number = 0
        for room in sorted((r[place] for r in rooms.values()), reverse=True):
            if need <= 0:
                break
            need, number = need - room, number + 1
        most = max(most, number)
    return most


def squeezed(program: str, asked: Case, scratch: Path) -> tuple[Run, int | None]:
    """hsqueeze's run and the number of nodes that it leaves online; None when it says nothing of them."""
    data = scratch / f"case{asked.number}.data"
    data.write_text(ganeti.text(asked.estate, part=ganeti.HUNDREDTHS))
    found = run([program, "-t", data, "--target-resources=0", "--minimal-resources=0", "-S", scratch / "state"],
                time_limit=PEER_S)
    after = scratch / "state.squeezed"
    if found.code or not after.exists():
        return found, None
    left = len(re.findall(r"^srv\d+\|.*\|N\|g0\|", after.read_text(), re.MULTILINE))
    after.unlink()
    return found, left


def planned(asked: Case, scratch: Path, limit: float) -> tuple[Run, dict[str, object]]:
    """Our run and its plan."""
    out = scratch / f"plan{asked.number}"
    found = run([*PLANNER, "consolidate", save(asked.estate, scratch / f"case{asked.number}.json"), "--minimise",
                 "servers", "--gap", "0.01", "--time-limit", str(limit), "--out", out, "--force"])
    file = out / "plan.json"
    return found, json.loads(file.read_text()) if file.exists() else {"status": "none", "verified": False}


def judged(asked: Case, plan: dict[str, object], peer: int | None) -> tuple[str, list[str]]:
    """The line of figures, and what is wrong with our answer."""
    if not plan["verified"]:
        return "no plan", [f"{plan['status']}, no verified plan"]
    level = plan["levels"][0]  # type: ignore[index]
    ours, least = round(level["objective"]), counted(asked.estate)
    kept = len(asked.estate.servers) - len(plan["switched_off"])  # type: ignore[arg-type]
    wrong = [] if level["status"] == "optimal" and level["bound"] == level["objective"] else ["servers not proved"]
    wrong += [f"says {ours} servers, keeps {kept}"] if ours != kept else []
    wrong += [f"more than hsqueeze's {peer}"] if peer is not None and ours > peer else []
    how = "counting"
    if ours > least:
        found = monolith.Whole(asked.estate, Measure.SERVERS).by_cp_sat(PROOF_S, target=ours)
        how = "CP-SAT" if found.bound is not None and found.bound >= ours - 0.001 else "the planner alone"
        wrong += [f"CP-SAT keeps {found.objective:g}"] if found.objective is not None and found.objective < ours else []
    return f"{ours:7} {'-' if peer is None else peer:>9} {least:8}   {how:17}", wrong


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", type=int, default=18)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--time-limit", type=float, default=60.0)
    given = parser.parse_args()
    program = shutil.which("hsqueeze")
    if program is None:
        print("hsqueeze: not here (Debian: apt-get install ganeti-htools)")
        return 1
    print("case servers LPARs apart | planner  hsqueeze counted   proved as well by   planner s  hsqueeze s")
    failed, fewer = [], 0
    with tempfile.TemporaryDirectory() as directory:
        for number in range(1, given.cases + 1):
            asked = case(number, given.seed)
            theirs, peer = squeezed(program, asked, Path(directory))
            mine, plan = planned(asked, Path(directory), given.time_limit)
            line, wrong = judged(asked, plan, peer)
            wrong += [] if open_to_all(asked.estate) else ["not every LPAR may go everywhere"]
            wrong += ["hsqueeze gave no answer"] if peer is None else []
            fewer += bool(plan["verified"]) and peer is not None and round(plan["objective"]) < peer  # type: ignore
            print(f"{asked.told()} | {line} {mine.seconds:9.2f}   {theirs.seconds:9.2f}"
                  f"{'   WRONG: ' + '; '.join(wrong) if wrong else ''}", flush=True)
            failed += [number] * bool(wrong)
    print(f"never more servers than hsqueeze and the proved minimum: holds on {given.cases - len(failed)} of "
          f"{given.cases} cases; fewer than hsqueeze on {fewer}")
    if failed:
        print(f"FAILED: cases {', '.join(map(str, failed))}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
