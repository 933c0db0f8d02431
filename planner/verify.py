"""The independent replay: a plan's moves, moment by moment, against the estate and the rules.

It shares nothing with the optimiser and the scheduler but the estate and the rules. Everything is computed from
scratch at every moment at which something starts or ends.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from planner.estate.saved import digest
from planner.findings import Finding, Severity, errors, ordered
from planner.plan import BACK, OUT, Move, Plan, ServerState, Status
from planner.rules import Judge, Site


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
    out = []
    for server in site.servers:
        names = [n for n, held in where.items() if server in held]
        holding, limit = site.holding(server, names), site.limit(server)
        out.append(ServerState(server, len(names), holding.units, limit.units, holding.memory_mib, limit.memory_mib))
    return tuple(out)


class _Stage:
    """The world during a replay: which servers each active LPAR holds."""

    def __init__(self, site: Site, judge: Judge) -> None:
        self.site, self.judge = site, judge
        self.where: dict[str, tuple[str, ...]] = {n: (s,) for n, s in site.start.items()}
        self.ids = {p.name: p.lpar_id for p in site.estate.lpars}
        self.found: list[Finding] = []
        self.peaks: dict[str, ServerState] = {s.server: s for s in server_states(site, self.where)}

    def start(self, move: Move) -> None:
        held = self.where.get(move.lpar)
        if held is None or move.target not in self.site.servers:
            known = move.lpar in self.site.lpars
            what = f"no server {move.target!r}" if held else (
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
        self.where[move.lpar] = (*held, move.target)

    def end(self, move: Move) -> None:
        if move.lpar in self.where and move.target in self.site.servers:
            self.where[move.lpar] = (move.target,)

    def _id(self, move: Move) -> None:
        if move.target_id is None:
            return
        for name, held in self.where.items():
            if name != move.lpar and move.target in held and self.ids.get(name) == move.target_id:
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
        fibres = dict(move.fibres)
        for f in reach.fibres_of(move.lpar):
            if fibres.get(f.slot) not in here:
                found.append(_error("plan.adapters", move.lpar, f"slot {f.slot} (Fibre Channel) is mapped to no VIOS "
                                    f"of {move.target}"))
        return found

    def check(self) -> None:
        """All rules for every moment, for every server and group."""
        for state in server_states(self.site, self.where):
            names = [n for n, held in self.where.items() if state.server in held]
            self.found += self.judge.server(state.server, names)
            top = self.peaks[state.server]
            self.peaks[state.server] = ServerState(
                state.server, max(top.lpars, state.lpars), max(top.units, state.units), state.units_limit,
                max(top.memory_mib, state.memory_mib), state.memory_limit_mib)
        self.found += self.judge.groups(self.where, end=False)

    def places(self) -> dict[str, str]:
        """Where everything is when nothing flies."""
        return {n: held[-1] for n, held in self.where.items()}


def _events(moves: Sequence[Move]) -> list[tuple[int, int, int]]:
    """(time, 0 for an end or 1 for a start, index): at one moment ends come before starts."""
    return sorted([(m.end_ms, 0, i) for i, m in enumerate(moves)] + [(m.start_ms, 1, i) for i, m in enumerate(moves)])


def _sane(moves: Sequence[Move]) -> list[Finding]:
    found = []
    for m in moves:
        if m.duration_ms <= 0 or m.start_ms < 0:
            found.append(_error("plan.times", m.lpar, f"starts at {m.start_ms / 1000} s for {m.duration_ms / 1000} s"))
        if m.leg not in (OUT, BACK):
            found.append(_error("plan.times", m.lpar, f"leg {m.leg!r} is neither out nor back"))
    return found


def _goal(plan: Plan, site: Site, middle: Mapping[str, str], end: Mapping[str, str]) -> list[Finding]:
    """What was asked for is reached: servers freed after the way out, everything home after the way back."""
    found = []
    freed = [str(s) for s in plan.goal.get("servers", ())] if plan.goal.get("kind") == "evacuate" else []
    leave = set(plan.goal.get("leave", ()))
    for server in freed:
        if server not in site.servers:
            found.append(_error("goal.reached", server, "the estate has no such server"))
    for lpar, server in sorted(middle.items()):
        if server in freed and lpar not in leave:
            found.append(_error("goal.reached", lpar, f"is still on {server} after the way out"))
    if any(m.leg == BACK for m in plan.moves) or plan.goal.get("return"):
        for lpar, server in sorted(end.items()):
            if server != site.start[lpar]:
                found.append(_error("goal.returned", lpar, f"ends on {server}, not back on {site.start[lpar]}"))
    outs, backs = plan.leg(OUT), plan.leg(BACK)
    if outs and backs:
        earliest = max(m.end_ms for m in outs) + (plan.work_s or 0) * 1000
        for m in backs:
            if m.start_ms < earliest:
                found.append(_error("goal.work-time", m.lpar, "starts back before the work is over"))
    return found


def replay(plan: Plan, site: Site, judge: Judge) -> Replay:
    """Replay a plan from the estate's own placement."""
    stage = _Stage(site, judge)
    before = server_states(site, stage.where)
    moves = list(plan.moves)
    stage.found += _sane(moves)
    middle: dict[str, str] | None = None
    pending_out = sum(m.leg == OUT for m in moves)
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
    stage.found += judge.flights(moves, plan.window)
    stage.found += _goal(plan, site, middle, end)
    after = server_states(site, {n: (s,) for n, s in middle.items()})
    return Replay(ordered(stage.found), tuple(stage.peaks[s] for s in site.servers), before, after)


