"""runbook.html is runbook.md, to be printed: every name and command of it survives, whatever is in them."""

from __future__ import annotations

import re
import shlex
from functools import cache
from html import unescape
from html.parser import HTMLParser

import pytest
from estates import estate, loaded, lpar, server

from planner.jobs import Options, evacuate, window_from
from planner.plan.questions import Evacuate
from planner.report.markdown import BOX, in_cell, inline, table
from planner.report.runbook import runbook
from planner.report.runbook_page import runbook_page
from planner.report.text import md
from tests import papers

NAMES = ["_a_", "__b__", "*c*", "~~d~~", "[e](f)", "`g`", "h|i", "j\\", "k\\|l", "<b>", "&amp;", "&#60;", "# m", "a'b", 'a"b',
         "![n](o)", "$p$", "q__r", "- s", "x; y", "☃"]


class Page(HTMLParser):
    """What a page shows: its text, cells, code, and what it would load."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.cells: list[str] = []
        self.code: list[str] = []
        self.loads: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self._open: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._open.append(tag)
        self.tags.append((tag, dict(attrs)))
        self.loads += [v or "" for k, v in attrs if k in ("src", "href")]
        if tag in ("td", "code"):
            (self.cells if tag == "td" else self.code).append("")

    def handle_endtag(self, tag: str) -> None:
        while self._open and self._open.pop() != tag:
            pass

    def handle_data(self, data: str) -> None:
        if "td" in self._open:
            self.cells[-1] += data
        if "code" in self._open:
            self.code[-1] += data


@cache
def written(back: bool = True) -> str:
    """A night of LPARs with such names."""
    names = [n for n in NAMES if n != "☃"]
    of = estate([server("A|1", 64, 512), server("_B_", 64, 512)], [lpar(n, "A|1", 1, 4) for n in names])
    plan = evacuate(loaded(of), Evacuate(servers=("A|1",), come_back=back), Options(
        10, window=window_from("2026-12-05 22:00/04:00"), zone="Europe/Berlin", work_s=3600 if back else None))
    assert len(plan.leg("out")) == len(names)
    return runbook(plan, of)


@pytest.mark.parametrize("name", NAMES)
def test_names_and_commands_survive_a_table(name: str) -> None:
    line = f"migrlpar -p {shlex.quote(name)}"
    page = Page(runbook_page("\n".join(["# t\n", *table(("a", "b", "none"), [(md(name), in_cell(line), "")]), inline(line)])))
    assert page.cells == [name, line] and page.code == [line, line]
    assert len([t for t, _ in page.tags if t == "th"]) == 2


def test_every_command_can_be_typed_as_it_stands() -> None:
    """One line, one command, no remark behind it; the page has the same."""
    commands = papers.typed(written())
    assert len(commands) > 4 * 20
    for line in commands:
        words = shlex.split(line)
        assert words[0] in ("migrlpar", "lssyscfg") and words.count("-m") == 1, line
        if words[0] == "migrlpar":
            assert words[words.index("-p") + 1] in NAMES
    shown = [line for code in Page(runbook_page(written())).code for line in code.strip("\n").split("\n")]
    assert not [line for line in commands if line not in shown]


def test_the_page_has_each_section_and_box_and_loads_nothing() -> None:
    text = written()
    page, html = Page(runbook_page(text)), runbook_page(text)
    assert [unescape(re.sub("<.*?>", "", x)) for x in re.findall("<h2.*?>(.*?)</h2>", html)] == [
        unescape(re.sub(r"\\(.)", r"\1", head)) for head in papers.sections(text)]
    boxes = text.count(BOX) + len(re.findall(r"^- \[ \] ", text, re.M))
    assert boxes > 60 and len([a for t, a in page.tags if t == "input" and a["type"] == "checkbox"]) == boxes
    assert page.loads == ["data:,"] and "<script" not in html
    assert "default-src 'none'" in html and not re.search(r"url\(|@import|https?://", html.split("</style>")[0])


def test_each_lane_and_phase_begins_a_page() -> None:
    html = runbook_page(written())
    begin = [unescape(t) for near, t in re.findall(r'<h2( class="near")?>(.*?)</h2>', html) if not near]
    assert len([h for h in begin if ", lane " in h]) == len(re.findall(r"^## Way .*, lane \d+", written(), re.M)) >= 2
    assert {"Preparation", "If something fails", "Appendix: the lists, by product"} <= set(begin)
    assert "thead { display: table-header-group; }" in html and "size: A4 landscape" in html


def test_a_name_that_cannot_be_typed_is_in_no_command() -> None:
    """What would have it says that it is done by hand, as text; no block has it, nor a remark behind a command."""
    hidden = "S\u202ex"
    of = estate([server(hidden, 64, 512), server("B", 64, 512)], [lpar("p\u200b1", hidden), lpar("p2", hidden)])
    text = runbook(evacuate(loaded(of), Evacuate(servers=(hidden,), come_back=True), Options(10)), of)
    assert hidden not in text and "\u200b" not in text and text.count("by hand in the windows of the console") > 8
    shown = [code for code in Page(runbook_page(text)).code if "\\u20" in code]
    assert [code for code in shown if code.startswith(("migrlpar", "bkprofdata", "lslparmigr"))] == []


def test_a_plan_without_a_move_has_its_page() -> None:
    of = estate([server("A"), server("B")], [lpar("b1", "B")])
    plan = evacuate(loaded(of), Evacuate(servers=("A",)), Options(10))
    text = runbook(plan, of)
    assert not plan.moves and "No LPAR has to move." in text and "## Decisions" not in text
    assert "<h1>Runbook: free A</h1>" in runbook_page(text)
