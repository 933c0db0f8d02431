"""Every paper of every command as people get it: in a browser wide and narrow, printed, and each workbook as LibreOffice prints it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from browser import Tab
from cockpit import axe_violations, needs_axe, needs_chromium, opened
from every_paper import ASKED, Papers, crowded
from printed import TOOLS, clipped, printed, small, sparse, spoilt, too_wide, words

PAGES = [name for name in ASKED if name != "capacity"]
OWN = {"whatif": ["whatif.html"], "campaign": ["overview.html"]}
"""Pages of the commands whose directories hold those of plans too, which are looked at where they are the command's own."""


@pytest.fixture(scope="session")
def papers(tmp_path_factory: pytest.TempPathFactory, worker_id: str = "") -> Papers:
    own = tmp_path_factory.getbasetemp()
    root = (own.parent if own.name.startswith("popen-") else own) / "papers"
    root.mkdir(exist_ok=True)
    return Papers(root)


def views(page: Tab) -> Iterator[str]:
    """The views of a page, each shown in its turn."""
    for view in page.run('return [...document.querySelectorAll(".view")].map(x => x.id)') or [""]:
        if view:
            page.run(f'location.hash = "#{view}"; await wait(0)')
        yield view


@needs_chromium
@pytest.mark.parametrize("name", PAGES)
def test_pages(name: str, papers: Papers, tmp_path: Path) -> None:
    """No error, nothing asked of the network, no text cut or over another, nothing wider than its window."""
    files = sorted(papers.of(name).rglob("*.html"))
    files = [f for f in files if f.name in OWN.get(name, [f.name])]
    assert len(files) == {"evacuation": 2, "headroom": 2, "consolidation": 2}.get(name, 1)
    for file in files:
        for width, now in ((1400, "2026-12-05T22:30:00+11:00"), (390, "2026-12-02T09:00:00Z")):
            page = opened(tmp_path, file.read_text(encoding="utf-8"), width=width, now=now, at="")
            for view in views(page):
                assert (crowded(page), page.wrong) == ([], []), (file.name, view, width)
        for view in views(page) if TOOLS else ():
            found = words(page.printed(tmp_path / "page.pdf"))
            assert found and (spoilt(found), sparse(found)) == ([], []), (file.name, view)
            if (name, view) == ("evacuation", "before"):
                heads = [w.page for w in found if w.text == "From"]
                assert len(heads) > 1 and heads == [*range(heads[0], heads[-1] + 1)], "each page of the moves has their heads"
                folded = page.run('return [...document.querySelectorAll(".kind:not([open])")].map(x => x.lastElementChild.textContent)')
                assert folded and {*folded} <= {w.text for w in found}, "what is folded on the screen is not on paper"
            elif name != "evacuation":
                break


@needs_axe
@needs_chromium
@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize(("name", "file"), [("evacuation", "runbook.html"), ("whatif", "whatif.html"), ("campaign", "overview.html"),
                                            ("readiness", "readiness.html"), ("impossible", "plan.html")])
def test_axe_finds_nothing(name: str, file: str, dark: bool, papers: Papers, tmp_path: Path) -> None:
    """Of the whole page, landmarks too; runbook.html is paper and has one look."""
    page = (papers.of(name) / file).read_text(encoding="utf-8")
    assert axe_violations(tmp_path, page, "html", at="", dark=dark) == []


@pytest.mark.skipif(not TOOLS, reason="LibreOffice and poppler are not installed")
def test_workbooks(papers: Papers, tmp_path: Path) -> None:
    books = [shutil.copy(file, tmp_path / f"{name}.xlsx") for name in ASKED for file in papers.of(name).glob("*.xlsx")]
    assert len(books) == len(ASKED) and [(book.name, text) for book in books for text in clipped(book)] == []
    for pdf in printed(books, tmp_path):
        found = words(pdf)
        assert found and (spoilt(found), small(found), too_wide(found)) == ([], [], []), pdf
