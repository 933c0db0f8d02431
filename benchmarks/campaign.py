"""Campaigns over the sample estates, refilled and rolling, verified state by state.

    python benchmarks/campaign.py

All three servers of the landscape and all six of the modern estate. Printed: servers, windows, moves, plans that were
made, processor seconds. Exit code 1 when a server is left, a state does not hold or, refilled, somebody is not home.
"""

from __future__ import annotations

import sys
from pathlib import Path
from time import process_time

from planner import jobs, verify_plan
from planner.estate.load import load
from planner.jobs.campaign import CampaignResult, campaign, with_levels
from planner.plan.carried_out import carried_out
from planner.scenarios.campaign_file import read_campaign

DATA = Path(__file__).parents[1] / "data"


def wrong(result: CampaignResult) -> str:
    """What is not as it must be; else ``""``."""
    if result.left:
        return "left: " + ", ".join(x.work.server for x in result.left)
    state = result.estate
    for number, step in enumerate(result.steps, 1):
        if step.estate != state or not step.plan.verified or not verify_plan(step.plan, state).holds:
            return f"step {number} does not hold"
        state = with_levels(carried_out(state, step.plan.moves), step.work)
    if result.away and all(s.work.refill for s in result.steps):
        return f"{len(result.away)} LPARs are not home"
    return "" if state == result.end else "the end is another"


def main() -> int:
    failed = False
    for name in ("landscape", "modern"):
        loaded = load([DATA / name])
        asked = read_campaign(DATA / "campaigns" / f"{name}.toml", loaded.estate, every=True)
        rolling = tuple(w.model_copy(update={"refill": False}) for w in asked.work)
        for kind, more in (("refilled", {}), ("rolling", {"work": rolling}),
                           ("rolling, then home", {"work": rolling, "home_at_end": True})):
            at = process_time()
            result = campaign(loaded, asked.model_copy(update=more), jobs.Options(zone="Europe/Berlin"))
            spent = process_time() - at
            why = wrong(result)
            failed |= bool(why)
            print(f"{name:10} {kind:19} {len(result.steps)} of {len(asked.work)} servers, "
                  f"{len({s.window.start for s in result.steps})} windows, "
                  f"{sum(len(s.plan.moves) for s in result.steps):4} moves, {len(result.away):3} LPARs elsewhere; "
                  f"{result.plans:3} plans{'' if result.every_order else ', not every order'}, "
                  f"processor {spent:6.1f} s: {why or 'verified state by state'}", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
