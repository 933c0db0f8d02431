"""An LPAR comes home to the VIOSes and ports that served each of its adapters; what is not so is said."""

from __future__ import annotations

from dataclasses import replace

import pytest
from estates import BASE, changed, judged, loaded, without
from hypothesis import given, settings
from hypothesis import strategies as st
from portion import portion

from planner.estate.model import Disk, Estate, Fibre, Port
from planner.jobs import Options, evacuate
from planner.plan.choices import BACK
from planner.plan.plan import Plan
from planner.plan.questions import Evacuate
from planner.verify import replay

SAID = "plan.as-it-was"


def wired(slots: dict[int, str], kind: str) -> Estate:
    """BASE with these client slots of a1, each by a VIOS of A."""
    of = BASE.replace(disks=tuple(d for d in BASE.disks if d.lpar != "a1"))
    if kind == "scsi":
        return of.replace(disks=(*of.disks, *(Disk("a1", n, "lun-a1", v) for n, v in slots.items())))
    return of.replace(
        fibres=tuple(Fibre("a1", n, v, f"c0{n:02}", f"c1{n:02}", "red", True) for n, v in slots.items()),
        ports=tuple(Port(v.name, "fcs0", "red", 20) for v in of.vioses))


def there_and_back(of: Estate) -> Plan:
    return evacuate(loaded(of), Evacuate(servers=("A",), come_back=True), Options())


def home_of(plan: Plan) -> dict[int, str]:
    (move,) = (m for m in plan.leg(BACK) if m.lpar == "a1")
    return {slot: vios for slot, vios, *_ in (*move.disks, *move.fibres)}


@settings(max_examples=portion(25))
@given(st.dictionaries(st.integers(3, 9), st.sampled_from(["A-v1", "A-v2"]), min_size=1, max_size=4),
       st.sampled_from(["scsi", "fibre"]), st.booleans())
def test_every_slot_comes_home_to_its_vios(slots: dict[int, str], kind: str, short: bool) -> None:
    """Slot 3 by v2 and slot 4 by v1 came home the other way round over virtual SCSI: the first slot got the first VIOS."""
    of = wired(slots, kind)
    of = changed(changed(of, "A-v1", max_virtual_slots=12), "A-v2", max_virtual_slots=12) if short else of
    plan = there_and_back(of)
    assert home_of(plan) == slots and SAID not in {f.rule for f in plan.findings}


@pytest.mark.parametrize(("kind", "said"), [("scsi", "slot 3 by A-v1, not A-v2"),
                                            ("fibre", "Fibre Channel slot 3 by A-v1 fcs0, not A-v2")])
def test_the_replay_says_what_is_not_as_it_was(kind: str, said: str) -> None:
    of = wired({3: "A-v2", 4: "A-v1"}, kind)
    plan = there_and_back(of)
    way = {3: "A-v1", 4: "A-v2"}
    turned = plan.replace(moves=tuple(replace(
        m, disks=tuple((n, way[n]) for n, _ in m.disks), fibres=tuple((n, way[n], port) for n, _, port in m.fibres))
        if (m.lpar, m.leg) == ("a1", BACK) else m for m in plan.moves))
    (found,) = (f for f in replay(turned, *judged(of)).findings if f.rule == SAID)
    assert found.subject == "a1" and said in found.message


def test_a_plan_says_so_where_its_vios_does_not_take_it_back() -> None:
    """A-v2 serves the disk, and no listing of what A-v2 sees has it: only A-v1 is known to take it in."""
    plan = there_and_back(without(wired({3: "A-v2"}, "scsi"), "zonings", lun="lun-a1", vios="A-v2"))
    assert home_of(plan) == {3: "A-v1"}
    assert [(f.subject, "slot 3 by A-v1, not A-v2" in f.message) for f in plan.findings if f.rule == SAID] == [("a1", True)]
