"""The front page: the answer in five lines, the figures behind it, one chart."""

from __future__ import annotations

import math
from typing import Any

from planner.jobs.capacity.figures import FAR_STATED, Capacity, month_after, show_month
from planner.report.capacity.frame import Tables, fixed, literal
from planner.report.capacity.moves import legs_words
from planner.report.capacity.places import ENOUGH, MEASURED, left_then, months_told, shown_growth, shown_months
from planner.report.capacity.trend import limited
from planner.report.text import headline, listed
from planner.sheets import Column, Written, bars, chart_base, coloured, heading, note, printed, table, widths
from planner.units import many
from planner.xlsx import Book

_MOST = 15
_LINES = 3
_A_LINE = 115  # characters
Line = tuple[str, str]
"""A sentence, and the formula that says it ("" when it does not depend on any lever)."""


def front_sheet(book: Book, sheet: Any, capacity: Capacity, tables: Tables, sizing: Written) -> None:
    """What a manager reads first."""
    heading(book, sheet, 0, f"Capacity at the month-end of {show_month(capacity.month)}",
            f"{many(len(capacity.servers), 'server')}, {many(len(capacity.pools), 'pool')}, "
            f"{measured(capacity)}; times of {capacity.zone}.")
    note(book, sheet, 2, "May be used, headroom, growth and the sentences (not that on a plan) follow the sheet "
         "Levers; what was measured stays.")
    columns = _columns(capacity, tables)
    look = book.format(text_wrap=True, valign="vcenter", font_size=12, indent=1, bottom=1, bottom_color="#D9D9D9")
    for row, (text, formula) in enumerate(lines(capacity, tables, sizing), _LINES):
        sheet.merge_range(row, 0, row, len(columns) - 1, "", look)
        if formula:
            sheet.write_formula(row, 0, f"={formula}", look, text)
        else:
            sheet.write_string(row, 0, text, look)
        sheet.set_row(row, max(36, 18 * -(-len(text) // _A_LINE)))
    shown = sorted(capacity.servers, key=lambda p: (-p.share, p.name))[:_MOST]
    top = _LINES + 6
    more = f" (the {_MOST} fullest of {len(capacity.servers)})" if len(shown) < len(capacity.servers) else ""
    heading(book, sheet, top, f"Servers, the fullest first{more}")
    written = table(book, sheet, top + 1, columns, shown, name="Summary_servers")
    coloured(sheet, written.range(MEASURED), "<", ENOUGH, book.warn)
    _chart(book, sheet, written, capacity)
    widths(sheet, columns)
    sheet.fit_to_pages(1, 1)
    printed(sheet, written.last + 19, len(columns) - 1)


def measured(capacity: Capacity, server: str | None = None) -> str:
    """``71 of 72 LPARs (50.1 of 50.6 entitled cores) measured``."""
    share = capacity.recorded(server)
    return (f"{share.measured} of {many(share.lpars, 'active LPAR')} ({fixed(share.units / 100, 1)} of "
            f"{fixed(share.all_units / 100, 1)} entitled cores) measured")


def lines(capacity: Capacity, tables: Tables, sizing: Written) -> tuple[Line, ...]:
    """The answer in five sentences; what rests on too few recordings says so, and nothing is recommended from it."""
    return (_how_full(capacity, tables), _over(capacity, tables), _next(capacity, tables),
            _freed(capacity, tables, sizing), _asked(capacity, tables))


def answer(capacity: Capacity) -> tuple[str, ...]:
    """The five sentences alone."""
    nowhere = Written("x", 0, 0, 1, ("Use of what may be used", "Server", "Pool", "Month-end peak", "May be used",
                                     "Headroom", MEASURED, "Months until full", "Growth", "Cores freed", "GiB freed",
                                     "Not entitled then"))
    tables = Tables(nowhere, nowhere, nowhere, nowhere, nowhere)
    return tuple(text for text, _ in lines(capacity, tables, nowhere))


def _whole(value: float) -> str:
    return fixed(100 * value, 0)


def _how_full(capacity: Capacity, tables: Tables) -> Line:
    top = max(capacity.servers, key=lambda p: p.share)
    start = f"{_caveat(capacity)}How full: at the month-end of {show_month(capacity.month)} the fullest server is "
    text = (f"{start}{top.name}; its peak is {fixed(top.used, 1)} of the {fixed(top.usable, 1)} cores that may be used "
            f"({_whole(top.share)} %).")
    s = tables.servers
    share = s.column("Use of what may be used")
    at = f"MATCH(MAX({share}),{share},0)"
    formula = (f'{literal(start)}&INDEX({s.column("Server")},{at})&"; its peak is "'
               f'&FIXED(INDEX({s.column("Month-end peak")},{at}),1,TRUE)'
               f'&" of the "&FIXED(INDEX({s.column("May be used")},{at}),1,TRUE)&" cores that may be used ("'
               f'&FIXED(100*MAX({share}),0,TRUE)&" %)."')
    pools = [p for p in capacity.pools if limited(p, capacity)]
    if pools and tables.pools:
        pool = max(capacity.pools, key=lambda p: p.share)
        text += f" The fullest pool is {pool.name} ({_whole(pool.share)} %)."
        share = tables.pools.column("Use of what may be used")
        formula += (f'&" The fullest pool is "&INDEX({tables.pools.column("Pool")},MATCH(MAX({share}),{share},0))'
                    f'&" ("&FIXED(100*MAX({share}),0,TRUE)&" %)."')
    return text, formula


def _caveat(capacity: Capacity) -> str:
    """What stands before all figures where most of them rest on no recording."""
    share = capacity.recorded()
    if share.enough:
        return ""
    return (f"Only {share.measured} of {many(share.lpars, 'LPAR')} {'has' if share.measured == 1 else 'have'} usage in "
            f"this month ({fixed(share.units / 100, 1)} of {fixed(share.all_units / 100, 1)} entitled cores): the "
            "others count with their entitlement. ")


def _over(capacity: Capacity, tables: Tables) -> Line:
    count = len(capacity.servers)
    over = [p for p in capacity.servers if p.headroom < 0]
    spare = sum(p.headroom for p in capacity.servers if p.headroom > 0)
    head = tables.servers.column("Headroom")
    if over:
        short = -sum(p.headroom for p in over)
        text = (f"Headroom: {len(over)} of {many(count, 'server')} over the ceiling, {fixed(short, 1)} cores short at "
                f"month-end; the others have {fixed(spare, 1)} cores to spare.")
    else:
        text = (f"Headroom: no server is over its ceiling at month-end; together they have {fixed(spare, 1)} cores to "
                "spare.")
    formula = (f'IF(COUNTIF({head},"<0")=0,"Headroom: no server is over its ceiling at month-end; together they have "'
               f'&FIXED(SUMIF({head},">0"),1,TRUE)&" cores to spare.","Headroom: "&COUNTIF({head},"<0")'
               f'&" of {many(count, "server")} over the ceiling, "&FIXED(-SUMIF({head},"<0"),1,TRUE)'
               f'&" cores short at month-end; the others have "&FIXED(SUMIF({head},">0"),1,TRUE)&" cores to spare.")')
    return text, formula


def _next(capacity: Capacity, tables: Tables) -> Line:
    """The first server that is not full yet."""
    if not capacity.recorded().enough:
        return "When full: too little is measured to say.", ""
    levers = capacity.levers
    coming = [(shown_months(left), p) for p in capacity.servers if (left := p.months_left(levers))]
    months, names = tables.outlook.column("Months until full"), tables.outlook.column("Server")
    far = _far(capacity.far)
    none = "When full: at the growth assumed no further server reaches its ceiling."
    if not capacity.growth_known:
        none = "When full: growth is not known from so few months; without any no further server reaches its ceiling."
    first = f"SMALL({months},COUNTIF({months},0)+1)"
    at, then = f"MATCH({first},{months},0)", f"EDATE(report_month,ROUNDUP(ROUND({first},6),0))"
    formula = (f'IF(COUNT({months})=COUNTIF({months},0),"{none}","When full: at the growth assumed ("'
               f'&FIXED(100*INDEX({tables.outlook.column("Growth")},{at}),1,TRUE)&" % a month) the next server at its '
               f'ceiling is "&INDEX({names},{at})&", "&IF({first}>{months_told(capacity)},'
               f'IF(ISNUMBER(growth_override),"{_far(FAR_STATED)}","{_far(capacity.far_measured)}"),"at the '
               f'month-end of "&YEAR({then})&"-"&RIGHT("0"&MONTH({then}),2)&"."))')
    if not coming:
        return none, formula
    left, place = min(coming, key=lambda c: c[0])
    month = month_after(capacity.month, math.ceil(round(left, 6)))
    when = far if left > capacity.far else f"at the month-end of {show_month(month)}."
    return (f"When full: at the growth assumed ({fixed(place.growth(levers), 1)} % a month) the next server at its "
            f"ceiling is {place.name}, {when}"), formula


def _far(months: int) -> str:
    said = "." if months == FAR_STATED else ", further ahead than these months tell."
    return f"in more than {months} months{said}"


def _freed(capacity: Capacity, tables: Tables, sizing: Written) -> Line:
    cores = [p.freed_units / 100 for p in capacity.lpars]
    memory = [p.freed_mib / 1024 for p in capacity.lpars]
    c, m = sizing.column("Cores freed"), sizing.column("GiB freed")
    less, gib = [v for v in cores if v > 0], [v for v in memory if v > 0]
    more = [-v for v in cores if v < 0]
    of = "all" if capacity.levers.propose_all else "what is odd"
    then = tables.sized.column("Not entitled then")
    over = sum(round(left_then(p, capacity), 6) < 0 for p in capacity.servers)
    text = (f"Right-sizing {of} would free {fixed(sum(less), 1)} cores of entitlement (LPARs: {len(less)}) and "
            f"{fixed(sum(gib), 0)} GiB (LPARs: {len(gib)}); LPARs that use more than they are entitled to would need "
            f"{fixed(sum(more), 1)} cores more (LPARs: {len(more)}){_TOO_MUCH.format(over) if over else '.'}")
    many_over = f'COUNTIF({then},"<-0.000001")'
    formula = ('"Right-sizing "&IF(right_size="all","all","what is odd")&" would free "'
               f'&FIXED(SUMIF({c},">0"),1,TRUE)&" cores of entitlement (LPARs: "'
               f'&COUNTIF({c},">0")&") and "&FIXED(SUMIF({m},">0"),0,TRUE)&" GiB (LPARs: "&COUNTIF({m},">0")'
               f'&"); LPARs that use more than they are entitled to would need "&FIXED(-SUMIF({c},"<0"),1,TRUE)'
               f'&" cores more (LPARs: "&COUNTIF({c},"<0")&")"'
               f'&IF({many_over}=0,".",SUBSTITUTE("{_TOO_MUCH}","{{}}",{many_over}))')
    return text, formula


_TOO_MUCH = ", more than there is on {} of the servers: leave them to the pool there."


def _asked(capacity: Capacity, tables: Tables) -> Line:
    """The plan that was asked for, else what is recommended."""
    if capacity.plan:
        return _planned(capacity), ""
    if not capacity.recorded().enough:
        return "Recommended: add the recordings of the other LPARs; of moves nothing can be said before.", ""
    known = [p for p in capacity.servers if capacity.recorded(p.name).enough]
    worst = min(known, key=lambda p: p.headroom, default=None)
    nothing = "Recommended: nothing has to move for the next month-end."
    rest = _not_known(capacity)
    head, share = tables.servers.column("Headroom"), tables.servers.column(MEASURED)
    short = f"SUMPRODUCT(MAX(({share}>={ENOUGH})*(-{head})))"
    formula = (f'IF({short}<=0,"{nothing}","Recommended: take "&FIXED({short},1,TRUE)&" cores of month-end use off "'
               f'&INDEX({tables.servers.column("Server")},MATCH(-{short},{head},0))'
               f'&" before the next month-end; planner headroom finds the moves.")&{literal(rest)}')
    if worst is None or worst.headroom >= 0:
        return nothing + rest, formula
    return (f"Recommended: take {fixed(-worst.headroom, 1)} cores of month-end use off {worst.name} before the next "
            f"month-end; planner headroom finds the moves.{rest}"), formula


def _not_known(capacity: Capacity) -> str:
    """Servers of which too little is measured for a recommendation."""
    few = [f"{p.name} ({share.measured} of {many(share.lpars, 'LPAR')} measured)" for p in capacity.servers
           if not (share := capacity.recorded(p.name)).enough]
    return f" Nothing is said of {listed(few)}." if few else ""


def _planned(capacity: Capacity) -> str:
    figures = capacity.plan
    assert figures is not None
    text = f"The plan asked for ({headline(figures.plan)}): {legs_words(figures.plan)}"
    relieved = min(figures.effects, key=lambda e: e.peak_after - e.peak_before, default=None)
    if relieved and relieved.peak_after < relieved.peak_before:
        text += (f"; it takes the month-end peak of {relieved.before.server} from "
                 f"{fixed(relieved.peak_before / 1000, 1)} to {fixed(relieved.peak_after / 1000, 1)} cores")
    usable = {p.name: p.usable for p in capacity.servers}
    for word, before in (("still", True), ("then", False)):
        over = [e.after.server for e in figures.effects if e.peak_after / 1000 > usable[e.after.server]
                and (e.peak_before / 1000 > usable[e.after.server]) is before]
        text += f"; {word} over the ceiling: {', '.join(over)}" if over else ""
    return text + ("." if figures.holds else ". It does NOT hold against this estate: see the sheet Moves.")


def _columns(capacity: Capacity, tables: Tables) -> tuple[Column, ...]:
    servers, outlook = tables.servers, tables.outlook
    return (
        Column("Server", lambda p: p.name, width=24),
        Column("LPARs", lambda p: p.lpars, "whole", 9),
        Column(MEASURED, lambda p: capacity.recorded(p.name).share, "percent", 11),
        Column("Configurable", lambda p: p.capacity, "tenth", 13),
        Column("Entitled", lambda p: p.entitled_units / 100, "tenth", 11),
        Column("Used, mean", lambda p: p.usage.mean / 1000, "tenth", 11),
        Column("Month-end peak", lambda p: p.used, "tenth", 13),
        Column("May be used", lambda p: p.usable, "tenth", 11, servers.lookup("May be used", "Server")),
        Column("Headroom", lambda p: p.headroom, "tenth", 11, "[May be used]-[Month-end peak]"),
        Column("Use of what may be used", lambda p: p.share, "percent", 13,
               servers.lookup("Use of what may be used", "Server")),
        Column("Growth a month", lambda p: shown_growth(p, capacity), "fine", 11,
               f"IF(ISNUMBER(growth_override),growth_override,{outlook.lookup('Growth, measured', 'Server')})"),
    )


def _chart(book: Book, sheet: Any, written: Written, capacity: Capacity) -> None:
    chart = chart_base(book, f"Cores at the month-end of {show_month(capacity.month)}", "cores", (960, 330), "column")
    names = written.cells("Server")
    for header, colour in (("Entitled", "sky"), ("Used, mean", "grey"), ("Month-end peak", "navy"),
                           ("May be used", "gold"), ("Configurable", "rule")):
        chart.add_series({**bars(header, colour, names, written.cells(header), 90),
                          **({"data_labels": {"value": True, "num_format": "0.0", "font": {"size": 9}}}
                             if header in ("Month-end peak", "May be used") and written.count <= 6 else {})})
    sheet.insert_chart(written.last + 2, 0, chart)
