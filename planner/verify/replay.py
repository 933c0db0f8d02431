"""The moments: everything is computed from scratch whenever something starts or ends."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence

from planner.findings import Finding, ordered
from planner.grouping import inverted
from planner.plan.choices import BACK, OUT
from planner.plan.plan import Move, Plan, ServerState
from planner.rules import Judge, Site
from planner.rules.partition import ID_FREE
from planner.verify.base import Replay, after_work, broken, server_state, server_states
from planner.verify.clock import out_of_bounds
from planner.verify.counts import lacking
from planner.verify.flights import crowd_findings
from planner.verify.goals import Course, goal_findings
from planner.verify.ids import IdCount
from planner.verify.lanes import in_order, lane_findings
from planner.verify.licences import licences_over
from planner.verify.order import circular, malformed
from planner.verify.ports import PortCount
from planner.verify.restored import restored
from planner.verify.slots import SlotCount
from planner.verify.standing import standing
from planner.verify.used import too_much_used, with_peaks
from planner.verify.vnics import VnicCount


class _Stage:
    """The world during a replay: which servers each active LPAR holds, and what has changed since the last check."""

    def __init__(self, site: Site, judge: Judge, returning: Judge, *, named: bool) -> None:
        self.site, self.judge, self.returning = site, judge, returning
        self.where: dict[str, tuple[str, ...]] = {n: (s,) for n, s in site.start.items()}
        self.ids = IdCount(site.estate)
        self.ports = PortCount(site.estate, self.where, named=named)
        self.slots = SlotCount(site.estate, self.where)
        self.vnics = VnicCount(site.estate, self.where, named=named)
        self.served = {(p.vios, p.fabric) for p in site.estate.ports}
        self.found: list[Finding] = []
        self.peaks: dict[str, ServerState] = {s.server: s for s in server_states(site, self.where)}
        self.holders = {s: dict.fromkeys(names) for s, names in inverted(site.start.items(), site.servers).items()}
        self.touched_servers: set[str] = set(site.servers)
        self.touched_lpars: set[str] = set(self.where)

    def start(self, move: Move) -> None:
        here = self.where.get(move.lpar)
        strange = [s for s in (move.source, move.target) if s not in self.site.servers]
        if here is None or strange:
            known = move.lpar in self.site.lpars
            what = f"no server {strange[0]!r}" if here else (
                "is not active" if known else "is not in the estate")
            self.found.append(broken("plan.known", move.lpar, what))
            return
        if here != (move.source,):
            self.found.append(broken("plan.continuity", move.lpar,
                                     f"is to leave {move.source}, but holds {' and '.join(here)} at that moment"))
        if move.target in here:
            self.found.append(broken("plan.continuity", move.lpar, f"is already on {move.target}"))
        self.found += self.judge.readiness(move.lpar)
        world = self.returning if move.leg == BACK else self.judge
        self.found += [f for f in world.move(move.lpar, move.source, move.target) if f.rule != ID_FREE]
        self.found += [*self.ids.take(move), *standing(self.site, move), *self._adapters(move),
                       *restored(self.site, move)]
        self._hold(move.lpar, (*here, move.target))

    def end(self, move: Move) -> None:
        if move.lpar in self.where and move.target in self.site.servers:
            self._hold(move.lpar, (move.target,))
            self.ids.give(move)
            self.ports.give(move)
            self.slots.give(move)
            self.vnics.give(move)

    def _hold(self, lpar: str, servers: tuple[str, ...]) -> None:
        for server in self.where[lpar]:
            self.holders[server].pop(lpar, None)
        for server in servers:
            self.holders[server][lpar] = None
        self.touched_servers.update(self.where[lpar], servers)
        self.touched_lpars.add(lpar)
        self.where[lpar] = servers

    def _adapters(self, move: Move) -> list[Finding]:
        """Every client slot is mapped, to a VIOS of the target that serves what it carries."""
        reach, wrong = self.site.reach, []
        here = {v.name for v in self.site.vioses_on(move.target)}
        wanted: dict[int, set[str]] = {}
        for d in reach.disks_of(move.lpar):
            if d.backing in ("lun", "ssp"):
                wanted.setdefault(d.slot, set()).add(d.lun)
        given = dict(move.disks)
        for slot, luns in sorted(wanted.items()):
            vios = given.get(slot)
            if vios not in here:
                wrong.append(broken("plan.adapters", move.lpar, f"slot {slot} is mapped to no VIOS of {move.target}"))
                continue
            blind = [x for x in sorted(luns) if reach.reserve_policies(x, move.target).get(vios, "none")
                     not in ("no_reserve", "PR_shared", "")]
            blind += [d.lun for d in reach.disks_of(move.lpar)
                      if d.slot == slot and d.backing == "ssp" and self._strangers(d.vios, vios)]
            if blind:
                wrong.append(broken("plan.adapters", move.lpar, f"slot {slot} is mapped to {vios}, which does not "
                                    f"serve {', '.join(blind)}"))
        wrong += self._doubled(move, given)
        wrong += self._needless("", move.lpar, [slot for slot, _ in move.disks], wanted)
        wrong += self._needless(" (Fibre Channel)", move.lpar, [slot for slot, *_ in move.fibres],
                                {f.slot for f in reach.fibres_of(move.lpar)})
        if move.pool_id != self.site.pool_on(move.lpar, move.target):
            wrong.append(broken("plan.pool", move.lpar, f"goes into {_pool(move.pool_id)} of {move.target}; by name "
                                f"and policy it belongs into {_pool(self.site.pool_on(move.lpar, move.target))}"))
        return wrong + self._fibres(move, here)

    @staticmethod
    def _needless(kind: str, lpar: str, given: Collection[int], wanted: Collection[int]) -> list[Finding]:
        """Slots that the LPAR has not, or that are mapped twice."""
        times = Counter(given)
        return [broken("plan.adapters", lpar, f"slot {slot}{kind} is mapped, " + (
            "which it has not" if slot not in wanted else "twice")) for slot, count in sorted(times.items())
            if slot not in wanted or count > 1]

    def _strangers(self, one: str, other: str) -> bool:
        """Whether two VIOSes are known to be of different shared storage pool clusters."""
        known = {v.cluster for name in (one, other) if (v := self.site.vioses.get(name)) and v.cluster}
        return len(known) > 1

    def _fibres(self, move: Move, here: Collection[str]) -> list[Finding]:
        """The same for virtual Fibre Channel: a VIOS of the target with a free port on the adapter's fabric."""
        wrong, given = [], {slot: vios for slot, vios, _ in move.fibres}
        for f in self.site.reach.fibres_of(move.lpar):
            vios = given.get(f.slot, "")
            if vios not in here:
                wrong.append(broken("plan.adapters", move.lpar, f"slot {f.slot} (Fibre Channel) is mapped to no VIOS "
                                    f"of {move.target}"))
            elif (vios, f.fabric) not in self.served:
                wrong.append(broken("plan.adapters", move.lpar, f"slot {f.slot} (Fibre Channel) is mapped to {vios}, "
                                    f"which has no port on fabric {f.fabric}"))
        wrong += [broken("plan.slots", move.lpar, what) for what in self.slots.take(move)]
        wrong += [broken("plan.vnics", move.lpar, what) for what in self.vnics.take(move)]
        return wrong + [broken("plan.ports", move.lpar, what) for what in self.ports.take(move)]

    def _doubled(self, move: Move, given: Mapping[int, str]) -> list[Finding]:
        """Paths to one disk over two VIOSes must lead over two on the target."""
        if move.lpar in self.site.policies.redundancy_optional:
            return []
        paths: dict[str, dict[str, str]] = {}
        for d in self.site.reach.disks_of(move.lpar):
            if d.backing in ("lun", "ssp") and d.slot in given:
                paths.setdefault(f"LUN {d.lun}", {})[d.vios] = given[d.slot]
        fibres = {slot: vios for slot, vios, _ in move.fibres}
        for f in self.site.reach.fibres_of(move.lpar):
            if f.slot in fibres:
                paths.setdefault("its Fibre Channel adapters", {})[f.vios] = fibres[f.slot]
        for what, chosen in sorted(paths.items()):
            if len(set(chosen.values())) < len(chosen):
                return [broken("plan.adapters", move.lpar, f"the paths of {what} over {' and '.join(chosen)} are "
                               f"all mapped to {', '.join(sorted(set(chosen.values())))}")]
        return []

    def check(self) -> None:
        """All rules for every moment, for every server and group: computed anew from who holds what, but only where
        something changed since the last check (everywhere, the first time)."""
        for server in sorted(self.touched_servers & self.site.servers.keys()):
            names = list(self.holders[server])
            state = server_state(self.site, server, names)
            self.found += self.judge.server(server, names)
            self.found += lacking(self.site, server, names)
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
        return {n: servers[-1] for n, servers in self.where.items()}


