"""Readiness of large sites: how long, which verdicts, and against asking ``planner evacuate --return`` of each server.

    python benchmarks/readiness.py [--servers N] [--lpars N] [--asked N] [--shape SHAPE]

Whole processes on estates of ``scale_estates.py``, as they are and closed: one LPAR of every second server without RMC,
the VLANs of every fifth and of every sixth bridged by nobody else (74 of 100 are closed); the closed ones with remedies
too. ``--since``: a few changes of a weekend; and one, after a run that has written what it found. A few servers, evenly
spread, are asked alone; the ratio is to what all of them would take. A verdict that is another than evacuate's makes
the exit code 1.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

from measuring import Run, run
from scale_estates import SHAPES, save

from planner.estate.model import Estate

PLANNER = [sys.executable, "-m", "planner.cli"]


def closed(of: Estate) -> Estate:
    """The estate on a bad day."""
    first = {p.server: p.name for p in reversed(of.lpars)}
    mute = {first[s.name] for s in of.servers[::2] if s.name in first}
    own = {s.name: 3000 + n for n, s in enumerate(of.servers) if n % 5 == 0 or n % 6 == 1}
    server_of = {p.name: p.server for p in of.lpars}
    return of.replace(
        lpars=tuple(replace(p, rmc_active=False) if p.name in mute else p for p in of.lpars),
        networks=tuple(replace(n, vlan=own[server_of[n.lpar]]) if n.slot == 2 and server_of[n.lpar] in own else n
                       for n in of.networks),
        bridges=(*of.bridges, *(replace(next(b for b in of.bridges if b.vios == v.name), vlan=own[v.server])
                                for v in of.vioses if v.server in own)))


def later(of: Estate) -> Estate:
    """The estate a weekend later: four LPARs without RMC, a VIOS without it, a VLAN and the ports of a fabric less, on
    one server each."""
    mute = {p.name for p in of.lpars[::len(of.lpars) // 4]}
    dark, unbridged, unported = (of.servers[n * len(of.servers) // 4].name for n in (1, 2, 3))
    server_of = {v.name: v.server for v in of.vioses}
    return of.replace(
        lpars=tuple(replace(p, rmc_active=False) if p.name in mute else p for p in of.lpars),
        vioses=tuple(replace(v, rmc_active=False) if v.name == f"{dark}-vio1" else v for v in of.vioses),
        bridges=tuple(b for b in of.bridges if server_of[b.vios] != unbridged),
        ports=tuple(p for p in of.ports if (server_of[p.vios], p.fabric) != (unported, "A")))


def next_day(of: Estate) -> Estate:
    """The estate with one LPAR without RMC."""
    name = of.lpars[len(of.lpars) // 2].name
    return of.replace(lpars=tuple(replace(p, rmc_active=False) if p.name == name else p for p in of.lpars))


def readiness(file: Path, *more: str | Path) -> tuple[Run, dict[str, Any]]:
    """A run of ``planner readiness``, and what it says."""
    found = run([*PLANNER, "readiness", file, "--json", *more])
    return found, json.loads(found.output)


def said(plan: dict[str, object]) -> str:
    """Evacuate's answer as readiness has it."""
    return "can" if plan["verified"] else "cannot" if plan["status"] == "infeasible" else "unknown"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--servers", type=int, default=100)
    parser.add_argument("--lpars", type=int, default=1000)
    parser.add_argument("--asked", type=int, default=4)
    parser.add_argument("--shape", choices=sorted(SHAPES))
    given = parser.parse_args()
    wrong = 0
    with tempfile.TemporaryDirectory() as folder:
        where = Path(folder)
        for shape in [given.shape] if given.shape else SHAPES:
            of = SHAPES[shape](given.servers, given.lpars, 1)
            whole, bad, late, one_row = (save(estate, where / f"{name}.json") for name, estate in (
                ("whole", of), ("closed", closed(of)), ("later", later(of)), ("next", next_day(of))))
            for name, file in (("", whole), (", closed", bad)):
                found, document = readiness(file)
                counts = Counter(f["verdict"] for f in document["servers"])
                one, differ = asked_alone(document["servers"], file, given.asked, where)
                wrong += differ
                print(f"{shape}{name}: {found.seconds:.1f} s, processor {found.cpu_seconds:.1f} s; {dict(counts)}; "
                      f"{len(document['blockers'])} things; 1 : {one * given.servers / found.cpu_seconds:.0f} of "
                      f"processor against each server alone ({one:.1f} s each); {differ} differ", flush=True)
            found, document = readiness(bad, "--remedies")
            told = [f for f in document["servers"] if f["verdict"] in ("no", "unknown", "one way")]
            print(f"{shape}, closed, with remedies: {found.seconds:.1f} s, processor {found.cpu_seconds:.1f} s; "
                  f"{sum('remedy' in f for f in told)} remedies for {len(told)} servers", flush=True)
            found, document = readiness(late, "--since", whole)
            then = document["since"]
            print(f"{shape}, --since: {found.seconds:.1f} s, processor {found.cpu_seconds:.1f} s; {then['rows']} rows, "
                  f"{len(then['worse'])} worse; rows named: "
                  f"{dict(Counter(len(c['causes']) for c in then['worse']))}", flush=True)
            first, _ = readiness(whole, "--out", where / shape)
            again, _ = readiness(one_row, "--since", where / shape)
            print(f"{shape}, one row changed since a run that was written: processor {again.cpu_seconds:.1f} s after "
                  f"{first.cpu_seconds:.1f} s", flush=True)
    return 1 if wrong else 0


def asked_alone(servers: list[dict[str, str]], file: Path, count: int, folder: Path) -> tuple[float, int]:
    """Processor seconds of evacuate for one server, and how many of those that were asked have another answer."""
    chosen = servers[::max(1, len(servers) // count)][:count]
    seconds, differ = 0.0, 0
    for f in chosen:
        out = folder / "plan"
        found = run([*PLANNER, "evacuate", file, f["server"], "--return", "--json", "--out", out, "--force"])
        seconds += found.cpu_seconds
        answer = said(json.loads(found.output))
        differ += answer != {"yes": "can", "yes if": "can", "unknown": "unknown"}.get(f["verdict"], "cannot")
    return seconds / len(chosen), differ


if __name__ == "__main__":
    sys.exit(main())
