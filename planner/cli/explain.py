"""The command that says why and why not. Start-up: it imports what it needs when it runs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from planner.cli.app import command, load_estate, tell
from planner.cli.options import AssumeNothing, Estate, PlannedUsage, PolicyFile, Shown
from planner.errors import UsageError
from planner.names import named

if TYPE_CHECKING:
    from planner.estate.assemble import Loaded
    from planner.plan.plan import Plan

_SECONDS = 20.0


@command("explain")
def explain_command(
    estate: Estate,
    name: Annotated[str, typer.Argument(metavar="LPAR|SERVER", help="An LPAR, or a server.")],
    to: Annotated[str | None, typer.Argument(metavar="[SERVER]", help="Of an LPAR: only this server.")] = None, *,
    plan: Annotated[Path | None, typer.Option("--plan", metavar="PLAN", help="Of an LPAR why this plan moves it, and "
                                              "there; of a server why it stays on, or what leaves it.")] = None,
    policy: PolicyFile = None, assume_nothing: AssumeNothing = False, usage: PlannedUsage, shown: Shown,
) -> int:
    """Why not there: every rule with the facts and their places. With --plan: why this move, and what else there was.

    Example: planner explain estate.xlsx hxaix52 SN1001C70_p570-1
    """
    from planner.plan.plan import read_plan

    loaded = load_estate(estate, policy)
    servers, lpars = ([r.name for r in rows] for rows in (loaded.estate.servers, loaded.estate.lpars))
    if plan is not None:
        return _of_plan(loaded, read_plan(plan), name, shown)
    if name in servers and to is None:
        return _of_server(loaded, name, shown)
    lpar, given = named("LPAR", name, lpars), usage.at_all_times(loaded)
    among = [named("server", to, servers)] if to else servers
    return _of_lpar(loaded, lpar, among, assume_nothing, shown, given[0] if given else None)


def _of_lpar(loaded: Loaded, lpar: str, servers: list[str], assume_nothing: bool, shown: Shown,
             usage: object) -> int:
    from planner.jobs.explain import explained
    from planner.report.explain import explained_json, explained_line, explained_view
    from planner.rules import Judge, Site

    site = Site(loaded.estate, usage=usage, assume_nothing=assume_nothing)  # type: ignore[arg-type]
    others = [s for s in servers if s != site.lpars[lpar].server]
    if not others:
        raise UsageError(f"{lpar} is on {site.lpars[lpar].server}")
    told = [explained(loaded, site, Judge(site), lpar, s) for s in others]
    tell(shown, lambda: [explained_json(e) for e in told], lambda: explained_line(told),
         lambda: explained_view(told, whole=shown.verbose))
    return 0


def _of_server(loaded: Loaded, server: str, shown: Shown) -> int:
    """What stands in the way of freeing it."""
    from planner.jobs.explain import in_the_way
    from planner.report.explain import said
    from planner.report.text import lift_lines
    from planner.rules import Judge, Site

    site = Site(loaded.estate)
    conflict = in_the_way(site, Judge(site), server, _SECONDS)
    lines = [f"nothing is proved to stand in the way of freeing {server}: planner evacuate plans it"] if (
        conflict is None) else [f"{server} cannot be freed: {conflict.summary}", *lift_lines(conflict.lifts)]
    tell(shown, lambda: {"server": server, "stands_in_the_way": None if conflict is None else {
        "why": conflict.summary, "lpars": conflict.lpars, "rules": conflict.rules, "lifts": conflict.lifts}},
         lambda: lines[0], lambda: said(lines))
    return 0


def _of_plan(loaded: Loaded, plan: Plan, name: str, shown: Shown) -> int:
    """Why a plan moves an LPAR, why a server of it stays on, or what leaves and comes to one."""
    from planner.jobs.stays_on import why_on
    from planner.jobs.why_moves import why_moves
    from planner.plan.questions import Consolidate
    from planner.report.explain import moves_json, moves_line, moves_view, said
    from planner.rules import Judge, Site

    site = Site(loaded.estate, goal=plan.goal)
    judge = Judge(site)
    name = named("LPAR or server", name, [*site.lpars, *site.servers])
    if name in site.servers and isinstance(plan.goal, Consolidate) and name not in plan.off:
        others = dict.fromkeys((s for s in site.servers if s != name), "")
        lines = list(why_on(plan, site, judge, plan.goal, others))
        tell(shown, lambda: {"server": name, "stays_on": lines}, lambda: lines[0] if lines else "", lambda: said(lines))
        return 0
    told = [(m, why) for m, why in why_moves(plan, site, judge) if name in (m.lpar, m.source, m.target)]
    still = f"the plan does not move {name}"
    tell(shown, lambda: moves_json(told), lambda: moves_line(told) or still,
         lambda: moves_view(told) if told else said([still]))
    return 0
