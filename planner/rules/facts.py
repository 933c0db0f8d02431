"""The facts of an estate on which a rule's refusal rests, each with its file and line: the words of ``reads=``.

``lpars.F``: a field of the LPAR; ``source.F``, ``target.F``: of a server; ``vioses.F``: of their VIOSes;
``networks.F``, ``disks.F``, ``fibres.F``: of the LPAR's adapters; ``bridges.F``, ``zonings.F``, ``ports.F``,
``pools.F``: of what the VIOSes of both servers have of these; ``policies.KIND``: of rows that name the LPAR or a
server.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from planner.estate.assemble import Loaded
from planner.estate.model import TABLE, Policy, Type
from planner.estate.policies import exempted
from planner.rules.base import Rule
from planner.rules.site import Site
from planner.units import show_cores, show_gib

_KEYED = {"bridges": "vlan", "zonings": "lun", "ports": "fabric"}
_OF_ALL = ("console-link", "site-link", "minimum-software", "refused-software", "licensed-servers")


@dataclass(frozen=True, slots=True)
class StatedFact:
    """One field of one row as the estate workbook shows it, and where it stands; ``""``: nowhere."""

    sheet: str
    row: str
    header: str
    value: str
    source: str

    @property
    def text(self) -> str:
        """``Servers p570-1, Firmware: EM350_085 (hmc1.txt:12)``."""
        return f"{self.sheet} {self.row}, {self.header}: {self.value}" + (f" ({self.source})" if self.source else "")


def facts_of(loaded: Loaded, site: Site, rule: Rule, lpar: str, target: str, told: str = "") -> list[StatedFact]:
    """What a rule that refuses an LPAR, or its move to a server, reads of the estate; first what the target lacks, then
    what the refusal's message (``told``) names and what is the target's."""
    found: list[StatedFact] = []
    lacks: list[StatedFact] = []
    deciding = {target, *(v.name for v in site.vioses_on(target))}
    for word in rule.reads:
        kind, _, name = word.partition(".")
        lacks += _lacking(site, kind, lpar, target)
        for table, row, of in _rows(site, kind, name, lpar, target):
            key = TABLE[table].key_of(row)
            column = next(c for c in TABLE[table].columns if c.field == of)
            source = loaded.source(table, key, of)
            found.append(StatedFact(TABLE[table].sheet, " ".join(str(k) for k in key if k != ""), column.header,
                                    _shown(getattr(row, of), column.type), str(source or "")))
    said = {word.strip("(),;:") for word in told.split()}

    def weight(fact: StatedFact) -> int:
        words = {fact.value, *fact.row.split()}
        return -2 * bool(words & deciding) - bool(words & (said - {lpar}))

    return [*lacks, *sorted(dict.fromkeys(found), key=weight)]


def _lacking(site: Site, kind: str, lpar: str, target: str) -> Iterator[StatedFact]:
    """That no VIOS of the target has a row of a VLAN, LUN or fabric of the LPAR."""
    vioses = [v.name for v in site.vioses_on(target)]
    if kind not in _KEYED or not vioses:
        return
    name = _KEYED[kind]
    there = {getattr(r, name) for r in getattr(site.estate, kind) if r.vios in vioses}
    missing = sorted(map(str, _own(site, kind, lpar) - there))
    if missing:
        column = next(c for c in TABLE[kind].columns if c.field == name)
        yield StatedFact(TABLE[kind].sheet, f"of {', '.join(vioses)} on {target}", column.header,
                         f"no row of {', '.join(missing)}", "")


def _rows(site: Site, kind: str, name: str, lpar: str, target: str) -> Iterator[tuple[str, Any, str]]:
    """(table, row, field) of a word."""
    estate, here = site.estate, site.lpars[lpar].server
    if kind == "policies":
        yield from (("policies", p, "value" if p.value else "subject") for p in estate.policies
                    if p.kind == name and p.active and _names(site, p, lpar, here, target))
    elif kind in ("source", "target"):
        yield "servers", site.servers[here if kind == "source" else target], name
    else:
        yield from ((kind, row, name) for row in _of_tables(site, kind, lpar, here, target))


def _of_tables(site: Site, kind: str, lpar: str, here: str, target: str) -> list[Any]:
    """The rows of a table that are of the LPAR, or of the VIOSes of both servers and concern it."""
    rows = getattr(site.estate, kind)
    of = {"lpars": ("name", lpar), "networks": ("lpar", lpar), "disks": ("lpar", lpar), "fibres": ("lpar", lpar),
          "pools": ("server", target)}.get(kind)
    if of:
        return [r for r in rows if getattr(r, of[0]) == of[1]]
    vioses = {v.name for s in (here, target) for v in site.vioses_on(s)}
    if kind == "vioses":
        return [v for v in rows if v.name in vioses]
    return [r for r in rows if r.vios in vioses and getattr(r, _KEYED[kind]) in _own(site, kind, lpar)]


def _own(site: Site, kind: str, lpar: str) -> set[Any]:
    """Its VLANs, LUNs or fabrics."""
    if kind == "bridges":
        return {vlan for _, vlan in site.reach.vlans_of(lpar)}
    return {d.lun for d in site.reach.disks_of(lpar)} if kind == "zonings" else {
        f.fabric for f in site.reach.fibres_of(lpar)}


def _names(site: Site, policy: Policy, lpar: str, *servers: str) -> bool:
    """Whether a row is about the LPAR or one of the servers, or nobody in particular."""
    return policy.kind in _OF_ALL or any([*exempted(site.estate, policy, {name})] != [policy]
                                         for name in (lpar, *servers))


def _shown(value: Any, kind: Type) -> str:
    """A value as the workbook has it: a figure that can be typed there."""
    if value is None or value in ("", ()):
        return "not stated"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, tuple):
        return ", ".join(map(str, value))
    told = {Type.CORES: show_cores, Type.GIB: show_gib}.get(kind, str)(value)
    return told.replace(",", "") if kind is Type.GIB else told
