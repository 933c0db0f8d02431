"""Units. Inside the program: processing units in hundredths of a core, memory in MiB, both integers.

What a person reads or types is in cores and GiB: shown here, read by :mod:`planner.formats.values`.
"""

from __future__ import annotations

from collections.abc import Iterable

MIB_PER_GIB = 1024
UNITS_PER_CORE = 100


def cores(units: int) -> float:
    """Hundredths of a core to cores."""
    return units / UNITS_PER_CORE


MOST_MIB = 1 << 30
MOST_UNITS = 1_000_000
MOST_WHOLE = (1 << 31) - 1
"""What no machine can have more of: memory, hundredths of a core, anything that is counted."""


def gib(mib: int) -> float:
    """MiB to GiB (exact: a power of two)."""
    return mib / MIB_PER_GIB


def show_cores(units: int) -> str:
    """``20`` → ``0.20``."""
    sign = "-" if units < 0 else ""
    return f"{sign}{abs(units) // 100}.{abs(units) % 100:02d}"


def show_gib(mib: int) -> str:
    """``9792`` → ``9.56``; whole GiB without decimals; thousands apart: ``1,945.50``."""
    return f"{mib // MIB_PER_GIB:,}" if mib % MIB_PER_GIB == 0 else f"{mib / MIB_PER_GIB:,.2f}"


def show_duration(seconds: float) -> str:
    """``119.2`` → ``1 min 59 s``; ``7384`` → ``2 h 03 min 04 s``."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min {whole % 60:02d} s"


def show_minutes(seconds: float) -> str:
    """To the minute: ``119.2`` → ``2 min``; ``7384`` → ``2 h 03 min``."""
    whole = round(seconds / 60)
    return f"{whole // 60} h {whole % 60:02d} min" if whole >= 60 else f"{whole} min"


MANY = 12
"""More names than that are not all written out in a sentence."""


def some(names: Iterable[object], most: int = MANY) -> str:
    """``a, b, c``; of more than ``most`` the first ones, and how many there are: ``a, b, … (30 in all)``."""
    every = list(map(str, names))
    return ", ".join(every[:most]) + (f", … ({len(every)} in all)" if len(every) > most else "")


def many(number: int, word: str) -> str:
    """``1 move``, ``2,400 samples``."""
    return f"{number:,} {word}{'' if number == 1 else 's'}"


def round_up(value: int, step: int) -> int:
    """The smallest multiple of ``step`` that is not below ``value``; ``step`` of 0 or less leaves it alone."""
    return value if step <= 0 else -(-value // step) * step


def power_of_two_at_least(value: int) -> int:
    """The smallest power of two that is not below ``value`` (at least 1)."""
    return 1 if value <= 1 else 1 << (value - 1).bit_length()


def column_letters(column: int) -> str:
    """A column of a workbook: ``0`` → ``A``, ``27`` → ``AB``."""
    return (column_letters(column // 26 - 1) if column >= 26 else "") + chr(65 + column % 26)
