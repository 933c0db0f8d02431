"""Which servers can be freed on one Saturday night, and who would move: python examples/free_a_server.py [ESTATE]"""

import sys
from pathlib import Path

from planner import evacuate, load_estate, verify_plan

SAMPLE = Path(__file__).parents[1] / "data" / "landscape"

estate = load_estate(sys.argv[1] if len(sys.argv) > 1 else SAMPLE)
for server in estate.servers:
    plan = evacuate(estate, server.name, window="2026-12-05 22:00/06:00", come_back=True, work="60m")
    if not plan.moves:
        print(f"{server.name}: {plan.status}")
        continue
    moves = plan.frames()["moves"]
    out = moves[moves["leg"] == "out"]
    holds = "holds" if verify_plan(plan, estate).holds else "fails"
    print(f"{server.name}: {plan.status}, {len(out)} moves out in {out['end_s'].max() / 3600:.1f} h, "
          f"{out['bytes_sent'].sum() / 1e9:.0f} GB sent; the replay {holds}")
    print(out.groupby("target")["lpar"].count().rename("LPARs").to_string(), end="\n\n")
