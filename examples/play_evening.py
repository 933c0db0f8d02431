"""Plays an evening of a plan, for the tutorial and for tests: the record that the page of the plan would export.

    python examples/play_evening.py saturday evening.json --until 23:30 --fails hxaix51

Each move takes some more or less than planned (drawn, the same each time), begins when what it waits for is over, and
arrives; ``--fails`` names one that does not, is stopped and recovered, and holds back what waits for it. After
``--until`` none begins.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

from planner.errors import UsageError
from planner.plan.plan import Plan, plan_json, read_plan

Event = tuple[str, dt.datetime]
"""What was seen, and when (with a zone)."""


def record(plan: Plan, moves: Mapping[int, Sequence[Event]], work: Sequence[Event] = ()) -> dict[str, Any]:
    """A record (docs/resume.md): number of a move → what was ticked of it."""
    rows = plan.numbered()
    return {"format": "planner-record", "version": 1, "plan_sha256": plan_json(plan)["plan_sha256"],
            "moves": [{"number": n, "lpar": rows[n].lpar, "leg": rows[n].leg, "source": rows[n].source,
                       "target": rows[n].target, "source_mover": rows[n].source_msp,
                       "target_mover": rows[n].target_msp, "events": ticked(events)} for n, events in moves.items()],
            "work": ticked(work), "checks": []}


def ticked(events: Sequence[Event]) -> list[dict[str, str]]:
    """As the page writes it, by JK."""
    return [{"event": name, "at": at.replace(second=0).isoformat(), "who": "JK", "note": ""} for name, at in events]


class Played:
    """An evening of a plan with a window, played: ``moves`` and ``work`` as of a record."""

    def __init__(self, plan: Plan, until: str = "", fails: Sequence[str] = ()) -> None:
        if plan.window is None:
            raise UsageError("the plan has no window: plan with --window")
        self.plan, self.window, self.fails = plan, plan.window, fails
        self.until = self.clock(until) if until else None
        self.over: dict[int, dt.datetime | None] = {}
        """Number of a move → when it was over; None where it was not, or did not begin."""
        self.moves: dict[int, list[Event]] = {}
        self.work: list[Event] = []
        begin = self.at(0)
        self.leg("out", begin)
        if plan.leg("back") and all(self.over.values()):
            out = max((x for x in self.over.values() if x), default=begin)
            end = out + dt.timedelta(seconds=plan.work_s or 0)
            if plan.work_s:
                self.work = [("started", out), ("over", end)]
            self.leg("back", end)

    def at(self, ms: int) -> dt.datetime:
        """The clock so long after the beginning of the window."""
        return self.window.at(ms).replace(tzinfo=ZoneInfo(self.window.zone))

    def clock(self, text: str) -> dt.datetime:
        """The first time that clocks show ``HH:MM`` in the window."""
        begin = self.at(0)
        then = begin.replace(hour=int(text[:2]), minute=int(text[3:]))
        return then + dt.timedelta(days=then < begin)

    def leg(self, name: str, begin: dt.datetime) -> None:
        """Each move of a leg in the order in which they are planned."""
        last: dict[int, int] = {}
        for number, move in sorted(self.plan.numbered().items(), key=lambda item: item[1].start_ms):
            if move.leg != name:
                continue
            waits = [*move.waits_for, *([last[move.lane]] if move.lane in last else [])]
            last[move.lane] = number
            ends = [self.over[n] for n in waits]
            start = max([begin, *(x for x in ends if x)])
            self.over[number] = None
            if None in ends or (self.until and start > self.until):
                continue
            seconds = move.duration_ms / 1000 * Random(f"{move.lpar} {name}").uniform(0.85, 1.15)
            end = start + dt.timedelta(seconds=round(seconds))
            if move.lpar in self.fails:
                events = ["failed", "stopped", "recovered"]
            else:
                events, self.over[number] = ["arrived"], end
            self.moves[number] = [("started", start), *((event, end) for event in events)]


def main() -> None:
    """Play and write."""
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("plan", type=Path)
    asked.add_argument("record", type=Path)
    asked.add_argument("--until", metavar="HH:MM", default="")
    asked.add_argument("--fails", metavar="LPAR", action="append", default=[])
    given = asked.parse_args()
    plan = read_plan(given.plan)
    played = Played(plan, given.until, given.fails)
    given.record.write_text(json.dumps(record(plan, played.moves, played.work), indent=1), encoding="utf-8")
    states = [events[-1][0] for events in played.moves.values()]
    print(f"{states.count('arrived')} of {len(plan.moves)} moves have arrived"
          + (f", {states.count('recovered')} has failed and was recovered" if given.fails else ""))


if __name__ == "__main__":
    main()
