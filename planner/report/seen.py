"""Text on the terminal in which nothing stays unseen."""

from __future__ import annotations

from typing import Any

from rich import text as rich_text

from planner import names


class Text(rich_text.Text):
    """Text of rich, with characters that nobody sees as what they are: rich takes control characters away."""

    def __init__(self, text: str = "", *args: Any, **options: Any) -> None:
        super().__init__(names.shown(text, "\n"), *args, **options)

    def append(self, text: Any, style: Any = None) -> Text:
        """See rich."""
        super().append(names.shown(text, "\n") if isinstance(text, str) else text, style)
        return self
