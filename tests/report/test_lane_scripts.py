"""The lane scripts, run against a console that is played: where everybody is at the end, what was logged and said."""

from __future__ import annotations

import csv
import datetime as dt
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest
from estates import BASE, changed, estate, loaded, lpar, server
from fault_clock import built
from resume import carried_out
from stub_hmc import StubHmc

from planner.estate.model import Estate
from planner.formats import past_moves
from planner.jobs import Options, evacuate, resume
from planner.jobs.going_on import reached
from planner.plan.plan import Move, Plan, Wait, Window
from planner.plan.questions import Evacuate
from planner.report.lane_scripts import LOG, lane_scripts
from planner.report.sessions import in_sessions
from planner.rules import Site
from planner.verify import verify_plan

MOVES = (
    Move("a1", "A", "B", number=1, lane=1, duration_ms=60_000, source_msp="A-v1", target_msp="B-v1"),
    Move("a2", "A", "B", number=2, lane=1, start_ms=60_000, duration_ms=60_000),
    Move("b1", "B", "C", number=3, lane=2, start_ms=60_000, duration_ms=60_000,
         waits=(Wait(1, "arrived", "memory.capacity", "needs the room that a1 leaves on A"),)))
PLACES = {"A": {"a1": "Running", "a2": "Running", "A-v1": "Running"}, "B": {"b1": "Running", "B-v1": "Running"},
          "C": {"c1": "Running"}}


@cache
def evacuation() -> Plan:
    return evacuate(loaded(BASE), Evacuate(servers=("A",)), Options(10))


def plan_of(*moves: Move, window: Window | None = None) -> Plan:
    return evacuation().replace(moves=moves, window=window, evening=None)


def written(where: Path, plan: Plan, of: Estate = BASE) -> dict[str, Path]:
    where.mkdir(exist_ok=True)
    out = {}
    for name, text in lane_scripts(plan, Site(of)):
        out[name] = where / name
        out[name].write_text(text)
    return out


@pytest.fixture
def hmc(tmp_path: Path) -> StubHmc:
    return StubHmc(tmp_path / "hmc", PLACES)


@pytest.fixture
def scripts(tmp_path: Path) -> dict[str, Path]:
    return written(tmp_path / "plan", plan_of(*MOVES))


def log(scripts: dict[str, Path]) -> list[dict[str, str]]:
    (where,) = {p.parent for p in scripts.values()}
    return list(csv.DictReader((where / LOG).open()))


def orders(hmc: StubHmc) -> list[str]:
    return [" ".join(shlex.split(x)[2:4] + shlex.split(x)[shlex.split(x).index("-p"):][1:2]) for x in hmc.heard]


def test_a_lane_validates_moves_and_writes_its_times(hmc: StubHmc, scripts: dict[str, Path]) -> None:
    code, said = hmc.run(scripts["lane-1.sh"], "--yes")
    assert code == 0, said
    assert hmc.servers["A"] == {"A-v1": "Running"} and hmc.servers["B"].items() >= {"a1": "Running", "a2": "Running"}.items()
    assert orders(hmc) == ["-o v a1", "-o m a1", "-o v a2", "-o m a2"] and all(x.startswith("hscroot@hmc1: ") for x in hmc.heard)
    assert "move 1 a1 has arrived on B after 0 min" in said and said.endswith("tell the lead\n")
    assert [(r["LPAR"], r["Source"], r["Target"], r["Result"]) for r in log(scripts)] == [
        ("a1", "A", "B", "ok"), ("a2", "A", "B", "ok")]


def test_the_log_is_read_as_past_moves(hmc: StubHmc, scripts: dict[str, Path]) -> None:
    hmc.wrong(move={"a2": "refused"})
    assert hmc.run(scripts["lane-1.sh"], "--yes")[0] == 1
    text = (scripts["lane-1.sh"].parent / LOG).read_text()
    assert past_moves.recognise(text)
    reading = past_moves.read(text, LOG)
    assert not reading.findings
    first, second = (r.fields for r in reading.records)
    assert first.items() >= {"lpar": "a1", "source": "A", "target": "B", "memory_mib": 8192, "max_memory_mib": 8192,
                             "source_mover": "A-v1", "target_mover": "B-v1", "link_mbit": 1000, "console": "HMC",
                             "failed": False}.items() and first["start"] <= first["end"]
    assert second["failed"] is True