def _events(moves: Sequence[Move]) -> list[tuple[int, int, int]]:
    """(time, 0 for an end or 1 for a start, index): at one moment ends come before starts."""
    return sorted([(m.end_ms, 0, i) for i, m in enumerate(moves)] + [(m.start_ms, 1, i) for i, m in enumerate(moves)])


def _sane(plan: Plan, site: Site, *, begun: bool) -> list[Finding]:
    """Times and legs that can be; what the order of waves, or of lanes, must be."""
    moves = plan.moves
    wrong = [broken("plan.times", m.lpar, f"starts at {m.start_ms / 1000} s for {m.duration_ms / 1000} s")
             for m in moves if m.duration_ms <= 0 or m.start_ms < 0]
    wrong += [broken("plan.times", m.lpar, f"leg {m.leg!r} is neither out nor back") for m in moves
              if m.leg not in (OUT, BACK)]
    if not plan.in_lanes:
        return wrong + _sane_waves(moves)
    return wrong + (circular(moves) if begun else malformed(moves)) + [*out_of_bounds(plan, site)]


def _sane_waves(moves: Sequence[Move]) -> list[Finding]:
    wrong = []
    starts: dict[tuple[str, int], set[int]] = {}
    for m in moves:
        starts.setdefault((m.leg, m.wave), set()).add(m.start_ms)
    latest: dict[tuple[str, int], int] = {}
    highest: dict[str, int] = {}
    for leg, wave in sorted(starts):
        latest[leg, wave] = highest.get(leg, min(starts[leg, wave]))
        highest[leg] = max(latest[leg, wave], *starts[leg, wave])
    for m in moves:
        if latest[m.leg, m.wave] > m.start_ms:
            wrong.append(broken("plan.times", m.lpar, f"wave {m.wave} starts before an earlier one"))
        if len(starts[m.leg, m.wave]) > 1:
            wrong.append(broken("plan.times", m.lpar, f"the moves of wave {m.wave} do not start together"))
        if m.number or m.waits or (m.not_before_ms, m.latest_ms) != (None, None):
            wrong.append(broken("plan.lanes", m.lpar, "has a number, waits or bounds of its start, as in a lane"))
    return wrong


