"""The sheet Licences of plan.xlsx: what each product counts on each server before and after, who says so, and what each
LPAR counts alone."""

from __future__ import annotations

from operator import attrgetter
from typing import NamedTuple

from planner.estate.licence_counts import Pools, counted_units, pool_units
from planner.estate.licences import Licensed
from planner.estate.model import Estate, Lpar
from planner.estate.policies import compile_policies
from planner.grouping import grouped
from planner.plan.details import LicenceCount
from planner.plan.plan import Plan
from planner.sheets import Column, Written, table, widths
from planner.units import cores
from planner.xlsx import Book

_TOP = 3
_COLUMNS = (
    Column("Product", attrgetter("product"), "bold", 20),
    Column("Server", attrgetter("server"), "text", 22),
    Column("Counted", attrgetter("counting"), lambda r: "text" if r.stated else "guessed", 12),
    Column("Licence cores before", attrgetter("cores_before"), "id", 11),
    Column("Licence cores after", attrgetter("cores_after"), "id", 11),
    Column("Cores of the server", attrgetter("server_cores"), "id", 10),
    Column("A core is worth", attrgetter("per_core"), "id", 10),
    Column("Unit", attrgetter("unit"), "text", 9),
    Column("Before (units)", lambda r: r.cores_before * r.per_core, "id", 12,
           "[Licence cores before]*[A core is worth]"),
    Column("After (units)", lambda r: r.cores_after * r.per_core, "id", 12, "[Licence cores after]*[A core is worth]"),
    Column("LPARs before", lambda r: ", ".join(r.lpars_before), "wrap", 24),
    Column("LPARs after", lambda r: ", ".join(r.lpars_after), "wrap", 24),
    Column("Counted so by", attrgetter("source"), "wrap", 32),
)
"""Of a :class:`LicenceCount`."""


def licences_sheet(book: Book, plan: Plan, estate: Estate) -> None:
    """A row a product and server, and one a product and LPAR; none where nothing is licensed by the core."""
    if not plan.licences:
        return
    sheet = book.sheet("Licences")
    sheet.write_string(0, 0, "Licence cores", book.title)
    sheet.write_string(1, 0, "Cores, no money. Marked: counted so by what is known of the product, not by a policy "
                             "licence. docs/licences.md has the sources; the contract decides.")
    written = table(book, sheet, _TOP, _COLUMNS, plan.licences, height=30, name="Licences")
    sheet.write_string(written.last + 2, 0, "All servers together", book.subtitle)
    totals = table(book, sheet, written.last + 3, _totals(written), _by_product(plan), height=30,
                   name="Licence_totals")
    sheet.write_string(totals.last + 2, 0, "Each LPAR alone", book.subtitle)
    sheet.write_string(totals.last + 3, 0, "What it would count were it the only one: those of a pool count its "
                                           "maximum at most, all no more than the server, the sum rounded up.")
    table(book, sheet, totals.last + 4, _LPAR_COLUMNS, _by_lpar(plan, estate), height=30, name="Licence_lpars")
    widths(sheet, _COLUMNS)
    sheet.freeze_panes(_TOP + 1, 2)


class _Product(NamedTuple):
    """A product over all servers; ``rows``: of each."""

    name: str
    rows: list[LicenceCount]

    @property
    def before(self) -> int:
        return sum(r.cores_before for r in self.rows)

    @property
    def after(self) -> int:
        return sum(r.cores_after for r in self.rows)


def _by_product(plan: Plan) -> list[_Product]:
    return [_Product(name, rows) for name, rows in grouped((r.product, r) for r in plan.licences).items()]