def test_what_has_arrived_is_left_out_when_it_is_run_again(hmc: StubHmc, scripts: dict[str, Path]) -> None:
    hmc.put("A", "a1", ""), hmc.put("B", "a1", "Running")
    code, said = hmc.run(scripts["lane-1.sh"], "--yes")
    assert code == 0 and "move 1 a1 has arrived already: B" in said and orders(hmc) == ["-o v a2", "-o m a2"]


def test_a_move_waits_for_what_another_lane_makes(hmc: StubHmc, scripts: dict[str, Path]) -> None:
    other = hmc.begin(scripts["lane-2.sh"], until="waits for move 1 a1 (lane 1) to have arrived: needs the room that a1 leaves")
    assert not hmc.heard
    assert hmc.run(scripts["lane-1.sh"], "--yes")[0] == 0
    other.communicate(timeout=20)
    assert other.returncode == 0
    assert hmc.servers["C"].keys() == {"b1", "c1"}


def test_a_refused_validation_begins_nothing(hmc: StubHmc, scripts: dict[str, Path]) -> None:
    hmc.wrong(validate={"a1": "HSCLA29A: no path to its disk"})
    code, said = hmc.run(scripts["lane-1.sh"], "--yes")
    assert code == 3 and hmc.servers == PLACES and orders(hmc) == ["-o v a1"] and log(scripts) == []
    assert "HSCLA29A: no path to its disk" in said and "Nothing of it was begun" in said
    assert "hold back: 2 a2 (lane 1), 3 b1 (lane 2)." in said


def test_a_move_that_ends_where_it_was_is_not_repeated(hmc: StubHmc, scripts: dict[str, Path]) -> None:
    hmc.wrong(move={"a1": "refused"})
    code, said = hmc.run(scripts["lane-1.sh"], "--yes")
    assert code == 1 and hmc.servers == PLACES and orders(hmc) == ["-o v a1", "-o m a1"]
    assert "was not made: it runs on where it was (migrlpar ended with 1)" in said and "HSCLA2FF" in said
    assert [r["Result"] for r in log(scripts)] == ["failed"]


def test_a_move_that_fails_half_way_is_stopped_and_recovered_by_a_person(hmc: StubHmc, scripts: dict[str, Path]) -> None:
    hmc.wrong(move={"a1": "half"})
    code, said = hmc.run(scripts["lane-1.sh"], "--yes")
    assert code == 1 and hmc.servers["A"]["a1"] == hmc.servers["B"]["a1"] == "Migrating - Running"
    assert said.index("migrlpar -o s -m A -p a1") < said.index("migrlpar -o r -m A -p a1") and "is half-way" in said
    assert orders(hmc) == ["-o v a1", "-o m a1"] and [r["Result"] for r in log(scripts)] == ["failed"]
    half = changed(BASE, "a1", state="migrating - running")
    plan = evacuation()
    rest = resume(loaded(half), plan, Options(10), on=True)
    assert reached(rest) == 1 and any("migrlpar -o s -m A -p a1; migrlpar -o r -m A -p a1" in f.fix for f in rest.findings)
    hmc.put("B", "a1", ""), hmc.put("A", "a1", "Running"), hmc.wrong()
    assert hmc.run(scripts["lane-1.sh"], "--yes", "--from", "1")[0] == 0 and "A-v1" in hmc.servers["A"]


def test_a_move_that_takes_too_long_is_told_and_goes_on(hmc: StubHmc, scripts: dict[str, Path]) -> None:
    hmc.wrong(move={"a1": "hang"})
    impatient = scripts["lane-1.sh"]
    impatient.write_text(re.sub("stop_min=[0-9]+", "stop_min=0", impatient.read_text()))
    code, said = hmc.run(impatient, "--yes")
    assert code == 4 and "It goes on; nothing was stopped" in said and log(scripts) == []
    assert hmc.servers["A"]["a1"] == "Migrating - Running" and orders(hmc) == ["-o v a1", "-o m a1"]
    code, said = hmc.run(impatient, "--yes")
    assert code == 6 and "Somebody else" not in said and orders(hmc) == ["-o v a1", "-o m a1"]


