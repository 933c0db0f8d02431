"""The month-end capacity workbook. Start-up: what a command needs it imports when it runs."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from planner.cli.app import command, load_estate, months_progress, show, tell, tell_more
from planner.cli.options import OUTPUT, Estate, Output, Percentile, PolicyFile, SiteCalendar, month_from, numeric
from planner.errors import UsageError

if TYPE_CHECKING:
    from planner.jobs.capacity import Levers

_LEVERS = "Levers, which the workbook can change too"


@dataclass(frozen=True, slots=True)
class LeverOptions:
    """What the workbook's sheet Levers can change too."""

    cpu_ceiling: Annotated[int, numeric("--cpu-ceiling", 1, 100, "Per cent of the cores that may be used, unless a "
                                        "policy says it.", _LEVERS)] = 90
    memory_ceiling: Annotated[int, numeric("--memory-ceiling", 1, 100, "The same of memory.", _LEVERS)] = 95
    growth: Annotated[float | None, numeric("--growth", -50, 100, "Growth in % a month, instead of what was measured.",
                                           _LEVERS)] = None
    margin: Annotated[int, numeric("--margin", 0, 500, "Right-sizing: per cent on top of what was used.",
                                   _LEVERS)] = 10
    production_margin: Annotated[int, numeric("--production-margin", 0, 500, "The same for production.", _LEVERS)] = 20
    entitle: Annotated[int, numeric("--entitle", 50, 95, "Right-sizing: percentile of the month (50, 80 or 95) that an "
                                    "uncapped LPAR is entitled to; the pool carries the rest.", _LEVERS)] = 50
    production_entitle: Annotated[int, numeric("--production-entitle", 50, 95, "The same for production.",
                                               _LEVERS)] = 80
    right_size_all: Annotated[bool, typer.Option("--right-size-all", rich_help_panel=_LEVERS, help="Propose sizes for "
                                                 "every LPAR, not only where what it has is odd.")] = False

    def levers(self, percentile: str) -> Levers:
        """For the figures; raises UsageError."""
        from planner.history.profiles import exact_percentile
        from planner.jobs.capacity.figures import PERCENTILES, Levers

        if wrong := {self.entitle, self.production_entitle} - {*PERCENTILES}:
            raise UsageError(f"--entitle and --production-entitle: {min(wrong)} is none of "
                             f"{', '.join(map(str, PERCENTILES))}")
        return Levers(exact_percentile(percentile), self.cpu_ceiling, self.memory_ceiling, self.growth,
                      self.production_margin, self.margin, entitle_production=self.production_entitle,
                      entitle_other=self.entitle, propose_all=self.right_size_all)


@command("capacity")
def capacity_command(
    estate: Estate, *,
    history: Annotated[Path, typer.Option("--history", metavar="FILE", help="The usage history (one file).")],
    month: Annotated[str, typer.Option("--month", metavar="YYYY-MM", help="The month whose month-end is told.")],
    plan: Annotated[Path | None, typer.Option("--plan", metavar="PLAN", help="A plan to show: plan.json, or the "
                                              "directory that holds it.")] = None,
    months: Annotated[int, numeric("--months", 1, 120, "Months to look back on.")] = 24,
    horizon: Annotated[int, numeric("--horizon", 1, 36, "Months to forecast.")] = 6,
    percentile: Percentile = "95", policy: PolicyFile = None, site: SiteCalendar, levers: LeverOptions,
    out: Annotated[Path | None, typer.Option("--out", metavar="FILE", rich_help_panel=OUTPUT, help="The workbook "
                                             "[default: reports/capacity-MONTH.xlsx].")] = None,
    output: Output,
) -> int:
    """The month-end capacity workbook: how full, when full, what right-sizing would free. For people in Excel.

    Example: planner capacity estate.xlsx --history usage.duckdb --month 2026-11 --country AU --subdivision VIC
    """
    from planner.history.store import History
    from planner.jobs.capacity import CapacityOptions
    from planner.jobs.capacity import capacity as figures_of
    from planner.jobs.peak_hours import usage_again
    from planner.plan.plan import read_plan
    from planner.report.capacity import answer, capacity_json, capacity_workbook
    from planner.report.output import write_file

    asked = month_from(month)
    where = out or Path("reports") / f"capacity-{asked[0]}-{asked[1]:02d}.xlsx"
    if where.suffix.lower() != ".xlsx":
        raise UsageError(f"--out {where}: what is written is an Excel workbook; give a name that ends in .xlsx")
    options = CapacityOptions(asked, site.calendar(), levers.levers(percentile), months, horizon)
    loaded = load_estate(estate, policy)
    shown = None if plan is None else read_plan(plan)
    used = usage_again(loaded.estate, history, shown.goal.usage) if shown and shown.goal.usage else None
    with History.open(history, read_only=True) as store:
        figures = figures_of(loaded, store, options, shown, months_progress(), asked=used)
    write_file(where, capacity_workbook(figures), force=output.force)
    from rich.console import Group

    from planner.report.seen import Text
    from planner.report.terminal import counts, findings_table

    said = answer(figures)
    tell(output, lambda: capacity_json(figures), lambda: said[0], lambda: Group(*map(Text, said)))
    tell_more(output, f"\n{counts(figures.findings)} on the data (-v, sheet Data)", f"Workbook: {where}")
    if output.verbose and figures.findings and not (output.as_json or output.quiet):
        show(findings_table(figures.findings, whole=True))
    return 0
