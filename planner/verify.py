"""The independent replay: a plan's moves, moment by moment, against the estate and the rules.

It shares nothing with the optimiser and the scheduler but the estate and the rules. Everything is computed from
scratch at every moment at which something starts or ends.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from planner.estate.capacity import Demand, lpar_demand, min_units_per_vp
from planner.estate.catalogue import MODES
from planner.estate.energy import power_of
from planner.estate.model import Estate, Lpar
from planner.estate.saved import digest
from planner.findings import Finding, Severity, errors, ordered
from planner.history.calendar import BUCKETS
from planner.plan import BACK, OUT, Move, Plan, ServerState, Status
from planner.rules import Judge, Site
from planner.rules.base import Scope
from planner.rules.judge import of_scope
from planner.units import show_cores, show_gib

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from planner.history.usage import Usage


@dataclass(frozen=True, slots=True)
class Replay:
    """What the replay found. ``holds``: no error. ``peak``: the most that each server held at any moment."""

    findings: tuple[Finding, ...]
    peak: tuple[ServerState, ...]
    before: tuple[ServerState, ...]
    after: tuple[ServerState, ...]

    @property
    def holds(self) -> bool:
        """No rule is broken at any moment."""
        return not errors(self.findings)


def _error(rule: str, subject: str, message: str, fix: str = "plan again") -> Finding:
    return Finding(rule, Severity.ERROR, subject, message, fix)


def server_states(site: Site, where: Mapping[str, Sequence[str]]) -> tuple[ServerState, ...]:
    """What every server holds when these LPARs hold these servers."""
    holders: dict[str, list[str]] = {s: [] for s in site.servers}
    for name, held in where.items():
        for server in dict.fromkeys(held):
            if server in holders:
                holders[server].append(name)
    return tuple(server_state(site, server, names) for server, names in holders.items())


def server_state(site: Site, server: str, names: Collection[str]) -> ServerState:
    """What a server holds with these LPARs."""
    holding, limit = site.holding(server, names), site.limit(server)
    return ServerState(server, len(names), holding.units, limit.units, holding.memory_mib, limit.memory_mib)


class _Stage:
    """The world during a replay: which servers each active LPAR holds, and what has changed since the last check."""

    def __init__(self, site: Site, judge: Judge) -> None:
        self.site, self.judge = site, judge
        self.where: dict[str, tuple[str, ...]] = {n: (s,) for n, s in site.start.items()}
        self.ids = {p.name: p.lpar_id for p in site.estate.lpars}
        self.found: list[Finding] = []
        self.peaks: dict[str, ServerState] = {s.server: s for s in server_states(site, self.where)}
        self.holders: dict[str, dict[str, None]] = {s: {} for s in site.servers}
        for name, server in site.start.items():
            self.holders.setdefault(server, {})[name] = None
        self.touched_servers: set[str] = set(site.servers)
        self.touched_lpars: set[str] = set(self.where)

    def start(self, move: Move) -> None:
        held = self.where.get(move.lpar)
        strange = [s for s in (move.source, move.target) if s not in self.site.servers]
        if held is None or strange:
            known = move.lpar in self.site.lpars
            what = f"no server {strange[0]!r}" if held else (
                "is not active" if known else "is not in the estate")
            self.found.append(_error("plan.known", move.lpar, what))
            return
        if held != (move.source,):
            self.found.append(_error("plan.continuity", move.lpar,
                                     f"is to leave {move.source}, but holds {' and '.join(held)} at that moment"))
        if move.target in held:
            self.found.append(_error("plan.continuity", move.lpar, f"is already on {move.target}"))
        self.found += self.judge.readiness(move.lpar)
        self.found += self.judge.move(move.lpar, move.source, move.target)
        self.found += self._adapters(move)
        self._id(move)
        self._hold(move.lpar, (*held, move.target))

    def end(self, move: Move) -> None:
        if move.lpar in self.where and move.target in self.site.servers:
            self._hold(move.lpar, (move.target,))

    def _hold(self, lpar: str, servers: tuple[str, ...]) -> None:
        for server in self.where[lpar]:
            self.holders[server].pop(lpar, None)
        for server in servers:
            self.holders[server][lpar] = None
        self.touched_servers.update(self.where[lpar], servers)
        self.touched_lpars.add(lpar)
        self.where[lpar] = servers

    def _id(self, move: Move) -> None:
        if move.target_id is None:
            return
        for name in self.holders[move.target]:
            if name != move.lpar and self.ids.get(name) == move.target_id:
                self.found.append(_error("plan.id", move.lpar, f"gets id {move.target_id} on {move.target}, "
                                         f"which {name} has"))
        idle = {n: i for n, i in self.site.others_on(move.target) if n not in self.where}
        for name, number in idle.items():
            if number == move.target_id and name != move.lpar:
                self.found.append(_error("plan.id", move.lpar, f"gets id {move.target_id} on {move.target}, "
                                         f"which {name} has"))
        self.ids[move.lpar] = move.target_id

    def _adapters(self, move: Move) -> list[Finding]:
        """Every client slot is mapped, to a VIOS of the target that serves what it carries."""
        reach, found = self.site.reach, []
        here = {v.name for v in self.site.vioses_on(move.target)}
        wanted: dict[int, set[str]] = {}
        for d in reach.disks_of(move.lpar):
            if d.backing == "lun":
                wanted.setdefault(d.slot, set()).add(d.lun)
        given = dict(move.disks)
        for slot, luns in sorted(wanted.items()):
            vios = given.get(slot)
            if vios not in here:
                found.append(_error("plan.adapters", move.lpar, f"slot {slot} is mapped to no VIOS of {move.target}"))
                continue
            blind = [x for x in sorted(luns) if reach.reserve_policies(x, move.target).get(vios, "none")
                     not in ("no_reserve", "")]
            if blind:
                found.append(_error("plan.adapters", move.lpar, f"slot {slot} is mapped to {vios}, which does not "
                                    f"serve {', '.join(blind)}"))
        found += self._doubled(move, given)
        if move.pool_id is not None and move.pool_id != self.site.pool_on(move.lpar, move.target):
            found.append(_error("plan.pool", move.lpar, f"goes into pool {move.pool_id} of {move.target}; by name and "
                                f"policy it belongs into {self.site.pool_on(move.lpar, move.target)}"))
        return found + self._fibres(move, here)

    def _fibres(self, move: Move, here: Collection[str]) -> list[Finding]:
        """The same for virtual Fibre Channel: a VIOS of the target with a free port on the adapter's fabric."""
        found, given = [], dict(move.fibres)
        served = {(p.vios, p.fabric) for p in self.site.estate.ports if p.free_ports != 0}
        for f in self.site.reach.fibres_of(move.lpar):
            vios = given.get(f.slot, "")
            if vios not in here:
                found.append(_error("plan.adapters", move.lpar, f"slot {f.slot} (Fibre Channel) is mapped to no VIOS "
                                    f"of {move.target}"))
            elif (vios, f.fabric) not in served:
                found.append(_error("plan.adapters", move.lpar, f"slot {f.slot} (Fibre Channel) is mapped to {vios}, "
                                    f"which has no free port on fabric {f.fabric}"))
        return found

    def _doubled(self, move: Move, given: Mapping[int, str]) -> list[Finding]:
        """Paths to one disk over two VIOSes must lead over two on the target."""
        if move.lpar in self.site.policies.redundancy_optional:
            return []
        paths: dict[str, dict[str, str]] = {}
        for d in self.site.reach.disks_of(move.lpar):
            if d.backing == "lun" and d.slot in given:
                paths.setdefault(f"LUN {d.lun}", {})[d.vios] = given[d.slot]
        fibres = dict(move.fibres)
        for f in self.site.reach.fibres_of(move.lpar):
            if f.slot in fibres:
                paths.setdefault("its Fibre Channel adapters", {})[f.vios] = fibres[f.slot]
        for what, chosen in sorted(paths.items()):
            if len(set(chosen.values())) < len(chosen):
                return [_error("plan.adapters", move.lpar, f"the paths of {what} over {' and '.join(chosen)} are "
                               f"all mapped to {', '.join(sorted(set(chosen.values())))}")]
        return []

    def check(self) -> None:
        """All rules for every moment, for every server and group: computed anew from who holds what, but only where
        something changed since the last check (everywhere, the first time)."""
        for server in sorted(self.touched_servers & self.site.servers.keys()):
            names = list(self.holders[server])
            state = server_state(self.site, server, names)
            self.found += self.judge.server(server, names)
            top = self.peaks[server]
            self.peaks[server] = ServerState(
                server, max(top.lpars, state.lpars), max(top.units, state.units), state.units_limit,
                max(top.memory_mib, state.memory_mib), state.memory_limit_mib)
        self.found += self.judge.groups(self._concerned(), end=False)
        self.touched_servers.clear()
        self.touched_lpars.clear()

    def _concerned(self) -> dict[str, tuple[str, ...]]:
        """Where the LPARs are that share a group with one that has changed its place."""
        names = set(self.touched_lpars)
        for group in (*self.site.groups_with("apart", self.touched_lpars),
                      *self.site.groups_with("clusters", self.touched_lpars)):
            names.update(group.members)
        return {n: self.where[n] for n in sorted(names) if n in self.where}

    def places(self) -> dict[str, str]:
        """Where everything is when nothing flies."""
        return {n: held[-1] for n, held in self.where.items()}


