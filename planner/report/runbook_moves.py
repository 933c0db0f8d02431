"""The ways of a runbook: what holds in all of it, then a section a lane (or wave), in it a row a move."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from planner.findings import assumed
from planner.plan.choices import BACK, OUT
from planner.plan.plan import Move, Plan
from planner.report.checklists import PERMANENT, lists_of, needs_rmc
from planner.report.commands import consoles_for, migrlpar, remark, vnic_lines
from planner.report.decisions import between_the_ways
from planner.report.markdown import BOX, in_cell, table
from planner.report.minutes import Paces
from planner.report.night import about_nights
from planner.report.runbook_preparation import validated_homewards
from planner.report.runbook_steps import arrivals, items, on_consoles, sole_console
from planner.report.site_checks import AFTER_A_WAVE, WHILE_IT_MOVES
from planner.report.text import md, movers, stands_still
from planner.report.turns import Turns, about, hour, ids_before, must_begin_ms
from planner.rules import Site
from planner.units import many, show_duration, show_minutes, some

_WAY = {OUT: "Way out", BACK: "Way back"}
_HELD = 6
"""Moves to be held back that are named at most."""


def every_lane(plan: Plan, site: Site) -> Iterator[str]:
    """What holds in every lane, or wave, said once."""
    if not plan.moves:
        return
    live = [m for m in plan.moves if not m.inactive]
    yield f"## In every {'lane' if plan.in_lanes else 'wave'}\n"
    if plan.in_lanes:
        yield from _LANES
        if gap := site.parameters.wave_gap_s:
            yield f"- Between a move and what comes after it: {show_duration(gap)} for checks (in the predicted times)."
    else:
        yield ("- The moves of a wave start together (one session each); the next wave begins when all are over.")
    yield ("- *Minutes*: 8 in 10 such moves take that long; *stop at*: 99 in 100 are over by then, so stop it (If "
           "something fails). *Stands still*: how long it answers nobody.")
    yield ("- `migrlpar -o m` validates once more and moves only if that passes. **Good**: it ends without an error, "
           "then the target says exactly `Running` and the source does not list the LPAR any more: it **has arrived**. "
           "`Migrating - Running` is still on its way.")
    yield "- The queries below each table ask where its LPARs are, and those that they wait for."
    if len(live) < len(plan.moves):
        yield ("- One that is marked *inactive* is `Not Activated` and stays so: the console migrates its last valid "
               "configuration by the same command, without movers. It has arrived when its target says exactly "
               "`Not Activated` and its source does not list it any more; its profiles are there. Nobody activates it "
               "meanwhile; its lists are for the day on which it is activated there.")
    if any(needs_rmc(site.lpars[m.lpar]) for m in live):
        yield "- Its RMC (`rmc_state`; IBM i has none) is active again some minutes after that."
    yield ("- *Lists*: those of the appendix that its LPAR needs; before the move what stands under *before* there "
           "(what was done in Preparation still holds), after it what stands under *after*.")
    yield from items(WHILE_IT_MOVES if live else (), "-")
    yield ""


_LANES = (
    "- A lane is one session, to which one person sees: its moves go one after the other, beside those of the other "
    "lanes. *Start when* says when a move may start, and nothing else counts: it may be earlier or later than "
    "predicted, nobody waits for a clock but where *not before* is said.",
    "- *Begins*: in 8 nights of 10; *latest*: begun later, what follows is not over in time as often as asked.",
    "- `lane-N.sh`, on the way back `lane-N-back.sh`, does what stands here for lane N: asks, moves, waits and logs.",
    "- **Tell all lanes** at once when a move has arrived, and when one has failed: others wait for it.",
)


def ways(plan: Plan, site: Site, leg: str) -> Iterator[str]:
    """One way: its lanes or waves, its end."""
    if leg == BACK:
        yield "## The way back\n"
        yield from validated_homewards(plan, site)
    rows = _Rows(plan, site, leg)
    zone = f", {md(plan.window.zone)}" if plan.window is not None and plan.window.zone else ""
    if not plan.leg(leg):
        return
    if plan.in_lanes:
        for lane, moves in plan.lanes(leg):
            yield f"## {_WAY[leg]}, lane {lane}: {many(len(moves), 'move')}, {about_nights(plan, moves)}{zone}\n"
            yield from rows.section(moves)
    else:
        waves = [m for _, wave in plan.waves(leg) for m in wave]
        yield f"## {_WAY[leg]}, {many(len(plan.waves(leg)), 'wave')}: {about_nights(plan, waves)}{zone}\n"
        yield from rows.section(waves)
    yield from _through(plan, site, leg)


class _Rows:
    """The rows of one way."""

    def __init__(self, plan: Plan, site: Site, leg: str) -> None:
        self.plan, self.site, self.leg = plan, site, leg
        self.own = ids_before(plan, site.estate)
        self.turns, self.paces = Turns(plan), Paces(plan, site)
        self.gated = {f.subject for f in assumed(plan.findings)} if leg == OUT else set()
        self.alone = bool(sole_console(site))

    def section(self, moves: Sequence[Move]) -> Iterator[str]:
        """The table of a lane or wave, what is to be known of single moves, and the queries that show who has
        arrived."""
        heads = ("No.", "Wave", "LPAR", "Start when", "Begins; latest", "Minutes; stands still", "Stop at",
                 "If it fails, hold back", "Console", "Command", "Began, arrived", "Before, after: lists")
        yield from table(heads, [self._row(m) for m in moves])
        notes = [f"- {md(m.lpar)}: {md(line)}" for m in moves for line in vnic_lines(m, self.site)]
        notes += dict.fromkeys(f"- {md(line.removeprefix('# '))}" for m in moves
                               for line in remark(m, self.site).splitlines())
        if notes:
            yield from (*notes, "")
        waited = [self.turns.numbered[n] for m in moves for n in m.waits_for]
        yield from on_consoles(self.site, arrivals(self.site, moves, waited))

    def _row(self, m: Move) -> tuple[str, ...]:
        minutes, command = self.paces.of(m), migrlpar(m, self.site, "m", self.own[m])
        held = some((f"{x.number} {md(x.lpar)}" for x in self.turns.held_back(m)), _HELD) if m.lane else ""
        console = "" if self.alone else md(consoles_for(self.site, m.source, m.target)[0])
        lists = "" if m.inactive else " ".join(c.key for c in lists_of(self.site.lpars[m.lpar]))
        wave = "" if m.lane else str(m.wave)
        return (str(m.number or ""), wave, self._who(m, command), self._start(m), self._begins(m),
                f"{minutes.low}–{minutes.high}; {stands_still(m)}", f"{minutes.stop}", held,
                console, in_cell(command), f"{BOX} ..:.. {BOX} ..:..",
                f"{BOX} {BOX} {lists}" if lists else "")

    def _who(self, m: Move, command: str) -> str:
        own = self.own[m]
        changed = m.target_id is not None and m.target_id != own
        number = f", id {'?' if own is None else own} → {m.target_id}" if changed else ""
        marks = f"{', parking' * m.parking}{', inactive' * m.inactive}"
        over = f", over {md(movers(m))}" * bool(m.source_msp and m.source_msp not in command)
        return f"**{md(m.lpar)}** {md(m.source)} → {md(m.target)}{number}{marks}{over}"

    def _start(self, m: Move) -> str:
        first = "the lead says go" if m.leg == OUT else f"{between_the_ways(self.plan)[1]} and the lead says go"
        said = [md(need) for need in self.turns.needs(m) or [first]] if m.lane else []
        said += ["its gates are settled"] * (m.lpar in self.gated)
        said += [f"it is `Not Activated` on {md(m.source)}"] * m.inactive
        if m.latest_ms is not None:
            said.append(f"not after {about(self.plan, m.latest_ms)}: begun later it may run into a time in which it "
                        "must not move")
        return "; ".join(said)

    def _begins(self, m: Move) -> str:
        drawn = self.paces.drawn.get(m.number)
        if drawn is None:
            return f"about {hour(self.plan, m.leg, m.start_ms)}"
        early, late = (hour(self.plan, m.leg, ms) for ms in (drawn.early_ms, drawn.late_ms))
        span = early if early == late else f"{early}–{late}"
        if drawn.latest_ms is None:
            return span
        return f"{span}; {hour(self.plan, m.leg, drawn.latest_ms) if drawn.latest_ms >= 0 else 'none is early enough'}"


def _through(plan: Plan, site: Site, leg: str) -> Iterator[str]:
    """What is looked at when all of a way is through, and what is then decided."""
    yield f"## {_WAY[leg]}: when all {'lanes' if plan.in_lanes else 'waves'} are through\n"
    numbered = sorted(m.number for m in plan.leg(leg) if m.number)
    whole = ("All have arrived" if not numbered else f"Move {numbered[0]} has arrived" if len(numbered) == 1 else
             f"Moves {numbered[0]} to {numbered[-1]} have arrived")
    yield f"- [ ] {whole}; one that has not is written down with where it runs"
    yield from items(AFTER_A_WAVE)
    if leg == OUT and plan.leg(BACK):
        yield (f"- [ ] **Go or no-go** for {between_the_ways(plan)[0]}, by the lead: go only if all of them have "
               "arrived; else those that have arrived stay and run, or take the way back")
        if plan.in_lanes and (last := must_begin_ms(plan)) is not None:
            work = f"; the work takes {show_minutes(plan.work_s)}" if plan.work_s else ""
            yield (f"- The way back, about {show_minutes(plan.leg_span_s(BACK))}, must begin by {about(plan, last)} to "
                   f"be over by the end of the window{work}")
    elif leg == OUT:
        stay = dict.fromkeys(m.lpar for m in plan.leg(OUT) if not m.parking)
        yield f"- [ ] {PERMANENT.text}: {md(', '.join(stay))}" if stay else ""
    yield ""

