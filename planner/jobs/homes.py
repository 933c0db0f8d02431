"""Who stands elsewhere than at home when a plan begins, and whether its way back can bring it there."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from planner.errors import UsageError
from planner.estate.model import Estate
from planner.estate.policies import compile_policies
from planner.findings import Finding, Severity, errors
from planner.plan.plan import Plan
from planner.rules import Judge


def homes_of(plan: Plan, estate: Estate) -> dict[str, str]:
    """Where the LPARs of a plan stood before it, of those that the estate has; raises UsageError when it has none."""
    homes: dict[str, str] = {}
    for m in sorted(plan.moves, key=lambda m: m.start_ms):
        homes.setdefault(m.lpar, plan.goal.homes.get(m.lpar, m.source))
    known = {p.name for p in estate.lpars}
    if not known & homes.keys():
        raise UsageError("--home: the estate has no LPAR that this plan moves")
    return {n: s for n, s in homes.items() if n in known}


def stated_homes(estate: Estate, given: Mapping[str, str], along: Collection[str] = ()) -> dict[str, str]:
    """LPAR → home of those that stand elsewhere: as ``given``, as the estate states it, else as a soft pin does.
    ``along``: servers to which what is not activated comes home as well."""
    pins, _ = compile_policies(estate)
    servers = {s.name for s in estate.servers}
    homes = {}
    for p in estate.lpars:
        pinned = pins.soft_pins.get(p.name, (p.server,))
        home = given.get(p.name) or p.home or (p.server if p.server in pinned or not pinned else pinned[0])
        if (p.active or home in along) and home in servers and home != p.server:
            homes[p.name] = home
    return homes


def out_of_reach(judge: Judge, displaced: Sequence[str], survivors: Sequence[str]) -> dict[str, tuple[str, str]]:
    """LPAR → (why, what would mend it) of those that no way back can bring home from where they stand, or from where
    they may go."""
    site, back = judge.site, judge.homeward
    out = {}
    for name, home in site.homes.items():
        here = site.start[name]
        places = judge.targets(name, survivors) if name in displaced else [here]
        if not any(s == home or back.allowed(name, s, home) for s in places):
            refusals = errors((*back.readiness(name), *back.move(name, here, home)))
            out[name] = ("; ".join(dict.fromkeys(f.message for f in refusals)) or "no server from which it could come "
                         "home takes it in", "; ".join(dict.fromkeys(f.fix for f in refusals if f.fix)))
    return out


def not_home(homes: Mapping[str, str], why: Mapping[str, tuple[str, str]]) -> tuple[Finding, ...]:
    """That these do not come home."""
    return tuple(
        Finding("plan.home", Severity.WARNING, n, f"its home is {homes[n]}; it is not brought there: {reason}",
                fix or "plan again once that is mended") for n, (reason, fix) in why.items())