def _events(moves: Sequence[Move]) -> list[tuple[int, int, int]]:
    """(time, 0 for an end or 1 for a start, index): at one moment ends come before starts."""
    return sorted([(m.end_ms, 0, i) for i, m in enumerate(moves)] + [(m.start_ms, 1, i) for i, m in enumerate(moves)])


def _sane(moves: Sequence[Move]) -> list[Finding]:
    found = []
    starts: dict[tuple[str, int], set[int]] = {}
    for m in moves:
        starts.setdefault((m.leg, m.wave), set()).add(m.start_ms)
    latest: dict[tuple[str, int], int] = {}
    highest: dict[str, int] = {}
    for leg, wave in sorted(starts):
        latest[leg, wave] = highest.get(leg, min(starts[leg, wave]))
        highest[leg] = max(latest[leg, wave], *starts[leg, wave])
    for m in moves:
        if m.duration_ms <= 0 or m.start_ms < 0:
            found.append(_error("plan.times", m.lpar, f"starts at {m.start_ms / 1000} s for {m.duration_ms / 1000} s"))
        if latest[m.leg, m.wave] > m.start_ms:
            found.append(_error("plan.times", m.lpar, f"wave {m.wave} starts before an earlier one"))
        if len(starts[m.leg, m.wave]) > 1:
            found.append(_error("plan.times", m.lpar, f"the moves of wave {m.wave} do not start together"))
        if m.leg not in (OUT, BACK):
            found.append(_error("plan.times", m.lpar, f"leg {m.leg!r} is neither out nor back"))
    return found


