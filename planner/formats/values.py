"""What a written value means: cores, memory, whole numbers, flags, percentages, times, ids. One parser for each.

Exact inside the program: processing units are hundredths of a core, memory is MiB. A parser takes the text of one
value and raises ValueError that says what was expected. What no machine can have is refused, so that no number is
too long to convert or too large to add up. Machines write a decimal point; only people are allowed a comma.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterable
from datetime import datetime
from decimal import Decimal, InvalidOperation
from functools import cache
from math import inf
from typing import Any, NamedTuple

from planner.formats.base import NonValue
from planner.units import MIB_PER_GIB, UNITS_PER_CORE
from planner.units import MOST_MIB as MOST_MIB
from planner.units import MOST_UNITS as MOST_UNITS
from planner.units import MOST_WHOLE as MOST_WHOLE

Parser = Callable[[str], Any]

ANY = "any"
MOST_PROCESSORS = 100_000
MOST_COUNT = (1 << 64) - 1

#: Words that stand for no value, as they are written; :func:`non_value` knows them in any case.
NON_VALUES = {one.value: one for one in NonValue} | {
    "n/a": NonValue.UNAVAILABLE, "not available": NonValue.UNAVAILABLE,
    "Not Available": NonValue.UNAVAILABLE}
YES = frozenset({"1", "true", "yes", "y", "x", "ja", "oui", "tak"})
NO = frozenset({"0", "false", "no", "n", "nein", "non", "nie"})

_FLAGS = {"true": True, "yes": True, "false": False, "no": False}
_NUMBER = re.compile(r"[0-9]{1,20}(?:\.[0-9]{1,20})?(?:[eE][+-]?[0-9]{1,3})?")
_THOUSANDS = re.compile(r"[+-]?[1-9][0-9]{0,2},[0-9]{3}")
_DIGITS = re.compile(r"[0-9]{1,20}")
_WITH_UNIT = re.compile(r"([0-9.,]{1,40})\s*([A-Za-z]{1,8})")
_PER_MIB = {"KB": Decimal(1024), "MB": Decimal(1), "GB": Decimal(1) / 1024}
_MONTHS = {name: at for at, name in enumerate(
    ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"), 1)}
_CLOCK = r"(?P<H>[0-9]{1,2})(?::(?P<M>[0-9]{2})(?::(?P<S>[0-9]{2})(?:\.[0-9]{1,6})?)?)?"
_TIMES = tuple(re.compile(pattern) for pattern in (
    rf"(?P<m>[0-9]{{2}})/(?P<d>[0-9]{{2}})/(?P<y>[0-9]{{4}}) {_CLOCK}",
    rf"(?P<d>[0-9]{{2}})-(?P<month>[A-Z]{{3}})-(?P<y>[0-9]{{4}}) {_CLOCK}",
    rf"(?P<y>[0-9]{{4}})[-/](?P<m>[0-9]{{1,2}})[-/](?P<d>[0-9]{{1,2}})(?:[ T]{_CLOCK})?\s*"
    r"(?P<zone>Z|[+-][0-9]{2}:?[0-9]{2})?"))
_MTMS = re.compile(r"([0-9A-Za-z]{4})-([0-9A-Za-z]{3})\*([0-9A-Za-z]{7})")
_LOCATION = re.compile(
    r"U([0-9A-Z]{4})\.([0-9A-Z]{3})\.([0-9A-Z]{5,10})-V([0-9]{1,5})-C([0-9]{1,5})(?:-T[0-9]{1,3})?")
_ITEM = re.compile(r"(?:\\.|[^;\\])+", re.DOTALL)
_LAST_PARTITION = 0xFFFE
_SLACK = Decimal("1e-7")


def shown(value: str) -> str:
    """A piece of an input as a message quotes it."""
    return repr(value.strip()[:80])


def non_value(value: str) -> NonValue | None:
    """The non-value that a word is, in any case; None for a value."""
    return NON_VALUES.get(value.strip().lower())


def typed(value: str, parse: Parser) -> Any:
    """What a value says: a :class:`NonValue` if it says that there is none, else what ``parse`` makes of it."""
    none = NON_VALUES.get(value)
    return parse(value) if none is None else none


def text(value: str) -> str:
    """Text as it is."""
    return value


# --- numbers ----------------------------------------------------------------------------------------------------------


def decimal_number(value: str, expected: str = "a number such as 1.25") -> Decimal:
    """A number that a machine wrote: digits, a decimal point, perhaps an exponent (``2E+1``), no sign."""
    if not _NUMBER.fullmatch(value):
        raise ValueError(f"{value[:40]!r} is not {expected}")
    return Decimal(value)


def decimal_from(value: str) -> Decimal:
    """A finite number as a person writes it: with a sign, a point or a comma (``4,00``), and blanks between digits.

    ``1,024`` is refused: it may be a thousand and 24.
    """
    cleaned = "".join(value.split())
    if _THOUSANDS.fullmatch(cleaned):
        raise ValueError(f"{value[:80]!r} may be {cleaned.replace(',', '')} or {cleaned.replace(',', '.')}: write it "
                         "without a comma")
    if cleaned.count(",") == 1 and "." not in cleaned:
        cleaned = cleaned.replace(",", ".")
    try:
        number = Decimal(cleaned) if len(cleaned) <= 80 else Decimal("nan")
    except InvalidOperation:
        raise ValueError(f"{value[:80]!r} is not a number") from None
    if not number.is_finite() or number.adjusted() > 20 or (number and number.adjusted() < -20):
        raise ValueError(f"{value[:80]!r} is not a finite number, or is out of any range")
    return number


def number(value: str) -> float:
    """A number that is neither memory nor cores: an expansion factor, a percentage, cores that were used."""
    if not _NUMBER.fullmatch(value) or float(value) == inf:
        raise ValueError(f"{value[:40]!r} is not a number such as 1.25")
    return float(value)


def percent(value: str) -> float:
    """A percentage, with or without its sign; what rounding adds to 100 is allowed."""
    share = number(value.removesuffix("%"))
    if share > 100.5:
        raise ValueError(f"{value[:40]} % cannot be")
    return share


def used_cores(value: str) -> float:
    """Cores that were used, as they were measured."""
    cores = number(value)
    if cores > MOST_PROCESSORS:
        raise ValueError(f"{value!r} is more cores than any server has")
    return cores


def whole(value: str, most: int = MOST_WHOLE, expected: str = "a whole number of up to 31 bits") -> int:
    """A whole number: an id, a slot, a weight."""
    if not _DIGITS.fullmatch(value) or int(value) > most:
        raise ValueError(f"{value[:40]!r} is not {expected}")
    return int(value)


def integral(value: str, most: int = MOST_COUNT, expected: str = "a whole number of up to 64 bits") -> int:
    """A whole number that may be written with decimals: ``4.00``."""
    number = decimal_number(value, expected)
    if number > most or number != number.to_integral_value():
        raise ValueError(f"{value[:40]!r} is not {expected}")
    return int(number)


def page_table_ratio(value: str) -> int:
    """The n of 1:n that an exponent stands for: 6 is 1:64, the ratio of hash page tables."""
    exponent = integral(value)
    if not 4 <= exponent <= 12:
        raise ValueError(f"{value[:40]!r} is no exponent of a page table ratio, of which 6 is 1:64")
    return 1 << exponent


def physical_page_table_ratio(value: str) -> int:
    """The n of 1:n of a physical page table: 0 is 1:64, 6 is 1:4096, the default (HMC V10R3: both spellings)."""
    exponent = integral(value)
    if not 0 <= exponent <= 6:
        raise ValueError(f"{value[:40]!r} is no step of a physical page table ratio, of which 6 is 1:4096")
    return 64 << exponent


def counter(value: str) -> int:
    """A whole number of up to 64 bits: cycles, instructions, bytes."""
    return whole(value, MOST_COUNT, "a whole number of up to 64 bits")


def processors(value: str) -> int:
    """A number of processors, physical, virtual or logical."""
    return whole(value, MOST_PROCESSORS, "a whole number of processors")


def whole_or_any(value: str) -> int | str:
    """A partition id or a slot number of the other side, which may be ``any`` (65535 on the REST interface)."""
    return ANY if value.lower() in (ANY, "65535") else whole(value)


def whole_number(value: str) -> int:
    """A whole number as a person writes it."""
    number = decimal_from(value)
    if number != number.to_integral_value():
        raise ValueError(f"{value!r} is not a whole number")
    return int(number)


# --- processing units and memory --------------------------------------------------------------------------------------


def units_from_cores(cores: Decimal | float | int | str) -> int:
    """Cores to hundredths of a core; raises ValueError when finer than that (the hypervisor's increment).

    What a number of single precision loses, after seven digits, is forgiven.
    """
    scaled = _exact(cores) * UNITS_PER_CORE
    rounded = scaled.to_integral_value()
    if abs(scaled - rounded) > _SLACK * max(Decimal(10), abs(rounded)):
        raise ValueError(f"{cores} cores is finer than a hundredth of a core")
    return _limited(int(rounded), MOST_UNITS, str(cores))


def mib_from_gib(gib: Decimal | float | int | str) -> int:
    """GiB to whole MiB (half a MiB of slack for shown decimals)."""
    return _limited(int((_exact(gib) * MIB_PER_GIB).to_integral_value()), MOST_MIB, str(gib))


def _exact(number: Decimal | float | int | str) -> Decimal:
    if isinstance(number, str):
        return decimal_from(number)
    return Decimal(repr(number)) if isinstance(number, float) else Decimal(number)


def units(value: str, *, exact: bool = True) -> int:
    """Processing units that a machine wrote in cores, in hundredths of a core; ``exact``: not from a binary number."""
    cores = decimal_number(value, "a number of cores such as 0.25")
    if exact and cores * UNITS_PER_CORE != (cores * UNITS_PER_CORE).to_integral_value():
        raise ValueError(f"{value[:40]} cores is finer than a hundredth of a core")
    return _limited(units_from_cores(cores), MOST_UNITS, value)


def hundredths(value: str) -> int:
    """Processing units that a machine wrote in hundredths of a core (per cent of one)."""
    return whole(value, MOST_UNITS, "a whole number of hundredths of a core")


def mib(value: str) -> int:
    """Memory that a machine wrote in MB, which are MiB."""
    return integral(value, MOST_MIB, "memory in whole MB")


def mib_floor(value: str) -> int:
    """Memory that was measured in MB; a fraction is dropped."""
    return _limited(int(decimal_number(value)), MOST_MIB, value)


def gib(value: str) -> int:
    """Memory that a machine wrote in GB, in MiB."""
    return _limited(mib_from_gib(decimal_number(value)), MOST_MIB, value)


def memory(value: str) -> int:
    """Memory with its unit (``4096 MB``, ``16777216kB``), in MiB, rounded down."""
    match = _WITH_UNIT.fullmatch(value)
    if not match:
        raise ValueError(f"{value[:40]!r} is not a number with a unit such as 4096 MB")
    if match[2].upper() not in _PER_MIB:
        raise ValueError(f"{value[:40]!r} has an unknown unit {match[2]!r}")
    return _limited(int(decimal_from(match[1]) / _PER_MIB[match[2].upper()]), MOST_MIB, value)


def _limited(number: int, most: int, value: str) -> int:
    if number > most:
        raise ValueError(f"{value[:40]!r} is more than any machine has")
    return number


# --- levels -----------------------------------------------------------------------------------------------------------

_NUMBERS = re.compile(r"\d+")
_OSLEVEL = re.compile(r"\s*(\d)(\d)00-(\d\d)(?:-(\d\d))?")
_FIRMWARE = re.compile(r"(?:01)?([A-Z]{2})(\d{3,4})(?:[_.](\d+))?")
#: Fields of an estate that are compared by :func:`same_level`.
LEVELS = frozenset({"os_level", "level", "firmware"})
_FILESET = 10  # in 7.2.5.101 the fourth number is a fileset's: service packs do not come so far


@cache
def level(text: str) -> tuple[int, ...]:
    """The numbers of a level in order: ``6.1 TL2 SP3`` → (6, 1, 2, 3); ``6100-02-03-0846`` → (6, 1, 2, 3)."""
    oslevel = _OSLEVEL.match(text)
    return tuple(int(n) for n in (oslevel.groups() if oslevel else _NUMBERS.findall(text)) if n is not None)


def same_level(field: str, one: str, other: str) -> bool:
    """Whether two texts say nothing different of an ``os_level``, a VIOS's ``level`` or a ``firmware``.

    ``7.2 TL5 SP3``, ``7200-05-03-2136``, ``7.2.5.3`` and, with less said, ``7.2``; ``3.1.4.10`` with or without fix
    packs; ``FW950.40`` (a service pack) and ``VL950_099`` (a level), of which only the release can be compared.
    """
    if field == "firmware":
        a, b = (_FIRMWARE.match(text.strip()) for text in (one, other))
        if not a or not b:
            return one == other
        return a[2] == b[2] and (("FW" in (a[1], b[1]) and a[1] != b[1]) or int(a[3] or 0) == int(b[3] or 0))
    numbers = sorted((level(one), level(other)), key=len)
    most = 4 if field == "level" else 3 if any(n[3:] >= (_FILESET,) for n in numbers) else len(numbers[0])
    return bool(numbers[0]) and numbers[1][:min(most, len(numbers[0]))] == numbers[0][:most]


# --- flags, times, ids ------------------------------------------------------------------------------------------------


def bit(value: str) -> bool:
    """``0`` or ``1``."""
    if value not in ("0", "1"):
        raise ValueError(f"{value[:40]!r} is neither 0 nor 1")
    return value == "1"


def flag(value: str) -> bool:
    """``true``, ``yes`` and their opposites, in any case."""
    known = _FLAGS.get(value.lower())
    if known is None:
        raise ValueError(f"{value[:40]!r} is neither true nor false")
    return known


def yes_no(value: str) -> bool:
    """Yes or no as people write it."""
    word = value.strip().lower()
    if word not in YES and word not in NO:
        raise ValueError(f"{value[:40]!r} is neither yes nor no")
    return word in YES


def time(value: str) -> datetime:
    """A local time whose zone the export does not name, or one with an offset.

    ``11/30/2026 14:05:00`` (HMC), ``30-NOV-2026 14:05:00`` (nmon), ``2026-11-30 14:05`` or ``2026/11/30 14``; the
    hour is 0 where only a day is given.
    """
    match = next((match for pattern in _TIMES if (match := pattern.fullmatch(value))), None)
    part = match.groupdict() if match else {}
    month = _MONTHS.get(part["month"], 13) if part.get("month") else int(part.get("m") or 13)
    try:
        hour, minute, second = (int(part[name] or 0) for name in "HMS")
        local = datetime(int(part["y"]), month, int(part["d"]), hour, minute, second)
        return datetime.fromisoformat(local.isoformat() + part["zone"]) if part.get("zone") else local
    except (KeyError, ValueError):
        raise ValueError(f"{value[:40]!r} is no time such as 11/30/2026 14:05:00 or 2026-11-30 14:05") from None


#: Year, day, time, zone and half of the day, as ``date`` prints them.
_DATE_WORDS = ("20[0-9]{2}", "[0-9]{1,2}", "[0-9]{1,2}:[0-9]{2}:[0-9]{2}", "[+-][0-9]{4}", "[AaPp][Mm]")


def date_line(value: str) -> datetime:
    """What ``date`` prints: ``Fri Oct  2 10:00:00 CEST 2026``, ``Fri 02 Oct 2026 10:00:00 AM CEST``, or an ISO time."""
    words = value.replace(",", " ").split()
    if words and words[0][:1].isdigit():
        return time(re.sub(r"[.][0-9]{1,9}|(?<=[0-9]) ?UTC$", "", value.strip()))
    year, day, hour, zone, half = (
        next((word for word in words if re.fullmatch(pattern, word)), "") for pattern in _DATE_WORDS)
    month = next((number for word in words[1:] if (number := _MONTHS.get(word.upper()[:3]))), 0)
    if not (year and month and day and hour) or len(words) > 7:
        raise ValueError(f"{value[:40]!r} is not what date prints")
    moment = time(f"{year}-{month}-{day} {hour}{zone}")
    return moment.replace(hour=moment.hour % 12 + 12 * (half.upper() == "PM")) if half else moment


def partition_id(value: str) -> int | NonValue:
    """A partition id, decimal or ``0x…``; 0 (any client) is :attr:`NonValue.NONE`."""
    if not value:
        return NonValue.EMPTY
    number = int(value, 16) if re.fullmatch(r"0x[0-9a-fA-F]{1,8}", value) else whole(value)
    if number > _LAST_PARTITION:
        raise ValueError(f"{shown(value)} is not a partition id")
    return number or NonValue.NONE


def vlan_id(value: str) -> int:
    """A VLAN id, 1 to 4095."""
    number = whole(value)
    if not 1 <= number <= 4095:
        raise ValueError(f"{shown(value)} is not a VLAN id (1 to 4095)")
    return number


class Location(NamedTuple):
    """What the physical location of a virtual adapter says: whose it is and in which slot."""

    type_model: str
    serial_num: str
    partition_id: int
    slot: int


def location(physloc: object) -> Location | None:
    """``U9117.MMD.1045EE7-V2-C31`` → 9117-MMD, 1045EE7, partition 2, slot 31; None for anything else."""
    match = _LOCATION.fullmatch(physloc) if isinstance(physloc, str) else None
    return Location(f"{match[1]}-{match[2]}", match[3], int(match[4]), int(match[5])) if match else None


def mtms(value: str) -> tuple[str, str, str] | None:
    """Machine type, model and serial number of ``8205-E6B*1234567``; None for anything else."""
    match = _MTMS.fullmatch(value)
    return (match[1], match[2], match[3]) if match else None


# --- lists ------------------------------------------------------------------------------------------------------------


def split_fields(line: str, separator: str = ",") -> list[str]:
    """The fields of a line or the items of a list value; one that holds the separator stands in double quotes."""
    try:
        return next(csv.reader([line], delimiter=separator, strict=True), [])
    except csv.Error:
        raise ValueError("the double quotes do not pair up") from None


def list_of(parse: Parser) -> Parser:
    """A comma-separated list, as a tuple."""
    return lambda value: tuple(parse(item) for item in split_fields(value))


def split_list(value: str) -> tuple[str, ...]:
    """A person's list: ``a; b\\; c`` → ``("a", "b; c")``; empty parts are dropped."""
    parts = (re.sub(r"\\(.)", r"\1", part, flags=re.DOTALL).strip() for part in _ITEM.findall(value))
    return tuple(part for part in parts if part)


def join_list(parts: Iterable[Any]) -> str:
    """The inverse of :func:`split_list`."""
    return "; ".join(str(part).replace("\\", "\\\\").replace(";", "\\;") for part in parts)
