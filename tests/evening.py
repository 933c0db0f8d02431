"""Records of evenings, as the page of a plan exports them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from planner.plan.plan import Plan, plan_json

BEGIN = datetime.fromisoformat("2026-12-05T22:00:00+01:00")


def ticked(events: Sequence[str], begin: datetime = BEGIN) -> list[dict[str, str]]:
    """These events, two minutes apart."""
    return [{"event": e, "at": (begin + timedelta(minutes=2 * n)).isoformat(), "who": "JK", "note": ""}
            for n, e in enumerate(events)]


def record(plan: Plan, done: Mapping[int, Sequence[str]], work: Sequence[str] = ()) -> dict[str, Any]:
    """Number of a move → what was ticked of it."""
    rows = plan.numbered()
    return {"format": "planner-record", "version": 1, "plan_sha256": plan_json(plan)["plan_sha256"],
            "moves": [{"number": n, "lpar": rows[n].lpar, "leg": rows[n].leg, "source": rows[n].source,
                       "target": rows[n].target, "source_mover": rows[n].source_msp,
                       "target_mover": rows[n].target_msp, "events": ticked(events)} for n, events in done.items()],
            "work": ticked(work), "checks": []}


def written(path: Path, document: Any) -> Path:
    path.write_text(json.dumps(document), encoding="utf-8")
    return path
