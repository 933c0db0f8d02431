"""The cheapest set of servers that carries every active LPAR; then the cheapest way to get there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from planner.errors import UsageError
from planner.plan import Measure
from planner.rules.site import Site

__all__ = ["Consolidate", "Measure", "consolidate_goal"]


@dataclass(frozen=True, slots=True)
class Consolidate:
    """``keep`` stay on, ``off`` go off; ``n_plus_1``: any one server that stays may fail."""

    measure: Measure = Measure.WATTS
    n_plus_1: bool = False
    keep: tuple[str, ...] = ()
    off: tuple[str, ...] = ()


def consolidate_goal(site: Site, measure: Measure = Measure.WATTS, n_plus_1: bool = False, keep: Sequence[str] = (),
                     off: Sequence[str] = ()) -> Consolidate:
    """A checked goal; raises UsageError for servers that the estate lacks or that are to be both on and off."""
    unknown = sorted({s for s in (*keep, *off) if s not in site.servers})
    if unknown:
        raise UsageError(f"no server {', '.join(map(repr, unknown))}; the estate has: {', '.join(site.servers)}")
    both = sorted(set(keep) & set(off))
    if both:
        raise UsageError(f"{', '.join(map(repr, both))}: named by --keep and by --off")
    return Consolidate(measure, n_plus_1, tuple(sorted(set(keep))), tuple(sorted(set(off))))
