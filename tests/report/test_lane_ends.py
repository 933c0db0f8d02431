"""Where a lane's script leaves things, what the runbook says of that in words, and what the cockpit makes of the script's log and of
the consoles' listings: three papers of one plan that must not differ in the middle of the night."""

from __future__ import annotations

import re
import shlex
import subprocess
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from cockpit import block, in_node, needs_node
from estates import BASE, changed
from stub_hmc import StubHmc
from test_lane_scripts import MOVES, PLACES, plan_of, written

from planner.estate.model import Estate
from planner.report.lane_scripts import LOG
from planner.report.runbook import runbook
from tests import papers

IVMS = {"A-v1": "A", "B-v1": "B", "C-v1": "C"}

_COCKPIT = """
  const seen = Engine.read(M, arg.text), run = Engine.logged(M, fresh(), seen.runs);
  let R = run.ticks.reduce((r, t, k) => Engine.tick(M, r, t.n, t.event, iso(60 * k)), fresh());
  const looked = Engine.observed(M, R, seen.facts, 600);
  R = looked.ticks.reduce((r, t, k) => Engine.tick(M, r, t.n, t.event, iso(600 + k)), R);
  const S = states(R), now = Z + 1000 * arg.now;
  return { states: Object.fromEntries([...S].map(([n, s]) => [n, s.events.map(e => e.event).join(" ")])), odd: seen.odd,
    said: [...run.said, ...looked.said], held: Engine.heldUp(M, 1), hands: Engine.hands(M, S, R, now, null).filter(h => h.n).map(h => [h.kind, h.n]),
    commands: P.moves[0].commands, stop: P.moves[0].minutes[2] };
"""


@dataclass(frozen=True)
class End:
    """What a fault of move 1 leaves: the script's exit code, what its log has, the cockpit's ticks after its log and the listings are
    pasted, and what needs hands then; words of the runbook that are about it."""

    fault: dict[str, Any]
    code: int
    log: tuple[str, ...]
    ticks: str
    hands: tuple[str, int]
    runbook: str


ENDS = {
    "all is well": End({}, 0, ("ok", "ok"), "arrived", ("start", 3), "then the target says exactly `Running` and the source does not list"),
    "refused validation": End({"validate": {"a1": "HSCLA29A: no path"}}, 3, (), "", ("start", 1), "A validation fails"),
    "not made": End({"move": {"a1": "refused"}}, 1, ("failed",), "started failed stopped recovered", ("start", 1), "A move has failed, or runs where it was"),
    "half-way": End({"move": {"a1": "half"}}, 1, ("failed",), "started failed", ("stop", 1), "hangs or fails half-way"),
    "hang": End({"move": {"a1": "hang"}}, 4, (), "started", ("hangs", 1), "hangs or fails half-way"),
    "lost connection": End({"move": {"a1": "lost"}}, 0, ("ok", "ok"), "started arrived", ("start", 3), "Do not take its moves for failed"),
    "never begun": End({"move": {"a1": "cut"}}, 1, (), "", ("start", 1), "A session or the console is lost"),
}


@cache
def paper(of: Estate) -> str:
    return runbook(plan_of(*MOVES), of)


def listed(hmc: StubHmc) -> str:
    """What the cockpit's own line of queries prints of all servers."""
    return "".join(f"# {server}\n" + "".join(f"{name},{state}\n" for name, state in lpars.items()) for server, lpars in hmc.servers.items())


def typed(hmc: StubHmc, console: str, line: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["ssh", console, line], env=hmc.environment, capture_output=True, text=True, check=False)


