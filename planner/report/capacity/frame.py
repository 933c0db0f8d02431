"""What all sheets of the capacity workbook share: where the main tables stand, figures in sentences."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

from planner.jobs.capacity.figures import Capacity, Month
from planner.sheets import Written

_PIECE = 120


@dataclass(frozen=True, slots=True)
class Tables:
    """Where the figures of servers and pools stand (``sized``: after right-sizing); pools of None: there are none."""

    servers: Written
    outlook: Written
    sized: Written
    pools: Written | None
    pools_outlook: Written | None


def first_of(month: Month) -> dt.date:
    return dt.date(*month, 1)


def fixed(value: float, digits: int) -> str:
    """A figure in a sentence, rounded as FIXED of a workbook does."""
    exact = Decimal(f"{value:.15g}").quantize(Decimal(1).scaleb(-digits), rounding=ROUND_HALF_UP)
    return f"{exact:f}"


def in_cores(thousandths: int | None) -> float | None:
    """Thousandths of a core as a figure of a sheet; what is not known stays empty."""
    return None if thousandths is None else thousandths / 1000


def literal(text: str) -> str:
    """A text as a formula holds it: quotation marks twice, and no piece of more than the 255 characters allowed."""
    pieces = [text[n:n + _PIECE].replace('"', '""') for n in range(0, len(text), _PIECE)]
    return "&".join(f'"{piece}"' for piece in pieces) or '""'


def percentile_name(capacity: Capacity) -> str:
    """``p95``."""
    return f"p{float(capacity.levers.percentile):g}"
