"""The JSON block of plan.html: what its scripts draw from, and what the evening needs."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from typing import Any

from planner.estate.policies import owners
from planner.history.zones import zone_of
from planner.names import command
from planner.plan.choices import BACK, OUT
from planner.plan.plan import Move, Plan
from planner.report.checklists import lists_for, needs_rmc
from planner.report.commands import consoles_for, migrlpar, remark, state_query
from planner.report.minutes import Paces
from planner.report.text import between, headline
from planner.report.turns import Turns, ids_before, middle, must_begin_ms, start_order
from planner.rules import Site
from planner.rules.site import own_name


def page_block(plan: Plan, site: Site, seal: str) -> dict[str, Any]:
    """All that the scripts of the page know. Times are seconds from the start of the plan (``clock``); a figure that is
    not known is null.

    - ``plan``, ``estate``: SHA-256 of plan.json (its ``plan_sha256``) and of the estate; ``title``; ``kind`` of the
      question; ``status``; ``verified``.
    - ``clock``: null without a window; else ``local`` (``2026-12-05T22:00``), ``zone`` (IANA, ``""``: the clock never
      changes) and ``epoch_s``, of the start; null where no zone is stated.
    - ``window_s``: [from, to] of each window, {``out``, ``back``}, of those that there are; ``back_from_s``.
    - ``work``: {``from_s``, ``to_s``, ``words``} between the ways; null without a way back. ``total_s``.
    - ``decisions``: ``no_return_s`` (the way back begins by then, or not this night), ``turn_s`` (of a plan
      without one: until then everybody could still be home in time), and of the nights that were drawn
      (null without): ``go_by_s``, ``slack_s`` (how much longer the work may take), ``safe_after`` (numbers of moves:
      those begun so far over, everything is whole), ``left_first`` (LPARs), ``nights``, ``confidence``, ``people``,
      ``in_time``, ``out`` and ``back`` [half of the nights are over by, 9 in 10, 97 in 100].
    - ``pace``: ``people``, ``gap_s`` between a move and what comes after it, ``check_before_s``, ``check_after_s``,
      ``sigma`` of a move and ``common_sigma`` of a night (logarithms), ``failed_share``.
    - ``servers``: ``name``, ``short`` (for pictures), ``console``, ``states`` (the command that lists the LPARs with
      their states) and ``progress`` (the one that lists the migrations).
    - ``lpars``: name → ``typed`` (the name that its console knows), ``gib``, ``cores``, ``os``, ``environment``,
      ``owner``, ``runs`` (software), ``rmc`` (whether it has such a connection).
    - ``checks``: {``list``, ``check``, ``command``, ``lpars``}, what is looked at after the moves.
    - ``in_lanes``; ``lanes``: {``leg``, ``lane``, ``moves``: numbers in their order}. Without lanes the moves go in
      waves: all of a wave together, when those of the wave before on their leg are over.
    - ``moves``: ``n`` (unique; the number in the plan where it has one), ``lpar``, ``leg``, ``lane``, ``wave``,
      ``from`` and ``to`` (names), ``start_s``, ``duration_s``, ``still_s``; ``range`` in 8 of 10 nights, null without:
      ``start`` [P10, P90], ``end`` [P10 or null, P90], ``took`` [P10, P90] or null, ``middle`` [start, end] of a
      middling night, ``latest_s`` (begun later, what follows is not over in time); ``not_before_s``, ``not_after_s``
      (blackouts); ``waits``: {``move``, ``until`` (``arrived`` or ``ended``), ``rule``, ``why``}; ``holds_up``: numbers
      of those that it holds back where it fails; ``minutes`` [from, to, stop it at], whole; ``inactive``,
      ``parking``, ``movers`` [source, target], ``id`` [before, after], ``consoles`` [source's, target's],
      ``commands``: ``validate``, ``move``, ``stop``, ``recover``, ``arrived`` (on the target: says ``state``), ``gone``
      (on the source: must find none), ``remark`` (comments on the options).
    """
    return {
        "plan": seal, "estate": plan.estate_digest, "title": headline(plan), "kind": plan.goal.kind,
        "status": plan.status.value, "verified": plan.verified,
        "clock": _clock(plan), "window_s": _windows(plan), "back_from_s": plan.back_from_s,
        "work": _work(plan), "total_s": plan.total_s, "decisions": _decisions(plan), "pace": _pace(plan, site),
        "servers": _servers(plan, site), "lpars": _lpars(plan, site),
        "checks": _checks(plan, site), "in_lanes": plan.in_lanes, "moves": _moves(plan, site),
        "lanes": [{"leg": leg, "lane": lane, "moves": [m.number for m in moves]}
                  for leg in (OUT, BACK) for lane, moves in plan.lanes(leg)] if plan.in_lanes else []}


def short_names(names: Sequence[str]) -> dict[str, str]:
    """Server → what pictures call it: without a serial number in front, where that still names one alone."""
    short = {name: re.sub(r"^(SN[0-9A-Z]+_|Server-)(?=.)", "", name) for name in names}
    count = Counter(short.values())
    return {name: text if count[text] == 1 else name for name, text in short.items()}


def _seconds(ms: int | None) -> float | None:
    return None if ms is None else ms / 1000


def _clock(plan: Plan) -> dict[str, Any] | None:
    if plan.window is None:
        return None
    start, zone = plan.window.start, plan.window.zone
    return {"local": f"{start:%Y-%m-%dT%H:%M}", "zone": zone,
            "epoch_s": round(start.replace(tzinfo=zone_of(zone)).timestamp()) if zone else None}


def _windows(plan: Plan) -> dict[str, list[float]]:
    if plan.window is None:
        return {}
    every = {OUT: plan.window, BACK: plan.limit(BACK)}
    return {leg: [plan.window.ms_to(w.start) / 1000, plan.window.ms_to(w.end) / 1000]
            for leg, w in every.items() if w is not None and (leg == OUT or plan.leg(leg))}


def _work(plan: Plan) -> dict[str, Any] | None:
    out, back = plan.leg(OUT), plan.leg(BACK)
    if not back or not (out or plan.work_s):
        return None
    return {"from_s": max((m.end_ms for m in out), default=0) / 1000, "to_s": min(m.start_ms for m in back) / 1000,
            "words": between(plan)}


def _decisions(plan: Plan) -> dict[str, Any]:
    evening = plan.evening
    turn = evening.turning.by_ms if evening and evening.turning else None
    told: dict[str, Any] = {"no_return_s": _seconds(must_begin_ms(plan)), "turn_s": _seconds(turn)}
    if evening is None:
        return told | dict.fromkeys(("go_by_s", "slack_s", "safe_after", "left_first", "nights", "confidence", "people",
                                     "in_time", "out", "back"))
    spreads = {leg: spread and [spread.half_ms / 1000, spread.most_ms / 1000, spread.nearly_all_ms / 1000]
               for leg, spread in ((OUT, evening.out), (BACK, evening.back))}
    return told | spreads | {
        "go_by_s": _seconds(evening.go_by_ms), "slack_s": _seconds(evening.slack_ms),
        "safe_after": evening.safe_after, "left_first": evening.left_first, "nights": evening.nights,
        "confidence": evening.confidence, "people": evening.people, "in_time": evening.in_time}


def _pace(plan: Plan, site: Site) -> dict[str, float]:
    p = site.parameters
    return {"people": plan.evening.people if plan.evening else p.people, "gap_s": p.wave_gap_s,
            "check_before_s": p.check_before_s, "check_after_s": p.check_after_s, "sigma": p.duration_sigma,
            "common_sigma": p.common_sigma, "failed_share": p.failed_share}


def _servers(plan: Plan, site: Site) -> list[dict[str, str]]:
    short = short_names([s.server for s in plan.before] or list(site.servers))
    return [{"name": name, "short": short.get(name, name), "console": site.servers[name].console,
             "states": command("lssyscfg", "-r", "lpar", "-m", name, "-F", "name,lpar_id,state,rmc_state"),
             "progress": command("lslparmigr", "-r", "lpar", "-m", name)} for name in short if name in site.servers]


def _lpars(plan: Plan, site: Site) -> dict[str, Any]:
    whose = owners(site.estate)
    return {n: _lpar(site, n) | {"owner": whose.get(n, "")} for n in sorted({m.lpar for m in plan.moves})}


def _lpar(site: Site, name: str) -> dict[str, Any]:
    p = site.lpars[name]
    return {"typed": own_name(site, name), "gib": p.memory_mib / 1024, "cores": p.entitlement_units / 100, "os": p.os,
            "environment": p.environment, "runs": p.software, "rmc": needs_rmc(p) and p.active}


def _checks(plan: Plan, site: Site) -> list[dict[str, Any]]:
    lpars = [site.lpars[n] for n in sorted({m.lpar for m in plan.moves if not m.inactive})]
    return [{"list": one.title, "check": item.text, "command": item.command,
             "lpars": [p.name for p in lpars if one.applies(p)]} for one in lists_for(lpars) for item in one.after]


def _moves(plan: Plan, site: Site) -> list[dict[str, Any]]:
    """In the order in which they start, the way out first."""
    own = ids_before(plan, site.estate)
    turns = Turns(plan) if plan.in_lanes else None
    ranges = {r.number: r for r in plan.evening.moves} if plan.evening else {}
    paces, at, rows = Paces(plan, site), middle(plan), []
    for n, m in enumerate((m for leg in (OUT, BACK) for m in start_order(plan, leg)), 1):
        drawn = ranges.get(m.number)
        rows.append({
            "n": m.number or n, "lpar": m.lpar, "leg": m.leg, "lane": m.lane or None, "wave": m.wave, "from": m.source,
            "to": m.target, "start_s": m.start_ms / 1000, "duration_s": m.duration_ms / 1000,
            "still_s": m.suspend_ms / 1000, "not_before_s": _seconds(m.not_before_ms),
            "not_after_s": _seconds(m.latest_ms), "range": drawn and {
                "start": [drawn.early_ms / 1000, drawn.late_ms / 1000], "end": [None, drawn.over_ms / 1000],
                "took": None if drawn.short_ms is None else [_seconds(drawn.short_ms), _seconds(drawn.long_ms)],
                "middle": [ms / 1000 for ms in at[m]], "latest_s": _seconds(drawn.latest_ms)},
            "waits": [{"move": w.move, "until": w.until, "rule": w.rule, "why": w.why} for w in m.waits],
            "holds_up": [x.number for x in turns.held_back(m)] if turns else [], "inactive": m.inactive,
            "parking": m.parking, "minutes": paces.of(m), "movers": [m.source_msp, m.target_msp],
            "id": [own[m], m.target_id],
            "consoles": consoles_for(site, m.source, m.target), "commands": _commands(m, site, own[m])})
    return rows


def _commands(m: Move, site: Site, own_id: int | None) -> dict[str, str]:
    own = own_name(site, m.lpar)
    steps = {word: migrlpar(m, site, key, own_id)
             for word, key in (("validate", "v"), ("move", "m"), ("stop", "s"), ("recover", "r"))}
    return steps | {
        "arrived": state_query(m.target, [own], rmc=not m.inactive and needs_rmc(site.lpars[m.lpar])),
        "gone": state_query(m.source, [own], rmc=False), "state": "Not Activated" if m.inactive else "Running",
        "remark": remark(m, site)}