def _goal(plan: Plan, site: Site, middle: Mapping[str, str], end: Mapping[str, str],
          home: Mapping[str, str]) -> list[Finding]:
    """What was asked for is reached: servers freed after the way out, everything home after the way back."""
    found = []
    kind = plan.goal.get("kind")
    freed = [str(s) for s in plan.goal.get("servers", ())] if kind in ("evacuate", "whatif") else list(plan.off)
    asked = {str(s) for s in plan.goal.get("off", ())} - set(plan.off)
    found += [_error("goal.reached", s, "was to go off and stays on") for s in sorted(asked)]
    found += [_error("goal.reached", s, "was to stay on and goes off") for s in plan.goal.get("keep", ())
              if s in plan.off]
    if plan.goal.get("kind") == "headroom":
        found += _room(plan, site, middle)
    leave = set(plan.goal.get("leave", ()))
    for server in freed:
        if server not in site.servers:
            found.append(_error("goal.reached", server, "the estate has no such server"))
    coming_home = any(m.leg == BACK for m in plan.moves) and not any(m.leg == OUT for m in plan.moves)
    for lpar, server in sorted(middle.items()):
        if server in freed and lpar not in leave and not coming_home:
            found.append(_error("goal.reached", lpar, f"is still on {server} after the way out"))
    if any(m.leg == BACK for m in plan.moves) or plan.goal.get("return"):
        for lpar, server in sorted(end.items()):
            wanted = home.get(lpar, site.start[lpar])
            if server != wanted:
                found.append(_error("goal.returned", lpar, f"ends on {server}, not back on {wanted}"))
    outs, backs = plan.leg(OUT), plan.leg(BACK)
    if outs and backs:
        earliest = max((plan.back_from_s or 0) * 1000, max(m.end_ms for m in outs) + (plan.work_s or 0) * 1000)
        for m in backs:
            if m.start_ms < earliest:
                found.append(_error("goal.work-time", m.lpar, "starts back before the work is over"))
    return found


