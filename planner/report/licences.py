"""The sheet Licences of plan.xlsx: what each product counts on each server before and after, and who says so."""

from __future__ import annotations

from operator import attrgetter
from typing import NamedTuple

from planner.grouping import grouped
from planner.plan.details import LicenceCount
from planner.plan.plan import Plan
from planner.sheets import Column, Written, table, widths
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


def licences_sheet(book: Book, plan: Plan) -> None:
    """A row a product and server; none where nothing is licensed by the core."""
    if not plan.licences:
        return
    sheet = book.sheet("Licences")
    sheet.write_string(0, 0, "Licence cores", book.title)
    sheet.write_string(1, 0, "Cores, no money. Marked: counted so by what is known of the product, not by a policy "
                             "licence. docs/licences.md has the sources; the contract decides.")
    written = table(book, sheet, _TOP, _COLUMNS, plan.licences, height=30, name="Licences")
    sheet.write_string(written.last + 2, 0, "All servers together", book.subtitle)
    table(book, sheet, written.last + 3, _totals(written), _by_product(plan), height=30, name="Licence_totals")
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


def licence_lines(plan: Plan) -> list[str]:
    """``licence cores of Oracle: 52 before, 40 after (capped-only)``, of products whose count changes or whose counting
    a policy states."""
    return [_line(p) for p in _by_product(plan) if p.rows[0].stated or p.before != p.after]


def _line(p: _Product) -> str:
    per, unit = p.rows[0].per_core, p.rows[0].unit
    worth = "" if unit == "cores" else f"; {p.before * per:,} and {p.after * per:,} {unit}"
    return (f"licence cores of {p.name}: {p.before:,} before, {p.after:,} after{worth} ({p.rows[0].counting}"
            f"{'' if p.rows[0].stated else ', assumed'})")
