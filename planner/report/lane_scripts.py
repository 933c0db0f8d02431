"""``lane-N.sh``, ``lane-N-back.sh``: what one person does in one terminal, as a script. Each file stands alone.

A script for each way, so that nobody who runs the way out begins the way back: between them somebody decides. It runs
on a machine that reaches the consoles by ``ssh``, as ``planner collect`` does: an HMC lets nobody run scripts of his
own. Where everybody is, is asked of the console: lanes run in different terminals, and people move LPARs by hand as
well. What it says and how it ends: its ``--help``.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from planner.names import can_be_typed, command, shown
from planner.plan.choices import BACK, OUT
from planner.plan.plan import Move, Plan
from planner.report.commands import is_ivm, remark
from planner.report.html import templates
from planner.report.minutes import Paces
from planner.report.sessions import Sessions
from planner.report.text import headline
from planner.report.turns import about, about_span, middle
from planner.rules import Site
from planner.rules.site import own_name
from planner.units import many

LOG = "log.csv"
"""What the lanes of a plan write the times of their moves to, in the form of docs/calibrate.md."""
_HEADER = ("LPAR,Source,Target,Start,End,Result,Memory (GiB),Max memory (GiB),Source mover,Target mover,Link (Mbit/s),"
           "Console")


def lane_scripts(plan: Plan, site: Site) -> Iterator[tuple[str, str]]:
    """(name, text) of the script of each lane of each way."""
    sessions = Sessions(plan, site)
    made = _Scripts(sessions)
    template = templates(html=False).get_template("lane.sh.j2")
    for leg in (OUT, BACK):
        lanes = sessions.plan.lanes(leg)
        for lane, moves in lanes:
            name = f"lane-{lane}{'-back' * (leg == BACK)}.sh"
            zone = f" ({plan.window.zone})" if plan.window and plan.window.zone else ""
            title = (f"{name}: {headline(plan)}: way {leg}, lane {lane} of {len(lanes)}: {many(len(moves), 'move')}, "
                     f"about {about_span(plan, moves)}{zone}")
            yield name, template.render(made.context(moves), name=name, title=shown(title), log=LOG,
                                        header=_word(_HEADER), good="Running")


class _Scripts:
    """What the scripts of a plan say of its moves and consoles."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions, self._plan, self._site = sessions, sessions.plan, sessions.site
        self._turns, self._paces = sessions.turns, Paces(self._plan, self._site)
        self._ranges = {r.number: r for r in self._plan.evening.moves} if self._plan.evening else {}

    def context(self, moves: Sequence[Move]) -> dict[str, Any]:
        """The words of the template for a lane of these moves."""
        awaited = {n for m in moves for n in m.waits_for} - {m.number for m in moves}
        concerned = sorted([*moves, *(self._turns.numbered[n] for n in awaited)], key=lambda m: m.number)
        variables = {name for m in concerned for name in self._sessions.ends[m.number]} | {
            name for m in concerned for later in self._sessions.later(m) for name in self._sessions.ends[later.number]}
        return {
            "moves": [self._told(m) | (self._ordered(m) if m in moves else {"own": False}) for m in concerned],
            "mine": [m.number for m in moves], "rows": list(self._rows(moves)),
            "done": _word(f"all {many(len(moves), 'move')} of the lane have arrived: tell the lead"),
            "utc": bool(self._plan.window and self._plan.window.zone),
            "consoles": [{"variable": self._sessions.variables[name], "login": self._login(name)}
                         for name in sorted(variables)]}

    def _rows(self, moves: Iterable[Move]) -> Iterator[str]:
        at = middle(self._plan)
        for m in moves:
            needs = "; ".join(self._turns.needs(m))
            yield shown(f"{m.number:>5}  {m.lpar}: {m.source} to {m.target}, about {about(self._plan, at[m][0])}"
                        + (f", when {needs}" if needs else ""))

    def _login(self, console: str) -> str:
        if not console or not can_be_typed(console):
            return ""
        user = "padmin" if console in self._sessions.ivms else "hscroot"
        return _word(f"{user}@{console}")

    def _query(self, server: str) -> str:
        return _word(command("lssyscfg", "-r", "lpar", "-m", server, "-F", "state,name"))

    def _told(self, m: Move) -> dict[str, Any]:
        """What is known of a move wherever it is spoken of."""
        later, own, variables = self._sessions.later(m), own_name(self._site, m.lpar), self._sessions.variables
        ends = [variables[name] for name in self._sessions.ends[m.number]]
        return {
            "number": m.number, "lane": m.lane, "lpar": _word(shown(own)), "cell": _word(_csv(own)),
            "source": _word(shown(m.source)),
            "target": _word(shown(m.target)), "good": _word("Not Activated" if m.inactive else "Running"),
            "consoles": ends, "queries": [self._query(m.source), self._query(m.target)],
            "later": [(variables[self._sessions.ends[x.number][1]], self._query(x.target)) for x in later],
            "returns": int(any(x.target == m.source for x in later)),
            "by_hand": int(self._sessions.order(m, "m").startswith("#")),
            "row": _word("" if m.inactive else _csv(own, m.source, m.target)),
            "figures": _word(self._figures(m))}

    def _ordered(self, m: Move) -> dict[str, Any]:
        """What a lane needs to make a move of its own."""
        orders = {word: _word(self._sessions.order(m, step))
                  for word, step in (("validate", "v"), ("order", "m"), ("halt", "s"), ("recover", "r"))}
        drawn = self._ranges.get(m.number)
        held = ", ".join(f"{x.number} {x.lpar} (lane {x.lane})" for x in self._turns.held_back(m))
        return orders | {
            "own": True, "remark": _word(remark(m, self._site)), "held": _word(shown(held)),
            "not_before": self._moment(m.not_before_ms), "latest": self._moment(m.latest_ms),
            "advised": self._moment(drawn.latest_ms if drawn else None), "stop_min": self._paces.of(m).stop,
            "waits": [{"move": w.move, "until": w.until, "why": _word(shown(w.why))} for w in m.waits]}

    def _moment(self, ms: int | None) -> tuple[str, str]:
        stamp, words = self._sessions.moment(ms) or ("", "")
        return _word(stamp), _word(words)

    def _figures(self, m: Move) -> str:
        p, vioses = self._site.lpars[m.lpar], self._site.vioses
        links = [vioses[v].link_mbit for v in (m.source_msp, m.target_msp) if v in vioses]
        link = min(known) if len(known := [x for x in links if x]) == 2 else ""
        most = p.max_memory_mib / 1024 if p.max_memory_mib else ""
        return _csv(p.memory_mib / 1024, most, m.source_msp, m.target_msp, link,
                    "IVM" if is_ivm(self._site, m.source) else "HMC")


def _word(text: str) -> str:
    """A text as one word of the script, in quotes in any case."""
    return "'" + text.replace("'", "'\\''") + "'"


def _csv(*cells: Any) -> str:
    out = io.StringIO()
    csv.writer(out, lineterminator="").writerow(shown(c) if isinstance(c, str) else c for c in cells)
    return out.getvalue()