def _off_at_the_end(plan: Plan) -> bool:
    """Whether the servers that go off are off at the end of the way out (not half-way home already)."""
    return not any(m.leg == BACK for m in plan.moves) or any(m.leg == OUT for m in plan.moves)


def _room(plan: Plan, site: Site, middle: Mapping[str, str]) -> list[Finding]:
    """The room that was asked for is there after the way out, and no critical LPAR has moved."""
    goal, server = plan.goal, str(plan.goal["server"])
    if server not in site.servers:
        return [_error("goal.reached", server, "the estate has no such server")]
    if plan.moves and not any(m.leg == OUT for m in plan.moves):
        return []
    names = [n for n, s in middle.items() if s == server]
    held, limit = site.holding(server, names), site.limit(server)
    cores, memory = round(goal["cores"] * 100), round(goal["memory_gib"] * 1024)
    found = [_error("goal.reached", n, "is critical and moves", "plan again, or take it out of the critical ones")
             for n in sorted({m.lpar for m in plan.moves}) if n in goal.get("critical", ())
             or (n in site.lpars and site.lpars[n].environment == "production")]
    if cores and goal["by"] != "usage" and limit.units - held.units < cores:
        found.append(_error("goal.reached", server, f"{show_cores(limit.units - held.units)} cores are entitled to "
                            f"nobody after the way out; {show_cores(cores)} were asked for"))
    if memory and limit.memory_mib - held.memory_mib < memory:
        found.append(_error("goal.reached", server, f"{show_gib(limit.memory_mib - held.memory_mib)} GiB are free "
                            f"after the way out; {show_gib(memory)} were asked for"))
    if cores:
        found += _pool_room(goal, site, names, cores)
        if goal["by"] != "entitlement" and site.usage is not None:
            found += _unused(goal, site, server, names, cores)
    return found + _in_time(plan)


def _in_time(plan: Plan) -> list[Finding]:
    """Who leaves has left before the time in which the room is needed, and comes back after it."""
    period = plan.goal.get("period")
    if not period:
        return []
    start, end = (dt.datetime.fromisoformat(period[key]) for key in ("start", "end"))
    out = [clock for m in plan.leg(OUT) if (clock := plan.clock(m.end_ms))]
    back = [clock for m in plan.leg(BACK) if (clock := plan.clock(m.start_ms))]
    found = []
    if (plan.window and plan.window.end > start) or max(out, default=start) > start:
        found.append(_error("goal.reached", "plan", f"the way out may last into the time of the room, which begins "
                            f"{start:%Y-%m-%d %H:%M}"))
    if min(back, default=end) < end:
        found.append(_error("goal.reached", "plan", f"the way back begins {min(back):%Y-%m-%d %H:%M}; the room is "
                            f"needed until {end:%Y-%m-%d %H:%M}"))
    if plan.window is None and plan.leg(BACK) and plan.leg(OUT) and (plan.work_s or 0) < (end - start).total_seconds():
        found.append(_error("goal.reached", "plan", "the way back begins before the time of the room is over"))
    return found