@pytest.mark.skipif(shutil.which("cc") is None, reason="without a C compiler the clock is not set")
@pytest.mark.parametrize("step_s", [-600, 600])
def test_a_clock_that_is_set_meanwhile_makes_no_move_short_or_long(
        step_s: int, hmc: StubHmc, scripts: dict[str, Path], tmp_path: Path) -> None:
    """Set back by an hour a hang was told an hour late; set forward a move was said to hang."""
    (tmp_path / "clock").write_text(f"0 {step_s}")
    clock = {"LD_PRELOAD": str(built(tmp_path)), "FAULT_CLOCK": str(tmp_path / "clock")}
    code, said = hmc.run(scripts["lane-1.sh"], "--yes", **clock)
    assert code == 0 and said.count(" after 0 min ") == 2, said
    hmc.put("B", "a1", ""), hmc.put("A", "a1", "Running"), hmc.wrong(move={"a1": "hang"})
    impatient = scripts["lane-1.sh"]
    impatient.write_text(re.sub("stop_min=[0-9]+", "stop_min=0", impatient.read_text()))
    code, said = hmc.run(impatient, "--yes", **clock)
    assert code == 4 and "takes longer than 0 minutes" in said


def test_a_lost_connection_is_no_reason_to_order_again(hmc: StubHmc, scripts: dict[str, Path]) -> None:
    hmc.wrong(move={"a1": "lost"})
    code, said = hmc.run(scripts["lane-1.sh"], "--yes")
    assert code == 0 and "the connection to hscroot@hmc1 was lost: the order is not given again" in said
    assert orders(hmc) == ["-o v a1", "-o m a1", "-o v a2", "-o m a2"] and [r["Result"] for r in log(scripts)] == ["ok", "ok"]


def test_an_order_that_never_came_is_no_failed_move(hmc: StubHmc, scripts: dict[str, Path]) -> None:
    hmc.wrong(move={"a1": "cut"})
    code, said = hmc.run(scripts["lane-1.sh"], "--yes")
    assert code == 1 and "did not begin: the connection was lost" in said and hmc.servers == PLACES and log(scripts) == []
    hmc.wrong()
    assert hmc.run(scripts["lane-1.sh"], "--yes")[0] == 0


@pytest.mark.parametrize(("looks", "code"), [(2, 0), (99, 5)])
def test_looks_without_an_answer_are_repeated_so_many_times(looks: int, code: int, hmc: StubHmc, scripts: dict[str, Path]) -> None:
    hmc.wrong(unreachable=looks)
    ended, said = hmc.run(scripts["lane-1.sh"], "--yes")
    assert ended == code and "no answer from hscroot@hmc1, asked again" in said and "Connection timed out" in said
    assert bool(hmc.heard) is (code == 0)


def test_what_arrives_with_a_complaint_is_for_a_person_to_read(hmc: StubHmc, scripts: dict[str, Path]) -> None:
    hmc.wrong(move={"a1": "grumbles"})
    code, said = hmc.run(scripts["lane-1.sh"], "--yes")
    assert code == 1 and "has arrived, but migrlpar ended with 1" in said and "HSCL9999" in said
    assert [r["Result"] for r in log(scripts)] == ["ok"]
    assert hmc.run(scripts["lane-1.sh"], "--yes")[0] == 0 and orders(hmc)[2:] == ["-o v a2", "-o m a2"]


@pytest.mark.parametrize(("state", "where", "words"), [
    ("Not Activated", "A", "On A: Not Activated."), ("Running", "C", "On A: not listed."),
    ("Migrating - Running", "A", "On A: Migrating - Running.")])
def test_who_is_not_as_planned_is_not_moved(state: str, where: str, words: str, hmc: StubHmc, scripts: dict[str, Path]) -> None:
    hmc.put("A", "a1", ""), hmc.put(where, "a1", state)
    code, said = hmc.run(scripts["lane-1.sh"], "--yes")
    assert code == 6 and words in said and not hmc.heard


def test_it_asks_before_each_move(hmc: StubHmc, scripts: dict[str, Path]) -> None:
    code, said = hmc.run(scripts["lane-1.sh"], says="y\nn\n")
    assert code == 7 and orders(hmc) == ["-o v a1", "-o m a1", "-o v a2"] and "--from 2" in said
    assert hmc.servers["A"]["a2"] == "Running"
    assert hmc.run(scripts["lane-1.sh"], "--from", "2", says="yes\n")[0] == 0


