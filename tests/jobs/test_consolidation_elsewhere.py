"""Components of a consolidation that workers of a cluster answer: the same plan, whoever dies on the way."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from estates import loaded
from scale_estates import blocks
from typer.testing import CliRunner

from planner import cluster, stopwatch
from planner.cli import app
from planner.cluster import Cluster
from planner.errors import UsageError
from planner.estate.saved import dump
from planner.jobs import Options, consolidate
from planner.optimise.consolidation import AskedPart, ComponentAnswer, ConsolidationProblem
from planner.plan.plan import Plan
from planner.plan.questions import Consolidate
from planner.plan.wire import as_json

pytest.importorskip("distributed")
SITE = loaded(blocks(16, 64, block=4))
BOMB = "PLANNER_TEST_PART_BOMB"
real = ConsolidationProblem.answered


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    import dask
    import distributed

    os.environ[BOMB] = str(tmp_path_factory.mktemp("bomb") / "lives")
    with dask.config.set({"distributed.scheduler.allowed-failures": 0}), distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None, silence_logs=50) as local:
        yield local.scheduler_address
    del os.environ[BOMB]


def planned(elsewhere: Cluster | None = None, seconds: float = 60.0) -> Plan:
    return consolidate(SITE, Consolidate(), Options(seconds, 0.01), cluster=elsewhere)


def text(plan: Plan) -> str:
    return str(as_json(plan))


def bombed(problem: ConsolidationProblem, part: AskedPart) -> ComponentAnswer:
    """As a worker answers, but that it dies of the second component while there is a life left."""
    lives = Path(os.environ[BOMB])
    if part.number == 1 and lives.exists():
        lives.unlink()
        os.kill(os.getpid(), signal.SIGKILL)
    return real(problem, part)


def endless(problem: ConsolidationProblem, part: AskedPart) -> ComponentAnswer:
    """A search that ends when it is told to."""
    until = stopwatch.now() + 3600
    while stopwatch.now() < until:
        time.sleep(0.05)
    return real(problem, part)


def test_the_plan_is_the_same_with_one_worker_killed_midway(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    here, seen = planned(), []
    there = Cluster(address)
    in_order = there.in_order
    monkeypatch.setattr(there, "in_order", lambda *a: (seen.append(reply) or reply for reply in in_order(*a)))
    assert text(planned(there)) == text(here) and here.off
    assert len(seen) >= 4 and None not in seen and not there.lost
    Path(os.environ[BOMB]).write_text("1")
    monkeypatch.setattr(ConsolidationProblem, "answered", bombed)
    assert text(planned(there)) == text(here)
    assert not Path(os.environ[BOMB]).exists() and not there.lost


def test_the_users_asking_and_the_time_limit_end_what_workers_do(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ConsolidationProblem, "answered", endless)
    began = time.monotonic()
    with stopwatch.stoppable():
        threading.Timer(2.0, os.kill, (os.getpid(), signal.SIGINT)).start()
        stopped = planned(Cluster(address), 600)
    assert stopped.verified and "interrupted by the user: the best so far" in stopped.notes
    late = planned(Cluster(address), 3.0)
    assert late.verified and time.monotonic() - began < 60
    monkeypatch.undo()
    assert text(planned(Cluster(address))) == text(planned())  # and nobody is left at the old


def test_a_cluster_that_is_lost_is_done_without(monkeypatch: pytest.MonkeyPatch) -> None:
    gone = Cluster("tcp://127.0.0.1:9")
    monkeypatch.setattr(cluster, "_CONNECT_S", 0.3)
    with pytest.raises(UsageError, match="no Dask scheduler answers there"):
        gone.check()
    assert text(planned(gone)) == text(planned())
    assert "no Dask scheduler answers there" in gone.lost


def test_the_command_writes_the_same_papers(address: str, tmp_path: Path) -> None:
    (tmp_path / "estate.json").write_text(dump(SITE))

    def written(name: str, *more: str) -> dict[str, bytes]:
        told = CliRunner().invoke(app, ["consolidate", str(tmp_path / "estate.json"), "--gap", "0.01", "--out",
                                        str(tmp_path / name / "plan"), *more])
        assert told.exit_code == 0, told.output
        return {p.name: p.read_bytes() for p in (tmp_path / name / "plan").iterdir()}

    here = written("here")
    assert written("there", "--scheduler", address) == here and "plan.xlsx" in here


@pytest.mark.parametrize(("more", "said"), [
    (["--scheduler", "foo"], "is not like tcp://host:8786"),
    (["--scheduler", "tcp://127.0.0.1:9"], "no Dask scheduler answers there"),
    (["--scheduler", "tcp://127.0.0.1:9", "--write-model", "m.lp"], "leave --scheduler out")])
def test_wrong_usage_is_2(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, more: list[str], said: str) -> None:
    monkeypatch.setattr(cluster, "_CONNECT_S", 0.3)
    told = CliRunner().invoke(app, ["consolidate", "absent.json", "--out", str(tmp_path / "plan"), *more])
    assert told.exit_code == 2 and said in " ".join(told.stderr.split()), told.output
