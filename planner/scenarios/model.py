"""A scenario as a person states it: servers to add and to retire, growth, ceilings, resizing, prices."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction

from planner.estate.energy import HOURS_PER_YEAR, Tariff
from planner.estate.model import Policy

ALL = "all"
"""``wired_like``: the VLANs, LUNs and fabrics of every server that is there."""


@dataclass(frozen=True, slots=True)
class NewServer:
    """A server to add, from the catalogue. Cores whole, memory in MiB, VIOS entitlement in hundredths of a core each.

    ``wired_like``: a server whose VLANs, LUNs and fabrics its VIOSes will see, or ``ALL``. None and ``""``: not
    stated, an assumption takes its place.
    """

    name: str
    model: str
    cores: int
    memory_mib: int
    wired_like: str = ALL
    ghz: str = ""
    console: str = ""
    site: str = ""
    firmware: str = ""
    firmware_memory_mib: int | None = None
    lmb_mib: int | None = None
    idle_watts: int | None = None
    max_watts: int | None = None
    max_migrations: int | None = None
    vioses: int = 2
    vios_units: int = 100
    vios_memory_mib: int = 4096
    vios_link_mbit: int | None = None
    vios_level: str = ""


@dataclass(frozen=True, slots=True)
class Growth:
    """How much more a group of LPARs will need. ``lpars``: names, wildcards, ``env:…``, ``software:…``; shares."""

    lpars: str
    cores: Fraction = Fraction(0)
    memory: Fraction = Fraction(0)


@dataclass(frozen=True, slots=True)
class ServerClock:
    """The clock of servers that are there, which no export states; GHz as text."""

    servers: str
    ghz: str


@dataclass(frozen=True, slots=True)
class Scenario:
    """One what-if. ``headroom``: share added to a resized entitlement; ``restart_minutes``: how long an LPAR is down
    when it is restarted; ``restart_cost_s``: seconds by which a restart counts as dearer than a live move."""

    name: str
    file: str = ""
    note: str = ""
    add: tuple[NewServer, ...] = ()
    retire: tuple[str, ...] = ()
    growth: tuple[Growth, ...] = ()
    clocks: tuple[ServerClock, ...] = ()
    policies: tuple[Policy, ...] = ()
    resize: bool = True
    headroom: Fraction = Fraction(0)
    restart_minutes: int = 30
    restart_cost_s: int = 4 * 3600
    tariff: Tariff = field(default_factory=Tariff)
    hours: int = HOURS_PER_YEAR
    frontier: bool = True
    inactive: bool = True
    """What is not activated on a server that it retires is migrated as well."""
    assume_nothing: bool = False
    """What nobody states and a rule would take for granted is refused."""
    lines: Mapping[str, int] = field(default_factory=dict)
    """Line of the file where a path such as ``add[1].cores`` stands, for messages."""
