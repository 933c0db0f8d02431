"""What a server draws and what that costs: watts between idle and maximum, kWh, money, CO₂."""

from __future__ import annotations

from dataclasses import dataclass

from planner.estate.catalogue import CATALOGUE, Catalogue, ModelWatts
from planner.estate.model import Server
from planner.units import UNITS_PER_CORE

HOURS_PER_YEAR = 8760
MOST_WATTS = 200_000
"""More than any server draws: a larger figure is a slip of the pen."""


@dataclass(frozen=True, slots=True)
class Power:
    """Watts of a server that is on, idle and at most. ``assumed``: not both are stated in the estate; ``source``: where
    they come from, in a reader's words."""

    idle_w: int
    max_w: int
    assumed: bool
    source: str


@dataclass(frozen=True, slots=True)
class Tariff:
    """What a kWh costs and emits; None: not given, so that the answer has none either."""

    price_per_kwh: float | None = None
    currency: str = ""
    co2_kg_per_kwh: float | None = None


@dataclass(frozen=True, slots=True)
class Energy:
    """Energy of some hours, with its price and CO₂ where the tariff says."""

    kwh: float
    money: float | None
    co2_kg: float | None

    def __add__(self, other: Energy) -> Energy:
        money = None if self.money is None or other.money is None else self.money + other.money
        co2 = None if self.co2_kg is None or other.co2_kg is None else self.co2_kg + other.co2_kg
        return Energy(self.kwh + other.kwh, money, co2)


def power_of(server: Server, catalogue: Catalogue = CATALOGUE) -> Power:
    """What a server draws: as the estate states; else its model's drawers for the configurable cores; else a default
    per core of its generation. One figure without the other is completed by the catalogue's idle share.

    Whatever the estate does not state is an assumption: no public text gives the watts of these servers.
    """
    idle, most = server.idle_watts, server.max_watts
    share = catalogue.idle_share
    if idle is not None and most is not None:
        return Power(idle, most, False, "stated in the estate")
    if most is not None:
        return Power(round(most * share), most, True,
                     f"maximum stated in the estate; idle assumed at {float(share):g} of it")
    if idle is not None:
        return Power(idle, round(idle / share), True,
                     f"idle stated in the estate; maximum assumed at idle / {float(share):g}")
    model = catalogue.find(server.model)
    if model is not None and model.watts is not None:
        return _of_drawers(model.type_model, model.watts, server.configurable_units)
    return _by_core(server, catalogue)


def _cores(units: int) -> int:
    """Whole cores that so many hundredths need."""
    return -(-units // UNITS_PER_CORE)


def _of_drawers(name: str, watts: ModelWatts, units: int) -> Power:
    drawers = max(1, -(-_cores(units) // watts.cores))
    return Power(drawers * watts.idle, drawers * watts.maximum, True,
                 f"catalogue: {name}, {drawers} × {watts.maximum} W ({watts.cores} cores each; confidence "
                 f"{watts.confidence}: {watts.source})")


def _by_core(server: Server, catalogue: Catalogue) -> Power:
    table = catalogue.watts_per_core
    per_core = table.get(server.generation, table.get("", 0))
    most = per_core * max(1, _cores(server.configurable_units))
    of = server.generation or "an unknown generation"
    return Power(round(most * catalogue.idle_share), most, True,
                 f"default: {per_core} W per core of {of}, idle {float(catalogue.idle_share):g} of the maximum")


def core_tenths(power: Power, units: int) -> int:
    """Tenths of a watt that a busy core adds on a server of so many hundredths of a core: (maximum - idle) / cores,
    half a tenth rounded up.

    Rounded here once, it makes what so many hundredths of a core draw whole milliwatts, and thousandths whole tenths
    of one: sums are exact, and what is only rounded differently is no reason to move an LPAR. No server's watts are
    known as finely as that.
    """
    cores = max(units, 1)
    return (2 * 1000 * (power.max_w - power.idle_w) + cores) // (2 * cores)


def watts(power: Power, units: int, busy_cores: float) -> float:
    """P = idle + watts of a busy core · busy cores, from idle to the maximum. A linear model: an assumption."""
    return min(power.idle_w + core_tenths(power, units) * max(busy_cores, 0.0) / 10, power.max_w)


def energy(average_watts: float, hours: float, tariff: Tariff) -> Energy:
    """Energy of so many hours at so many watts."""
    kwh = average_watts * hours / 1000
    return Energy(kwh, None if tariff.price_per_kwh is None else kwh * tariff.price_per_kwh,
                  None if tariff.co2_kg_per_kwh is None else kwh * tariff.co2_kg_per_kwh)
