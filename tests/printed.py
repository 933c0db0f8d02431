"""What a printed page shows: words that run out of it, and words that lie over one another."""

from __future__ import annotations

import html
import re
import shutil
import subprocess
from itertools import groupby
from pathlib import Path
from typing import NamedTuple

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
