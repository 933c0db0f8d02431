"""Small charts as SVG text: bars side by side and lines with points. Colours are CSS variables of the page."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from planner.report.html import escaped

WIDTH = 640
_LEFT, _TOP, _BOTTOM = 56, 16, 62
_LINES = 3
_COLOURS = 6


@dataclass(frozen=True, slots=True)
class Series:
    """One series: its name, and a value for each category (None: nothing to draw)."""

    name: str
    values: tuple[float | None, ...]


def nice_steps(most: float, wanted: int = 4) -> list[float]:
    """Round values from 0 to at least ``most`` for an axis."""
    if most <= 0:
        return [0.0, 1.0]
    raw = most / wanted
    magnitude = 10.0 ** math.floor(math.log10(raw))
    step = next(m * magnitude for m in (1, 2, 2.5, 5, 10) if m * magnitude >= raw * 0.999999)
    return [step * n for n in range(math.ceil(most / step - 1e-9) + 1)]


def shown(value: float) -> str:
    """A number for people: thousands apart, no needless decimals."""
    return f"{value:,.2f}".rstrip("0").rstrip(".")


def _axis(steps: Sequence[float], height: int) -> list[str]:
    out = []
    for value in steps:
        y = _y(value, steps[-1], height)
        out.append(f'<line class="grid" x1="{_LEFT}" x2="{WIDTH - 8}" y1="{y:.1f}" y2="{y:.1f}"/>'
                   f'<text class="tick" x="{_LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{shown(value)}</text>')
    return out


def _y(value: float, top: float, height: int) -> float:
    return height - _BOTTOM - (height - _TOP - _BOTTOM) * value / top


def _wrapped(text: str, width: int) -> list[str]:
    """At most three lines of a label."""
    lines = [""]
    for word in text.split():
        if lines[-1] and len(lines[-1]) + 1 + len(word) > width:
            lines.append("")
        lines[-1] = f"{lines[-1]} {word}".strip()
    if len(lines) > _LINES:
        lines = [*lines[:_LINES - 1], lines[_LINES - 1][:max(width - 1, 1)] + "…"]
    return [line if len(line) <= width + 2 else line[:width + 1] + "…" for line in lines]


def _label(text: str, x: float, y: float, width: int) -> str:
    rows = "".join(f'<tspan x="{x:.1f}" dy="{0 if n == 0 else 13}">{escaped(line)}</tspan>'
                   for n, line in enumerate(_wrapped(text, width)))
    return f'<text class="label" y="{y:.1f}" text-anchor="middle"><title>{escaped(text)}</title>{rows}</text>'


def _frame(title: str, body: Sequence[str], height: int) -> str:
    return (f'<svg role="img" viewBox="0 0 {WIDTH} {height}" xmlns="http://www.w3.org/2000/svg">'
            f"<title>{escaped(title)}</title>{''.join(body)}</svg>")


def bars(title: str, categories: Sequence[str], series: Sequence[Series], unit: str = "", height: int = 280) -> str:
    """Bars side by side; each carries its value in ``data-value`` and in its tooltip."""
    most = max((v for s in series for v in s.values if v is not None), default=0.0)
    steps = nice_steps(most)
    body = _axis(steps, height)
    room = (WIDTH - _LEFT - 8) / max(len(categories), 1)
    each = min(46.0, room * 0.72 / max(len(series), 1))
    for number, category in enumerate(categories):
        middle = _LEFT + room * (number + 0.5)
        for at, s in enumerate(series):
            value = s.values[number]
            if value is None:
                continue
            x = middle + (at - len(series) / 2) * each
            y = _y(max(value, 0.0), steps[-1], height)
            body.append(f'<rect class="s{at % _COLOURS}" x="{x + 1:.1f}" y="{y:.1f}" width="{each - 2:.1f}" '
                        f'height="{max(height - _BOTTOM - y, 0):.1f}" data-category="{escaped(category)}" '
                        f'data-series="{escaped(s.name)}" data-value="{value!r}"><title>{escaped(category)}: '
                        f'{escaped(s.name)} {shown(value)} {escaped(unit)}</title></rect>')
            if each >= 18:
                label = shown(round(value, 1 if value < 100 else 0))
                body.append(f'<text class="{"value" if each >= 30 else "small"}" x="{x + each / 2:.1f}" '
                            f'y="{y - 4:.1f}" text-anchor="middle">{label}</text>')
        if all(s.values[number] is None for s in series):
            body.append(f'<text class="none" x="{middle:.1f}" y="{height - _BOTTOM - 8}" text-anchor="middle">none'
                        "</text>")
        body.append(_label(category, middle, height - _BOTTOM + 17, max(int(room / 6.6), 6)))
    return _frame(title, body, height)


def lines(title: str, series: Sequence[tuple[str, Sequence[tuple[int, float]]]], unit: str = "",
          height: int = 280) -> str:
    """Lines with points over whole numbers; each point carries ``data-x`` and ``data-value``."""
    xs = sorted({x for _, points in series for x, _ in points})
    if not xs:
        return ""
    steps = nice_steps(max((v for _, points in series for _, v in points), default=0.0))
    body = _axis(steps, height)
    room = (WIDTH - _LEFT - 8) / len(xs)
    at = {x: _LEFT + room * (n + 0.5) for n, x in enumerate(xs)}
    body += [f'<text class="label" x="{at[x]:.1f}" y="{height - _BOTTOM + 17}" text-anchor="middle">{x}</text>'
             for x in xs]
    for number, (name, points) in enumerate(series):
        placed = [(at[x], _y(max(v, 0.0), steps[-1], height), x, v) for x, v in points]
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y, _, _ in placed)
        body.append(f'<polyline class="l{number % _COLOURS}" points="{path}"/>')
        body += [f'<circle class="s{number % _COLOURS}" cx="{x:.1f}" cy="{y:.1f}" r="4.5" '
                 f'data-series="{escaped(name)}" data-x="{k}" data-value="{v!r}"><title>{escaped(name)}: {k} servers, '
                 f'{shown(v)} {escaped(unit)}</title></circle>' for x, y, k, v in placed]
    return _frame(title, body, height)