def test_a_dry_run_reaches_nobody(hmc: StubHmc, scripts: dict[str, Path]) -> None:
    code, said = hmc.run(scripts["lane-2.sh"], "--dry-run")
    assert code == 0 and not (hmc.home / "heard").exists() and not (scripts["lane-2.sh"].parent / LOG).exists()
    assert "waits until move 1 a1 (lane 1) has arrived: needs the room" in said and "migrlpar -o m -m B -t C -p b1" in said


def test_help_names_every_exit_code(hmc: StubHmc, scripts: dict[str, Path]) -> None:
    code, said = hmc.run(scripts["lane-1.sh"], "--help")
    text = scripts["lane-1.sh"].read_text()
    used = {int(n) for n in re.findall(r"\bstop (\d+)|exit (\d+)", text) for n in n if n}
    assert code == 0 and used == {int(n) for n in re.findall(r"^  (\d+)  ", said, re.M)}
    assert max(map(len, said.splitlines())) <= 125


@pytest.mark.parametrize("arguments", [["--from", "3"], ["--from"], ["--from", "x"], ["--over"], ["now"]])
def test_wrong_use_is_told(arguments: Sequence[str], hmc: StubHmc, scripts: dict[str, Path]) -> None:
    assert hmc.run(scripts["lane-1.sh"], *arguments)[0] == 2 and not hmc.heard


def test_interrupted_while_it_moves_it_leaves_the_move_alone(hmc: StubHmc, scripts: dict[str, Path]) -> None:
    hmc.wrong(move={"a1": "hang"})
    lane = hmc.begin(scripts["lane-1.sh"], until="a1 on A: Migrating - Running")
    while lane.poll() is None:  # bash may miss one that comes just as what it waits for ends: a person presses Ctrl-C again
        lane.send_signal(signal.SIGINT)
        with suppress(subprocess.TimeoutExpired):
            lane.wait(1)
    said, _ = lane.communicate()
    assert lane.returncode == 130 and "What is under way goes on" in said
    assert hmc.servers["A"]["a1"] == "Migrating - Running" and orders(hmc) == ["-o v a1", "-o m a1"]


NAMES = ["a b", "it's", 'say "x"', "$(touch oops)", "`id`", "müßig", "数据", "-o", "a*b", "\\x", "!x", "#1", "~"]


@pytest.mark.parametrize("name", NAMES)
def test_names_survive(name: str, tmp_path: Path) -> None:
    of = estate([server("A"), server("B b")], [lpar(name, "A")])
    hmc = StubHmc(tmp_path / "hmc", {"A": {name: "Running", "v": "Running"}, "B b": {"w": "Running"}})
    scripts = written(tmp_path / "plan", plan_of(Move(name, "A", "B b", number=1, lane=1, duration_ms=1000)), of)
    code, said = hmc.run(scripts["lane-1.sh"], "--yes")
    assert code == 0, said
    assert hmc.servers == {"A": {"v": "Running"}, "B b": {name: "Running", "w": "Running"}}
    assert [r["LPAR"] for r in log(scripts)] == [name] and not list(tmp_path.rglob("oops"))


@pytest.mark.parametrize("name", ["a\u202eb", "a\u200bb", "a\nb", "a\x1bb", "a,b"])
def test_a_name_that_cannot_be_typed_is_for_a_person(name: str, tmp_path: Path) -> None:
    of = estate([server("A"), server("B")], [lpar(name, "A"), lpar("z", "A")])
    moves = (Move(name, "A", "B", number=1, lane=1, duration_ms=1000),
             Move("z", "A", "B", number=2, lane=2, duration_ms=1000, waits=(Wait(1, "arrived", "", "its room"),)))
    hmc = StubHmc(tmp_path / "hmc", {"A": {"z": "Running", "v": "Running"}, "B": {"w": "Running"}})
    scripts = written(tmp_path / "plan", plan_of(*moves), of)
    seen = name.encode("unicode_escape").decode()
    for lane, told in (("lane-1.sh", "is made by hand"), ("lane-2.sh", "no console can be asked for it")):
        code, said = hmc.run(scripts[lane], "--yes")
        assert code == 6 and told in said and seen in said and (seen == name or name not in said) and not hmc.heard
        assert hmc.run(scripts[lane], "--yes", "--over", "1")[0] == 0
    assert hmc.servers["B"].keys() == {"w", "z"}


