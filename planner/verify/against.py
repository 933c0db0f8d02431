"""A plan against an estate: the one it was made for, or one exported half-way or after the work."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from planner.estate.model import Estate
from planner.estate.saved import digest
from planner.findings import Finding, Severity, errors, ordered
from planner.plan.choices import BACK, OUT, By, Status
from planner.plan.plan import Move, Plan
from planner.plan.questions import Headroom
from planner.rules import Judge, Site
from planner.rules.versions import firmware_release
from planner.units import some
from planner.verify.base import Replay, broken
from planner.verify.claims import claims
from planner.verify.hours import wrong_hours
from planner.verify.order import malformed
from planner.verify.progress import done_of, next_of, out_of_order
from planner.verify.replay import replay
from planner.verify.unreachable import never_reached

if TYPE_CHECKING:  # start-up: what reads a history takes longer to import than a small plan to make
    from planner.history.usage import Usage


def verify_plan(plan: Plan, estate: Estate, usage: Usage | None = None, *, another_estate: bool = False) -> Replay:
    """Whether a plan holds against an estate: as it was, or as it is after (part of) the work; against one that has
    changed before any of the work was done only with ``another_estate``.

    ``usage`` is what the plan was made with (``goal.usage``); without it the rules on usage stay unchecked. Where the
    LPARs stand tells how far the work has come; the rest of the moves is replayed from there. What is wrong, another
    estate too, is a finding: nothing is raised for it.
    """
    same = plan.estate_digest == digest(estate)
    plan = plan.replace(moves=tuple(sorted(plan.moves, key=lambda m: (m.start_ms, m.leg == BACK, m.wave, m.lpar))))
    unknown = strangers(plan, estate, same=same)
    if unknown:
        return Replay(unknown, (), (), ())
    notes = _formed(plan)
    home, start = _places(plan, estate)
    done = [] if same else done_of(plan, home, start)
    gone = {*done}
    rest = [m for m in plan.moves if m not in gone]
    if not same and not done:
        other = "the estate is not the one the plan was made for"
        if not another_estate:
            return Replay((broken("plan.estate", "estate", f"{other}, and none of its moves is done in it",
                                  "give the estate of the plan; whether its moves hold in this one all the same: "
                                  "--another-estate"),), (), (), ())
        notes.append(Finding("plan.estate", Severity.WARNING, "estate", f"{other}; the replay is against this one, and "
                             "nothing is said of what the plan costs, proves and saves",
                             "check what has changed since"))
    if done:
        notes.append(Finding("plan.progress", Severity.INFO, "plan",
                             f"{len(done)} of {len(plan.moves)} moves are already done; next: {next_of(plan, rest)}",
                             _PLAN_THE_REST if rest else ""))
        notes += [*(malformed(plan.moves) if plan.in_lanes else ()), *out_of_order(plan, done)]
    notes += _vios_ids(plan, estate)
    notes += [*_usage(plan, usage), *wrong_hours(plan, usage)]
    site = Site(estate, home={n: home.get(n, s) for n, s in start.items()}, usage=usage,
                goal=plan.goal)
    judge = Judge(site)
    if same and plan.conflict is not None and plan.conflict.states:
        return Replay((*_formed(plan), _without_order(plan, site, judge)), (), (), ())
    played = replay(plan.replace(moves=tuple(rest)), site, judge, home, begun=bool(done))
    notes += [*_late(plan), *unsure(plan)]
    if done and not any(m.leg == OUT for m in rest):
        notes += _other_levels(plan, rest, judge)
    if same:
        notes += claims(plan, site, judge, played)
    return Replay(ordered((*notes, *played.findings)), played.peak, played.before, played.after)


def _places(plan: Plan, estate: Estate) -> tuple[dict[str, str], dict[str, str]]:
    """Where the LPARs of a plan stood before it, and where those that it may move stand."""
    home: dict[str, str] = {}
    for m in plan.moves:
        home.setdefault(m.lpar, m.source)
    along = {m.lpar for m in plan.moves if m.inactive}
    return home, {p.name: p.server for p in estate.lpars if p.active or p.name in along}


def strangers(plan: Plan, estate: Estate, *, same: bool) -> tuple[Finding, ...]:
    """Names that the estate has not: with them nothing else can be said. When they are most, it is another estate."""
    servers = {s for m in plan.moves for s in (m.source, m.target)} | {*plan.goal.freed, *plan.off}
    named = {**dict.fromkeys(sorted(servers), "server"), **dict.fromkeys(sorted({m.lpar for m in plan.moves}), "LPAR")}
    known = {"server": {s.name for s in estate.servers}, "LPAR": {p.name for p in estate.lpars}}
    unknown = {n: kind for n, kind in named.items() if n not in known[kind]}
    if not same and 2 * len(unknown) > len(named):
        shown = some((f"{kind} {n!r}" for n, kind in unknown.items()), 3)
        return broken("plan.estate", "estate", f"is another than the plan was made for: it has no {shown}",
                      "give the estate of the plan, as it was or as it is now"),
    return tuple(broken("plan.known", n, f"the estate has no {kind} {n!r}") for n, kind in unknown.items())


_PLAN_THE_REST = "where the rest cannot go on: planner resume PLAN ESTATE --on, or --back to bring all of them home"


def _formed(plan: Plan) -> list[Finding]:
    """Whether it is a plan, and as it was written."""
    wrong = []
    if plan.status not in (Status.OPTIMAL, Status.FEASIBLE) or not plan.verified or plan.conflict is not None:
        checked = "was replayed" if plan.verified else "was not replayed"
        wrong.append(broken("plan.status", "plan", f"its status is {plan.status}, and it says that it {checked}"
                            f"{' and has a conflict' if plan.conflict is not None else ''}: it is no plan"))
    if plan.altered:
        wrong.append(broken("plan.altered", "plan", f"is not as the planner wrote it: {'; '.join(plan.altered)}"))
    return wrong


def _other_levels(plan: Plan, rest: Sequence[Move], judge: Judge) -> list[Finding]:
    """Before the way home: servers whose level is not the one that it was planned with, and what that refuses."""
    servers = judge.site.servers
    other = {s: level for s, level in plan.goal.firmware_after.items()
             if s in servers and firmware_release(servers[s].firmware) != firmware_release(level)}
    said = [Finding("plan.firmware-after", Severity.WARNING, s, f"has {servers[s].firmware or 'no known level'}; the "
                    f"way back was planned with {level}", "once the work is done it must have that level; else plan "
                    f"again with --firmware-after {s}=LEVEL") for s, level in sorted(other.items())]
    return said + [f for m in rest if {m.source, m.target} & other.keys() and {m.source, m.target} <= servers.keys()
                   and m.lpar in judge.site.start for f in errors(judge.move(m.lpar, m.source, m.target))]


def _late(plan: Plan) -> list[Finding]:
    """Moves that end after the window."""
    late = plan.late()
    names = ", ".join(dict.fromkeys(m.lpar for m in late))
    return [broken("timing.window", "plan", f"{names}: {len(late)} moves end after the window")] if late else []


def unsure(plan: Plan) -> Iterator[Finding]:
    """That a plan which fits as predicted does so in fewer of the nights drawn than are asked for."""
    evening, window = plan.evening, plan.window
    if evening and evening.in_time is not None and not evening.fits and window and not window.too_short:
        yield Finding("timing.confidence", Severity.WARNING, "plan", "fits the window as predicted, but in "
                      f"{100 * evening.in_time:.0f} of 100 nights, the checklists of {evening.people} people "
                      f"counted: less than the {100 * evening.confidence:.0f} that were asked",
                      "start earlier, take more people (--people), a longer window or a faster link, or leave LPARs "
                      "behind (--leave)")


def _usage(plan: Plan, usage: Usage | None) -> list[Finding]:
    """Whether the usage that the plan was made with is at hand: without it nothing can be said of what it claims."""
    goal, basis = plan.goal, plan.goal.usage
    if basis is None:
        if isinstance(goal, Headroom) and goal.by is not By.ENTITLEMENT:
            return [broken("plan.usage", "plan", f"counts headroom by {goal.by}, but does not say which usage")]
        return []
    if usage is None:
        return [broken("plan.usage", "plan", "was made with a usage history; without it nothing can be said of usage",
                       "give the history: --history FILE")]
    if usage.digest() == basis.sha256:
        return []
    lost = basis.measured - len(usage.measured)
    if lost > 0:
        return [broken("plan.usage", "history", f"it has usage of {len(usage.measured)} partitions; the plan was made "
                       f"with {basis.measured}", "give the history that the plan was made with")]
    return [Finding("plan.usage", Severity.WARNING, "history", "it is not the usage that the plan was made with; the "
                    "replay is with this one", "see what has been added since: planner history show")]


def _without_order(plan: Plan, site: Site, judge: Judge) -> Finding:
    """Whether it is so that no order of moves reaches the goal, which is what is claimed."""
    if never_reached(plan, site, judge):
        return Finding("plan.no-order", Severity.INFO, "plan", "worked out again: no order of moves reaches the goal")
    return broken("plan.no-order", "plan", "that no order of moves reaches the goal cannot be worked out again")


def _vios_ids(plan: Plan, estate: Estate) -> list[Finding]:
    """VIOSes whose partition id is not the one that the plan's commands name."""
    now = {v.name: v.lpar_id for v in estate.vioses}
    named = {v for m in plan.moves for v in m.vioses}
    wrong = [broken("plan.vios-id", name, f"the plan's commands name it with {_id(plan.vios_ids.get(name))}; it "
                    f"has {_id(now[name])}")
             for name in sorted(named & now.keys()) if plan.vios_ids.get(name) != now[name]]
    return wrong + [broken("plan.vios-id", name, "the plan states an id of it, and no move takes part with it")
                    for name in sorted(plan.vios_ids.keys() - (named & now.keys()))]


def _id(number: int | None) -> str:
    return "no id" if number is None else f"id {number}"
