"""runbook.html: runbook.md to be printed, a page a lane and phase; rendered from it, nothing is written twice."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from markdown_it import MarkdownIt
from markdown_it.common.utils import escapeHtml
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token
from markdown_it.utils import EnvType, OptionsDict
from markupsafe import Markup

from planner.report.html import templates
from planner.report.markdown import BOX

_CHECK = '<input type="checkbox" aria-label="done">'
_TO_TICK = "[ ] "
_NEAR = ("Decisions", "Recover first", "Read this first", "In every", "Way back: when", "Assumptions")
"""How sections begin that take no new page."""
_SHORT_LINES = 20
"""A section of about so many printed lines shares its page, whole, with the one before it: two lanes with a move or two
fit on a page of A4 across."""


def runbook_page(text: str) -> str:
    """The page of such a runbook as HTML; it needs nothing else."""
    parser = MarkdownIt("commonmark", {"html": False}, renderer_cls=_Paper).enable("table")
    tokens = parser.parse(text)
    _classed(tokens)
    tokens = [*_shared(tokens)]
    title = next((t.content for t in tokens if t.type == "inline"), "")
    plain = "".join(c.content for c in parser.parseInline(title)[0].children or ())
    return templates().get_template("runbook.html.j2").render(
        title=plain, body=Markup(parser.renderer.render(tokens, parser.options, {})))  # nosec B704


def _classed(tokens: Sequence[Token]) -> None:
    """Each cell has the name of its column as its class; a section that takes no new page is marked."""
    heads: list[str] = []
    column = 0
    for n, t in enumerate(tokens):
        match t.type:
            case "thead_open":
                heads = []
            case "th_open":
                heads.append(re.sub("[^a-z]+", "-", tokens[n + 1].content.lower()).strip("-"))
                t.attrSet("class", heads[-1])
            case "tr_open":
                column = 0
            case "td_open":
                t.attrSet("class", heads[column])
                column += 1
            case "heading_open" if t.tag == "h2" and tokens[n + 1].content.startswith(_NEAR):
                t.attrSet("class", "near")


def _shared(tokens: Sequence[Token]) -> Iterator[Token]:
    """The same, each short section as one that is not parted and takes no new page."""
    heads = [n for n, t in enumerate(tokens) if t.type == "heading_open" and t.tag == "h2"]
    yield from tokens[:heads[0]] if heads else tokens
    for begin, end in zip(heads, [*heads[1:], len(tokens)], strict=False):
        section = tokens[begin:end]
        if short := sum(map(_lines, section)) <= _SHORT_LINES:
            section[0].attrSet("class", "near")
            yield Token("html_block", "", 0, content='<section class="whole">\n')
        yield from section
        if short:
            yield Token("html_block", "", 0, content="</section>\n")


def _lines(t: Token) -> int:
    """About how many printed lines what begins with a token takes; a row of a move is as high as its command."""
    return {"tr_open": 3, "paragraph_open": 1, "heading_open": 2, "fence": 1 + t.content.count("\n")}.get(t.type, 0)


class _Paper(RendererHTML):
    """Boxes to tick, and tables that scroll where they are too wide."""

    def text(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType) -> str:
        content = tokens[idx].content
        box = _CHECK + " " if idx == 0 and content.startswith(_TO_TICK) else ""
        return box + escapeHtml(content.removeprefix(_TO_TICK) if box else content).replace(BOX, _CHECK)

    def table_open(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType) -> str:
        return '<div class="scroll"><table>\n'

    def table_close(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType) -> str:
        return "</table></div>\n"