def _pool_room(goal: Mapping[str, Any], site: Site, names: Sequence[str], cores: int) -> list[Finding]:
    """The shared pools in which the critical LPARs run leave that room together, when all of them have a maximum."""
    server = str(goal["server"])
    pools = {site.pool_on(n, server) for n in goal.get("critical", ()) if site.start.get(n) == server}
    limits = {p: site.pool_limit(server, p) for p in pools if p is not None}
    if not pools or None in pools or None in limits.values():
        return []
    found = []
    held = site.holding(server, names).pools
    free = sum((limit or 0) - held.get(p, 0) for p, limit in limits.items())
    if goal["by"] != "usage" and free < cores:
        found.append(_error("goal.reached", server, f"pools {', '.join(map(str, sorted(limits)))} of the critical "
                            f"LPARs have {show_cores(free)} cores left after the way out; {show_cores(cores)} were "
                            "asked for"))
    if goal["by"] != "entitlement" and site.usage is not None:
        most = sum(site.usage_limit(server, p) or 0 for p in limits)
        total = sum((site.usage_on(server, names, p) for p in sorted(limits)), 0 * site.usage.starts)
        least = most - int(total[_needed(goal, site.usage)].max())
        if least < 10 * cores:
            found.append(_error("goal.reached", server, "at their peak the pools of the critical LPARs leave "
                                f"{show_cores(least // 10)} cores; {show_cores(cores)} were asked for"))
    return found


def _needed(goal: Mapping[str, Any], usage: Usage) -> NDArray[np.bool_]:
    """The slots in which the room is needed: those of the goal's hours, or all."""
    hours = goal.get("hours")
    return usage.starts >= 0 if hours is None else usage.inside(
        [b for b in BUCKETS if b.hour in hours.get(b.kind.value, ())])


def _unused(goal: Mapping[str, Any], site: Site, server: str, names: Sequence[str], cores: int) -> list[Finding]:
    """The slot in which the history leaves least, if that is less than was asked for."""
    if site.usage is None:
        return []
    left = 10 * site.limit(server).units - site.usage_on(server, names)
    left[~_needed(goal, site.usage)] = left.max()
    worst = int(left.argmin())
    if left[worst] >= 10 * cores:
        return []
    return [_error("goal.reached", server, f"with the usage of {site.usage.when(worst):%Y-%m-%d %H:%M}, "
                   f"{show_cores(int(left[worst]) // 10)} cores are unused after the way out; {show_cores(cores)} were "
                   "asked for")]


def replay(plan: Plan, site: Site, judge: Judge, home: Mapping[str, str] | None = None) -> Replay:
    """Replay a plan from the estate's own placement; ``home``: where LPARs stood before the plan, if elsewhere."""
    stage = _Stage(site, judge)
    before = server_states(site, stage.where)
    moves = list(plan.moves)
    stage.found += _sane(moves)
    pending_out = sum(m.leg == OUT for m in moves)
    middle = None if pending_out else stage.places()
    events = _events(moves)
    for n, (time, kind, index) in enumerate(events):
        (stage.end if kind == 0 else stage.start)(moves[index])
        if kind == 0 and moves[index].leg == OUT:
            pending_out -= 1
            if pending_out == 0:
                middle = stage.places()
        if n + 1 == len(events) or events[n + 1][:2] != (time, kind):
            stage.check()
    end = stage.places()
    middle = middle if middle is not None else end
    stage.found += judge.groups({n: (s,) for n, s in middle.items()}, end=True)
    if plan.goal.get("n_plus_1") and _off_at_the_end(plan):
        stage.found += judge.restarts(middle, plan.off, plan.restart)
    holders: dict[str, list[str]] = {s: [] for s in site.servers}
    for name, server in middle.items():
        holders.setdefault(server, []).append(name)
    for server in site.servers:
        stage.found += judge.settled(server, holders[server])
    stage.found += judge.flights(moves, plan.window)
    stage.found += _goal(plan, site, middle, end, home or {})
    after = server_states(site, {n: (s,) for n, s in middle.items()})
    return Replay(ordered(stage.found), tuple(stage.peaks[s] for s in site.servers), before, after)


