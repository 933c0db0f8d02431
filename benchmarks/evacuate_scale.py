"""Evacuating at scale: 2 of 100 servers with 1,000 LPARs beside two peers, and how time grows up to 10,000 LPARs.

    python benchmarks/evacuate_scale.py [--cache DIR] [--runs N] [--only peers|growth] [--servers N] [--grow N]

Whole processes, from a file to the answer, in one run on one machine; ratios are what to look at. Our own plan must be
proved optimal and verified, else the benchmark ends with exit code 1. A peer that cannot be had is said to be missing.

Peers, on the same estate (``open_estate``: every LPAR may go to every server, which is all that they know):

- Ganeti's ``hbal --evac-mode`` (Debian: ganeti-htools), text backend, the estate as ``ganeti.py`` translates it, in
  tenths of a core; the servers to free are offline. It proves nothing and schedules nothing; its aim is balance.
- ``proxlb-solver`` 0.1.1 (PyPI; CP-SAT) in an environment of its own under the cache directory: nodes and guests in the
  same units, the servers to free in maintenance, hard anti-affinity; ``balanciness`` 1 is least migration cost, 3 its
  default, which also balances. Its own limit of 60 s stands.
"""

from __future__ import annotations

import argparse
import json
import re
import shutil
import subprocess
import sys
import tempfile
import venv
from pathlib import Path

import ganeti
from measuring import Run, median, power_law, run
from scale_estates import blocks, open_estate, save

from planner.estate.model import Estate
from planner.rules import Site

PLANNER = [sys.executable, "-m", "planner.cli"]
PROXLB = "proxlb-solver==0.1.1"
GROWTH = (24, 48, 120, 240, 504)
"""Servers in blocks of 12; 20 LPARs a server; one server of every second block is freed."""


# ---- what the peers read -------------------------------------------------------------------------------------------

def proxlb_yaml(estate: Estate, freed: tuple[str, ...], balanciness: int) -> str:
    """The estate as a scenario of proxlb-solver (JSON is YAML)."""
    site = Site(estate)
    document = {
        "name": "evacuation", "balancing": {"method": "memory", "mode": "assigned", "balanciness": balanciness,
                                            "cpu_overcommit": 1.0, "max_parallel_migrations": 4, "max_node_inflow": 4},
        "nodes": {s: {"cpu_total": tenths, "memory_total_gb": mib / 1024, "maintenance": s in freed}
                  for s, (tenths, mib) in ganeti.rooms(site).items()},
        "vms": {p.name: {"node": p.server, "cpu": site.demand(p.name, p.server).units // 10,
                         "memory_gb": site.demand(p.name, p.server).memory_mib / 1024} for p in estate.lpars},
        "constraints": {"anti_affinity": [{"name": g.name, "vms": list(g.members), "hard": True}
                                          for g in (*site.policies.apart, *site.policies.clusters)]}}
    return json.dumps(document)


# ---- runs ----------------------------------------------------------------------------------------------------------

def ours(estate: Path, freed: tuple[str, ...], out: Path) -> tuple[Run, dict[str, object]]:
    """A run of ``planner evacuate`` and the plan it wrote."""
    found = run([*PLANNER, "evacuate", estate, *freed, "--out", out, "--force"])
    file = out / "plan.json"
    return found, json.loads(file.read_text()) if file.exists() else {"status": "none", "verified": False, "moves": []}


def good(plan: dict[str, object]) -> bool:
    """Proved optimal and replayed."""
    return plan["status"] == "optimal" and plan["verified"] is True


def proxlb_program(cache: Path) -> Path | str:
    """The peer's program, installed at the first run, or why it cannot be had."""
    home = cache / PROXLB.replace("==", "-")
    program = home / "bin" / "proxlb-solver"
    if not program.exists():
        venv.create(home, with_pip=True)
        done = subprocess.run([home / "bin" / "pip", "install", "-q", PROXLB], capture_output=True, text=True)
        if done.returncode:
            return f"pip install {PROXLB}: {done.stderr.strip().splitlines()[-1:]}"
    return program


def _line(name: str, found: Run, base: Run, told: str) -> None:
    print(f"{name:34} {found.seconds:7.2f} s {found.seconds / base.seconds:7.1f} x"
          f"   processor {found.cpu_seconds:6.2f} s   peak {found.peak_mb:6.0f} MB   {told}", flush=True)