@needs_node
@pytest.mark.parametrize("kind", ENDS)
def test_script_runbook_and_cockpit_say_the_same(kind: str, tmp_path: Path) -> None:
    end, plan, row = ENDS[kind], plan_of(*MOVES), papers.numbered(paper(BASE))["1"]
    scripts, hmc = written(tmp_path / "plan", plan), StubHmc(tmp_path / "hmc", PLACES)
    script, own = scripts["lane-1.sh"], scripts["lane-1.sh"].read_text()
    stop_min = re.search(r"stop_min=(\d+)", own)[1]
    if kind == "hang":
        script.write_text(own.replace(f"stop_min={stop_min}", "stop_min=0"))
    hmc.wrong(**end.fault)
    code, said = hmc.run(script, "--yes")
    log = (script.parent / LOG).read_text()
    told = in_node(tmp_path, block(plan, BASE), _COCKPIT, {"text": log + listed(hmc), "now": 600 + 60 * int(stop_min) + 60})

    assert (code, tuple(re.findall(r",(ok|failed),", log))) == (end.code, end.log) and end.runbook in paper(BASE)
    assert told["states"]["1"].endswith(end.ticks) and tuple(told["hands"][0]) == end.hands, told
    assert told["stop"] == int(stop_min) == int(row["Stop at"]) and not told["odd"]
    # nobody is to begin what the script and the runbook hold back, and those are what the cockpit holds up
    assert told["held"] == [int(n) for n in re.findall(r"(\d+) \w+", row["If it fails, hold back"])] == [2, 3]
    assert code in (0, 4) or kind == "never begun" or "2 a2 (lane 1), 3 b1 (lane 2)" in said
    where = {server for server, lpars in hmc.servers.items() if "a1" in lpars}
    assert where == ({"B"} if code == 0 else {"A", "B"} if kind in ("half-way", "hang") else {"A"})
    assert not code or (told["states"]["2"] == told["states"]["3"] == "" and "a2" in hmc.servers["A"])
    if kind in ("half-way", "hang"):
        steps = [line.strip() for line in said.splitlines() if line.strip().startswith("migrlpar -o")]
        assert steps == [told["commands"]["stop"], told["commands"]["recover"]]
        (way,) = (r for rows in papers.tables(papers.section(paper(BASE), "If something fails")) for r in rows if r.get("It moves") == "from A")
        assert [way[k].strip("`").replace("LPAR", "a1") for k in ("2. Stop it", "3. Recover it")] == steps


@needs_node
def test_an_evening_of_ivms_over_ssh(tmp_path: Path) -> None:
    """Each IVM knows its own server only, is logged into as padmin and is given the other's address; a half-way move is stopped and
    recovered by the lines that the script prints, on the console that it names, and the lane goes on."""
    of = BASE
    for console, server in IVMS.items():
        of = changed(of, server, console=console)
    scripts, hmc = written(tmp_path / "plan", plan_of(*MOVES), of), StubHmc(tmp_path / "hmc", PLACES, IVMS)
    hmc.wrong(move={"a1": "half"})
    code, said = hmc.run(scripts["lane-1.sh"], "--yes")
    assert code == 1 and hmc.servers["A"]["a1"] == hmc.servers["B"]["a1"] == "Migrating - Running", said
    assert typed(hmc, "padmin@A-v1", "migrlpar -o r -m A -p a1").returncode == 1, "not before it is stopped"
    for word in ("Stop", "Recover"):
        console, line = re.search(rf"\d\. {word} it, (?:on (\S+)|there too):\n\s+(.*)", said).groups()
        done = typed(hmc, console or "padmin@A-v1", line)
        assert done.returncode == 0, (line, done.stderr)
    assert hmc.servers == PLACES
    hmc.wrong()
    assert hmc.run(scripts["lane-1.sh"], "--yes", "--from", "1")[0] == 0
    code, said = hmc.run(scripts["lane-2.sh"], "--yes")
    assert code == 0 and hmc.servers["B"].keys() == {"a1", "a2", "B-v1"} and hmc.servers["C"].keys() == {"b1", "c1"}, said
    for asked in hmc.asked:
        host, _, line = asked.partition(": ")
        order = shlex.split(line)
        assert host == "padmin@" + next(c for c, s in IVMS.items() if s == order[order.index("-m") + 1])
        if order[0] == "migrlpar" and "-t" in order:
            assert order[order.index("--ip") + 1] == next(c for c, s in IVMS.items() if s == order[order.index("-t") + 1])
