"""The way home of those for whom none is planned in time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from planner.estate.model import Vnic
from planner.plan.choices import OUT
from planner.plan.plan import Backing, Move, Plan
from planner.plan.questions import Resume, Whatif
from planner.report.runbook_resume import way_home_later
from planner.report.runbook_steps import move_lines, on_consoles
from planner.report.whatif_runbook import WAY_BACK
from planner.rules import Site


def unplanned_way_back(plan: Plan, site: Site) -> Iterator[str]:
    """The way out backwards, one after the other, or how it is planned."""
    yield "## The way back\n"
    if isinstance(plan.goal, Resume):
        yield from way_home_later(plan, plan.goal)
        return
    if not plan.leg(OUT):
        yield "Nothing moves, so nothing comes back.\n"
        return
    if isinstance(plan.goal, Whatif):
        yield WAY_BACK
        yield ""
    yield ("Not planned in time (`--return` does that). In this order, one after the other, each LPAR comes home; what "
           "held on the way out holds backwards. Validate each (`-o v`) first:\n")
    now = {m.lpar: m.target_id for m in plan.leg(OUT)}
    home = {m: now[m.lpar] for m in _homewards(plan, site)}
    yield from on_consoles(site, move_lines(site, home, "m", home))


def _homewards(plan: Plan, site: Site) -> Iterator[Move]:
    for m in reversed(plan.leg(OUT)):
        yield replace(m, source=m.target, target=m.source, source_msp=m.target_msp, target_msp=m.source_msp,
                       pool_id=site.pool_on(m.lpar, m.source),
                       disks=site.reach.disk_paths(m.lpar, m.source).mapping,
                       fibres=site.reach.own_fibres(m.lpar) if m.source == site.start[m.lpar] else (),
                       vnics=tuple(_returned(b, site.vnics.get(m.lpar, ())) for b in m.vnics if b.source_port)
                       if m.source == site.start[m.lpar] else (),
                       target_id=site.lpars[m.lpar].lpar_id if m.source == site.start[m.lpar] else None)


def _returned(b: Backing, own: Iterable[Vnic]) -> Backing:
    """A backing device on its way home to the port and the VIOS that it left."""
    vios = next((v.vios for v in own if (v.slot, v.device) == (b.slot, b.device)), "")
    return replace(b, vios=vios, port=b.source_port, source_port=b.port)
