"""Comparing the levels that sites write: AIX 6.1 TL2 SP3, 10.2.0.4, 2.1.3.0-FP-23, firmware EM350_085."""

from __future__ import annotations

import re
from functools import cache

from planner.formats.values import level


@cache
def below(found: str, wanted: str) -> bool | None:
    """Whether a level is lower than another; None when one of them has no number. Missing parts count as 0."""
    a, b = level(found), level(wanted)
    if not a or not b:
        return None
    width = max(len(a), len(b))
    return a + (0,) * (width - len(a)) < b + (0,) * (width - len(b))


def split_product(text: str) -> tuple[str, str]:
    """``Oracle 10.2.0.4`` → ("Oracle", "10.2.0.4"); no version: ``""``."""
    match = re.match(r"^(.*?)[\s-]+v?(\d[\w.]*.*)$", text.strip())
    return (match[1].strip(), match[2].strip()) if match else (text.strip(), "")


@cache
def firmware_release(text: str) -> tuple[int, int | None] | None:
    """Release and level: ``EM350_085`` → (350, 85), ``01AM780_054`` → (780, 54); ``FW860.10``, a service pack, does not
    say its level: (860, None). None when unreadable."""
    match = re.search(r"(?:^|[A-Za-z])(\d{3,4})(?:_(\d+))?", re.sub(r"^\s*01(?=[A-Z])", "", text))
    return (int(match[1]), int(match[2]) if match[2] else None) if match else None
