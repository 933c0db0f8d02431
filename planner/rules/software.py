"""Rules on what runs in the LPAR: minimum levels and products that refuse a live move."""

from __future__ import annotations

from collections.abc import Hashable, Iterator

from planner.findings import Severity
from planner.formats.values import level
from planner.rules.base import Breach, Scope, rule
from planner.rules.site import Site
from planner.rules.versions import below, split_product

#: SAP note 1102760 as the seed quotes it, for LPARs that run SAP or Oracle.
SAP_AIX: dict[tuple[int, ...], str] = {(5, 3): "5.3 TL8 SP4", (6, 1): "6.1 TL2 SP3"}
SAP_ORACLE = "10.2.0.4"
#: Lowest AIX levels for partition mobility on POWER6 (SAP note 1102760, text copy).
LPM_AIX: dict[tuple[int, ...], str] = {(5, 3): "5.3 TL7 SP1", (6, 1): "6.1 TL0 SP1"}


def _products(site: Site, lpar: str) -> list[tuple[str, str]]:
    return [split_product(s) for s in site.lpars[lpar].software]


def _too_low(site: Site, lpar: str, what: str, found: str, wanted: str, instead: str = "") -> Breach:
    production = site.lpars[lpar].environment == "production"
    return Breach(f"{what} {found} is below {wanted}", f"update to {wanted}{instead}",
                  Severity.ERROR if production else Severity.WARNING)


@rule("software.minimum", "The software has the levels at which a live move is supported; below them production "
      "is refused and others are warned of.", Scope.LPAR,
      source="seed: SAP note 1102760 (Oracle 10.2.0.4, AIX 5.3 TL8 SP4 or 6.1 TL2 SP3)")
def minimum(site: Site, lpar: str) -> Iterator[Breach]:
    p = site.lpars[lpar]
    products = _products(site, lpar)
    business = any(name.casefold().startswith(("sap", "oracle")) for name, _ in products)
    if p.os == "AIX" and p.os_level:
        wanted = (SAP_AIX if business else LPM_AIX).get(level(p.os_level)[:2])
        if wanted and below(p.os_level, wanted):
            yield _too_low(site, lpar, "AIX", p.os_level, wanted)
    if p.os == "IBM i" and p.os_level and below(p.os_level, "7.1 TR4"):
        yield _too_low(site, lpar, "IBM i", p.os_level, "7.1 TR4")
    for name, version in products:
        if name.casefold() in ("oracle", "oracle db", "oracle database") and version and below(version, SAP_ORACLE):
            yield _too_low(site, lpar, name, version, SAP_ORACLE)
    yield from _stated_minimums(site, lpar, products)


def _stated_minimums(site: Site, lpar: str, products: list[tuple[str, str]]) -> Iterator[Breach]:
    p = site.lpars[lpar]
    for wanted_name, wanted in sorted(site.policies.minimum_software.items()):
        if p.os.casefold() == wanted_name.casefold() and p.os_level and below(p.os_level, wanted):
            yield Breach(f"{p.os} {p.os_level} is below {wanted} (policy)", f"update to {wanted}")
        for name, version in products:
            if name.casefold() == wanted_name.casefold() and version and below(version, wanted):
                yield Breach(f"{name} {version} is below {wanted} (policy)", f"update to {wanted}")


#: (system, level from which, level below which, generations that it must not go to, from which generations, APAR).
#: Its interim fix may be installed before or after the move.
_APARS = (
    ("AIX", "6.1 TL9", "6.1 TL9 SP5", ("POWER7+", "POWER8"), ("POWER6", "POWER6+", "POWER7"), "IV59492"),)


def _software_shape(site: Site, lpar: str) -> Hashable:
    p = site.lpars[lpar]
    return p.os, p.os_level, p.software, p.environment


@rule("software.minimum-there", "The software has the level that is needed on a target of that generation: stated by a "
      "policy, or known to fail there (production is refused, others warned of).", Scope.MOVE, shape=_software_shape,
      source="policy minimum-software; IBM APAR IV59492 (AIX 6.1 TL9 below 6.1.9.45 crashes after a move and DLPAR)")
def minimum_there(site: Site, lpar: str, source: str, target: str) -> Iterator[Breach]:
    p = site.lpars[lpar]
    here, there = site.servers[source].generation, site.servers[target].generation
    for system, first, least, on, came, apar in _APARS:
        if (p.os == system and p.os_level and there in on and here in came
                and not below(p.os_level, first) and below(p.os_level, least)
                and not any(apar.casefold() in s.casefold() for s in p.software)):
            yield _too_low(site, lpar, f"on {there} (APAR {apar})", f"{system} {p.os_level}", least,
                           f", or install the interim fix of {apar} and list {apar} among its software")
    have = [(p.os, p.os_level), *_products(site, lpar)]
    for product, wanted, generations in site.policies.minimum_there:
        for name, version in have if there in generations else ():
            if name.casefold() == product.casefold() and version and below(version, wanted):
                yield Breach(f"{name} {version} is below {wanted}, which the policy wants on {there}",
                             f"update to {wanted}")


@rule("software.refused", "No product that refuses live moves runs there: Oracle RAC, and what a policy names.",
      Scope.LPAR, source="seed: SAP note 1102760 (single instance only, RAC not supported)")
def refused(site: Site, lpar: str) -> Iterator[Breach]:
    banned = {"oracle rac", *(s.casefold() for s in site.policies.refused_software)}
    for text in site.lpars[lpar].software:
        name = split_product(text)[0].casefold()
        if name in banned or text.casefold() in banned:
            yield Breach(f"runs {text}, for which live moves are not supported",
                         "stop the product on this node for the move, or leave the LPAR where it is")