def verify_plan(plan: Plan, site: Site, judge: Judge) -> Replay:
    """Whether a plan holds against an estate: as it was, or as it is after (part of) the work.

    When LPARs already stand on their targets, those moves count as done and the rest is replayed.
    """
    notes: list[Finding] = []
    if plan.status not in (Status.OPTIMAL, Status.FEASIBLE):
        notes.append(_error("plan.status", "plan", f"its status is {plan.status}: it is no plan"))
    done, rest = _done(plan, site)
    if plan.estate_digest and plan.estate_digest != digest(site.estate) and not done:
        notes.append(Finding("plan.estate", Severity.WARNING, "estate",
                             "the estate is not the one the plan was made for; the replay is against this one",
                             "check what has changed since"))
    if done:
        notes.append(Finding("plan.progress", Severity.INFO, "plan",
                             f"{len(done)} of {len(plan.moves)} moves are already done: "
                             + ", ".join(dict.fromkeys(m.lpar for m in done)), ""))
    played = replay(plan.replace(moves=tuple(rest)), site, judge) if not done else _after_work(plan, rest, site, judge)
    return Replay(ordered((*notes, *played.findings)), played.peak, played.before, played.after)


def _done(plan: Plan, site: Site) -> tuple[list[Move], list[Move]]:
    """Split the moves at where each LPAR stands in this estate: way out first."""
    done: list[Move] = []
    for lpar in dict.fromkeys(m.lpar for m in plan.moves):
        own = [m for m in plan.moves if m.lpar == lpar and m.leg == OUT]
        here = site.start.get(lpar)
        if own and here != own[0].source:
            stops = [n for n, m in enumerate(own) if m.target == here]
            done += own[:stops[-1] + 1] if stops else []
    return done, [m for m in plan.moves if m not in done]


def _after_work(plan: Plan, rest: Sequence[Move], site: Site, judge: Judge) -> Replay:
    """The rest of a plan against an estate in which a part is done: home is where the plan says it started."""
    played = replay(plan.replace(moves=tuple(rest), goal={k: v for k, v in plan.goal.items() if k != "return"}),
                    site, judge)
    home: dict[str, str] = {}
    for m in plan.moves:
        home.setdefault(m.lpar, m.source)
    found = [f for f in played.findings if f.rule != "goal.returned"]
    backs = {m.lpar: m.target for m in rest if m.leg == BACK}
    for lpar, target in backs.items():
        if target != home[lpar] and not any(m.parking for m in rest if m.lpar == lpar):
            found.append(_error("goal.returned", lpar, f"ends on {target}, not back on {home[lpar]}"))
    return Replay(ordered(found), played.peak, played.before, played.after)
