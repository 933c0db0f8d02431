"""LPARs: entitled against used, and the right-sizing proposals."""

from __future__ import annotations

from functools import partial
from typing import Any

from planner.jobs.capacity.figures import (
    LEAST_ODD_UNITS,
    LEAST_ODD_VPS,
    PERCENTILES,
    Capacity,
    MonthUsage,
    Odd,
    PartitionFigures,
    show_month,
)
from planner.jobs.capacity.sizing import HISTORY
from planner.report.capacity.frame import in_cores, percentile_name
from planner.report.capacity.places import next_peak
from planner.sheets import Column, Written, coloured, ended, heading, note, table
from planner.xlsx import Book


def lpars_sheet(book: Book, sheet: Any, capacity: Capacity) -> Written:
    """Every LPAR and VIOS: what it has and what it used."""
    columns = _lpar_columns(capacity)
    heading(book, sheet, 0, f"LPARs in {show_month(capacity.month)}: entitled and used",
            "Cores; only what is recorded. over: the month-end peak is above the entitlement (borrowed from the pool); "
            "under: below half of it.")
    written = table(book, sheet, 3, columns, capacity.partitions, name="LPARs")
    verdict = written.range("Verdict")
    for word, look in (("over", book.warn), ("under", book.good), ("no history", book.bad)):
        coloured(sheet, verdict, "==", f'"{word}"', look)
    sheet.conditional_format(written.range("Peak of entitled"), {
        "type": "data_bar", "bar_color": "#9DC3E6", "min_type": "num", "min_value": 0,
        "max_type": "num", "max_value": 3})
    ended(sheet, written.last, columns, freeze=(4, 1), repeat=3, wide=2)
    return written


def _of(usage: MonthUsage | None, what: str) -> float | None:
    return in_cores(getattr(usage, what)) if usage else None


def _lpar_columns(capacity: Capacity) -> tuple[Column, ...]:
    high = percentile_name(capacity)
    return (
        Column("LPAR", lambda p: p.name, width=16),
        Column("Server", lambda p: p.server, width=21),
        Column("Pool", lambda p: p.pool, width=13),
        Column("Environment", lambda p: p.environment, width=15),
        Column("Processors", lambda p: p.processors, width=11),
        Column("Sharing", lambda p: p.sharing or "not stated", width=10),
        Column("Entitled", lambda p: p.entitlement_units / 100, "cores", 9),
        Column("Virtual processors", lambda p: p.virtual_processors, "whole", 11),
        Column("Used, mean", lambda p: _of(p.usage, "mean"), "cores", 8),
        Column(f"Used, {high}", lambda p: _of(p.usage, "high"), "cores", 8),
        Column("Used, peak", lambda p: _of(p.usage, "peak"), "cores", 8),
        Column("Month-end peak", lambda p: _of(p.usage, "month_end"), "cores", 11),
        Column("Peak of entitled", lambda p: p.used_share, "percent", 10,
               lambda p: "" if p.usage is None else
               f"[{'Used, peak' if p.usage.month_end is None else 'Month-end peak'}]/[Entitled]"),
        Column("Verdict", lambda p: p.verdict, width=10),
        Column("Next month-end", lambda p: next_peak(p, capacity, "points"), "cores", 11),
        Column("Low", lambda p: next_peak(p, capacity, "low"), "cores", 8),
        Column("High", lambda p: next_peak(p, capacity, "high"), "cores", 8),
        Column("Memory (GiB)", lambda p: p.memory_mib / 1024, "gib", 9),
        Column("Memory in use, most (GiB)",
               lambda p: p.usage.memory_mib / 1024 if p.usage and p.memory_stated else None, "gib", 13),
    )


SIZING = "Right-sizing"
_TOP = 5