def peers(scratch: Path, cache: Path | None, runs: int, servers: int) -> bool:
    """Ours and both peers on one estate; whether ours is what it must be and at least as fast as asked for."""
    estate, freed = open_estate(servers, 10 * servers), tuple(f"srv{servers // n:03d}" for n in (10, 2))
    file = save(estate, scratch / "open.json")
    data = scratch / "hbal.data"
    data.write_text(ganeti.text(estate, freed))
    mine, theirs, plan = [], [], {"status": "none", "verified": False, "moves": []}
    hbal = shutil.which("hbal")
    for _ in range(runs):  # in turn, so that both meet the same disturbances
        found, plan = ours(file, freed, scratch / "plan")
        mine.append(found)
        if hbal:
            theirs.append(run([hbal, "-t", data, "--evac-mode", "-l", "100000"]))
    base = median(mine)
    moves = plan["moves"]
    assert isinstance(moves, list)
    waves = max((m["wave"] for m in moves), default=0)
    print(f"Evacuate {', '.join(freed)} of {len(estate.servers)} servers, {len(estate.lpars)} LPARs "
          f"(median of {runs} runs; x: times ours)")
    _line("planner evacuate", base, base, f"{len(moves)} moves, {plan['status']}, "
          f"{'verified' if plan['verified'] else 'NOT VERIFIED'}, {waves} waves, workbook and runbook written")
    fast = True
    if hbal:
        peer = median(theirs)
        count = re.search(r"Solution length=(\d+)", peer.output)
        _line("hbal --evac-mode", peer, base, f"{count[1] if count else '?'} moves, unproved, unscheduled")
        fast = base.seconds <= peer.seconds
    else:
        print("hbal: not here (Debian: apt-get install ganeti-htools)")
    program = proxlb_program(cache) if cache else "not asked"
    for balanciness in (1, 3) if isinstance(program, Path) else ():
        directory = scratch / f"proxlb{balanciness}"
        directory.mkdir()
        (directory / "estate.yaml").write_text(proxlb_yaml(estate, freed, balanciness))
        peer = run([program, "--scenarios", directory])
        status = re.search(r"Status:\s*(\w+)", peer.output)
        count = re.search(r"Migrations:\s*(\d+)", peer.output)
        _line(f"proxlb-solver, balanciness {balanciness}", peer, base,
              f"{count[1] if count else '?'} moves, {status[1].lower() if status else f'exit code {peer.code}'}")
        fast = fast and peer.seconds >= 10 * base.seconds
    if isinstance(program, str):
        print(f"proxlb-solver: not here ({program})")
    print("as fast as asked for (not slower than hbal, 10 x proxlb-solver)" if fast else
          "SLOWER than asked for (not slower than hbal, 10 x proxlb-solver)")
    return good(plan)


def growth(scratch: Path, most: int) -> bool:
    """One server of every second block of 12 freed, 480 to 10,080 LPARs; whether every plan is what it must be. Of so
    many servers at most; of fewer than the smallest one estate alone, without a power."""
    start = median([run([*PLANNER, "--version"]) for _ in range(3)])
    print(f"\nOne server of every 24 freed, blocks of 12, 20 LPARs a server; bare start {start.seconds:.2f} s")
    sizes, seconds, processor, sound = [], [], [], True
    for servers in [n for n in GROWTH if n <= most] or [most]:
        lpars = 20 * servers
        file = save(blocks(servers, lpars), scratch / f"blocks{servers}.json")
        freed = tuple(f"srv{n:03d}" for n in range(5, servers, 24))
        found, plan = ours(file, freed, scratch / f"plan{servers}")
        moves = plan["moves"]
        assert isinstance(moves, list)
        print(f"{servers:4} servers {lpars:6} LPARs  {file.stat().st_size / 1e6:6.1f} MB   {found.seconds:7.2f} s"
              f"   processor {found.cpu_seconds:6.2f} s   peak {found.peak_mb:6.0f} MB   {len(moves):4} moves   "
              f"{plan['status']}{'' if plan['verified'] else ' NOT VERIFIED'}", flush=True)
        sizes.append(lpars)
        seconds.append(found.seconds)
        processor.append(found.cpu_seconds)
        sound = sound and good(plan)
    if len(sizes) < 2:
        return sound
    print(f"time grows with LPARs to the power of {power_law(sizes, seconds)[1]:.2f} (wall clock), "
          f"{power_law(sizes, processor)[1]:.2f} (processor), without the bare start "
          f"{power_law(sizes, [max(t - start.cpu_seconds, 0.01) for t in processor])[1]:.2f}")
    return sound


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cache", type=Path, default=Path.home() / ".cache" / "planner-benchmarks")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--only", choices=("peers", "growth"))
    parser.add_argument("--without-proxlb", action="store_true")
    parser.add_argument("--servers", type=int, default=100, help="beside the peers; ten LPARs each")
    parser.add_argument("--grow", type=int, default=GROWTH[-1], help="servers of the growth, at most")
    given = parser.parse_args()
    sound = True
    with tempfile.TemporaryDirectory() as directory:
        if given.only != "growth":
            sound = peers(Path(directory), None if given.without_proxlb else given.cache, given.runs, given.servers)
        if given.only != "peers":
            sound = growth(Path(directory), given.grow) and sound
    if not sound:
        print("FAILED: a plan is not proved optimal and verified")
    return 0 if sound else 1


if __name__ == "__main__":
    sys.exit(main())
