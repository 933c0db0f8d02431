"""What `planner calibrate` shows and writes: figures with their intervals, what the logs prove, what they do not."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any

from rich.console import Group, RenderableType

from planner.calibration import CONFIDENCE
from planner.estate.parameter_file import parameters_text
from planner.findings import Finding, finding_json
from planner.jobs.calibrate import Calibration, Learned
from planner.report.seen import Text
from planner.report.tables import listing
from planner.report.terminal import findings_table
from planner.units import many


def _rounded(value: float | None) -> float | None:
    """Four significant digits: more than any figure is known to."""
    return float(f"{value:.4g}") if value and math.isfinite(value) else value


def _span(found: Calibration) -> str:
    return f", {found.first} to {found.last}" if found.first else ""


def parameter_file(found: Calibration, files: Mapping[str, int]) -> bytes:
    """parameters.toml: the figures that can be used below what they were made of and what was left out, with why."""
    read = ", ".join(f"{name} ({count})" for name, count in files.items())
    lines = [f"Parameters of the cost model, fitted by planner calibrate to {many(found.used, 'move')}{_span(found)}.",
             f"Read: {read}.",
             f"Intervals hold together at {CONFIDENCE:.0%}. Planning commands take this file with --parameters.",
             *(f"Left out: {_named(f)}: {f.why_not}." for f in found.figures if f.why_not)]
    rows = (replace(row, value=_rounded(row.value) or 0.0, low=_rounded(row.low), high=_rounded(row.high))
            for row in found.rows)
    return parameters_text(rows, lines).encode()


def calibration_json(found: Calibration, findings: Sequence[Finding]) -> dict[str, Any]:
    """The answer for programs."""
    return {"moves": found.moves, "used": found.used, "first": found.first, "last": found.last,
            "confidence": CONFIDENCE, "figures": [asdict(f) for f in found.figures], "proved": list(found.proved),
            "left_out": [{"why": why, "moves": count} for why, count in found.left_out],
            "findings": [finding_json(f) for f in findings]}


def calibration_line(found: Calibration) -> str:
    """How many moves were read, and what they taught."""
    return (f"{many(found.moves, 'past move')} read{_span(found)}; {found.used} of them taught the model, "
            f"{many(len(found.rows), 'figure')} of {len(found.figures)} fitted")


def calibration_view(found: Calibration, findings: Sequence[Finding], *, whole: bool = False) -> RenderableType:
    """The figures, then what the logs prove, who was left out, and what is wrong with the files; ``whole``: each."""
    table = listing("", ("parameter", "for", "value", f"interval ({CONFIDENCE:.0%}, all together)", "moves", ""))
    for f in found.figures:
        use = Text(f"left out: {f.why_not}", "yellow") if f.why_not else Text("")
        within = "" if f.low is None or f.high is None else f"{_rounded(f.low):g} to {_rounded(f.high):g}"
        table.add_row(Text(f.name), Text(f.subject), "" if f.value is None else f"{_rounded(f.value):g}", within,
                      str(f.moves), use)
    said = [*(Text(f"· {text}") for text in found.proved),
            *(Text(f"· left out: {many(count, 'move')}: {why}") for why, count in found.left_out)]
    return Group(Text(calibration_line(found), "bold"), table,
                 *([Text("\nWhat the logs tell", "bold")] if said else []), *said,
                 *([Text(""), findings_table(findings, 20, whole=whole)] if findings else []))


def _named(f: Learned) -> str:
    return f"{f.name} for {f.subject}" if f.subject else f.name
