"""Units. Inside the program: processing units in hundredths of a core, memory in MiB, both integers.

What a person reads or types is in cores and GiB; only this module converts.
"""

from __future__ import annotations

from decimal import Decimal, InvalidOperation

MIB_PER_GIB = 1024
UNITS_PER_CORE = 100


def decimal_from(text: str) -> Decimal:
    """A finite number with a point or a comma as decimal mark (``4,00`` in non-English locales).

    Raises ValueError for anything else, ``inf`` and ``nan`` included.
    """
    cleaned = text.strip().replace(" ", "").replace("\u00a0", "").replace("\u202f", "")
    if cleaned.count(",") == 1 and "." not in cleaned:
        cleaned = cleaned.replace(",", ".")
    try:
        value = Decimal(cleaned)
    except InvalidOperation:
        raise ValueError(f"{text!r} is not a number") from None
    if not value.is_finite():
        raise ValueError(f"{text!r} is not a finite number")
    if value.adjusted() > 20 or (value.adjusted() < -20 and value):
        raise ValueError(f"{text!r} is out of any range")
    return value


def _exact(number: Decimal | float | int | str) -> Decimal:
    if isinstance(number, str):
        return decimal_from(number)
    return Decimal(repr(number)) if isinstance(number, float) else Decimal(number)


def units_from_cores(cores: Decimal | float | int | str) -> int:
    """Cores to hundredths of a core; raises ValueError when finer than a hundredth (the hypervisor's increment)."""
    scaled = _exact(cores) * UNITS_PER_CORE
    rounded = scaled.to_integral_value()
    if abs(scaled - rounded) > Decimal("1e-6"):
        raise ValueError(f"{cores} cores is finer than a hundredth of a core")
    return int(rounded)


def mib_from_gib(gib: Decimal | float | int | str) -> int:
    """GiB to MiB; raises ValueError when it is not a whole number of MiB (half a MiB of slack for shown decimals)."""
    return int((_exact(gib) * MIB_PER_GIB).to_integral_value())


def cores(units: int) -> float:
    """Hundredths of a core to cores."""
    return units / UNITS_PER_CORE


def gib(mib: int) -> float:
    """MiB to GiB (exact: a power of two)."""
    return mib / MIB_PER_GIB


def show_cores(units: int) -> str:
    """``20`` → ``0.20``."""
    sign = "-" if units < 0 else ""
    return f"{sign}{abs(units) // 100}.{abs(units) % 100:02d}"


def show_gib(mib: int) -> str:
    """``9792`` → ``9.56``; whole GiB without decimals."""
    return f"{mib // MIB_PER_GIB}" if mib % MIB_PER_GIB == 0 else f"{mib / MIB_PER_GIB:.2f}"


def show_duration(seconds: float) -> str:
    """``119.2`` → ``1 min 59 s``; ``7384`` → ``2 h 03 min 04 s``."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min {whole % 60:02d} s"


def round_up(value: int, step: int) -> int:
    """The smallest multiple of ``step`` that is not below ``value``; ``step`` of 0 or less leaves it alone."""
    return value if step <= 0 else -(-value // step) * step


def power_of_two_at_least(value: int) -> int:
    """The smallest power of two that is not below ``value`` (at least 1)."""
    return 1 if value <= 1 else 1 << (value - 1).bit_length()