def test_an_end_is_enough_where_a_place_in_the_air_is_waited_for(tmp_path: Path) -> None:
    moves = (MOVES[0], replace(MOVES[2], waits=(Wait(1, "ended", "concurrency", ""),)))
    scripts = written(tmp_path / "plan", plan_of(*moves))
    hmc = StubHmc(tmp_path / "hmc", PLACES)
    assert hmc.run(scripts["lane-2.sh"], "--yes", "--over", "1")[0] == 0 and orders(hmc) == ["-o v b1", "-o m b1"]


def test_room_is_not_there_because_somebody_says_so(hmc: StubHmc, scripts: dict[str, Path]) -> None:
    code, said = hmc.run(scripts["lane-2.sh"], "--yes", "--over", "1")
    assert code == 6 and "it must have arrived" in said and not hmc.heard


def test_who_moves_on_from_a_parking_place_has_arrived_there(tmp_path: Path) -> None:
    """Also where it goes back to where it was: then the log says so."""
    parked = (Move("b1", "B", "C", number=1, lane=1, parking=True, duration_ms=1000),
              Move("a1", "A", "B", number=2, lane=2, duration_ms=1000, waits=(Wait(1, "arrived", "", ""),)),
              Move("b1", "C", "B", number=3, lane=1, start_ms=9, duration_ms=1000))
    scripts = written(tmp_path / "plan", plan_of(*parked))
    hmc = StubHmc(tmp_path / "hmc", PLACES)
    assert hmc.run(scripts["lane-1.sh"], "--yes")[0] == 0 and hmc.servers["B"].keys() == {"b1", "B-v1"}
    assert hmc.run(scripts["lane-1.sh"], "--yes")[0] == 0 and orders(hmc) == ["-o v b1", "-o m b1"] * 2
    assert hmc.run(scripts["lane-2.sh"], "--yes")[0] == 0


def test_clocks_are_kept(tmp_path: Path) -> None:
    """Not before, not after: of the window's zone, whatever the clock of the machine shows."""
    window = Window(dt.datetime(2026, 12, 5, 22), dt.datetime(2026, 12, 6, 4), zone="Europe/Berlin")
    moves = (replace(MOVES[0], not_before_ms=3_600_000, latest_ms=7_200_000),)
    scripts = written(tmp_path / "plan", plan_of(*moves, window=window))
    text = scripts["lane-1.sh"].read_text()
    assert "not_before='20261205220000' not_before_at='23:00 Europe/Berlin'" in text
    assert "latest='20261205230000' latest_at='Sun 00:00 Europe/Berlin'" in text
    hmc = StubHmc(tmp_path / "hmc", PLACES)
    clock = hmc.home / "bin" / "date"

    def it_is(stamp: str) -> None:
        clock.write_text(f'#!/bin/sh\ncase "$*" in "-u +%Y%m%d%H%M%S") echo {stamp};; *) exec /bin/date "$@";; esac\n')
        clock.chmod(0o755)

    it_is("20261205230001")
    code, said = hmc.run(scripts["lane-1.sh"], "--yes")
    assert code == 6 and "must not begin any more: begun after Sun 00:00 Europe/Berlin" in said and not hmc.heard
    it_is("20261205215959")
    lane = hmc.begin(scripts["lane-1.sh"], until="may not begin before 23:00 Europe/Berlin")
    assert not hmc.heard
    it_is("20261205220000")
    lane.communicate(timeout=20)
    assert lane.returncode == 0


def test_an_inactive_lpar_arrives_as_it_was(tmp_path: Path) -> None:
    scripts = written(tmp_path / "plan", plan_of(replace(MOVES[0], inactive=True, source_msp="", target_msp="")))
    hmc = StubHmc(tmp_path / "hmc", {**PLACES, "A": {"a1": "Not Activated", "A-v1": "Running"}})
    assert hmc.run(scripts["lane-1.sh"], "--yes")[0] == 0 and hmc.servers["B"]["a1"] == "Not Activated"
    assert log(scripts) == []


