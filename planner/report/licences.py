"""The sheet Licences of plan.xlsx: what each product counts on each server before and after, and who says so."""

from __future__ import annotations

from operator import attrgetter

from planner.plan.details import LicenceCount
from planner.plan.plan import Plan
from planner.sheets import Column, table, widths
from planner.xlsx import Book

_TOP = 3
_COLUMNS = (
    Column("Product", attrgetter("product"), "bold", 24),
    Column("Server", attrgetter("server"), "plain", 26),
    Column("Counted", attrgetter("counting"), lambda r: "plain" if r.stated else "guessed", 15),
    Column("Licence cores before", attrgetter("cores_before"), "id", 12),
    Column("Licence cores after", attrgetter("cores_after"), "id", 12),
    Column("Cores of the server", attrgetter("server_cores"), "id", 12),
    Column("A core is worth", attrgetter("per_core"), "id", 10),
    Column("Unit", attrgetter("unit"), "plain", 9),
    Column("Before (units)", lambda r: r.cores_before * r.per_core, "id", 12,
           "[Licence cores before]*[A core is worth]"),
    Column("After (units)", lambda r: r.cores_after * r.per_core, "id", 12, "[Licence cores after]*[A core is worth]"),
    Column("LPARs before", lambda r: ", ".join(r.lpars_before), "wrap", 34),
    Column("LPARs after", lambda r: ", ".join(r.lpars_after), "wrap", 34),
    Column("Counted so by", attrgetter("source"), "wrap", 60),
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
    table(book, sheet, _TOP, _COLUMNS, plan.licences, height=30, filters=True)
    widths(sheet, _COLUMNS)
    sheet.freeze_panes(_TOP + 1, 2)


def licence_lines(plan: Plan) -> list[str]:
    """``licence cores of Oracle: 52 before, 40 after (capped-only)``, of products whose count changes or whose counting
    a policy states."""
    found: dict[str, list[LicenceCount]] = {}
    for row in plan.licences:
        found.setdefault(row.product, []).append(row)
    return [_line(product, rows) for product, rows in found.items()
            if rows[0].stated or sum(r.cores_before for r in rows) != sum(r.cores_after for r in rows)]


def _line(product: str, rows: list[LicenceCount]) -> str:
    first, before, after = rows[0], sum(r.cores_before for r in rows), sum(r.cores_after for r in rows)
    per, unit = first.per_core, first.unit
    worth = "" if unit == "cores" else f"; {before * per:,} and {after * per:,} {unit}"
    return (f"licence cores of {product}: {before:,} before, {after:,} after{worth} ({first.counting}"
            f"{'' if first.stated else ', assumed'})")
