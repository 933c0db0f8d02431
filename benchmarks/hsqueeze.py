"""Fewest servers beside Ganeti's ``hsqueeze`` (Debian: ganeti-htools) on 18 random estates.

    python benchmarks/hsqueeze.py [--cases N]

Whole processes. Every estate is one where all LPARs may go to all servers, which is all that hsqueeze knows: a node is
a server with the memory and processors (hundredths of a core, at a ratio of 1) that its limit leaves for LPARs, an
instance an LPAR on external storage; LPARs that are kept apart share an exclusion tag; shared pools have no maximum
here. hsqueeze is asked to leave no resources free (``--target-resources=0``), its most eager setting.

Exit code 1 when ours keeps more servers on in any case, or has not proved that fewer are impossible. Without hsqueeze
only the proof is checked, and that is said.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

from measuring import Run, run
from scale_estates import open_estate, save

from planner.estate.model import Estate
from planner.rules import Site

PLANNER = [sys.executable, "-m", "planner.cli"]
CASES = tuple((5 + seed % 8, (5 + seed % 8) * (6 + 2 * (seed % 4)), seed) for seed in range(1, 19))
"""(servers, LPARs, seed)."""


def htools_text(estate: Estate) -> str:
    """The estate in the text format of Ganeti's htools, in hundredths of a core and MiB."""
    site = Site(estate)
    tags = {n: f"apart:{number}" for number, g in enumerate((*site.policies.apart, *site.policies.clusters))
            for n in g.members}
    nodes = []
    for s in site.servers:
        units, mib = (site.limit(s).units - site.base(s).units, site.limit(s).memory_mib - site.base(s).memory_mib)
        free = mib - (site.at_start[s].memory_mib - site.base(s).memory_mib)
        nodes.append(f"{s}|{mib}|0|{free}|10000000|10000000|{units}|N|g0|1||N|0|0|1.0")
    instances = []
    for p in estate.lpars:
        demand = site.demand(p.name, p.server)
        instances.append(f"{p.name}|{demand.memory_mib}|0|{demand.units}|running|Y|{p.server}||ext|"
                         f"{tags.get(p.name, '')}|1")
    policy = "default|128,1,1024,1,1,1|1,1,0,0,0,1;10000000,100000,10000000,64,64,64|ext|1.0|1000.0"
    return "\n".join(["default|g0|preferred||", "", *nodes, "", *instances, "", "htools:iextags:apart", "", policy, ""])


def case(servers: int, lpars: int, seed: int) -> Estate:
    """An estate without limits that hsqueeze has no word for."""
    made = open_estate(servers, lpars, seed)
    return made.replace(pools=tuple(replace(p, max_units=None, reserved_units=0) for p in made.pools))


def ours(file: Path, out: Path) -> tuple[int, bool, Run]:
    """Servers that stay on, whether fewer are proved impossible, and the run."""
    found = run([*PLANNER, "consolidate", file, "--minimise", "servers", "--gap", "0.01", "--out", out, "--force",
                 "--json"])
    plan = json.loads((out / "plan.json").read_text())
    if not plan.get("levels"):
        return -1, False, found
    level = plan["levels"][0]
    return round(level["objective"]), level["gap"] == 0 and plan["verified"], found


def theirs(file: Path, servers: int) -> tuple[int, Run]:
    """Servers that hsqueeze keeps on."""
    found = run(["hsqueeze", "-t", file, "--target-resources=0", "--minimal-resources=0"])
    lines = found.output.partition("'Nodes to offline'")[2].split()
    return servers - len(lines), found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", type=int, default=len(CASES))
    chosen = CASES[:parser.parse_args().cases]
    there = shutil.which("hsqueeze") is not None
    if not there:
        print("hsqueeze: not here (Debian: apt-get install ganeti-htools); only the proofs are checked")
    good, fewer = True, 0
    with tempfile.TemporaryDirectory() as scratch:
        for servers, lpars, seed in chosen:
            estate = case(servers, lpars, seed)
            file = save(estate, Path(scratch) / "estate.json")
            on, proved, mine = ours(file, Path(scratch) / "plan")
            told = f"{servers:3} servers {lpars:4} LPARs seed {seed:2}: ours {on:2} on, "
            told += f"{'proved' if proved else 'NOT PROVED'} ({mine.seconds:.2f} s)"
            good = good and proved
            if there:
                data = Path(scratch) / "cluster.data"
                data.write_text(htools_text(estate))
                peer, their = theirs(data, servers)
                told += f"; hsqueeze {peer:2} on, unproved ({their.seconds:.2f} s)"
                told += "  MORE THAN HSQUEEZE" if on > peer else ""
                good, fewer = good and on <= peer, fewer + (on < peer)
            print(told, flush=True)
    print(f"{len(chosen)} cases: {'holds' if good else 'DOES NOT HOLD'}; fewer than hsqueeze in {fewer}")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
