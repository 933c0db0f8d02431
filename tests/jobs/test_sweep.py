"""Sweeps: the same answers wherever they are worked out, whoever dies on the way; what is finished is kept."""

from __future__ import annotations

import json
import os
import signal
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from estates import BASE, GIB, changed, loaded, measured
from portion import WHOLE

from planner import cluster
from planner.errors import InputError, UsageError
from planner.estate.catalogue import CATALOGUE
from planner.jobs import Options, sweep_runners
from planner.jobs import sweep as job
from planner.jobs.sweep import CellAnswer, Progress, Store, SweepContext, Task, cell_id, common_id, planned, run_sweep
from planner.jobs.sweep_runners import TRIES, dask_cluster, in_process, process_pool
from planner.plan.wire import adapter, as_json
from planner.scenarios.sweep_file import Cell, Sweep, read_sweep

SWEEP = """\
name = "s"
[grid]
"growth[0].cores_percent" = [0, 10, 400]
"add[0].count" = [1, 2]
[scenario]
retire = ["*"]
[[scenario.add]]
name = "N"
model = "9117-MMB"
ghz = 3.1
cores = 16
memory_gib = 256
firmware = "AM720_101"
[[scenario.growth]]
lpars = "*"
[[scenario.clock]]
server = "*"
ghz = 4.7
"""
BOMB = "PLANNER_TEST_BOMB"


@pytest.fixture
def stated(tmp_path: Path) -> Sweep:
    (tmp_path / "s.toml").write_text(SWEEP)
    return read_sweep(tmp_path / "s.toml")


@pytest.fixture
def context() -> SweepContext:
    return SweepContext(loaded(BASE), Options(time_limit=60))


@pytest.fixture
def cells(stated: Sweep, context: SweepContext) -> tuple[Cell, ...]:
    return planned(stated, context.loaded)


@pytest.fixture(scope="module")
def alone() -> job.SweepOutcome:
    """What this process answers by itself."""
    context = SweepContext(loaded(BASE), Options(time_limit=60))
    with TemporaryDirectory() as directory:
        (Path(directory) / "s.toml").write_text(SWEEP)
        return run_sweep(context, planned(read_sweep(Path(directory) / "s.toml"), context.loaded), in_process)


def tasks(context: SweepContext, cells: Sequence[Cell]) -> list[Task]:
    common = common_id(context)
    return [Task(cell_id(common, c.scenario), c.scenario) for c in cells]


def answers(outcome: job.SweepOutcome) -> str:
    return json.dumps([[i, as_json(outcome.answers[i])] for i in outcome.ids], sort_keys=True)


def test_cells_have_the_figures_of_the_scenario(alone: job.SweepOutcome) -> None:
    found = [alone.answers[i] for i in alone.ids]
    assert [(a.status, a.figures.get("servers")) for a in found] == [
        ("optimal", 1), ("optimal", 2), ("optimal", 1), ("optimal", 2), ("infeasible", None), ("optimal", 2)]
    assert "lack 6.35 cores" in found[4].reason and found[4].conflict is not None and found[4].conflict.lpars
    assert found[0].figures["cores"] == 16 and found[1].figures["cores"] == 32
    kept = [json.dumps(as_json(a)) for a in found]
    assert [adapter(CellAnswer).validate_json(text) for text in kept] == found  # a kept cell equals a new one


def test_pool_and_this_process_agree_whatever_the_workers(context: SweepContext, cells: tuple[Cell, ...],
                                                          alone: job.SweepOutcome) -> None:
    for workers in (1, 3) if WHOLE else (2,):
        assert answers(run_sweep(context, cells, process_pool(workers))) == answers(alone)


# ---- workers that die -----------------------------------------------------------------------------------------------


def bomb(scenario: Any) -> None:
    """Kills its own process at one cell while the file that the environment names has lives left."""
    path = Path(os.environ[BOMB])
    lives = int(path.read_text())
    if len(scenario.add) == 1 and scenario.growth[0].cores == Fraction(1, 10) and lives:
        path.write_text(str(lives - 1))
        os.kill(os.getpid(), signal.SIGKILL)


def bombed(scenario: Any) -> CellAnswer:
    """As a worker of the pool answers, but for the bomb."""
    bomb(scenario)
    return job.answer(sweep_runners._HELD[0], scenario)


def bombed_there(context: SweepContext, task: Task) -> CellAnswer:
    """As a worker of the cluster answers, but for the bomb."""
    bomb(task.scenario)
    return job.answer(context, task.scenario)


