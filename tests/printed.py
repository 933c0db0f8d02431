"""What a printed page shows: words that run out of it, and words that lie over one another."""

from __future__ import annotations

import html
import re
import shutil
import subprocess
from itertools import groupby
from pathlib import Path
from typing import NamedTuple

from openpyxl import load_workbook
from openpyxl.utils import range_boundaries

TOOLS = all(map(shutil.which, ("soffice", "pdftotext")))
_PAGE = re.compile(r'<page width="([\d.]+)" height="([\d.]+)"')
_WORD = re.compile(r'<word xMin="([-\d.]+)" yMin="([-\d.]+)" xMax="([-\d.]+)" yMax="([-\d.]+)">(.*)</word>')


class Word(NamedTuple):
    """A word and its box, in points from the upper left corner of a page so wide and high."""

    page: int
    wide: float
    high: float
    left: float
    top: float
    right: float
    bottom: float
    text: str


def printed(books: list[Path], out: Path) -> list[Path]:
    """Each workbook as LibreOffice prints it."""
    subprocess.run(["soffice", f"-env:UserInstallation=file://{out}/profile", "--headless", "--convert-to", "pdf",
                    "--outdir", str(out), *map(str, books)], check=True, capture_output=True, timeout=240)
    return [out / f"{book.stem}.pdf" for book in books]


def words(pdf: Path) -> list[Word]:
    found, page, size = [], 0, (0.0, 0.0)
    for line in subprocess.run(["pdftotext", "-bbox", str(pdf), "-"], check=True, capture_output=True,
                               text=True).stdout.splitlines():
        if match := _PAGE.search(line):
            page, size = page + 1, (float(match[1]), float(match[2]))
        elif match := _WORD.search(line):
            found.append(Word(page, *size, *map(float, match.groups()[:4]), html.unescape(match[5])))
    return found


def cut(found: list[Word]) -> list[Word]:
    """Words that run out of their page."""
    return [w for w in found if w.right > w.wide + 1 or w.left < -1]


def overprinted(found: list[Word]) -> list[tuple[Word, Word]]:
    """Words of which one lies over another: by more than a point, over 4 tenths of a line."""
    pairs = []
    for _, group in groupby(found, lambda w: w.page):
        page = sorted(group, key=lambda w: (w.top, w.left))
        for n, a in enumerate(page):
            for b in page[n + 1:]:
                if b.top > a.bottom:
                    break
                high = min(a.bottom, b.bottom) - b.top
                if high > 0.4 * min(a.bottom - a.top, b.bottom - b.top) and min(a.right, b.right) - max(
                        a.left, b.left) > 1:
                    pairs.append((a, b))
    return pairs


def spoilt(found: list[Word]) -> list[object]:
    """Words that run out of their page or lie over another."""
    return [*cut(found), *overprinted(found)]


def too_wide(found: list[Word]) -> list[Word]:
    """Figures of a workbook that do not fit their cell."""
    return [w for w in found if "###" in w.text]


def small(found: list[Word], least: float = 7) -> list[Word]:
    """Words so low (points, their box) that nobody reads them; upright ones of four letters and more."""
    return [w for w in found if len(w.text) >= 4 and w.right - w.left > w.bottom - w.top < least]


def sparse(found: list[Word], least: float = 0.25, heading: float = 14) -> list[int]:
    """Pages, but for the last, that begin with a heading (so many points high) and use a smaller share of their height; what stands
    at their foot does not count. What a table has left over for the next page cannot be helped."""
    out = []
    for page, group in groupby(sorted(found, key=lambda w: w.page), lambda w: w.page):
        own = [w for w in group if w.bottom < 0.93 * w.high]
        first = min(own, key=lambda w: w.top, default=None)
        if first and page < found[-1].page and first.bottom - first.top >= heading and max(w.bottom for w in own) < least * first.high:
            out.append(page)
    return out


_LETTER, _BOLD, _EDGE, _UNSCALED = 0.9, 1.07, 0.71, 130
"""Of the width of a figure: of a letter on average, of bold ones; characters: the edges of a column; a page across."""


def clipped(book: Path) -> list[str]:
    """Texts that are not wrapped and longer than what they can run over: empty cells to their right that are printed, of a
    sheet on pages beside each other those of the first page in every size."""
    found = []
    for sheet in load_workbook(book):
        spans = {(r.min_row, r.min_col): r.max_col for r in sheet.merged_cells.ranges}
        last = range_boundaries(sheet.print_area.split("!")[-1])[2] if sheet.print_area else sheet.max_column
        wide = [8.43] * (last + 1)
        for one in sheet.column_dimensions.values():
            wide[one.min:one.max + 1] = [one.width - _EDGE] * len(wide[one.min:one.max + 1])
        for row in sheet.iter_rows():
            filled = [c.column for c in row if c.value is not None]
            for c in row:
                if isinstance(c.value, str) and not (c.value.startswith("=") or c.alignment.wrap_text or c.alignment.textRotation):
                    end = spans.get((c.row, c.column)) or min([n for n in filled if n > c.column], default=last + 1) - 1
                    room = sum(wide[c.column:end + 1])
                    if c.alignment.horizontal == "right":
                        room = sum(wide[max([n for n in filled if n < c.column], default=0) + 1:c.column + 1])
                    elif (sheet.page_setup.fitToWidth or 1) > 1:
                        room = max(wide[c.column], min(room, _UNSCALED - sum(wide[1:c.column])))
                    need = len(c.value) * _LETTER * (c.font.sz or 11) / 11 * (_BOLD if c.font.b else 1)
                    if need > room + 1:
                        found.append(f"{sheet.title}!{c.coordinate}: {need:.0f} in {room:.0f}: {c.value}")
    return found
