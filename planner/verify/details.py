"""What a plan tells besides its moves, worked out again: the headroom on a server, what follows a what-if's moves."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from planner.findings import Finding
from planner.plan.choices import OUT
from planner.plan.details import Change, Critical, Fit, Free, HeadroomDetails, WhatifDetails
from planner.plan.plan import Plan
from planner.plan.questions import Headroom, Whatif
from planner.rules import Site
from planner.rules.shares import contended_shares
from planner.units import cores, round_up, show_gib
from planner.verify.base import Claim, broken
from planner.verify.changes import replay_changes

_RESTARTS, _IN_PLACE, _LATER = {"restart", "restart after work"}, {"re-activation", "DLPAR"}, {"growth"}
Where = Mapping[str, str]


def details_claims(plan: Plan, site: Site) -> Iterator[Claim]:
    """The headroom on the server now and after the way out, as far as no usage history is needed to tell."""
    goal, details = plan.goal, plan.details
    if not isinstance(goal, Headroom) or not isinstance(details, HeadroomDetails):
        yield Claim("details of its question", type(details).__name__, {
            "headroom": "HeadroomDetails", "whatif": "WhatifDetails"}.get(goal.kind, "NoneType"))
        return
    if goal.server not in site.servers:
        return
    after = site.start | {m.lpar: m.target for m in plan.leg(OUT)}
    measured = goal.usage is not None or site.usage is not None
    for name, free, where in (("now", details.free_now, site.start), ("after", details.free_after, after)):
        units, mib = _left(site, goal.server, where)
        yield Claim(f"headroom {name}", free and replace(free, used_units=None), Free(units, None, mib))
        if not measured:
            yield Claim(f"cores unused {name} that nobody measured", free and _cores(free.used_units), None)
    yield Claim("servers with a largest LPAR", sorted(x.server for x in details.slots), sorted(site.servers))
    for slot in details.slots:
        for when, fit, where in (("now", slot.now, site.start), ("after", slot.after, after)):
            if slot.server in site.servers:
                yield from _largest(site, slot.server, when, fit, where)
                if not measured:
                    yield Claim(f"cores unused {when} that nobody measured", _cores(fit.unused_units), None,
                                slot.server)
    yield from _critical(details.critical, goal, site, after)
    if not measured:
        yield Claim("peaks that nobody measured", details.hours, ())
        yield Claim("cores of the sum of peaks that nobody measured", _thousandth(details.sum_of_peaks_after), None)


def _cores(units: int | None) -> float | None:
    return None if units is None else cores(units)


def _thousandth(physc: int | None) -> float | None:
    return None if physc is None else physc / 1000


def _left(site: Site, server: str, where: Where) -> tuple[int, int]:
    """Hundredths of a core and MiB that are left when LPARs stand there."""
    holding, limit = site.holding(server, [n for n, s in where.items() if s == server]), site.limit(server)
    return limit.units - holding.units, limit.memory_mib - holding.memory_mib


def _largest(site: Site, server: str, when: str, fit: Fit, where: Where) -> Iterator[Claim]:
    """One block more does not fit, with a hash page table of a 64th, up to the next power of two."""
    units, mib = _left(site, server, where)
    block = max(site.servers[server].lmb_mib or 0, 1)

    def needs(memory: int) -> int:
        return memory + (1 << (-(-memory // 64) - 1).bit_length() if memory > 0 else 0)

    fits = 0 <= fit.memory_mib == round_up(fit.memory_mib, block) and needs(fit.memory_mib) <= max(mib, 0)
    yield Claim(f"cores of the largest LPAR {when}", cores(fit.units), cores(max(units, 0)), server)
    yield Claim(f"whether {show_gib(fit.memory_mib)} GiB are the most that fit {when}",
                fits and needs(fit.memory_mib + block) > max(mib, 0), True, server)


def _critical(rows: tuple[Critical, ...], goal: Headroom, site: Site, after: Where) -> Iterator[Claim]:
    here = sorted(n for n in goal.critical if site.start.get(n) == goal.server)
    yield Claim("critical LPARs there", sorted(row.lpar for row in rows), here)
    shares = [contended_shares(site, goal.server, [n for n, s in where.items() if s == goal.server])
              for where in (site.start, after)]
    for row in rows:
        if row.lpar in here:
            p = site.lpars[row.lpar]
            capped = p.processors == "dedicated" or p.sharing == "capped"
            draws = p.entitlement_units if capped else max(p.entitlement_units, 100 * p.virtual_processors)
            said = row if goal.usage is None and site.usage is None else replace(row, peak=None)
            yield Claim("what a critical LPAR has and gets", said, Critical(
                row.lpar, entitlement=p.entitlement_units, virtual_processors=p.virtual_processors, weight=p.weight,
                sharing=p.sharing or p.processors, may_draw=draws, peak=None,
                contended_before=shares[0].get(row.lpar, 0), contended_after=shares[1].get(row.lpar, 0)), row.lpar)


def changes_after(plan: Plan, site: Site) -> list[Finding]:
    """What is wrong with the restarts and new sizes that follow the moves of a what-if: their kinds, and what servers
    hold step by step."""
    if not isinstance(plan.goal, Whatif) or not isinstance(plan.details, WhatifDetails):
        return []
    changes, moved = plan.details.changes, _elsewhere(plan, site)
    names = [c.lpar for c in changes]
    wrong = [broken("plan.known", c.lpar, f"is to change on {c.server}, and the estate has no such LPAR or server")
             for c in changes if c.lpar not in site.lpars or c.server not in site.servers]
    twice = sorted({n for n in names if names.count(n) > 1})
    wrong += [broken("plan.figures", n, "changes more than once") for n in twice]
    wrong += [f for n in sorted({*plan.goal.leave} - {*names}) for f in _no_place(n, site)]
    if wrong:
        return wrong
    wrong = [f for c in changes for f in _kind(c, plan.goal, site, moved)]
    rows = [c.done_to(site.lpars[c.lpar]) for c in changes]
    kept = [s for s in site.servers if s not in plan.goal.servers]
    return [*wrong, *replay_changes(site, site.start | moved, rows, kept, plan.details.use)]


def _elsewhere(plan: Plan, site: Site) -> dict[str, str]:
    """LPAR → where it stands after the moves, of those that do not stand where they did: who only made room is back."""
    last = {m.lpar: m.target for m in plan.moves}
    return {n: s for n, s in last.items() if s != site.start.get(n)}


def _no_place(name: str, site: Site) -> Iterator[Finding]:
    """An active LPAR that restarts must say where."""
    if name in site.lpars and site.lpars[name].active:
        yield broken("plan.figures", name, "is to restart elsewhere, and nothing says where")


def _kind(c: Change, goal: Whatif, site: Site, moved: Where) -> Iterator[Finding]:
    kinds = _RESTARTS if c.lpar in goal.leave else _IN_PLACE if c.lpar in moved else _LATER
    if c.kind not in kinds:
        yield broken("plan.figures", c.lpar, f"its change is called {c.kind!r}; it is {' or '.join(sorted(kinds))}")
    if min(c.units, c.virtual_processors, c.memory_mib) <= 0:
        yield broken("plan.figures", c.lpar, f"is to have {c.units / 100:g} cores, {c.virtual_processors} virtual "
                     f"processors, {show_gib(c.memory_mib)} GiB")
    there = moved.get(c.lpar, site.lpars[c.lpar].server)
    if c.lpar not in goal.leave and c.server != there:
        yield broken("plan.figures", c.lpar, f"is to change on {c.server}; then it stands on {there}")
