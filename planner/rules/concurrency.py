"""How many migrations run at a time: what is stated and what each level supports; the smallest counts. An unknown level
limits nothing, but where nothing may be assumed.

Source: IBM firmware support matrices for partition mobility, table 2 (4 at any level; 8 from HMC V7R7.4.0 SP1 and VIOS
2.2.0.11 on; 16 from FW760, HMC V7R7.6 and VIOS 2.2.2.0 on), and IBM's restriction list (robmcnelly.com): 4 over a VIOS
below 2.2.2.0 or over 1 Gbit/s, 8 over a later one.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from planner.estate.consoles import is_ivm
from planner.estate.model import Vios
from planner.rules.site import Site
from planner.rules.versions import below, firmware_release

BASE_LIMIT = 4
"""Concurrent moves that every firmware, console and VIOS level supports, per server and per VIOS."""
Limit = tuple[int, str]
"""So many at most, and what says so."""


_REDUNDANT_SINCE, _REDUNDANT_FIRMWARE = "V9", 860
"""The HMC level whose page of migrlpar lists ``redundant_msps``, and the firmware that has it (p8hc3_redunmspmigr)."""
_CONSOLE, _VIOS = ("V7R7.4", "V7R7.6"), ("2.2.0.11", "2.2.2.0")
"""Levels from which on a server has 8 and 16 moves at a time."""


def _by_level(site: Site, level: str, since: tuple[str, str], what: str) -> Iterator[Limit]:
    """What a level supports."""
    eight, sixteen = since
    if below(level, sixteen):
        yield (BASE_LIMIT if below(level, eight) else 8), f"{what} {level}"
    elif below(level, sixteen) is None and site.assume_nothing:
        yield BASE_LIMIT, f"{what} unknown"


def _stated(site: Site, name: str, most: int | None, by: str = "Max migrations") -> Iterator[Limit]:
    """What an export or a person states of a server or VIOS; where none does, what every level supports."""
    yield (BASE_LIMIT, "what every level supports") if most is None else (most, by)
    if name in site.policies.concurrency:
        yield site.policies.concurrency[name], "policy concurrency"


def _of_server(site: Site, server: str) -> Iterator[Limit]:
    row = site.servers[server]
    yield from _stated(site, server, row.max_migrations)
    release = firmware_release(row.firmware)
    if release and release[0] < 760:
        yield 8, f"firmware {row.firmware}"
    for v in site.movers(server):
        yield from _by_level(site, v.level, _VIOS, f"VIOS level of {v.name}")
    if not is_ivm(row, [v.name for v in site.vioses_on(server)]):
        yield from _by_level(site, row.console_level, _CONSOLE, "console level")


    movers = redundant_movers(site, server)
    if movers and any(redundant_movers(site, other) for other in site.servers if other != server):
        yield min(mover_limit(site, v)[0] for v in movers), "each move takes a place on two of its movers"


def redundant_movers(site: Site, server: str) -> Sequence[Vios]:
    """The movers of a server of which the console makes two pairs for one move to or from another server that has such:
    two at least with known addresses, by the levels of console and firmware; empty where it does not."""
    row = site.servers[server]
    release = firmware_release(row.firmware)
    if release is None or release[0] < _REDUNDANT_FIRMWARE or below(row.console_level, _REDUNDANT_SINCE) is not False:
        return ()
    movers = [v for v in site.movers(server) if v.mover_address and v.lpar_id is not None]
    return () if len(movers) < 2 or is_ivm(row, [v.name for v in site.vioses_on(server)]) else movers


def _of_vios(site: Site, name: str) -> Iterator[Limit]:
    vios = site.vioses[name]
    yield from _stated(site, name, vios.max_migrations)
    if (vios.link_mbit or 1000) <= 1000:
        yield BASE_LIMIT, "a link of 1 Gbit/s"
    low = below(vios.level, _VIOS[1])
    if low or (low is None and site.assume_nothing):
        yield BASE_LIMIT, f"level {vios.level or 'unknown'}"


def server_limit(site: Site, server: str) -> Limit:
    """Concurrent moves that a server takes part in at most, and what says so."""
    return site.least(_of_server, server)


def inactive_limit(site: Site, server: str) -> Limit:
    """Concurrent inactive migrations that a server takes part in at most, and what says so."""
    return next(_stated(site, server, site.servers[server].max_inactive_migrations, "Max inactive migrations"))


def mover_limit(site: Site, vios: Vios) -> Limit:
    """Concurrent moves of a mover at most, and what says so."""
    return site.least(_of_vios, vios.name)


def wanted_levels(count: int) -> tuple[str, str]:
    """The levels of console and movers that so many moves at a time on a server want, where not every level will do."""
    step = 0 if count <= 8 else 1
    return _CONSOLE[step], _VIOS[step]


MANY_OVER_ONE = _VIOS[1]
"""The level from which on a mover carries more moves at a time than every level supports."""
