"""What runs in LPARs and is licensed by the core: how each product's cores are counted, and who says so.

Cores are counted, no money: a price or a value of a core (PVU) is the person's to state (docs/licences.md).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from functools import cache

from planner.estate.model import Lpar
from planner.formats.values import decimal_from

CORES = "cores"
"""The unit of a product whose cores are worth nothing that anybody stated."""
LARGEST_VALUE = 10_000_000
"""Of a core: more is a slip of the pen."""


class Counting(StrEnum):
    """How the cores of a product on one server are counted."""

    SUB_CAPACITY = "sub-capacity"
    """dedicated cores, entitlement where capped, virtual processors where uncapped, up to the pool and the server"""
    CAPPED_ONLY = "capped-only"
    """the same, but an uncapped LPAR counts the whole pool in which it runs"""
    FULL_CAPACITY = "full-capacity"
    """all cores of every server on which it runs"""
    NOT_BY_CORE = "not-by-core"


@dataclass(frozen=True, slots=True)
class Licensed:
    """A product of the estate that is licensed. ``per_core``: what one licence core is worth in the person's ``unit``;
    ``stated``: a policy says how it is counted; ``source``: who else does."""

    product: str
    counting: Counting
    lpars: frozenset[str]
    per_core: int = 1
    unit: str = CORES
    stated: bool = False
    source: str = "policy licence"

    @property
    def by_core(self) -> bool:
        """Whether its cores count at all."""
        return self.counting is not Counting.NOT_BY_CORE


def common_unit(products: Iterable[Licensed]) -> str:
    """The unit in which cores of all of these are worth something; "" where they are counted as cores."""
    units = {one.unit for one in products}
    return units.pop() if len(units) == 1 and CORES not in units else ""


_PASSPORT = ("IBM Passport Advantage, counting software licenses using specific virtualization technologies (needs "
             "ILMT; full capacity without)")
_ORACLE = "Oracle Partitioning Policy (070609): IBM LPAR and Micro-Partitions, capped partitions only"
KNOWN: tuple[tuple[str, Counting, str], ...] = (
    ("oracle", Counting.CAPPED_ONLY, _ORACLE),
    *((word, Counting.SUB_CAPACITY, _PASSPORT) for word in (
        "db2", "ibm db2", "websphere", "ibm websphere", "mq", "ibm mq", "informix")),
    ("ibm i", Counting.SUB_CAPACITY, "IBM p8hat_os400license: software licensing for IBM licensed programs"),
    ("sap", Counting.NOT_BY_CORE, "users, engines or memory of HANA, not cores; the database beneath counts by itself"))
"""(first word of a product, how it is counted where nobody states it, who says so)."""


@cache
def product_of(text: str) -> str:
    """``Oracle 10.2.0.4`` → ``Oracle``."""
    return re.sub(r"[\s-]+v?\d[\w.]*.*$", "", text.strip())


def running(lpars: Iterable[Lpar]) -> dict[str, frozenset[str]]:
    """Product → the LPARs in which it runs, operating systems included; of two spellings the first counts."""
    spelt: dict[str, str] = {}
    found: dict[str, set[str]] = {}
    for p in sorted(lpars, key=lambda p: p.name):
        for product in filter(None, (*map(product_of, p.software), p.os)):
            found.setdefault(spelt.setdefault(product.casefold(), product), set()).add(p.name)
    return {product: frozenset(found[product]) for product in sorted(found)}


def known(product: str, lpars: frozenset[str]) -> Licensed | None:
    """How a product is counted where nobody states it; None: nobody here knows that it is licensed."""
    word = product.casefold()
    return next((Licensed(product, counting, lpars, source=source) for name, counting, source in KNOWN
                 if word == name or word.startswith((f"{name} ", f"{name}/"))), None)


def counting_from(text: str) -> tuple[Counting, int, str]:
    """``sub-capacity`` or ``sub-capacity; 120 PVU``: how it is counted, and what a core is worth in which unit; raises
    ValueError."""
    word, _, worth = (x.strip() for x in text.partition(";"))
    if word not in tuple(Counting):
        raise ValueError(f"{word!r} is none of {', '.join(Counting)}")
    if not worth:
        return Counting(word), 1, CORES
    number, _, unit = (x.strip() for x in worth.partition(" "))
    value = decimal_from(number)
    if not unit or value != value.to_integral_value() or not 1 <= value <= LARGEST_VALUE:
        raise ValueError(f"{worth!r} is not a whole number and a unit, like '120 PVU' or '900 EUR'")
    return Counting(word), int(value), unit


@dataclass(frozen=True, slots=True)
class LicenceCeiling:
    """How far products may spread: to these servers, to so many, or to so many licence cores; None: not stated."""

    name: str
    lpars: frozenset[str]
    licensed: tuple[Licensed, ...] = ()
    servers: frozenset[str] | None = None
    most_servers: int | None = None
    most_cores: int | None = None

    @property
    def counts(self) -> bool:
        """Whether it counts over servers."""
        return self.most_servers is not None or self.most_cores is not None


@dataclass(frozen=True, slots=True)
class EnterprisePool:
    """Servers whose processor use is metered together (Power Enterprise Pools 2.0), above so many base cores."""

    name: str
    servers: tuple[str, ...]
    base_cores: int


def most_from(text: str) -> tuple[str, int] | None:
    """``3 servers`` or ``24 cores`` → what is counted, and how many at most; None for anything else. Raises ValueError
    for a number that is none."""
    match = re.fullmatch(r"(\S+)\s+(servers?|cores?)", text.strip(), re.IGNORECASE)
    if not match:
        return None
    value = decimal_from(match[1])
    if value != value.to_integral_value() or value < 0:
        raise ValueError(f"{match[1]!r} is no whole number of {match[2]}")
    return match[2].casefold().rstrip("s"), int(value)
