"""The record of an evening as the newest word on where the LPARs of a plan are (docs/resume.md)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import pairwise
from pathlib import Path

from planner.errors import InputError, UsageError
from planner.estate.assemble import Loaded
from planner.estate.model import MIGRATING, Estate, Lpar
from planner.findings import Finding, Severity, Source, errors
from planner.formats import evening_record
from planner.formats.base import Reading
from planner.formats.open import documents
from planner.grouping import grouped
from planner.jobs.common import local_now
from planner.plan.carried_out import carried_out
from planner.plan.choices import BACK
from planner.plan.plan import Move, Plan
from planner.rules.site import plain_name
from planner.units import many, some

_FIX = "export it again from the page of this plan; docs/resume.md has its form"


@dataclass(frozen=True, slots=True)
class Recorded:
    """What a record says, put over an estate: ``loaded`` is the estate as both have it. ``under_way``: LPAR → the move
    that was begun and is neither over nor recovered; ``homeward``: the way back has begun; ``findings``: where record
    and estate differ."""

    loaded: Loaded
    under_way: Mapping[str, Move]
    homeward: bool
    work: tuple[evening_record.Event, ...]
    findings: tuple[Finding, ...]

    def work_left_s(self, planned_s: int, now: dt.datetime | None) -> int:
        """Seconds of work that are left at a local clock time (None: the clock)."""
        if not self.work:
            return planned_s
        begun = self.work[0]
        done = ((now - begun.local) if now else local_now("UTC") - begun.at.astimezone(dt.UTC).replace(tzinfo=None)
                ).total_seconds()
        return 0 if self.homeward or len(self.work) > 1 else max(0, planned_s - max(0, int(done)))


def recorded(path: Path, plan: Plan, loaded: Loaded) -> Recorded:
    """The record in a file, of this plan, put over this estate: the estate may be older, from before the evening too.

    Raises UsageError for a file that holds no record, InputError for one that is wrong, or of another plan.
    """
    reading = _reading(path)
    moves: dict[str, list[tuple[Move, str]]] = grouped(
        (m.lpar, (m, state)) for m, state in _states(plan, reading))
    found = _Placed(loaded.estate)
    for name, chain in moves.items():
        found.place(name, chain)
    begun = [m for m, state in _states(plan, reading) if m.leg == BACK and state]
    return Recorded(replace(loaded, estate=found.estate()), found.under_way, bool(begun),
                    reading.records[0].fields["work"], tuple(found.said(path)))


def _reading(path: Path) -> Reading:
    """Raises UsageError, InputError."""
    read = list(documents([path]))
    if problems := [p for document in read for p in document.problems]:
        raise InputError(problems)
    found = [r for document in read for r in document.readings if r.kind == evening_record.KIND]
    if len(found) != 1:
        raise UsageError(f"--record {path}: {'several records' if found else 'no record of an evening'}: give the one "
                         "file that the page of the plan exports")
    if wrong := errors(found[0].findings):
        raise InputError(wrong)
    return found[0]


def _states(plan: Plan, reading: Reading) -> list[tuple[Move, str]]:
    """The moves of the plan in their order, each with what was done with it last, ``""`` nothing. Raises
    InputError."""
    head, *rows = reading.records
    file, numbered = head.source.file, plan.numbered()
    if head.fields["plan"] != plan.seal:
        raise InputError([Finding("record.plan", Severity.ERROR, "plan_sha256", f"it is of another plan "
                                  f"({head.fields['plan'][:12]}…) than this ({plan.seal[:12]}…)", "give the plan whose "
                                  "page it was exported from", Source(file, cell="plan_sha256"))])
    wrong, states = [], dict.fromkeys(numbered, "")
    for row in rows:
        told: evening_record.MoveEvents = row.fields["move"]
        move = numbered.get(told.number)
        if move is None or any(getattr(move, f) != getattr(told, f) for f in ("lpar", "leg", "source", "target")):
            what = "has no such move" if move is None else f"has {_shown(move.number or told.number, move)} there"
            wrong.append(Finding("record.move", Severity.ERROR, told.lpar, f"{_shown(told.number, told)}: the plan "
                                 f"{what}", _FIX, row.source))
        elif told.events:
            states[told.number] = told.events[-1].event
    places = {row.fields["move"].number: row.source for row in rows}
    chains = grouped((m.lpar, n) for n, m in sorted(numbered.items(), key=lambda one: one[1].start_ms))
    for lpar, chain in chains.items():
        wrong += [Finding("record.order", Severity.ERROR, lpar, f"move {b} ({lpar}) is {states[b]}, and its move {a} "
                          f"before that is {states[a] or 'not begun'}: that cannot be", _FIX, places[b])
                  for a, b in pairwise(chain) if states[b] and states[a] != "arrived"]
    if wrong:
        raise InputError(wrong)
    return [(numbered[n], states[n]) for chain in chains.values() for n in chain]


def _shown(number: int, move: Move | evening_record.MoveEvents) -> str:
    return f"move {number} ({move.lpar} from {move.source} to {move.target}, way {move.leg})"


@dataclass(slots=True)
class _Placed:
    """An estate, and what is to change in it so that each LPAR stands where the record has it."""

    was: Estate
    under_way: dict[str, Move] = field(default_factory=dict)
    done: list[Move] = field(default_factory=list)
    settled: dict[str, str] = field(default_factory=dict)
    ahead: list[str] = field(default_factory=list)
    newer: list[str] = field(default_factory=list)
    elsewhere: dict[str, str] = field(default_factory=dict)
    rows: dict[str, Lpar] = field(init=False)

    def __post_init__(self) -> None:
        self.rows = {p.name: p for p in self.was.lpars}

    def place(self, name: str, chain: list[tuple[Move, str]]) -> None:
        """One LPAR, with its moves in order. An estate that has it at an earlier place of these is older than the
        record, one that has it at a later place newer."""
        row = self.rows.get(name)
        if row is None:
            return
        moves = [m for m, _ in chain]
        arrived = sum(state == "arrived" for _, state in chain)
        stops = [moves[0].source, *(m.target for m in moves)]
        at = [i for i, server in enumerate(stops) if server == row.server]
        begun = next((m for m, state in chain if state in ("started", "failed", "stopped")), None)
        if at and at[0] <= arrived:
            self.done += moves[:arrived]
            if row.server != stops[arrived]:
                self.ahead.append(name)
            if begun:
                self.under_way[name] = begun
                self.settled[name] = MIGRATING[begun.inactive]
            elif row.state in MIGRATING:
                self.settled[name] = "not activated" if moves[0].inactive else "running"
        elif at:
            self.newer.append(name)
        elif arrived or begun:
            self.elsewhere[name] = f"{stops[arrived]} in the record, {row.server} in the estate"

    def estate(self) -> Estate:
        """The estate as it is now. Of an LPAR that is no more in migration the second listing goes."""
        over = self.settled.keys() - self.under_way.keys()
        then = carried_out(self.was, self.done)
        return then.replace(lpars=tuple(
            replace(p, state=self.settled.get(p.name, p.state)) for p in then.lpars
            if not (p.name not in over and plain_name(p.name) in over and p.state in MIGRATING)))

    def said(self, path: Path) -> Iterator[Finding]:
        """Where record and estate differ."""
        if self.ahead:
            yield Finding("resume.record", Severity.INFO, "plan", f"{many(len(self.ahead), 'LPAR')} stand where "
                          f"{path.name} has them, in an estate that is older: {some(self.ahead, 8)}", "")
        if self.newer:
            yield Finding("resume.newer", Severity.WARNING, some(self.newer, 8), f"has arrived in the estate, and not "
                          f"in {path.name}: the estate is newer there, and counts", "nothing to do if it is so; else "
                          "give an estate from before it moved")
        for name, where in self.elsewhere.items():
            yield Finding("resume.newer", Severity.WARNING, name, f"stands where the plan has it at no time ({where}): "
                          "the estate counts", "look where it runs; export anew")
