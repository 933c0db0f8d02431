"""A slice of `make prove`: drawn questions, replayed by the checker written from docs/ alone; and that it refuses what is wrong."""

from __future__ import annotations

import copy
import gc
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import draw
import goals_told
import prove
import pytest
from answer import Answered, ask
from children import child
from quick import environment

from planner import stopwatch

Plan = dict[str, Any]


@pytest.mark.parametrize("kind", ["evacuate", "headroom", "consolidate", "whatif", "campaign", "resume"])
def test_drawn_questions_have_answers_that_hold(kind: str) -> None:
    assert [(seed, wrong) for seed in range(1, 6) if (wrong := prove.proved(seed, kind)[2])] == []


@pytest.mark.parametrize(("seed", "kind"), [
    (1000173, "headroom"), (1000971, "consolidate"), (1001221, "whatif"), (1001561, "resume"), (1002563, "consolidate"),
    (1002789, "headroom"), (10000861, "resume"), (10001563, "resume"), (10002855, "resume"),
    (20000305, "evacuate"), (20001088, "campaign"), (20001871, "evacuate"), (20006452, "evacuate"),
    (30003468, "consolidate"), (40002025, "whatif")])
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


def _of_this_process() -> dict[str, object]:
    """What a command may set for the whole process, where it is the process."""
    return {"cycles": (gc.isenabled(), gc.get_threshold()), "began": stopwatch.began(),
            "signals": {n: signal.getsignal(n) for n in (signal.SIGINT, signal.SIGTERM, signal.SIGALRM)},
            "directory": os.getcwd(), "arguments": sys.argv, "streams": (sys.stdout, sys.stderr),
            "environment": dict(os.environ), "threads": threading.active_count()}


def test_a_question_leaves_nothing_in_the_process() -> None:
    """A worker grew by a megabyte in each 25 questions: one of them is typed, and the command froze what a process that ends
    never looks at again. And its time limit was over from the start, since it began when the worker did."""
    before, frozen, held = _of_this_process(), gc.get_freeze_count(), []
    for _ in range(3):
        assert prove.proved(25)[2] == []
        gc.collect()
        held.append(sys.getallocatedblocks())
    assert _of_this_process() == before
    assert gc.get_freeze_count() <= frozen and held[2] - held[1] < 2_000


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_workers_end_with_the_one_they_work_for(how: signal.Signals, tmp_path: Path) -> None:
    """A proof that was ended left them at work for hours."""
    with child(sys.executable, prove.__file__, "--seconds", "600", "--workers", "2", "--out", str(tmp_path), env=environment()
               ) as process:
        workers = _children(process.pid, 3)  # two, and multiprocessing's own
        time.sleep(1)
        process.send_signal(how)
        process.communicate(timeout=60)  # comes when the last process that has the pipes is gone
        assert [pid for pid in workers if _runs(pid)] == []


def _children(pid: int, count: int) -> list[str]:
    """The processes that a process has begun, once there are so many."""
    until = time.monotonic() + 60
    while len(found := Path(f"/proc/{pid}/task/{pid}/children").read_text().split()) < count:
        assert time.monotonic() < until, found
        time.sleep(0.05)
    return found


def _runs(pid: str) -> bool:
    """Whether a process is there, and has not ended."""
    try:
        return bool(Path(f"/proc/{pid}/cmdline").read_bytes())
    except OSError:
        return False