def _totals(rows: Written) -> tuple[Column, ...]:
    """Sums over the rows of the table above, which may be sorted."""
    def total(what: str) -> str:
        return f"SUMIFS({rows.column(what)},{rows.column('Product')},[Product])"

    return (
        Column("Product", lambda p: p.name, "bold"),
        Column("Servers before", lambda p: sum(r.cores_before > 0 for r in p.rows), "id"),
        Column("Servers after", lambda p: sum(r.cores_after > 0 for r in p.rows), "id"),
        Column("Cores before", lambda p: p.before, "id", formula=total("Licence cores before")),
        Column("Cores after", lambda p: p.after, "id", formula=total("Licence cores after")),
        Column("Difference", lambda p: p.after - p.before, "id", formula="[Cores after]-[Cores before]"),
        Column("Worth before", lambda p: p.before * p.rows[0].per_core, "id", formula=total("Before (units)")),
        Column("Worth after", lambda p: p.after * p.rows[0].per_core, "id", formula=total("After (units)")),
        Column("Of", lambda p: p.rows[0].unit, "text"))


class _LparOn(NamedTuple):
    """An LPAR on a server: its pool, what that can give at most, and what a product counts were it the only one
    (hundredths of a core)."""

    place: str
    most: int | None
    alone: int


class _OfLpar(NamedTuple):
    """A product in an LPAR, before and after."""

    product: str
    counting: str
    row: Lpar
    before: _LparOn
    after: _LparOn


def _by_lpar(plan: Plan, estate: Estate) -> list[_OfLpar]:
    of = Pools(estate, compile_policies(estate)[0])
    out = []
    for product, rows in grouped((r.product, r) for r in plan.licences).items():
        before, after = ({n: r.server for r in rows for n in names(r)}
                         for names in (attrgetter("lpars_before"), attrgetter("lpars_after")))
        counted = of.policies.licensed[product]
        out += [_OfLpar(product, counted.counting.value, of.lpars[n], *(_there(of, counted, n, s) for s in
                                                                        (before[n], after[n]))) for n in sorted(before)]
    return out


def _there(of: Pools, counted: Licensed, lpar: str, server: str) -> _LparOn:
    """On ``SN1001C70_p570-1, pool DefaultPool``; dedicated processors have no pool."""
    number, alone = of.pool_on(lpar, server), counted_units(of, counted, lpar, server)
    if number is None:
        return _LparOn(server, None, alone)
    known = of.pools.get(server, {}).get(number)
    name = known.name if known and known.name else str(number)
    return _LparOn(f"{server}, pool {name}", pool_units(of, server, number), alone)


def _drawing(row: Lpar) -> str:
    """How it has processors, as it counts."""
    return row.processors if row.processors == "dedicated" else row.sharing or "uncapped (nobody states it)"


def _most(there: _LparOn) -> float | None:
    return None if there.most is None else cores(there.most)


_LPAR_COLUMNS = (
    Column("Product", lambda r: r.product, "bold"), Column("LPAR", lambda r: r.row.name),
    Column("Processors", lambda r: _drawing(r.row), "wrap"),
    Column("Entitled (cores)", lambda r: cores(r.row.entitlement_units), "cores"),
    Column("Virtual processors", lambda r: r.row.virtual_processors, "id"),
    Column("Alone before (cores)", lambda r: cores(r.before.alone), "cores"),
    Column("Alone after (cores)", lambda r: cores(r.after.alone), "cores"),
    Column("Pool's most before", lambda r: _most(r.before), "cores"),
    Column("Pool's most after", lambda r: _most(r.after), "cores"),
    Column("Counted so", lambda r: r.counting, "wrap"),
    Column("Stands on", lambda r: r.before.place, "wrap"), Column("Stands on, after", lambda r: r.after.place, "wrap"))
"""Of an :class:`_OfLpar`."""


def licence_lines(plan: Plan) -> list[str]:
    """``licence cores of Oracle: 52 before, 40 after (capped-only)``, of products whose count changes or whose counting
    a policy states."""
    return [_line(p) for p in _by_product(plan) if p.rows[0].stated or p.before != p.after]


def _line(p: _Product) -> str:
    per, unit = p.rows[0].per_core, p.rows[0].unit
    worth = "" if unit == "cores" else f"; {p.before * per:,} and {p.after * per:,} {unit}"
    return (f"licence cores of {p.name}: {p.before:,} before, {p.after:,} after{worth} ({p.rows[0].counting}"
            f"{'' if p.rows[0].stated else ', assumed'})")
