"""Rules on what runs in the LPAR: minimum levels and products that refuse a live move."""

from __future__ import annotations

from collections.abc import Hashable, Iterator

from planner.estate.changes import Repair, SetTo, set_to
from planner.findings import Severity
from planner.formats.values import level
from planner.rules.base import Alternatives, Breach, Scope, any_of, rule
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


def _to_minimum(site: Site, lpar: str) -> Iterator[Alternatives]:
    yield any_of(_updated(site, lpar, [(what, wanted) for what, _, wanted, _ in sorted(
        _below_minimum(site, lpar), key=lambda row: level(row[2]))]))


@rule("software.minimum", "The software has the levels at which a live move is supported; below them production "
      "is refused and others are warned of.", Scope.LPAR,
      source="seed: SAP note 1102760 (Oracle 10.2.0.4, AIX 5.3 TL8 SP4 or 6.1 TL2 SP3)",
      lifts=_to_minimum,
      reads="lpars.os_level lpars.software lpars.environment policies.minimum-software")
def minimum(site: Site, lpar: str) -> Iterator[Breach]:
    for what, found, wanted, stated in _below_minimum(site, lpar):
        yield (Breach(f"{what} {found} is below {wanted} (policy)", f"update to {wanted}") if stated else
               _too_low(site, lpar, what, found, wanted))


def _below_minimum(site: Site, lpar: str) -> Iterator[tuple[str, str, str, bool]]:
    """(product or system, its level, the least one, whether a policy states that) of what is below it."""
    p = site.lpars[lpar]
    products = _products(site, lpar)
    business = any(name.casefold().startswith(("sap", "oracle")) for name, _ in products)
    if p.os == "AIX" and p.os_level:
        wanted = (SAP_AIX if business else LPM_AIX).get(level(p.os_level)[:2])
        if wanted and below(p.os_level, wanted):
            yield "AIX", p.os_level, wanted, False
    if p.os == "IBM i" and p.os_level and below(p.os_level, "7.1 TR4"):
        yield "IBM i", p.os_level, "7.1 TR4", False
    for name, version in products:
        if name.casefold() in ("oracle", "oracle db", "oracle database") and version and below(version, SAP_ORACLE):
            yield name, version, SAP_ORACLE, False
    for wanted_name, wanted in sorted(site.policies.minimum_software.items()):
        for name, version in ((p.os, p.os_level), *products):
            if name.casefold() == wanted_name.casefold() and version and below(version, wanted):
                yield name, version, wanted, True


def _updated(site: Site, lpar: str, least: list[tuple[str, str]]) -> Repair:
    """An LPAR whose system and products have these levels (product, level), of several of one the last."""
    p, wanted = site.lpars[lpar], dict(least)
    edits = [SetTo("lpars", (lpar,), "os_level", wanted[p.os])] if p.os in wanted else []
    software = tuple(f"{name} {wanted[name]}" if version and name in wanted else text
                     for text, (name, version) in zip(p.software, _products(site, lpar), strict=True))
    return Repair("update", lpar, f"update {lpar}: {', '.join(f'{name} to {at}' for name, at in wanted.items())}",
                  (*edits, SetTo("lpars", (lpar,), "software", software)))


#: (system, level from which, level below which, generations that it must not go to, from which generations, APAR).
#: Its interim fix may be installed before or after the move.
_APARS = (
    ("AIX", "6.1 TL9", "6.1 TL9 SP5", ("POWER7+", "POWER8"), ("POWER6", "POWER6+", "POWER7"), "IV59492"),)


def _software_shape(site: Site, lpar: str) -> Hashable:
    p = site.lpars[lpar]
    return p.os, p.os_level, p.software, p.environment


def _to_minimum_there(site: Site, lpar: str, source: str, target: str) -> Iterator[Alternatives]:
    yield any_of(_updated(site, lpar, [(what, wanted) for what, _, wanted, _ in sorted(
        _below_there(site, lpar, source, target), key=lambda row: level(row[2]))]))


@rule("software.minimum-there", "The software has the level that is needed on a target of that generation: stated by a "
      "policy, or known to fail there (production is refused, others warned of).", Scope.MOVE, shape=_software_shape,
      source="policy minimum-software; IBM APAR IV59492 (AIX 6.1 TL9 below 6.1.9.45 crashes after a move and DLPAR)",
      lifts=_to_minimum_there,
      reads="lpars.os_level lpars.software target.generation policies.minimum-software")
def minimum_there(site: Site, lpar: str, source: str, target: str) -> Iterator[Breach]:
    for what, found, wanted, apar in _below_there(site, lpar, source, target):
        there = site.servers[target].generation
        yield (_too_low(site, lpar, f"on {there} (APAR {apar})", f"{what} {found}", wanted,
                        f", or install the interim fix of {apar} and list {apar} among its software") if apar else
               Breach(f"{what} {found} is below {wanted}, which the policy wants on {there}", f"update to {wanted}"))


def _below_there(site: Site, lpar: str, source: str, target: str) -> Iterator[tuple[str, str, str, str]]:
    """(product or system, its level, the least one there, the APAR that says so or ``""``: a policy)."""
    p = site.lpars[lpar]
    here, there = site.servers[source].generation, site.servers[target].generation
    for system, first, least, on, came, apar in _APARS:
        if (p.os == system and p.os_level and there in on and here in came
                and not below(p.os_level, first) and below(p.os_level, least)
                and not any(apar.casefold() in s.casefold() for s in p.software)):
            yield system, p.os_level, least, apar
    have = [(p.os, p.os_level), *_products(site, lpar)]
    for product, wanted, generations in site.policies.minimum_there:
        for name, version in have if there in generations else ():
            if name.casefold() == product.casefold() and version and below(version, wanted):
                yield name, version, wanted, ""


def _stopped_product(site: Site, lpar: str) -> Iterator[Alternatives]:
    running = [s for s in site.lpars[lpar].software if not _banned(site, s)]
    stopped = [s for s in site.lpars[lpar].software if _banned(site, s)]
    yield any_of(set_to("stop-product", "lpars", lpar, "software", tuple(running), passing=True,
                        words=f"stop {', '.join(stopped)} on {lpar} for the move, and start it again after it"))


def _banned(site: Site, text: str) -> bool:
    banned = {"oracle rac", *(s.casefold() for s in site.policies.refused_software)}
    return split_product(text)[0].casefold() in banned or text.casefold() in banned


@rule("software.refused", "No product that refuses live moves runs there: Oracle RAC, and what a policy names.",
      Scope.LPAR, source="seed: SAP note 1102760 (single instance only, RAC not supported)",
      lifts=_stopped_product,
      reads="lpars.software policies.refused-software")
def refused(site: Site, lpar: str) -> Iterator[Breach]:
    for text in site.lpars[lpar].software:
        if _banned(site, text):
            yield Breach(f"runs {text}, for which live moves are not supported",
                         "stop the product on this node for the move, or leave the LPAR where it is")