@pytest.mark.parametrize(("deaths", "failed"), [(TRIES - 1, 0), (TRIES, 1)])
def test_a_dead_worker_costs_nothing_and_a_deadly_cell_only_itself(
        context: SweepContext, cells: tuple[Cell, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, deaths: int,
        failed: int, alone: job.SweepOutcome) -> None:
    (tmp_path / "lives").write_text(str(deaths))
    monkeypatch.setenv(BOMB, str(tmp_path / "lives"))
    monkeypatch.setattr(sweep_runners, "_answered_here", bombed)
    four = cells[:4]
    outcome = run_sweep(context, four, process_pool(2 if failed else 1))
    assert outcome.failed == failed and (tmp_path / "lives").read_text() == "0"
    for id_ in outcome.ids:
        a = outcome.answers[id_]
        assert a == alone.answers[id_] or (a.status, a.reason) == (
            "failed", "its worker died 3 times (killed, or out of memory)")


def test_a_cell_that_breaks_is_a_row(context: SweepContext, cells: tuple[Cell, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    real = job.whatif

    def broken(loaded: Any, scenario: Any, *rest: Any) -> Any:
        if len(scenario.add) == 2:
            raise MemoryError("all of it")
        return real(loaded, scenario, *rest)

    monkeypatch.setattr(job, "whatif", broken)
    outcome = run_sweep(context, cells, in_process)
    assert [outcome.answers[i].status == "failed" for i in outcome.ids] == [False, True] * 3
    assert outcome.answers[outcome.ids[1]].reason == "broke off: MemoryError: all of it" and outcome.failed == 3


def test_a_dask_cluster_of_two_processes_one_killed_midway_agrees(
        context: SweepContext, cells: tuple[Cell, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
        alone: job.SweepOutcome) -> None:
    distributed = pytest.importorskip("distributed")
    import dask

    (tmp_path / "lives").write_text("1")
    monkeypatch.setenv(BOMB, str(tmp_path / "lives"))
    monkeypatch.setattr(sweep_runners, "_answered_there", bombed_there)
    with dask.config.set({"distributed.scheduler.allowed-failures": 0}), distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None, silence_logs=50) as local:
        outcome = run_sweep(context, cells, dask_cluster(local.scheduler_address))
        assert answers(outcome) == answers(alone) and (tmp_path / "lives").read_text() == "0"
        if not WHOLE:
            return
        (tmp_path / "lives").write_text("99")  # and a cell that kills every worker: told, and the others are answered
        outcome = run_sweep(context, cells, dask_cluster(local.scheduler_address))
    statuses = [outcome.answers[i].status for i in outcome.ids]
    assert statuses == ["optimal", "optimal", "failed", "optimal", "infeasible", "optimal"]
    assert "died again and again" in outcome.answers[outcome.ids[2]].reason


def test_no_cluster_is_told(context: SweepContext, cells: tuple[Cell, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("distributed")
    monkeypatch.setattr(cluster, "_CONNECT_S", 0.3)
    with pytest.raises(UsageError, match="no Dask scheduler answers there"):
        list(dask_cluster("tcp://127.0.0.1:9")(context, tasks(context, cells)))

@pytest.mark.parametrize("address", ["foo", "tcp://host", "host:8786", "tcp://:1", "tcp://a b:1"])
def test_a_wrong_address_is_told(address: str) -> None:
    with pytest.raises(UsageError, match="is not like tcp://host:8786"):
        dask_cluster(address)



def test_dask_that_is_not_installed_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster, "find_spec", lambda name: None)
    with pytest.raises(UsageError, match=r"pip install 'planner\[dask\]'"):
        dask_cluster("tcp://127.0.0.1:9")


# ---- ids and kept cells ---------------------------------------------------------------------------------------------


def test_ids_follow_what_changes_the_answer_and_nothing_else(context: SweepContext, cells: tuple[Cell, ...]) -> None:
    def ids(changed: SweepContext) -> set[str]:
        return {t.id for t in tasks(changed, cells)}

    first = ids(context)
    assert len(first) == len(cells)
    assert ids(replace(context, options=Options(time_limit=1))) == first
    bigger = loaded(changed(BASE, "a1", memory_mib=5 * GIB, max_memory_mib=5 * GIB))
    for other in (replace(context, loaded=bigger), replace(context, options=Options(gap=0.1)),
                  replace(context, used=measured(BASE, {"a1": [100]})), replace(context, catalogue=CATALOGUE.with_models(
                      [replace(CATALOGUE.models["9117-MMB"], type_model="X")]))):
        assert not ids(other) & first
    common = common_id(context)
    s = cells[0].scenario
    assert cell_id(common, replace(s, name="other", note="other", file="f", lines={"add": 1})) == cell_id(common, s)
    assert cell_id(common, replace(s, restart_minutes=1)) != cell_id(common, s)
    for asked in ({"inactive": False}, {"assume_nothing": True}):  # --no-inactive took what was kept with --inactive
        assert cell_id(common, replace(s, **asked)) != cell_id(common, s)


def counted(seen: list[str]) -> job.Runner:
    def run(context: SweepContext, todo: Sequence[Task]) -> Iterator[tuple[str, CellAnswer]]:
        seen.extend(t.id for t in todo)
        yield from in_process(context, todo)
    return run


def test_finished_cells_are_used_again(context: SweepContext, cells: tuple[Cell, ...], tmp_path: Path, alone: job.SweepOutcome
                                      ) -> None:
    seen: list[str] = []
    first = run_sweep(context, cells[:2], counted(seen), Store(tmp_path))
    again = run_sweep(context, cells, counted(seen), Store(tmp_path))
    assert (first.reused, again.reused, len(seen)) == (0, 2, len(cells))
    assert answers(again) == answers(alone)
    assert run_sweep(context, cells, counted(seen), Store(tmp_path), resume=False).reused == 0
    assert len(seen) == 2 * len(cells)


@pytest.mark.parametrize("damage", [lambda t: t.replace("optimal", "unknown"), lambda t: t[:99], lambda t: "[]",
                                    lambda t: "[" * 100_000])
def test_a_damaged_cell_is_answered_anew(context: SweepContext, cells: tuple[Cell, ...], tmp_path: Path, damage: Any) -> None:
    first = run_sweep(context, cells[:2], in_process, Store(tmp_path))
    path = tmp_path / f"{first.ids[0]}.json"
    path.write_text(damage(path.read_text()))
    again = run_sweep(context, cells[:2], in_process, Store(tmp_path))
    assert (again.reused, again.damaged) == (1, 1) and answers(again) == answers(first)


def test_what_was_not_proved_is_tried_again_with_more_time(context: SweepContext, cells: tuple[Cell, ...], tmp_path: Path
                                                          ) -> None:
    (task,) = tasks(context, cells[:1])
    store = Store(tmp_path)
    store.save(task, CellAnswer("unknown"), 10)
    assert store.load(task.id, 10) and store.load(task.id, 5) and store.load(task.id, 60) is None
    store.save(task, CellAnswer("infeasible"), 10)
    assert store.load(task.id, 60)


def test_failed_cells_are_not_kept(context: SweepContext, cells: tuple[Cell, ...], tmp_path: Path,
                                   monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(job, "whatif", lambda *_: 1 / 0)
        assert run_sweep(context, cells[:1], in_process, Store(tmp_path)).failed == 1
    assert run_sweep(context, cells[:1], in_process, Store(tmp_path)).failed == 0


def test_cells_of_one_scenario_are_answered_once(tmp_path: Path, context: SweepContext) -> None:
    """No server added: what clock it would have had does not matter."""
    (tmp_path / "s.toml").write_text(SWEEP.replace("[0, 10, 400]", "[0]").replace("[1, 2]", "[0, 1]").replace(
        'retire = ["*"]', "").replace("[scenario]", '"add[0].cores" = [12, 16]\n[scenario]'))
    found = planned(read_sweep(tmp_path / "s.toml"), context.loaded)
    seen: list[str] = []
    outcome = run_sweep(context, found, counted(seen))
    assert len(outcome.ids) == 4 and outcome.ids[0] == outcome.ids[1] and len(seen) == 3


def test_stopping_leaves_finished_cells_and_no_process(context: SweepContext, cells: tuple[Cell, ...], tmp_path: Path) -> None:
    from multiprocessing import active_children

    before = {c.pid for c in active_children()}

    def told(now: Progress) -> None:
        if now.done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_sweep(context, cells, process_pool(2), Store(tmp_path), progress=told)
    deadline = time.monotonic() + 10
    while {c.pid for c in active_children()} - before and time.monotonic() < deadline:
        threading.Event().wait(0.05)
    assert not {c.pid for c in active_children()} - before
    assert len(list(tmp_path.glob("*.json"))) == 2
    assert run_sweep(context, cells, in_process, Store(tmp_path)).reused == 2


def test_the_sample_sweep_suits_the_sample_estate() -> None:
    from planner.estate.load import load

    data = Path(__file__).parents[2] / "data"
    found = planned(read_sweep(data / "sweeps" / "power7.toml"), load([data / "landscape"]))
    assert len(found) == 36 and len({cell_id("", c.scenario) for c in found}) == 36


def test_what_does_not_suit_the_estate_is_told_before_anything_runs(tmp_path: Path, context: SweepContext) -> None:
    (tmp_path / "s.toml").write_text(SWEEP.replace("[1, 2]", "[1, 2]\n\"add[0].cores\" = [16, 999]").replace(
        'retire = ["*"]', 'retire = ["Q"]').replace('lpars = "*"', 'lpars = "nobody"')
        + '[[scenario.policy]]\nkind = "pin"\nsubject = "ghost"\n')
    with pytest.raises(InputError) as caught:
        planned(read_sweep(tmp_path / "s.toml"), context.loaded)
    found = "\n".join(map(str, caught.value.findings))
    for wanted in ("s.toml:7: retire[0]: 'Q' matches no server", "s.toml:5: add[0].cores: 999 cores",
                   "growth[0].lpars: 'nobody' selects no LPAR", "in the cell growth[0].cores_percent = 0, add[0].count "
                   "= 1, add[0].cores = 999 and"):
        assert wanted in found, found
    (tmp_path / "s.toml").write_text(SWEEP + '[[scenario.policy]]\nkind = "pin"\nsubject = "ghost"\n')
    with pytest.raises(InputError, match="ghost"):
        planned(read_sweep(tmp_path / "s.toml"), context.loaded)
