"""Words that several reports share."""

from __future__ import annotations

from collections.abc import Sequence

from planner.plan import Plan
from planner.units import show_duration


def md(text: str) -> str:
    """Text for a Markdown line or table cell: nothing in a name becomes markup, a tag or a line break."""
    flat = "".join(c if c.isprintable() else " " for c in text)
    escaped = "".join("\\" + c if c in "\\`*[]<>|~$#" else c for c in flat)
    return escaped.replace("<", "&lt;").replace("\\&lt;", "&lt;")


def listed(names: Sequence[str], most: int = 6) -> str:
    """Names in a row, and how many more there are."""
    return ", ".join(names[:most]) + (f", … ({len(names) - most} more)" if len(names) > most else "")


def headline(plan: Plan) -> str:
    """What the plan is about in a few words."""
    servers = ", ".join(map(str, plan.goal.get("servers", ())))
    back = " and bring everything back" if plan.goal.get("return") else ""
    return f"free {servers}{back}"


def _some(number: int, word: str) -> str:
    return f"{number} {word}{'' if number == 1 else 's'}"


def leg_tally(plan: Plan, leg: str) -> str:
    """``20 moves out in 6 waves, 1 h 03 min 10 s``."""
    return (f"{_some(len(plan.leg(leg)), 'move')} {leg} in {_some(len(plan.waves(leg)), 'wave')}, "
            f"{show_duration(plan.leg_span_s(leg))}")


def clock_span(plan: Plan, start_ms: int, end_ms: int | None) -> str:
    """``22:00–22:31 (31 min 04 s)`` with a window, ``+0 s to +31 min`` without."""
    start_ms = round(start_ms / 1000) * 1000
    start = plan.clock(start_ms)
    if end_ms is None:
        return f"{start:%a %Y-%m-%d %H:%M:%S}" if start else f"+{show_duration(start_ms / 1000)}"
    end_ms = round(end_ms / 1000) * 1000
    took = show_duration((end_ms - start_ms) / 1000)
    end = plan.clock(end_ms)
    if start and end:
        return f"{start:%a %H:%M:%S}–{end:%H:%M:%S} ({took})"
    return f"+{show_duration(start_ms / 1000)} to +{show_duration(end_ms / 1000)} ({took})"
