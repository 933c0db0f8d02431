"""What a wave may take in, by hand: nodes of a cluster, the rest of the order, blackouts of those that become slower."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from estates import changed, estate, exactly, lpar, policy, server, stating, vioses

from planner.estate.model import Estate
from planner.plan.choices import OUT
from planner.plan.plan import Window
from planner.rules import Site
from planner.schedule.order import Step
from planner.schedule.waves import Packer

NIGHT = Window(datetime(2026, 12, 5, 22), datetime(2026, 12, 6, 4))
SMALL = [lpar(f"a{n}", "A", 0.1, 4, busy_units=5) for n in range(1, 4)]
OF = estate([server("A"), server("B"), server("C")], SMALL)


def waves(of: Estate, *steps: Step, window: Window | None = None, free: bool = True) -> list[list[str]]:
    """The LPARs of each wave, in order."""
    site = Site(of)
    moves = Packer(site, window).pack(steps, site.start, OUT, 0, 1, free)
    assert moves is not None
    return [[m.lpar for m in moves if m.wave == n] for n in sorted({m.wave for m in moves})]


def to_b(names: Sequence[str]) -> list[Step]:
    return [Step(n, "A", "B") for n in names]


def test_two_nodes_of_a_cluster_are_in_different_waves_and_others_fly_with_either() -> None:
    """They end on different servers, as clusters must."""
    steps = [Step("a1", "A", "B"), Step("a2", "A", "B"), Step("a3", "A", "C")]
    assert waves(OF, *steps) == [["a1", "a2", "a3"]]
    of = stating(OF, policy("cluster", "crm", "a1; a3"))
    assert waves(of, *steps) == [["a1", "a2"], ["a3"]]
    assert waves(OF, steps[0], steps[2]) == [["a1", "a3"]]
    assert waves(of, steps[0], steps[2]) == [["a1"], ["a3"]], "though each would have movers of its own"
    assert waves(stating(OF, policy("cluster", "crm", "a1; c9")), *steps) == [["a1", "a2", "a3"]]


def test_nobody_is_drawn_forward_whom_those_before_it_leave_no_room() -> None:
    """B is as large as a2, which parks there once b1 has left. a1, which comes last, would fit beside b1 at once, and
    keep a2 out for good; where B has room for both it is drawn forward."""
    a1, a2, b1 = lpar("a1", "A", 0.5, 1), lpar("a2", "A", 0.5, 6), lpar("b1", "B", 0.5, 4)
    steps = (Step("b1", "B", "C"), Step("a2", "A", "B", parking=True), Step("a2", "B", "C"), Step("a1", "A", "B"))
    for held, expected in (([a2], [["b1"], ["a2"], ["a2"], ["a1"]]), ([a1, a2], [["b1", "a1"], ["a2"], ["a2"]])):
        of = estate([server("A"), exactly(server("B"), held, 8), server("C")], [a1, a2, b1])
        assert waves(of, *steps, free=False) == expected


def test_who_would_be_slowed_into_its_blackout_flies_without_the_other() -> None:
    """Alone a1 is over in time; with a2 over the same mover it would touch what begins then."""
    of = stating(OF.replace(vioses=tuple(v for s in "ABC" for v in vioses(s)[:1])), policy("blackout", "a1", "daily 22:02/23:00"))
    names = [v.name for v in of.vioses]
    of = of.replace(**{kind: tuple(r for r in getattr(of, kind) if r.vios in names) for kind in ("bridges", "disks", "zonings")})
    calm = of.replace(policies=())
    assert waves(calm, *to_b(["a1", "a2"]), window=NIGHT) == [["a1", "a2"]]
    assert waves(of, *to_b(["a1", "a2"]), window=NIGHT) == [["a1"], ["a2"]]
    other = of.replace(policies=(policy("blackout", "a3", "daily 22:02/23:00"),))
    assert waves(other, *to_b(["a1", "a2"]), window=NIGHT) == [["a1", "a2"]]


def test_one_that_takes_long_is_joined_by_those_that_are_over_before_it() -> None:
    """What makes the wave longer than one after the other takes is not taken in; beside the longest it costs nothing."""
    of = changed(OF, "a1", memory_mib=32768, max_memory_mib=32768)
    assert waves(of, *to_b(["a1", "a2", "a3"]))[0][:2] == ["a1", "a2"]