def verify_plan(plan: Plan, estate: Estate, usage: Usage | None = None) -> Replay:
    """Whether a plan holds against an estate: as it was, or as it is after (part of) the work.

    ``usage`` is what the plan was made with (``goal.usage``); without it the rules on usage stay unchecked. Where the
    LPARs stand tells how far the work has come; the rest of the moves is replayed from there.
    """
    notes: list[Finding] = []
    if plan.status not in (Status.OPTIMAL, Status.FEASIBLE) or not plan.verified:
        notes.append(_error("plan.status", "plan", f"its status is {plan.status}, verified {plan.verified}: it is no "
                            "plan"))
    home: dict[str, str] = {}
    for m in plan.moves:
        home.setdefault(m.lpar, m.source)
    start = {p.name: p.server for p in estate.lpars if p.active}
    done = _done(plan.moves, home, start)
    rest = [m for m in plan.moves if m not in done]
    if plan.estate_digest and plan.estate_digest != digest(estate) and not done:
        notes.append(Finding("plan.estate", Severity.WARNING, "estate",
                             "the estate is not the one the plan was made for; the replay is against this one",
                             "check what has changed since"))
    if done:
        notes.append(Finding("plan.progress", Severity.INFO, "plan",
                             f"{len(done)} of {len(plan.moves)} moves are already done; next: "
                             + (", ".join(m.lpar for m in rest if m.wave == rest[0].wave) if rest else "nothing"), ""))
    notes += _vios_ids(plan, estate)
    notes += _usage(plan, usage)
    site = Site(estate, home={n: home.get(n, s) for n, s in start.items()}, usage=usage)
    played = replay(plan.replace(moves=tuple(rest)), site, Judge(site), home)
    notes += _late(plan)
    if plan.estate_digest == digest(estate) and not done:
        notes += _claims(plan, site)
    return Replay(ordered((*notes, *played.findings)), played.peak, played.before, played.after)


_TOLERANCE = 1e-4
"""Relative difference between a plan's figure and the one summed here that is put down to rounding."""


def _claims(plan: Plan, site: Site) -> list[Finding]:
    """What a plan says of itself that its servers and moves do not bear out; a bound above what it bounds."""
    found = [_error("plan.bound", "plan", f"{x.name}: the bound {x.bound:,.1f} is above the objective "
                    f"{x.objective:,.1f}") for x in plan.levels if x.bound > x.objective * (1 + _TOLERANCE)]
    if plan.goal.get("kind") != "consolidate" or not plan.levels or (plan.goal.get("usage") and site.usage is None):
        return found
    after = site.start | {m.lpar: m.target for m in plan.leg(OUT)}
    first, kind = plan.levels[0], plan.goal.get("minimise")
    sums = [(first.name, first.objective, _stays_on(site, after, plan.off, str(kind), first.name.endswith("idle")))]
    for key, where, off in (("before", site.start, ()), ("after", after, plan.off)):
        said = (plan.energy or {}).get(f"{key}_w")
        sums += [(f"power {key}", float(said), _power(site, where, off))] if isinstance(said, int | float) else []
    return found + [_error("plan.figures", "plan", f"{name}: the plan says {said:,.1f}, its servers and moves make "
                           f"{summed:,.1f}") for name, said, summed in sums
                    if abs(said - summed) > max(1.0, _TOLERANCE * abs(summed))]


