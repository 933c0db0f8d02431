"""A slice of `make prove`: drawn questions, replayed by the checker written from docs/ alone; and that it refuses what is wrong."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import draw
import goals_told
import prove
import pytest
from answer import Answered, ask

Plan = dict[str, Any]


@pytest.mark.parametrize("kind", ["evacuate", "headroom", "consolidate", "whatif", "campaign", "resume"])
def test_drawn_questions_have_answers_that_hold(kind: str) -> None:
    assert [(seed, wrong) for seed in range(1, 6) if (wrong := prove.proved(seed, kind)[2])] == []


@pytest.mark.parametrize(("seed", "kind"), [
    (1000173, "headroom"), (1000971, "consolidate"), (1001221, "whatif"), (1001561, "resume"), (1002563, "consolidate"),
    (1002789, "headroom")])
def test_what_was_refuted_once_holds(seed: int, kind: str) -> None:
    assert prove.proved(seed, kind)[2] == []


@pytest.fixture(scope="module")
def known() -> tuple[dict[str, Any], Plan]:
    """An evacuation with a way back, of a site with nothing odd, that moves two LPARs or more each way."""
    for seed in range(100):
        document = draw.site(seed, servers=3, lpars=5, twists=0)
        got: Answered = ask(document, {"kind": "evacuate", "servers": ["A"], "return": True, "inactive": False,
                                       "window": "2026-12-05 22:00/04:00"})
        if got.plans and len(got.plans[0][1]["moves"]) >= 4:
            return document, got.plans[0][1]
    raise AssertionError("no such plan among a hundred")


def _first(change: Callable[[dict[str, Any]], object]) -> Callable[[Plan], object]:
    return lambda plan: change(plan["moves"][0])


WRONG: dict[str, Callable[[Plan], object]] = {
    "plan.moves": _first(lambda m: m.update(source=m["target"], target=m["source"])),
    "goal": lambda plan: plan["goal"].update(servers=["B"]),
    "storage.lun-seen": _first(lambda m: m["virtual_scsi"][0].update(vios="A-v1")),
    "storage.redundancy": _first(lambda m: [d.update(vios=m["virtual_scsi"][0]["vios"]) for d in m["virtual_scsi"]]),
    "timing.mover-place": _first(lambda m: m.update(source_msp="nobody")),
    "timing.duration": _first(lambda m: m.update(duration_s=m["duration_s"] / 2)),
    "processor.pool-kept": _first(lambda m: m.update(target_pool_id=9)),
    "partition.id-free": _first(lambda m: m.update(target_lpar_id=1)),
    "objective": lambda plan: plan.update(objective=plan["objective"] - 5, bound=plan["bound"] - 5),
    "bound": lambda plan: plan.update(bound=plan["bound"] + 5),
    "gap": lambda plan: plan.update(gap=0.5),
    "before": lambda plan: plan["before"][0].update(memory_mib=1),
    "after": lambda plan: plan["after"][1].update(cores=0.1),
    "window": lambda plan: plan["window"].update(spare_s=plan["window"]["spare_s"] + 60),
    "timing.work": lambda plan: plan.update(work_s=plan["work_s"] + 600)}


@pytest.mark.parametrize("rule", WRONG)
def test_the_checker_refuses(rule: str, known: tuple[dict[str, Any], Plan]) -> None:
    document, plan = known
    assert goals_told.checked(document, plan) == []
    other = copy.deepcopy(plan)
    WRONG[rule](other)
    assert rule in {wrong.split(":")[0].split(" ")[0] for wrong in goals_told.checked(document, other)}


def test_the_checker_refuses_a_full_server(known: tuple[dict[str, Any], Plan]) -> None:
    """Each target with less memory than what it is to hold at most."""
    document, plan = known
    for m in plan["moves"]:
        other = copy.deepcopy(document)
        row = next(s for s in other["estate"]["servers"] if s["name"] == m["target"])
        row["configurable_memory_mib"] = next(s["memory_mib"] for s in plan["peak"] if s["server"] == m["target"]) - 1
        if row["configurable_memory_mib"] > next(s["memory_mib"] for s in plan["before"] if s["server"] == m["target"]):
            assert any(w.startswith("memory.capacity") for w in goals_told.checked(other, plan))
            return
    raise AssertionError("no server takes anybody in")