def replay(plan: Plan, site: Site, judge: Judge, home: Mapping[str, str] | None = None, *,
           begun: bool = False) -> Replay:
    """Replay a plan from the estate's own placement; ``home``: where LPARs stood before the plan, if elsewhere;
    ``begun``: some of its moves are done and left out."""
    stage = _Stage(site, judge, after_work(plan, site, judge), named=not begun and not plan.in_lanes)
    before = with_peaks(site, stage.peaks.values(), stage.places())
    moves = list(plan.moves)
    stage.found += _sane(plan, site, begun=begun)
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
    holders = inverted(middle.items(), site.servers)
    for server in site.servers:
        stage.found += judge.settled(server, holders[server])
    stage.found += licences_over(site, middle)
    stage.found += too_much_used(site, {s: [site.lpars[n] for n in names] for s, names in holders.items()})
    stage.found += judge.flights(moves, plan.window)
    stage.found += crowd_findings(site.estate, moves, assume_nothing=site.assume_nothing)
    if in_order(moves, stage.found):
        stage.found += lane_findings(moves, site, judge, named=not begun)
    stage.found += goal_findings(Course(plan, site, judge, middle, end, home or {}, begun))
    after = with_peaks(site, server_states(site, {n: (s,) for n, s in middle.items()}), middle)
    return Replay(ordered(stage.found), tuple(stage.peaks[s] for s in site.servers), before, after)


def _pool(number: int | None) -> str:
    return "no pool" if number is None else f"pool {number}"