def _stays_on(site: Site, where: Mapping[str, str], off: Collection[str], kind: str, idle: bool) -> float:
    """The measure of a consolidation: servers, cores, or watts without the limit of a server's maximum."""
    on = [s for s in site.servers if s not in off]
    if kind == "servers":
        return float(len(on))
    if kind == "cores":
        return sum(site.servers[s].configurable_units for s in on) / 100
    return sum(_drawn(site, s, [] if idle else [n for n, t in where.items() if t == s], limited=False) for s in on)


def _power(site: Site, where: Mapping[str, str], off: Collection[str]) -> float:
    """Watts of the servers that are on."""
    on = [s for s in site.servers if s not in off]
    return sum(_drawn(site, s, [n for n, t in where.items() if t == s], limited=True) for s in on)


def _drawn(site: Site, server: str, names: Iterable[str], *, limited: bool) -> float:
    """Watts of a server with these LPARs: idle, and (maximum − idle) for the share of its cores that is busy."""
    row, power = site.servers[server], power_of(site.servers[server])
    cores = sum(v.entitlement_units for v in site.vioses_on(server)) / 100
    cores += sum(_busy_cores(site, n) for n in names)
    share = cores / max(row.configurable_units / 100, 0.01)
    return power.idle_w + (power.max_w - power.idle_w) * (min(share, 1.0) if limited else share)


def _busy_cores(site: Site, lpar: str) -> float:
    """Cores that an LPAR keeps busy: measured on average, else stated, else its entitlement."""
    if site.usage is not None and lpar in site.usage.measured:
        return round(float(site.usage.of(lpar).mean())) / 1000
    return site.lpars[lpar].kept_busy_units / 100


def _late(plan: Plan) -> list[Finding]:
    """Moves that end after the window."""
    late = plan.late()
    names = ", ".join(dict.fromkeys(m.lpar for m in late))
    return [_error("timing.window", "plan", f"{names}: {len(late)} moves end after the window")] if late else []


def _usage(plan: Plan, usage: Usage | None) -> list[Finding]:
    """Whether the usage that the plan was made with is at hand: without it nothing can be said of what it claims."""
    asked = plan.goal.get("usage")
    if not asked:
        if plan.goal.get("by", "entitlement") != "entitlement":
            return [_error("plan.usage", "plan", f"counts room by {plan.goal['by']}, but does not say which usage")]
        return []
    if usage is None:
        return [_error("plan.usage", "plan", "was made with a usage history; without it nothing can be said of usage",
                       "give the history: --history FILE")]
    if usage.digest() == asked.get("sha256"):
        return []
    lost = int(asked.get("measured", 0)) - len(usage.measured)
    if lost > 0:
        return [_error("plan.usage", "history", f"it has usage of {len(usage.measured)} partitions; the plan was made "
                       f"with {asked['measured']}", "give the history that the plan was made with")]
    return [Finding("plan.usage", Severity.WARNING, "history", "it is not the usage that the plan was made with; the "
                    "replay is with this one", "see what has been added since: planner history show")]


def _vios_ids(plan: Plan, estate: Estate) -> list[Finding]:
    """VIOSes whose partition id is not the one that the plan's commands name."""
    now = {v.name: v.lpar_id for v in estate.vioses}
    return [_error("plan.vios-id", name, f"the plan's commands name it with id {number}; it has {now[name]}")
            for name, number in plan.vios_ids.items() if name in now and now[name] != number]


def _done(moves: Sequence[Move], home: Mapping[str, str], start: Mapping[str, str]) -> list[Move]:
    """The moves that are done: the first so many in the order of their starts that agree best with where the LPARs
    stand; the fewest of equally good (all at home: nothing is done)."""
    order = sorted(moves, key=lambda m: m.start_ms)
    place = dict(home)
    wrong = sum(start.get(n) != s for n, s in place.items())
    best = (wrong, 0)
    for number, move in enumerate(order, 1):
        here = start.get(move.lpar)
        wrong += (here != move.target) - (here != place[move.lpar])
        place[move.lpar] = move.target
        best = min(best, (wrong, number))
    own: dict[str, list[Move]] = {n: [] for n in home}
    count = dict.fromkeys(home, 0)
    for number, move in enumerate(order):
        own[move.lpar].append(move)
        count[move.lpar] += number < best[1]
    done: set[Move] = set()
    for lpar in home:
        stops = [home[lpar], *(m.target for m in own[lpar])]
        near = [n for n, s in enumerate(stops) if s == start.get(lpar)]
        reached = count[lpar]
        if near and stops[reached] != start.get(lpar):
            reached = min(near, key=lambda n: abs(n - count[lpar]))
        done.update(own[lpar][:reached])
    return [m for m in moves if m in done]