def sizing_sheet(book: Book, sheet: Any, capacity: Capacity) -> Written:
    """The proposals, as formulas of what was measured and of the levers."""
    columns = _sizing_columns(any(p.sizing.note for p in capacity.lpars))
    high = percentile_name(capacity)
    heading(book, sheet, 0, "Right-sizing: what LPARs would need",
            "Entitlement = need × (1 + margin), rounded up to the step, at least the minimum for its virtual "
            f"processors; need of an uncapped LPAR: the lever's percentile of the month, of others the highest hour's "
            f"{high} on month-end days.", columns)
    note(book, sheet, 2, "Virtual processors = peak × (1 + margin), rounded up. Memory = most in use × (1 + margin), "
         "rounded up to the memory block. Proposed: what is right where something is odd (all: the lever right_size); "
         "without a record nothing.", columns)
    written = table(book, sheet, _TOP, columns, capacity.lpars, name="Right_sizing")
    _sums(book, sheet, written, capacity)
    for header in ("Cores freed", "GiB freed"):
        where = written.range(header)
        coloured(sheet, where, ">", 0, book.format(bg_color="#C6EFCE", font_color="#006100"))
        coloured(sheet, where, "<", 0, book.format(bg_color="#FFEB9C", font_color="#7F6000"))
    ended(sheet, written.last, columns, freeze=(_TOP + 1, 1), repeat=_TOP, wide=2)
    return written


def _sums(book: Book, sheet: Any, written: Written, capacity: Capacity) -> None:
    """Net sums above the table, of the rows that a filter shows."""
    sheet.write_string(_TOP - 1, 0, "Net, of the rows shown", book.bold)
    for header, value, number in (
            ("Cores freed", sum(p.freed_units for p in capacity.lpars) / 100, "#,##0.00"),
            ("GiB freed", sum(p.freed_mib for p in capacity.lpars) / 1024, "#,##0.0")):
        at = written.headers.index(header)
        sheet.write_formula(_TOP - 1, at, f"=SUBTOTAL(109,{written.range(header)})",
                            book.format(bold=True, num_format=number), value)


