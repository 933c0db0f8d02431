"""The timetable of a placement: the way out, the work, the way back, and whether it fits the window."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from planner.plan.choices import BACK, OUT
from planner.plan.plan import Move, Window
from planner.rules import Judge, Site
from planner.schedule.exact import exact_order, small
from planner.schedule.fibre import with_ports
from planner.schedule.order import THOROUGH, Step, mark_parking, serial_order
from planner.schedule.vnics import with_vnics
from planner.schedule.waves import Packer, with_ids


@dataclass(frozen=True, slots=True)
class Timetable:
    """Moves of both legs; ``reason`` says why there is none. The way back begins ``work_ms`` after the way out is over,
    and not before ``back_from_ms``. ``bounds_s``: the seconds that each leg takes at least, where that was asked."""

    moves: tuple[Move, ...] = ()
    reason: str = ""
    work_ms: int = 0
    back_from_ms: int = 0
    bounds_s: Mapping[str, float] = field(default_factory=dict)

    @property
    def found(self) -> bool:
        """There is a timetable (a way that needs no move counts)."""
        return not self.reason


def preference(site: Site, names: Sequence[str], target: Mapping[str, str]) -> list[str]:
    """Production first or last where the policy says so, priority, then the longest moves, so that short ones fill the
    gaps."""
    first = site.policies.production_order == "first"
    ordered = bool(site.policies.production_order)

    def key(name: str) -> tuple[bool, int, int, str]:
        there = target[name]
        here = site.start[name]
        longest = site.solo(name, here, there).duration_ms if here != there else 0
        late = ordered and (site.lpars[name].environment == "production") != first
        return late, site.policies.priority.get(name, 1_000_000), -longest, name
    return sorted(names, key=key)


@dataclass(frozen=True, slots=True)
class _Leg:
    """One way: from where to where everything stands, from when on, its first wave's number."""

    name: str
    start: Mapping[str, str]
    final: Mapping[str, str]
    begin_ms: int = 0
    wave: int = 1
    unmoved: Collection[str] = ()
    states: int = THOROUGH

    def packed(self, judge: Judge, packer: Packer, prepared: Sequence[Step] = ()) -> list[Move] | str:
        """Its moves in an order of its own, or as ``prepared``; or why there are none."""
        site, start, final = judge.site, self.start, self.final
        moving = [n for n in final if final[n] != start[n]]
        wish = preference(site, moving, final if self.name == OUT else start)
        steps = prepared or serial_order(site, judge, start, final, wish, self.unmoved, self.states)
        if steps is None:
            return ("no order of its moves was found that keeps capacity at every moment, parking moves included; "
                    "that is no proof that there is none")
        arriving = {final[n] for n in moving}
        free = not prepared and not any(s.parking for s in steps) and not any(start[n] in arriving for n in moving)
        moves = packer.pack(steps, start, self.name, self.begin_ms, self.wave, free)
        return moves if moves is not None else "blackout times leave no moment for some move"


def timetable(site: Site, judge: Judge, placement: Mapping[str, str], window: Window | None, *,
              come_back: bool = False, work_s: int = 0, back_from_s: int = 0,
              unmoved: Collection[str] = (), states: int = THOROUGH) -> Timetable:
    """The legs of a plan that ends with ``placement`` (LPAR → server, only those that move); ``unmoved`` are not parked
    either. ``states``: how far an order with parking moves is searched for.

    Where an order leaves some adapter without a port or slot, a thorough search of a small site counts those exactly.
    The way back begins when ``work_s`` seconds of work are over, and not before ``back_from_s``.
    """
    def tried(prepared: Sequence[Step] = ()) -> Timetable | None:
        """None: there is an order, but no choice of ports for it."""
        for alone in (False, True):  # who starts before another has left takes the ports that are free then
            moves = _packed(judge, placement, Packer(site, window, alone=alone), come_back=come_back, work_s=work_s,
                            back_from_s=back_from_s, unmoved=unmoved, states=states, prepared=prepared)
            if isinstance(moves, str):
                return None if alone else Timetable(reason=moves)
            ported = with_ports(site, moves)
            if ported is not None:
                return Timetable(tuple(with_ids(site, with_vnics(site, ported))), work_ms=work_s * 1000,
                                 back_from_ms=back_from_s * 1000)
        return None

    table = tried()
    if table is None and states >= THOROUGH and small(site):
        steps = exact_order(site, judge, site.start | dict(placement), unmoved)
        table = tried(steps) if steps else None
    return table or Timetable(reason="no mapping was found that keeps every VIOS within its virtual Fibre Channel "
                                     "ports and slots; that is no proof that there is none")


def _packed(judge: Judge, placement: Mapping[str, str], packer: Packer, *, come_back: bool, work_s: int,
            back_from_s: int, unmoved: Collection[str], states: int, prepared: Sequence[Step]) -> list[Move] | str:
    """The moves of both legs, those out as ``prepared``, or why there are none."""
    site = judge.site
    start = dict(site.start)
    final = start | dict(placement)
    out = _Leg(OUT, start, final, unmoved=unmoved, states=states).packed(judge, packer, prepared)
    if isinstance(out, str) or not (come_back and (out or site.homes)):
        return out
    begin = max(max((m.end_ms for m in out), default=0) + work_s * 1000, back_from_s * 1000)
    number = max((m.wave for m in out), default=0) + 1
    home = _Leg(BACK, final, start | dict(site.homes), begin, number, unmoved, states)
    mirrored = _reversed(out, judge.homeward) if prepared and not site.homes else ()
    back = home.packed(judge.homeward, packer, mirrored)
    if isinstance(back, str) and not site.homes and (mirrored := _reversed(out, judge.homeward)):
        back = home.packed(judge.homeward, packer, mirrored)
    return f"the way back: {back}" if isinstance(back, str) else [*out, *back]


def _reversed(moves: Sequence[Move], judge: Judge) -> list[Step]:
    """The way out backwards: each step leaves what it held and takes what was free, so capacity holds again; [] when
    a rule forbids one of them."""
    if not all(judge.allowed(m.lpar, m.target, m.source) for m in moves):
        return []
    return mark_parking([Step(m.lpar, m.target, m.source) for m in reversed(moves)])
