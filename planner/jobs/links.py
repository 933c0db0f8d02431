"""What a plan takes for granted of the links over which its moves go."""

from __future__ import annotations

from collections.abc import Iterator

from planner.estate.parameters import link_class
from planner.rules import Site
from planner.rules.links import SEVERAL_THREADS, one_stream, packs
from planner.units import some


def link_assumptions(site: Site) -> Iterator[str]:
    """Movers whose link is faster than the one stream by which they send, and servers that compress by how much nobody
    knows."""
    p = site.parameters
    measured = {v.name for v in site.vioses.values() if link_class(v.link_mbit) in p.rates}
    fast = [v for v in site.vioses.values() if v.name not in measured and not p.stream_mb_s
            and p.link_efficiency * (v.link_mbit or 1000) / 8 > p.old_stream_mb_s]
    if slow := [v.name for v in fast if one_stream(v, site.servers[v.server])]:
        yield (f"VIOSes below {SEVERAL_THREADS}, or of unknown level on POWER8 and older, send each move by one "
               f"thread, at most {p.old_stream_mb_s:g} MB/s whatever the link: {some(slow)} (parameter "
               "old_stream_mb_s).")
    packing = [s.name for s in site.servers.values() if packs(s)]
    if len(packing) > 1 and p.compression == 1 and len(measured) < len(site.vioses):
        yield ("Moves between servers at FW920 or later under an HMC of V9R1.920 or later are compressed on the way; "
               "by how much no text says, so nothing is taken off their bytes (parameter compression; planner "
               f"calibrate): {some(packing)}.")
