"""playbook.yml: what its tasks say, and what becomes of it on a console that is played. The collection is played too."""

from __future__ import annotations

import datetime as dt
import re
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from estates import BASE, changed, estate, loaded, lpar, server
from jinja2 import Environment
from stub_hmc import StubHmc

from planner.estate.model import Estate
from planner.jobs import Options, evacuate
from planner.plan.plan import Move, Plan, Wait, Window
from planner.plan.questions import Evacuate
from planner.report.playbook import ARGUMENTS, playbook
from planner.rules import Site

COMMAND, MIGRATION = "ibm.power_hmc.hmc_command", "ibm.power_hmc.powervm_lpar_migration"
MOVES = (
    Move("a1", "A", "B", number=1, lane=1, duration_ms=60_000, source_msp="A-v1", target_msp="B-v1"),
    Move("a2", "A", "B", number=2, lane=1, start_ms=60_000, duration_ms=60_000),
    Move("b1", "B", "C", number=3, lane=2, start_ms=60_000, duration_ms=60_000,
         waits=(Wait(1, "arrived", "memory.capacity", "needs the room that a1 leaves on A"),)))
PLACES = {"A": {"a1": "Running", "a2": "Running"}, "B": {"b1": "Running", "v": "Running"}, "C": {"c1": "Running"}}
NAMES = ["a b", "a  b", 'say "x"', "$(touch oops)", "`id`", "müßig", "-o", "\\x", "!x", "#1", "{{ 1 + 1 }}", "a: b", "yes"]


class Loader(yaml.SafeLoader):
    """YAML with Ansible's ``!unsafe``, whose texts are no templates."""


class Unsafe(str):
    """Such a text."""


Loader.add_constructor("!unsafe", lambda loader, node: Unsafe(loader.construct_scalar(node)))


@cache
def evacuation() -> Plan:
    return evacuate(loaded(BASE), Evacuate(servers=("A",)), Options(10))


def plays(*moves: Move, of: Estate = BASE, window: Window | None = None) -> list[dict[str, Any]]:
    text = playbook(evacuation().replace(moves=moves, window=window, evening=None), Site(of))
    read: list[dict[str, Any]] = yaml.load(text, Loader)
    return read