def _sizing_columns(noted: bool) -> tuple[Column, ...]:
    grown = "ROUNDUP(ROUND([Peak used]*(1+[Margin]),6),0)"
    vps = f'MAX(1,{grown},IF([At its limit]="yes",[Virtual processors],0))'
    need = ('IF([Basis]<>"history","",IF([Borrows]<>"yes",[Month-end need],CHOOSE(MATCH(IF([Environment]="production",'
            f'entitle_production,entitle_other),{{{",".join(map(str, PERCENTILES))}}},0),'
            f'{",".join(f"[Month p{p}]" for p in PERCENTILES)})))')
    stepped = "ROUNDUP(ROUND([Need]*(1+[Margin])/entitlement_step,6),0)*entitlement_step"
    units = (f'IF([Basis]<>"history",[Entitled],IF([Processors]="dedicated",[Right virtual processors],'
             f"MAX(ROUND(MIN({stepped},[Right virtual processors]),2),"
             "ROUND([Right virtual processors]*[Least per virtual processor],2),"
             'IF(AND([At its limit]="yes",[Sharing]="capped"),[Entitled],0))))')
    more, less = "ROUND([Right entitlement]-[Entitled],6)", "ROUND([Entitled]-[Right entitlement],6)"
    least = LEAST_ODD_UNITS / 100
    odd = (f'IF([At its limit]="yes","{Odd.LIMIT}",IF(AND({more}>={least},{more}>=ROUND([Entitled],6)),"{Odd.LITTLE}",'
           f'IF(AND({less}>={least},{less}>=ROUND([Right entitlement],6)),"{Odd.MUCH}",'
           f"IF(AND([Virtual processors]-[Right virtual processors]>={LEAST_ODD_VPS},"
           f'[Virtual processors]>=2*[Right virtual processors]),"{Odd.VPS}",""))))')
    wanted = 'OR(right_size="all",[What is odd]<>"")'
    memory_wanted = 'OR(right_size="all",[Memory odd]="yes")'
    memory = ('IF([Memory basis]<>"used",[Memory (GiB)],MAX(ROUNDUP(least_memory/[Block (GiB)],0)*[Block (GiB)],'
              "ROUNDUP(ROUND([Most in use (GiB)]*(1+[Margin])/[Block (GiB)],6),0)*[Block (GiB)]))")
    return (
        Column("LPAR", lambda p: p.name, width=18),
        Column("Server", lambda p: p.server, width=21),
        Column("Environment", lambda p: p.environment, width=15),
        Column("Sharing", lambda p: p.sharing or "not stated", width=15),
        Column("What is odd", lambda p: p.sizing.odd, width=25, formula=odd),
        Column("Entitled", lambda p: p.entitlement_units / 100, "cores", 9),
        Column("Proposed entitlement", lambda p: p.sizing.proposed.units / 100, "cores", 12,
               f"IF({wanted},[Right entitlement],[Entitled])"),
        Column("Cores freed", lambda p: p.freed_units / 100, "cores", 9, "[Entitled]-[Proposed entitlement]"),
        Column("Virtual processors", lambda p: p.virtual_processors, "whole", 11),
        Column("Proposed virtual processors", lambda p: p.sizing.proposed.virtual_processors, "whole", 11,
               f"IF({wanted},[Right virtual processors],[Virtual processors])"),
        Column("Memory (GiB)", lambda p: p.memory_mib / 1024, "gib", 9),
        Column("Proposed (GiB)", lambda p: p.sizing.proposed.memory_mib / 1024, "gib", 10,
               f"IF({memory_wanted},[Right (GiB)],[Memory (GiB)])"),
        Column("GiB freed", lambda p: p.freed_mib / 1024, "gib", 9, "[Memory (GiB)]-[Proposed (GiB)]"),
        Column("Note", lambda p: p.sizing.note, width=34 if noted else 8),
        Column("Processors", lambda p: p.processors, width=11),
        Column("Basis", lambda p: p.sizing.basis, width=12),
        Column("Margin", lambda p: p.sizing.margin / 100, "percent", 8,
               lambda p: "margin_production" if p.environment == "production" else "margin_other"),
        Column("Borrows", lambda p: "yes" if p.sizing.borrows else "no", width=9),
        *(Column(f"Month p{percent}", partial(_usual, at=at), "cores", 8) for at, percent in enumerate(PERCENTILES)),
        Column("Month-end need", lambda p: _of_history(p, p.sizing.end_need), "cores", 9),
        Column("Need", lambda p: _of_history(p, p.sizing.need), "cores", 8, need),
        Column("Peak used", lambda p: _of_history(p, p.sizing.peak), "cores", 8),
        Column("At its limit", lambda p: "yes" if p.sizing.held_back else "no", width=8),
        Column("Least per virtual processor", lambda p: p.sizing.least_units_per_vp / 100, "cores", 10),
        Column("Right entitlement", lambda p: p.sizing.right.units / 100, "cores", 11, units),
        Column("Right virtual processors", lambda p: p.sizing.right.virtual_processors, "whole", 11,
               f'IF([Basis]<>"history",[Virtual processors],{vps})'),
        Column("Memory basis", lambda p: p.sizing.memory_basis, width=12),
        Column("Most in use (GiB)", _most, "gib", 9),
        Column("Block (GiB)", lambda p: p.sizing.lmb_mib / 1024, "cores", 8),
        Column("Right (GiB)", lambda p: p.sizing.right.memory_mib / 1024, "gib", 10, memory),
        Column("Memory odd", lambda p: "yes" if p.sizing.odd_memory else "no", width=9,
               formula='IF(OR([Memory (GiB)]>=2*[Right (GiB)],[Right (GiB)]>[Memory (GiB)]),"yes","no")'),
    )


def _of_history(p: PartitionFigures, thousandths: int) -> float | None:
    return in_cores(thousandths if p.sizing.basis == HISTORY else None)


def _usual(p: PartitionFigures, at: int) -> float | None:
    return _of_history(p, p.sizing.of[at])


def _most(p: PartitionFigures) -> float | None:
    return None if p.sizing.most_memory_mib is None else p.sizing.most_memory_mib / 1024
