"""``planner resume``: what it writes, what it says, how it ends."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

import pytest
from estates import BASE, changed, estate, lpar, policy, server, stating
from evening import record, written
from published import keeps_schema
from resume import carried_out
from typer.testing import CliRunner

from planner.cli.app import app
from planner.estate.assemble import Loaded
from planner.estate.model import Estate
from planner.estate.saved import dump
from planner.plan.plan import Plan, plan_json, read_plan


def run(*arguments: object) -> tuple[int, str]:
    done = CliRunner().invoke(app, [str(a) for a in arguments])
    return done.exit_code, done.output


def saved(tmp_path: Path, of: Estate, name: str = "now.json") -> Path:
    (tmp_path / name).write_text(dump(Loaded(of)))
    return tmp_path / name


@pytest.fixture(scope="module")
def planned(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with an estate and a plan, ``p``."""
    where = tmp_path_factory.mktemp("planned")
    code, said = run("evacuate", saved(where, BASE, "then.json"), "A", "--return", "--window",
                     "2026-12-05 22:00/04:00", "--zone", "UTC", "--out", where / "p")
    assert code == 0, said
    return where


@pytest.fixture
def begun(planned: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Plan:
    """The plan, whose files stand in ``tmp_path / "p"``."""
    monkeypatch.chdir(shutil.copytree(planned, tmp_path, dirs_exist_ok=True))
    return read_plan(tmp_path / "p")


@pytest.mark.parametrize("way", ["--on", "--back"])
def test_it_writes_a_plan_directory_that_verify_takes_and_that_can_be_resumed(
        way: str, begun: Plan, tmp_path: Path) -> None:
    state = saved(tmp_path, carried_out(BASE, begun.moves[:1]))
    code, said = run("resume", "p", state, way, "--now", "2026-12-05 23:40")
    assert code == 0 and "reports/resume-p" in said.replace("\n", "") and "2026-12-05 23:40 – 2026-12-06 04:00" in said
    rest = read_plan(Path("reports/resume-p"))
    assert keeps_schema(plan_json(rest)) and {p.name for p in Path("reports/resume-p").glob("*.*") if p.suffix} >= {
        "plan.json", "plan.xlsx", "runbook.md"}
    assert run("verify", "reports/resume-p", state)[0] == 0
    after = saved(tmp_path, carried_out(carried_out(BASE, begun.moves[:1]), rest.moves), "home.json")
    code, said = run("verify", "reports/resume-p", after)
    assert code == 0, "of a plan that was carried out, home included, it said that nobody had left: " + said
    after = saved(tmp_path, carried_out(carried_out(BASE, begun.moves[:1]), rest.moves[:1]), "later.json")
    assert run("resume", "reports/resume-p", after, "--back", "--now", "2026-12-06 01:00")[0] == 0


def test_what_hangs_is_said_with_its_commands_and_ends_with_1(begun: Plan, tmp_path: Path) -> None:
    state = saved(tmp_path, changed(BASE, "a1", state="migrating - running"))
    code, said = run("resume", "p", state, "--on", "--out", "q")
    assert code == 1 and "in migration" in said
    text = Path("q/runbook.md").read_text()
    assert "lslparmigr -r lpar -m A --filter lpar_names=a1\n" in text and "migrlpar -o r -m A -p a1\n" in text
    (target,) = {m.target for m in begun.moves if m.lpar == "a1" and m.leg == "out"}
    for end in ("A", target):
        assert f"lssyscfg -r lpar -m {end} -F name,lpar_id,state,rmc_state --filter lpar_names=a1\n" in text
    assert "The work" not in text and "resume PLAN ESTATE --on" in text
    assert "RECOVER FIRST" in said and "RECOVER FIRST: a1, then resume again" in text and "Nothing is left" not in said
    page = Path("q/plan.html").read_text()
    assert "Recover first: a1" in page and "All of it holds as it stands" not in page


def test_what_was_begun_in_waves_goes_on_in_waves(begun: Plan, tmp_path: Path) -> None:
    state = saved(tmp_path, carried_out(BASE, begun.moves[:1]))
    assert begun.in_lanes and run("resume", "p", state, "--on", "--out", "lanes")[0] == 0
    assert run("resume", "p", state, "--on", "--waves", "--out", "waves")[0] == 0
    assert run("resume", "waves", state, "--on", "--out", "again")[0] == 0
    assert [read_plan(Path(name)).in_lanes for name in ("lanes", "waves", "again")] == [True, False, False]


def test_nothing_left_is_said_and_ends_with_0(begun: Plan, tmp_path: Path) -> None:
    code, said = run("resume", "p", tmp_path / "then.json", "--back")
    assert code == 0 and "Nothing is left to do" in said


def test_who_cannot_come_home_ends_with_3_and_the_reason(begun: Plan, tmp_path: Path) -> None:
    out = carried_out(BASE, [m for m in begun.moves if m.leg == "out"])
    code, said = run("resume", "p", saved(tmp_path, changed(out, "a1", current_mode="POWER7")), "--back")
    assert code == 3 and "cannot go from" in " ".join(said.split()) and "bring 1 LPAR home" in said


def test_impossible_from_here_ends_with_3(begun: Plan, tmp_path: Path) -> None:
    walled = stating(BASE, policy("fence", "a1", "A"))
    code, said = run("resume", "p", saved(tmp_path, walled), "--on")
    assert code == 3 and "IMPOSSIBLE" in said


@pytest.mark.parametrize(("arguments", "said"), [
    (["p", "then.json"], "--on (go on with the plan) or --back"),
    (["nowhere", "then.json", "--on"], "cannot be read"),
    (["then.json", "then.json", "--on"], "cannot be used"),
    (["p", "other.json", "--on"], "is another than the plan was made for"),
    (["p", "then.json", "--on", "--now", "noon"], "--now 'noon' is not like '2026-12-05 23:40'"),
    (["p", "then.json", "--on", "--work", "long"], "is not a time like 60m"),
    (["p", "nothing", "--on"], "nothing")])
def test_what_cannot_be_read_or_meant_ends_with_2(arguments: Sequence[str], said: str, begun: Plan, tmp_path: Path
                                                  ) -> None:
    saved(tmp_path, estate([server("X"), server("Y")], [lpar("x1", "X")]), "other.json")
    code, shown = run("resume", *arguments)
    assert code == 2 and " ".join(said.split()) in " ".join(shown.split()), shown


def test_a_record_goes_over_the_estate_of_before_and_the_rest_is_verified(begun: Plan, tmp_path: Path) -> None:
    first = begun.leg("out")[0]
    night = written(tmp_path / "night.json", record(begun, {first.number: ("started", "arrived")}))
    code, said = run("resume", "p", "then.json", "--on", "--record", night, "--out", "q", "--now", "2026-12-05 23:40")
    assert code == 0 and "estate.json" in said
    rest = read_plan(Path("q"))
    assert {m.lpar for m in rest.leg("out")} == {m.lpar for m in begun.leg("out")} - {first.lpar}
    assert run("verify", "q", "q/estate.json")[0] == 0
    again = written(tmp_path / "more.json", record(rest, {rest.leg("out")[0].number: ("started", "failed")}))
    code, said = run("resume", "q", "q/estate.json", "--back", "--record", again, "--out", "r")
    assert code == 1 and "recover it first" in " ".join(said.split())


def test_a_record_that_is_wrong_ends_with_2_and_its_place(begun: Plan, tmp_path: Path) -> None:
    night = written(tmp_path / "night.json", record(begun, {1: ("arrived", "arrived")}))
    code, said = run("resume", "p", "then.json", "--on", "--record", night)
    assert code == 2 and "moves[0].events[1]" in said and "arrived after it was arrived" in " ".join(said.split())
    assert run("resume", "p", "then.json", "--on", "--record", "then.json")[0] == 2
