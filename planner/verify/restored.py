"""What of an LPAR's adapters is not as it was when it comes home, told from the estate's rows alone."""

from __future__ import annotations

from collections.abc import Iterator

from planner.findings import Finding, Severity
from planner.plan.choices import BACK
from planner.plan.plan import Move
from planner.rules import Site

NOT_AS_IT_WAS = "plan.as-it-was"


def restored(site: Site, move: Move) -> Iterator[Finding]:
    """The adapters that come home by another VIOS or physical port than served them at the start."""
    if move.leg != BACK or move.target != site.lpars[move.lpar].server:
        return
    listed = {p.port for p in site.sriov.get(move.target, ())}
    was = {f"slot {d.slot}": (d.vios, "") for d in site.reach.disks_of(move.lpar)}
    was |= {f"Fibre Channel slot {f.slot}": (f.vios, f.port) for f in site.reach.fibres_of(move.lpar)}
    was |= {f"vNIC slot {v.slot}, device {v.device}": (v.vios, v.port if v.port in listed else "")
            for v in site.vnics.get(move.lpar, ())}
    comes = {f"slot {slot}": (vios, "") for slot, vios in move.disks}
    comes |= {f"Fibre Channel slot {slot}": (vios, port) for slot, vios, port in move.fibres}
    comes |= {f"vNIC slot {b.slot}, device {b.device}": (b.vios, b.port) for b in move.vnics}
    other = [f"{what} by {_shown(there)}, not {_shown(was[what])}" for what, there in comes.items()
             if any(a and b and a != b for a, b in zip(there, was.get(what, there), strict=True))]
    if other:
        yield Finding(NOT_AS_IT_WAS, Severity.WARNING, move.lpar, f"comes home to {move.target} otherwise than it was: "
                      f"{'; '.join(other)}", "see what keeps it from there (zoning, reserve policy, free ports); else "
                      "note the new mapping")


def _shown(at: tuple[str, str]) -> str:
    """The (VIOS, physical port) in words."""
    return " ".join(filter(None, at))
