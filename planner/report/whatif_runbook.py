"""The part of a runbook that only a scenario has: restarts and new sizes after the live moves, and the way back."""

from __future__ import annotations

from collections.abc import Iterator

from planner.plan.details import Change, WhatifDetails
from planner.plan.plan import Plan
from planner.plan.questions import Whatif
from planner.report.text import md
from planner.units import show_cores, show_gib

_HEADS = (
    (("restart", "restart after work"), "Restarts",
     "These cannot go live. Each is stopped, moved inactive or defined anew on its new server, and activated there."),
    (("re-activation",), "Re-activations with the new sizes",
     "Shut down and activated from a profile with these sizes: a reboot from inside does not change the mode. "
     "**After that it cannot go back live.** In this order, so that there is room when it is needed."),
    (("DLPAR",), "New sizes by DLPAR", "The mode does not change, so DLPAR and the profile are enough. In this order."),
    (("growth",), "Sizes after growth", "Not now: what the scenario expects later."),
)


def after_the_moves(plan: Plan, goal: Whatif) -> Iterator[str]:
    """Restarts and new sizes in the order in which they were replayed; then the retired servers."""
    changes = plan.details.changes if isinstance(plan.details, WhatifDetails) else ()
    for kinds, title, text in _HEADS:
        listed = [c for c in changes if c.kind in kinds]
        if listed:
            yield f"### {title}\n"
            yield text
            yield ""
            yield from (_line(c) for c in listed)
            yield ""
    if goal.servers:
        yield "### The retired servers\n"
        for s in goal.servers:
            left = [n for n, at, why in plan.stays if at == s and why.startswith("not activated")]
            still = f", but the profiles of {md(', '.join(left))} (saved elsewhere first)" if left else ""
            yield f"- [ ] {md(s)} holds no LPAR any more{still}; VIOSes shut down, server powered off, zoning removed"
        yield ""


def _line(c: Change) -> str:
    work = "the work is done that its findings name; " if c.kind == "restart after work" else ""
    mode = f", mode {c.mode}" if c.mode else ""
    processors = f"{show_cores(c.units)} cores, {c.virtual_processors} virtual processors"
    return f"- [ ] {md(c.lpar)} on {md(c.server)}: {work}{processors}, {show_gib(c.memory_mib)} GiB{mode}"


WAY_BACK = ("Only for LPARs that have neither been restarted nor activated again: from then on the older server does "
            "not take them back live.")