def test_a_whole_plan_is_carried_out_there_and_back_and_resume_sees_it_so(tmp_path: Path) -> None:
    """All lanes at once, each in its own process: what they make is what the plan says, at its turn and at its end."""
    plan = evacuate(loaded(BASE), Evacuate(servers=("A",), come_back=True), Options(10, work_s=60))
    scripts = written(tmp_path / "plan", plan)
    hmc = StubHmc(tmp_path / "hmc", {
        s.name: {p.name: "Running" for p in BASE.lpars if p.server == s.name} | {f"{s.name}-v1": "Running"}
        for s in BASE.servers})
    for back, moves in ((False, plan.leg("out")), (True, plan.moves)):
        lanes = [hmc.begin(p, until="validation") for n, p in scripts.items() if n.endswith("-back.sh") is back]
        assert lanes and [(lane.communicate(timeout=30), lane.returncode)[1] for lane in lanes] == [0] * len(lanes)
        then = carried_out(BASE, moves)
        assert {p.name: p.server for p in then.lpars} == {n: s for s, names in hmc.servers.items() for n in names if "-" not in n}
        rest = resume(loaded(then), plan, Options(10), on=not back)
        assert verify_plan(plan, then, another_estate=back).holds and [m.leg for m in rest.moves] == ["back"] * (0 if back else len(plan.leg("back")))
    assert len(log(scripts)) == len(plan.moves)


def test_two_consoles_are_two_variables(tmp_path: Path) -> None:
    of = changed(BASE, "B", console="far.example.com")
    scripts = written(tmp_path / "plan", plan_of(MOVES[0]), of)
    hmc = StubHmc(tmp_path / "hmc", PLACES)
    code, said = hmc.run(scripts["lane-1.sh"], "--yes", CONSOLE_2="me@here")
    assert code == 0, said
    assert all(x.startswith("me@here: migrlpar") and "--ip far.example.com" in x for x in hmc.heard)
    asked = (hmc.home / "heard").read_text()
    assert "hscroot@far.example.com: lssyscfg -r lpar -m B" in asked and "me@here: lssyscfg -r lpar -m A" in asked


def test_a_console_that_nobody_states_must_be_given(tmp_path: Path) -> None:
    of = BASE.replace(servers=tuple(replace(s, console="") for s in BASE.servers))
    scripts = written(tmp_path / "plan", plan_of(MOVES[0]), of)
    hmc = StubHmc(tmp_path / "hmc", PLACES)
    code, said = hmc.run(scripts["lane-1.sh"], "--yes")
    assert code == 2 and "HMC must say where to log in" in said
    assert hmc.run(scripts["lane-1.sh"], "--yes", HMC="me@there")[0] == 0


def test_an_ivm_is_logged_into_as_padmin(tmp_path: Path) -> None:
    of = changed(changed(BASE, "A", console="A-v1"), "B", console="B-v1")
    text = written(tmp_path / "plan", plan_of(MOVES[0]), of)["lane-1.sh"].read_text()
    assert "CONSOLE_1=${CONSOLE_1:-'padmin@A-v1'}" in text and "CONSOLE_2=${CONSOLE_2:-'padmin@B-v1'}" in text and ",IVM" in text


def test_waves_become_sessions_that_wait_for_the_wave_before() -> None:
    moves = (Move("a1", "A", "B", wave=1), Move("a2", "A", "B", wave=2), Move("b1", "B", "C", wave=1),
             Move("a1", "B", "A", "back", wave=3))
    made = in_sessions(plan_of(*moves))
    assert [(m.number, m.lpar, m.lane, m.waits_for) for m in made.moves] == [
        (1, "a1", 1, ()), (2, "b1", 2, ()), (3, "a2", 1, (1, 2)), (4, "a1", 1, ())]
    assert in_sessions(made) is made
    assert [name for name, _ in lane_scripts(plan_of(*moves), Site(BASE))] == ["lane-1.sh", "lane-2.sh", "lane-1-back.sh"]


SHELLCHECK = shutil.which("shellcheck", path=f"{Path(sys.executable).parent}:{os.environ.get('PATH', '')}") or ""
"""Of the test environment, which need not be on the path."""


@pytest.mark.skipif(not SHELLCHECK, reason="shellcheck is not installed")
def test_shellcheck_finds_nothing(tmp_path: Path) -> None:
    of = estate([server("A"), server("B")], [lpar(name, "A") for name in NAMES])
    moves = [Move(name, "A", "B", number=n, lane=1, start_ms=n, not_before_ms=n,
                  waits=(Wait(n - 1, "ended", "", name),) if n > 1 else ()) for n, name in enumerate(NAMES, 1)]
    (script,) = written(tmp_path / "plan", plan_of(*moves), of).values()
    done = subprocess.run([SHELLCHECK, script], text=True, capture_output=True, check=False)
    assert done.returncode == 0, done.stdout
