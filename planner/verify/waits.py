"""Whether each wait of a plan is needed for what it says that it is."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from planner.grouping import grouped
from planner.plan.plan import Move
from planner.rules import Judge, Site
from planner.verify.base import Claim
from planner.verify.lanes import proved
from planner.verify.order import Precedence, arcs_of, ordered_by
from planner.verify.provisos import Proviso

_ALIKE = {"storage.npiv-ports": "plan.ports", "storage.npiv-mapping": "plan.ports",
          "storage.virtual-slots": "plan.slots", "memory.paging-devices": "plan.paging",
          "memory.pool": "plan.pool-memory", "partition.id-free": "plan.id", "network.vnic-ports": "plan.vnics",
          "network.vnic-capacity": "plan.vnics", "network.vnic-fit": "plan.vnics"}
"""Rules, and what is counted here of the same thing."""


def wait_claims(moves: Sequence[Move], site: Site, judge: Judge) -> Iterator[Claim]:
    """Were a move not to wait for another for which it says that a rule needs it, some timing would break that rule."""
    named = any(w.rule for m in moves for w in m.waits)
    for leg, provisos in proved(moves, site, judge) if named else ():
        of_rule = grouped((_ALIKE.get(one.rule, one.rule), one) for one in provisos)
        arcs = arcs_of(leg.moves)
        for j, i, wait in arcs:
            if wait is not None and wait.rule:
                asked = of_rule.get(_ALIKE.get(wait.rule, wait.rule), ())
                without = ordered_by(leg.moves, [a for a in arcs if a[:2] != (j, i)])
                broken = [one for one in asked if without is not None and _breaks(one, leg.order, without)]
                yield Claim(f"whether it must wait for move {wait.move} because of {wait.rule}", True, bool(broken),
                            leg.moves[i].lpar)
                if broken:
                    yield Claim(f"whether move {wait.move} must have arrived", wait.until == "arrived",
                                any(one.room for one in broken), leg.moves[i].lpar)


def _breaks(one: Proviso, order: Precedence, without: Precedence) -> bool:
    """Whether something could happen once a wait is gone."""
    return any(order.before[i] != without.before[i] for i in one.moves) and bool(one.breach(without))
