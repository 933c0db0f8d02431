"""Whether the time that something takes grows as its text does, whatever the machine."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any


def linear(read: Callable[[str], Any], text: str) -> bool:
    """Of the processor a quarter of the text takes a quarter, not a sixteenth; a fifth of a second is not looked into."""
    return any((whole := _seconds(read, text)) < 0.2 or whole < min(8 * _seconds(read, text[:len(text) // 4]), 20)
               for _ in range(3))


def _seconds(read: Callable[[str], Any], text: str) -> float:
    started = time.process_time()
    read(text)
    return time.process_time() - started
