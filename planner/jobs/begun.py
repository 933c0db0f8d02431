"""How far a plan has been carried out, by where its LPARs stand in an estate of today."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from planner.estate.model import MIGRATING, Estate, Lpar
from planner.findings import Finding, Severity
from planner.grouping import grouped
from planner.jobs.homes import recorded_homes
from planner.jobs.recorded import Recorded
from planner.names import command
from planner.plan.choices import BACK, OUT
from planner.plan.plan import Move, Plan
from planner.plan.questions import Resume
from planner.rules.site import plain_name
from planner.units import many, some
from planner.verify.order import arcs_of


@dataclass(frozen=True, slots=True)
class Hung:
    """An LPAR that is in migration: the servers that list it, from where to where it moves; ``target`` is empty where
    neither the plan nor a second listing says it."""

    servers: tuple[str, ...]
    source: str
    target: str

    @property
    def unlisted(self) -> frozenset[str]:
        """The ends on which it holds what no listing counts."""
        return frozenset({self.source, self.target} - {*self.servers, ""})


class Begun:
    """What of a plan is done. ``record``: what was written down of it, which ``estate`` has."""

    def __init__(self, plan: Plan, estate: Estate, record: Recorded | None = None) -> None:
        self.plan, self.estate, self.record = plan, estate, record
        self.rows: Mapping[str, Lpar] = {p.name: p for p in estate.lpars}
        homes = recorded_homes(plan)
        self.homes = {n: s for n, s in homes.items() if n in self.rows}
        """LPAR → home, of those that the estate has."""
        self.legs = {leg: sorted(plan.leg(leg), key=lambda m: (m.start_ms, m.wave)) for leg in (OUT, BACK)}
        self.places: Mapping[str, str] = dict(plan.goal.places) if isinstance(plan.goal, Resume) else {
            m.lpar: m.target for m in self.legs[OUT]}
        """LPAR → the server to which the way out takes it."""
        self._own = grouped((m.lpar, m) for m in sorted(plan.moves, key=lambda m: m.start_ms))
        self.named = {*self.places, *homes, *(m.lpar for m in plan.moves)}
        self.gone = sorted(self.named - self.rows.keys())
        self.stopped = sorted(n for n in self.named & self.rows.keys() if not self.rows[n].active
                              and not any(m.inactive for m in self._own.get(n, ())))
        self.by_hand = sorted(n for n in self.named & self.rows.keys() if self.rows[n].server not in self._stops(n))

    def _stops(self, lpar: str) -> set[str]:
        """Where the plan, carried out in whatever part, may have left an LPAR."""
        own = self._own.get(lpar, ())
        at = {s for m in own for s in (m.source, m.target)} | {self.homes.get(lpar, ""), self.places.get(lpar, "")}
        return at if own else at | {self.rows[lpar].server}

    @cached_property
    def hung(self) -> Mapping[str, Hung]:
        """LPAR → its migration, of all that the estate has in one; a second listing of one stands for itself."""
        listed = grouped((plain_name(p.name), p) for p in self.estate.lpars)
        moving = sorted({plain_name(p.name) for p in self.estate.lpars if p.state in MIGRATING})
        return {p.name: self._hung(n, tuple(sorted(p.server for p in listed[n]))) for n in moving for p in listed[n]}

    def _hung(self, name: str, servers: tuple[str, ...]) -> Hung:
        if self.record and (known := self.record.under_way.get(name)):
            return Hung(servers, known.source, known.target)
        own = [m for m in (*self.legs[OUT], *self.legs[BACK]) if m.lpar == name and {*servers} <= {m.source, m.target}]
        if own:
            move = own[-1] if self.homeward else own[0]
            return Hung(servers, move.source, move.target)
        return Hung(servers, servers[0], next(iter(servers[1:]), ""))

    @cached_property
    def _fits(self) -> Mapping[str, bool]:
        """Leg → whether the places can be those of a state in which it is under way, in some order that the plan
        allows."""
        return {leg: self._under_way(leg) for leg in (OUT, BACK)}

    def _under_way(self, leg: str) -> bool:
        done: list[Move] = []
        own = grouped((m.lpar, m) for m in self.legs[leg])
        for name in sorted(self.named & self.rows.keys() - {*self.by_hand}):
            here, moves = self.rows[name].server, own.get(name, [])
            stops = [moves[0].source if moves else self._rest(name, leg), *(m.target for m in moves)]
            if here not in stops:
                return False
            done += moves[:stops.index(here)]
        return _closed(done, self.legs[leg])

    def _rest(self, name: str, leg: str) -> str:
        """Where an LPAR stands all through a leg that does not move it."""
        other = [m for m in self._own.get(name, ()) if m.leg != leg]
        if not other:
            return self.rows[name].server
        return other[0].source if leg == OUT else other[-1].target

    @cached_property
    def returned(self) -> list[str]:
        """Those that the way back moves and that stand where it takes them."""
        ends = {m.lpar: m.target for m in self.legs[BACK]}
        return [n for n, s in ends.items() if n in self.rows and self.rows[n].server == s]

    @cached_property
    def homeward(self) -> bool:
        """Whether the way back has begun. In doubt it has not: who goes on with the way out by mistake sees where to,
        and can still come home."""
        if self.record:
            return self.record.homeward
        return bool(self.returned) and self._fits[BACK] and not self._fits[OUT]

    @property
    def in_doubt(self) -> bool:
        """Whether the places alone do not tell the way out from the way back."""
        return not self.record and bool(self.returned) and self._fits[OUT] == self._fits[BACK]

    def findings(self, *, homeward: bool, inactive: bool) -> Iterator[Finding]:
        """Where everybody is; ``homeward``: the way home is planned now; ``inactive``: so is that of who is stopped."""
        yield Finding("resume.progress", Severity.INFO, "plan", self._tally(), "")
        if self.in_doubt and not homeward:
            yield Finding("resume.leg", Severity.WARNING, "plan", "where the LPARs stand does not tell whether the way "
                          "back has begun: the way out is taken to be under way", "if the work is over: --back")
        for name, h in {plain_name(n): h for n, h in self.hung.items()}.items():
            yield Finding("resume.hung", Severity.WARNING, name, f"is in migration from {h.source} to "
                          f"{h.target or 'an unknown server'}: nothing that depends on it is planned",
                          f"recover it first: {recovery(name, h.source)}; then export anew and resume again")
        for name in self.gone:
            yield Finding("resume.gone", Severity.WARNING, name, "is in the plan, and today's estate has no such LPAR: "
                          "nothing is planned for it", "where it was renamed or left out of the export, give an export "
                          "that has it")
        for name in self.stopped if not inactive else ():
            yield Finding("resume.stopped", Severity.WARNING, name, f"is {self.rows[name].state} on "
                          f"{self.rows[name].server}: it holds nothing, and no live move takes it", "activate it where "
                          "it is and resume again, or --inactive takes it along by an inactive migration")
        for name in self.by_hand:
            wanted = self.homes.get(name) if homeward else self.places.get(name, self.homes.get(name))
            yield Finding("resume.by-hand", Severity.WARNING, name, f"stands on {self.rows[name].server}, where the "
                          f"plan has it at no time: it was moved by hand; it is to go to {wanted}", "")

    def _tally(self) -> str:
        """``12 of 20 LPARs stand where the way out takes them, 7 where they were before it: a1, …``."""
        hung = {plain_name(n) for n in self.hung}
        here = {n: self.rows[n].server for n in sorted(self.named & self.rows.keys() - hung)}
        there = [n for n, s in here.items() if n in self.places and s == self.places[n]]
        home = [n for n, s in here.items() if n not in there and s == self.homes.get(n)]
        aside = [n for n in here if n not in (*there, *home, *self.by_hand)]
        words = [f"{len(there)} of {many(len(self.named), 'LPAR')} stand where the way out takes them"]
        words += [f"{len(names)} {what}: {some(names)}" for names, what in (
            (home, "at home"), (aside, "at a place on the way"), (self.by_hand, "moved by hand"),
            (sorted(hung), "in migration"), (self.stopped, "stopped"), (self.gone, "not in this estate")) if names]
        return "; ".join(words)


def recovery(lpar: str, source: str) -> str:
    """The commands that stop a move that hangs, and recover it."""
    return "; ".join(command("migrlpar", "-o", step, "-m", source, "-p", lpar) for step in "sr")


def _closed(done: Collection[Move], leg: Sequence[Move]) -> bool:
    """Whether all that must be over before what is done is done: the moves of earlier waves; with lanes the one before
    it in its lane, and those that it waits for."""
    moves = {*done}
    if any(m.lane for m in leg):
        return all(leg[first] in moves for first, then, _ in arcs_of(leg) if leg[then] in moves)
    last = max((m.wave for m in moves), default=0)
    return all(m in moves for m in leg if m.wave < last)