def replay_changes(site: Site, where: Mapping[str, str], changes: Sequence[Lpar], survivors: Collection[str]
                   ) -> tuple[Finding, ...]:
    """What is wrong with changing LPARs one after the other, restarts and new sizes, each to the row given.

    ``where``: LPAR → server before the first change. No change may take a server further over its limit, and in the
    end every survivor holds its limit at most; sizes and modes must suit the server; groups are kept apart in the end.
    """
    rows = {n: site.lpars[n] for n in where}
    at = dict(where)
    held = {s: _held(site, s, [rows[n] for n in sorted(at) if at[n] == s]) for s in site.servers}
    found: list[Finding] = []
    for row in changes:
        source, target = at[row.name], row.server
        rows[row.name], at[row.name] = row, target
        found += _row_findings(site, row)
        for s in sorted({source, target}):
            now = _held(site, s, [rows[n] for n in sorted(at) if at[n] == s])
            limit, before = site.limit(s), held[s]
            for what, show in (("units", show_cores), ("memory_mib", show_gib)):
                amount, most = getattr(now, what), getattr(limit, what)
                if amount > max(most, getattr(before, what)):
                    found.append(_error("scenario.capacity", row.name, f"its change makes {s} hold {show(amount)} of "
                                        f"{show(most)} {'cores' if what == 'units' else 'GiB'}"))
            held[s] = now
    for s in sorted(survivors):
        limit = site.limit(s)
        if held[s].units > limit.units or held[s].memory_mib > limit.memory_mib:
            found.append(_error("scenario.capacity", s, f"holds {show_cores(held[s].units)} of "
                                f"{show_cores(limit.units)} cores and {show_gib(held[s].memory_mib)} of "
                                f"{show_gib(limit.memory_mib)} GiB in the end"))
    left = sorted(n for n, s in at.items() if s not in survivors)
    found += [_error("scenario.retired", n, f"is still on {at[n]}, which is retired") for n in left]
    found += [f for r in of_scope(Scope.GROUP) for f in r.findings("", site, {n: (s,) for n, s in at.items()})]
    return ordered(errors(found))


def _held(site: Site, server: str, rows: Iterable[Lpar]) -> Demand:
    held = site.base(server)
    for row in rows:
        held = held + lpar_demand(row, site.servers[server])
    return held


def _row_findings(site: Site, row: Lpar) -> list[Finding]:
    server, found = site.servers[row.server], []
    if row.processors != "dedicated":
        if row.entitlement_units < min_units_per_vp(server) * row.virtual_processors:
            found.append(_error("processor.minimum-per-vp", row.name, f"{show_cores(row.entitlement_units)} cores are "
                                f"too few for {row.virtual_processors} virtual processors on {row.server}"))
        if row.entitlement_units > 100 * row.virtual_processors:
            found.append(_error("estate.entitlement-above-vp", row.name, f"{show_cores(row.entitlement_units)} cores "
                                f"on {row.virtual_processors} virtual processors"))
    if row.memory_mib > row.max_memory_mib:
        found.append(_error("estate.memory-above-max", row.name, "more memory than its maximum"))
    known = server.modes or MODES.get(server.generation, ())
    if known and row.current_mode and row.current_mode not in known:
        found.append(_error("processor.mode", row.name, f"{row.server} has no {row.current_mode} mode"))
    return found
