"""Records of evenings, as the page of a plan exports them."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from planner.plan.plan import Plan

sys.path.append(str(Path(__file__).parents[1] / "examples"))
import play_evening  # the record that the tutorial plays

BEGIN = datetime.fromisoformat("2026-12-05T22:00:00+01:00")


def ticked(events: Sequence[str], begin: datetime = BEGIN) -> list[dict[str, str]]:
    """These events, two minutes apart."""
    return play_evening.ticked(_apart(events, begin))


def _apart(events: Sequence[str], begin: datetime = BEGIN) -> list[tuple[str, datetime]]:
    return [(e, begin + timedelta(minutes=2 * n)) for n, e in enumerate(events)]


def record(plan: Plan, done: Mapping[int, Sequence[str]], work: Sequence[str] = ()) -> dict[str, Any]:
    """Number of a move → what was ticked of it."""
    return play_evening.record(plan, {n: _apart(events) for n, events in done.items()}, _apart(work))


def written(path: Path, document: Any) -> Path:
    path.write_text(json.dumps(document), encoding="utf-8")
    return path
