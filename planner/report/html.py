"""How pages and other texts are made of templates: nothing in a name becomes markup, or stays unseen."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from html import escape
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from planner.names import shown


@cache
def templates(*, html: bool = True, **filters: Callable[..., Any]) -> Environment:
    """The templates of reports: a word that is missing is an error, blocks leave no lines. In those of other texts
    comments stand in ``<# #>``: a shell counts with ``${#…}``. The same each time: a template is compiled once."""
    made = Environment(  # nosec B701: whatever is HTML is escaped
        loader=PackageLoader("planner.report"), autoescape=html, undefined=StrictUndefined, trim_blocks=True,
        lstrip_blocks=True, keep_trailing_newline=not html, finalize=_seen,
        comment_start_string="{#" if html else "<#", comment_end_string="#}" if html else "#>")
    made.filters |= filters
    return made


def escaped(text: str) -> str:
    """A text within markup, element or attribute."""
    return escape(shown(text))


def _seen(value: Any) -> Any:
    return shown(value, "\n\t") if isinstance(value, str) and not isinstance(value, Markup) else value