def tasks(play: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for task in play["tasks"]:
        yield from task.get("block", [task])


def client(line: str) -> str:
    """What the collection's client hands to a shell."""
    return f"ssh 'hscroot'@hmc1  '{line}'"


def line_of(task: dict[str, Any]) -> str:
    if COMMAND in task:
        return str(task[COMMAND]["cmd"])
    said = task[MIGRATION]
    target = f" -t {said['dest_system']}" if "dest_system" in said else ""
    return f"migrlpar -o {said['action'][0]} -m {said['src_system']}{target} -p {','.join(said['vm_names'])}"


def played(hmc: StubHmc, play: dict[str, Any], tries: int = 3) -> str:
    """A lane as Ansible would play it; the name of the task at which it ends, ``""``: it goes through."""
    words = Environment()
    words.filters |= {"regex_replace": lambda text, old, new: re.sub(old, new, text), "bool": bool}
    known: dict[str, Any] = {"ask": False}

    def rendered(text: str) -> str:
        return text if isinstance(text, Unsafe) else words.from_string(text).render(known)

    def holds(text: str) -> bool:
        return bool(words.compile_expression(text)(**known))

    for outer in play["tasks"]:
        known |= {k: rendered(v) for k, v in outer.get("vars", {}).items()}
        for task in outer.get("block", [outer]):
            if not all(holds(t["when"]) for t in ([outer] if task is outer else [outer, task]) if "when" in t):
                continue
            known |= {k: rendered(v) for k, v in task.get("vars", {}).items()}
            line = line_of(task)
            for _ in range(tries):
                done = subprocess.run(client(line if COMMAND not in task else rendered(task[COMMAND]["cmd"])), shell=True,
                                      env=hmc.environment, capture_output=True, text=True, check=False)
                answer = {"command_output": done.stdout.strip("\n").split("\n")} if done.returncode == 0 else {}
                known[task.get("register", "nobody")] = answer
                if "until" not in task or holds(task["until"]):
                    break
            else:
                return str(task["name"])
            if (done.returncode and "until" not in task) or ("failed_when" in task and holds(task["failed_when"])):
                return str(task["name"])
    return ""


def test_modules_are_given_what_they_take() -> None:
    told = [t for play in plays(*MOVES) for t in tasks(play)]
    assert {k for t in told for k in t if "." in k} == {COMMAND, MIGRATION, "ansible.builtin.pause"}
    assert all(t[COMMAND].keys() == {"hmc_host", "hmc_auth", "cmd"} for t in told if COMMAND in t)
    given = [t[MIGRATION] for t in told if MIGRATION in t]
    assert all(set(g) <= set(ARGUMENTS) for g in given)
    assert [(g["action"], g["vm_names"], g.get("dest_system")) for g in given if g["action"] != "recover"] == [
        ("validate", ["a2"], "B"), ("migrate", ["a2"], "B"), ("validate", ["b1"], "C"), ("migrate", ["b1"], "C")]
    assert [g["vm_names"] for g in given if g["action"] == "recover"] == [["a1"], ["a2"], ["b1"]]
    assert all(t["name"][0].isupper() for t in told)


def test_nothing_is_played_that_nobody_asks_for() -> None:
    every = plays(*MOVES, replace(MOVES[0], number=4, lane=1, leg="back", source="B", target="A", start_ms=9))
    assert [p["tags"] for p in every] == [["never", "lane_1"], ["never", "lane_2"], ["never", "lane_1_back"], ["never"]]
    assert [t["tags"] for t in tasks(every[3])] == [[f"{w}_{n}"] for n in (1, 2, 3, 4) for w in ("stop", "recover")]


def test_lanes_move_and_wait_for_each_other(tmp_path: Path) -> None:
    hmc = StubHmc(tmp_path / "hmc", {**PLACES, "A": {**PLACES["A"], "v": "Running"}})
    first, second, *_ = plays(*MOVES)
    assert played(hmc, second) == "Move 3: waits until move 1 a1 (lane 1) has left" and not hmc.heard
    assert played(hmc, first) == "" and hmc.servers["B"].keys() == {"a1", "a2", "b1", "v"}
    assert played(hmc, second) == "" and hmc.servers["C"].keys() == {"b1", "c1"}
    said = len(hmc.heard)
    assert played(hmc, first) == "" and len(hmc.heard) == said


@pytest.mark.parametrize(("fault", "ends"), [
    ({"validate": {"a1": "no"}}, "Move 1 a1: validate"), ({"move": {"a1": "refused"}}, "Move 1 a1: move"),
    ({"move": {"a1": "half"}}, "Move 1 a1: move"), ({"move": {"a1": "cut"}}, "Move 1 a1: move"),
    ({"unreachable": 99}, "Move 1 a1: has it arrived already")])
def test_a_lane_ends_where_something_fails(fault: dict[str, Any], ends: str, tmp_path: Path) -> None:
    hmc = StubHmc(tmp_path / "hmc", PLACES)
    hmc.wrong(**fault)
    assert played(hmc, plays(*MOVES)[0]) == ends and "a2" in hmc.servers["A"]


def test_who_is_not_as_planned_is_not_moved(tmp_path: Path) -> None:
    hmc = StubHmc(tmp_path / "hmc", {**PLACES, "A": {"a1": "Not Activated"}})
    assert played(hmc, plays(*MOVES)[0]) == "Move 1 a1: is Running on its source" and not hmc.heard


@pytest.mark.parametrize("name", NAMES)
def test_names_survive(name: str, tmp_path: Path) -> None:
    of = estate([server("A"), server("B b")], [lpar(name, "A")])
    hmc = StubHmc(tmp_path / "hmc", {"A": {name: "Running", "v": "Running"}, "B b": {"w": "Running"}})
    (lane, _) = plays(Move(name, "A", "B b", number=1, lane=1, duration_ms=1000), of=of)
    assert played(hmc, lane) == "" and hmc.servers["B b"].keys() == {name, "w"} and not list(tmp_path.rglob("oops"))


@pytest.mark.parametrize("name", ["it's", "a\u202eb", "a\nb"])
def test_what_cannot_be_handed_on_is_for_a_person(name: str) -> None:
    of = estate([server("A"), server("B")], [lpar(name, "A"), lpar("z", "A")])
    first, second, stop = plays(Move(name, "A", "B", number=1, lane=1, duration_ms=1000),
                                Move("z", "A", "B", number=2, lane=2, duration_ms=1000, waits=(Wait(1, "ended", "", ""),)), of=of)
    (by_hand,) = tasks(first)
    assert "Make it by lane-N.sh" in by_hand["ansible.builtin.pause"]["prompt"]
    assert next(t for t in tasks(second) if t.get("tags") == ["wait_1"])["ansible.builtin.pause"]
    assert [t["tags"] for t in tasks(stop)] == [["stop_2"], ["recover_2"]]


def test_an_ivm_is_not_spoken_to() -> None:
    of = changed(changed(BASE, "A", console="A-v1"), "B", console="B-v1")
    (lane, stop) = plays(MOVES[0], of=of)
    (by_hand,) = tasks(lane)
    assert "an IVM" in by_hand["ansible.builtin.pause"]["prompt"] and not stop["tasks"]


def test_clocks_are_asserted() -> None:
    window = Window(dt.datetime(2026, 12, 5, 22), dt.datetime(2026, 12, 6, 4), zone="Europe/Berlin")
    lane, _ = plays(replace(MOVES[0], not_before_ms=3_600_000, latest_ms=7_200_000), window=window)
    asserted = [t["ansible.builtin.assert"]["that"] for t in tasks(lane) if "ansible.builtin.assert" in t]
    now = "now(utc=true).strftime('%Y%m%d%H%M%S')"
    assert asserted == [f'{now} >= "20261205220000"', f'{now} <= "20261205230000"']


def test_two_consoles_have_two_addresses() -> None:
    lane, _ = plays(MOVES[0], of=changed(BASE, "B", console="far.example.com"))
    hosts = {t[COMMAND]["hmc_host"] for t in tasks(lane) if COMMAND in t}
    assert hosts == {"{{ console_1 | default('far.example.com') }}", "{{ console_2 | default('hmc1') }}"}
    assert any("--ip far.example.com" in t[COMMAND]["cmd"] for t in tasks(lane) if COMMAND in t)
