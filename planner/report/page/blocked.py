"""No plan: what stands in the way, what would lift it, and what was tried."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from planner.grouping import grouped
from planner.names import command
from planner.plan.choices import Status
from planner.plan.details import Conflict, told_once
from planner.plan.plan import Plan
from planner.plan.questions import Evacuate, Headroom, Question
from planner.report.page.answer import Short
from planner.report.text import impossible_word, lift_lines
from planner.rules import Site
from planner.rules.base import REGISTRY
from planner.units import show_cores, show_gib, some

_ROWS, _LIFTS = 60, 40


class Stuck(NamedTuple):
    """An LPAR of a conflict: its size, and [servers, or anywhere; reason; rule] of what refuses it."""

    lpar: str
    size: str
    refusals: tuple[tuple[str, str, str], ...]


class Blocked(NamedTuple):
    """See the module. ``rules``: (id, sentence); ``short``: (server, lacking cores, lacking GiB); ``least``: whether
    without any one of them the rest is possible."""

    word: str
    summary: str
    tried: tuple[str, ...]
    stuck: tuple[Stuck, ...] = ()
    more: int = 0
    servers: tuple[str, ...] = ()
    rules: tuple[tuple[str, str], ...] = ()
    short: tuple[tuple[str, str, str], ...] = ()
    lifts: tuple[str, ...] = ()
    unstated: tuple[str, ...] = ()
    least: bool = False
    remedy: str = ""
    """The command that works out the cheapest changes; ``""``: it cannot be asked so."""


def blocked(plan: Plan, site: Site, short: Short) -> Blocked:
    """Of a plan that has no answer."""
    c, tried = plan.conflict, tuple(_tried(plan))
    if c is None:
        word = {Status.INFEASIBLE: impossible_word(unstated=False), Status.UNKNOWN: "UNKNOWN: no plan was found in time"
                }.get(plan.status, "NOT VERIFIED: the plan failed its replay")
        return Blocked(word, next((f.message for f in plan.findings), ""), tried)
    return Blocked(
        impossible_word(bool(c.unstated)), short(c.summary), tried,
        stuck=tuple(Stuck(name, _size(site, name), tuple(_refusals(c, name, short))) for name in c.lpars[:_ROWS]),
        more=max(0, len(c.lpars) - _ROWS), servers=tuple(map(short, c.servers)),
        rules=tuple((rule, REGISTRY[rule].sentence if rule in REGISTRY else "") for rule in c.rules),
        short=tuple((short(s), show_cores(units) if units else "–", show_gib(mib) if mib else "–")
                    for s, (units, mib) in c.shortfall.items()),
        lifts=tuple(map(short, _lifts(c)))[:_LIFTS], unstated=c.unstated, least=c.irreducible and not c.refusals,
        remedy=_remedy(plan.goal))


def _remedy(goal: Question) -> str:
    back = ["--return"] * goal.come_back
    match goal:
        case Evacuate():
            return command("planner", "remedy", "ESTATE", *goal.servers, *back)
        case Headroom():
            return command("planner", "remedy", "ESTATE", goal.server, "--cores", show_cores(goal.units), "--memory",
                           show_gib(goal.memory_mib))
        case _:
            return ""


def links(c: Conflict) -> list[tuple[str, str, str]]:
    """(LPAR, rule, server or ``""``) of a conflict, to be drawn: what refuses each LPAR where that is known, else
    all of them with all of its rules and servers."""
    told = [(name, why.rule, server) for name in c.lpars for server, reasons in c.refusals.get(name, {}).items()
            for why in reasons]
    return told or [(n, rule, server) for n in c.lpars or ("",) for rule in c.rules for server in c.servers or ("",)]


def _size(site: Site, name: str) -> str:
    p = site.lpars.get(name)
    return "" if p is None else f"{show_cores(p.entitlement_units)} cores, {show_gib(p.memory_mib)} GiB, {p.server}"


def _refusals(c: Conflict, name: str, short: Short) -> Iterator[tuple[str, str, str]]:
    for why, servers in told_once(c.refusals.get(name, {})):
        where = some(short(s) for s in servers if s)
        yield f"to {where}" if where else "anywhere", short(why.message), why.rule


def _lifts(c: Conflict) -> Iterator[str]:
    """What would lift it; what does so for several LPARs once, with all of them."""
    whose = [next(((x.removeprefix(f"{n}: "), n) for n in c.lpars if x.startswith(f"{n}: ")), (x, "")) for x in c.lifts]
    for text, who in grouped(whose).items():
        yield f"{some(who, 8)}: {text}" if who[0] else lift_lines([text])[0].removeprefix("would lift it: ")


def _tried(plan: Plan) -> Iterator[str]:
    """How far the search went."""
    if plan.status is Status.INFEASIBLE:
        yield "Every placement was looked at, LPARs that would move only to make room included: none keeps all rules."
    elif plan.conflict is not None:
        yield "Nothing is proved: it hangs on what nobody states. Once that is exported, ask again."
    elif plan.status is not Status.UNKNOWN:
        yield "What was found did not hold when it was replayed: a defect of the planner. Nothing of it is shown here."
    else:
        yield "The search ended without a plan and without a proof. --time-limit gives it longer."
    if plan.bound is not None:
        yield f"A plan would cost at least {plan.bound:,.1f} points."
    yield from plan.notes
