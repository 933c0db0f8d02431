"""What the page draws of reach: where each LPAR that the plan concerns can go, by what, and what refuses the rest."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from planner.findings import errors
from planner.plan.choices import OUT
from planner.plan.plan import Plan
from planner.reach import SHARED
from planner.rules import Judge, Site

_SERVERS, _LPARS = 8, 400
"""Servers that are drawn of an LPAR, and LPARs of which the page has a picture."""
_REASONS = 3


def reach_block(plan: Plan, site: Site, judge: Judge) -> dict[str, Any]:
    """For the picture of a chosen LPAR.

    - ``vioses``: server → its VIOSes; ``reasons``: [text, fix], each once; ``left``: how many LPARs have no picture.
    - ``lpars``: name → ``home``, ``gib``, ``to`` (where the plan has it, or null), ``vlans`` [label], ``luns`` (how
      many), ``fabrics`` [name], ``more`` (servers that are not drawn) and ``at``, a list of {``server``, ``why``:
      numbers of reasons, none where it may go, null where it is; ``by``: for each VLAN, then the LUNs, then each fabric
      a list of [number of the VIOS, how many LUNs it sees, or 1]}.
    """
    names = _concerned(plan, site)
    pictures = _Pictures(site, judge, _targets(plan), sorted({s for m in plan.moves for s in (m.source, m.target)}))
    lpars = {name: pictures.of(name) for name in names[:_LPARS]}
    drawn = {at["server"] for one in lpars.values() for at in one["at"]}
    return {"lpars": lpars, "left": max(0, len(names) - _LPARS), "reasons": [list(r) for r in pictures.reasons],
            "vioses": {s: site.reach.vioses_on[s] for s in site.servers if s in drawn}}


def _targets(plan: Plan) -> dict[str, str]:
    """LPAR → where the way out has it in the end."""
    return {m.lpar: m.target for m in plan.leg(OUT) or plan.moves}


def _concerned(plan: Plan, site: Site) -> list[str]:
    """Those that move, the largest first; of a conflict those that are in it."""
    stuck = plan.conflict.lpars if plan.conflict else ()
    names = dict.fromkeys([*(n for n in stuck if n in site.lpars), *(m.lpar for m in plan.moves)])
    return sorted(names, key=lambda n: (n not in stuck, -site.lpars[n].memory_mib, n))


class _Pictures:
    """One picture after the other; what they share is worked out once."""

    def __init__(self, site: Site, judge: Judge, targets: Mapping[str, str], touched: Sequence[str]) -> None:
        self.site, self.judge, self.targets, self.touched = site, judge, targets, touched
        self.reasons: dict[tuple[str, str], int] = {}
        self._seen: dict[tuple[Any, str], Sequence[str]] = {}

    def of(self, name: str) -> dict[str, Any]:
        """See :func:`reach_block`."""
        reach, home = self.site.reach, self.site.lpars[name].server
        near = self.judge.near(name)
        every = list(dict.fromkeys([s for s in (self.targets.get(name), home) if s] + [
            *(s for s in self.touched), *(s for s in self.site.servers if near is None or s in near),
            *(self.site.servers if len(self.site.servers) <= _SERVERS else ())]))
        luns = dict.fromkeys(d.lun for d in reach.disks_of(name) if d.backing in SHARED)
        fabrics = dict.fromkeys(f.fabric for f in reach.fibres_of(name))
        vlans = reach.vlans_of(name)
        switches = {vswitch for vswitch, _ in vlans}
        drawn = sorted(every[:_SERVERS], key=lambda s: (s == home, every.index(s)))
        return {
            "home": home, "gib": self.site.lpars[name].memory_mib / 1024, "to": self.targets.get(name),
            "vlans": [f"{vlan}" if len(switches) == 1 else f"{vlan} ({vswitch})" for vswitch, vlan in vlans],
            "luns": len(luns), "fabrics": list(fabrics), "more": len(self.site.servers) - len(drawn),
            "at": [{"server": s, "why": None if s == home else [*self._why(name, home, s)],
                    "by": [*self._by(s, vlans, luns, fabrics)]} for s in drawn]}

    def _why(self, name: str, home: str, server: str) -> Iterator[int]:
        refused = errors(self.judge.readiness(name)) or errors(self.judge.move(name, home, server))
        for f in refused[:_REASONS]:
            yield self.reasons.setdefault((f"{f.message} ({f.rule})", f.fix), len(self.reasons))

    def _by(self, server: str, vlans: Sequence[tuple[str, int]], luns: Mapping[str, None], fabrics: Mapping[str, None]
            ) -> Iterator[list[list[int]]]:
        """Who carries what there."""
        reach, vioses = self.site.reach, list(self.site.reach.vioses_on[server])
        for vswitch, vlan in vlans:
            bridging = reach.bridging(vswitch, vlan, server)
            yield [[n, 1] for n, v in enumerate(vioses) if v in bridging]
        if luns:
            count = dict.fromkeys(vioses, 0)
            for lun in luns:
                for vios in self._sees(lun, server):
                    count[vios] += 1
            yield [[n, count[v]] for n, v in enumerate(vioses) if count[v]]
        for fabric in fabrics:
            yield [[n, 1] for n, v in enumerate(vioses) if (v, fabric) in reach.ports_at]

    def _sees(self, lun: str, server: str) -> Sequence[str]:
        node = self.site.reach.lun_nodes.get(lun, lun)
        if (node, server) not in self._seen:
            self._seen[node, server] = list(self.site.reach.reserve_policies(lun, server))
        return self._seen[node, server]
