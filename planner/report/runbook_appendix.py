"""The appendix of a runbook: what is done before and after a move on the LPAR itself, by product, each list once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from planner.plan.plan import Plan
from planner.report.checklists import lists_for, lists_of
from planner.report.runbook_steps import items
from planner.report.text import md
from planner.rules import Site


def appendix(plan: Plan, site: Site) -> Iterator[str]:
    """A section for each list that an LPAR of the plan needs, with those that it is for."""
    names = list(dict.fromkeys(m.lpar for m in plan.moves if not m.inactive))
    wanted = lists_for(site.lpars[n] for n in names)
    if wanted:
        yield "## Appendix: the lists, by product\n"
    for one in wanted:
        whose = [n for n in names if one in lists_of(site.lpars[n])]
        title = "" if one.title.casefold() == one.key.casefold() else f": {one.title}"
        yield f"### {one.key}{title}\n"
        yield f"For {'all that move' if len(whose) == len(names) else md(', '.join(sorted(whose)))}.\n"
        for word, listed in (("before", one.before), ("after", one.after)):
            yield from items((replace(i, text=f"**{word}**: {i.text}") for i in listed), "-")
        yield ""
